"""The asyncio transport, on aiohttp. It sends once: no retries, no redirects, no reading of statuses.

It belongs to the event loop in which it was first used. When that loop is closed, or after a fork, it starts anew; in a
second loop that runs beside the first it refuses to work. A short request goes out over a connection of the session
without the session's own machinery, which takes twice the work of the request itself.
"""

from __future__ import annotations

import asyncio
import errno
import os
import select
import socket
import ssl as ssl_module
from collections.abc import AsyncGenerator, Mapping
from functools import cached_property, lru_cache
from http import HTTPStatus
from io import BytesIO
from math import inf
from typing import Any, NamedTuple
from weakref import WeakSet

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage
from yarl import URL

from portrait.errors import UsageError
from portrait.http import FailureKind, HttpRequest, HttpResponse, Timeouts, TransportFailure
from portrait.transports.common import MAX_RESPONSE_BYTES, encode_head, parse_request_url, ssl_context
from portrait.transports.deadlines import Deadline, Deadlines
from portrait.transports.failures import Phase, transport_failure
from portrait.transports.proxies import ProxyResolver
from portrait.transports.whole_response import WholeResponse
from portrait.urls import is_loopback, is_loopback_address, local_name

# Of these aiohttp says with certainty that there was no connection yet.
_CONNECT_ERRORS = (
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ClientConnectorError,
    aiohttp.InvalidURL,
)
_SHORT = 64 * 1024  # bytes that are written at once
_LARGE_BODY = 512 * 1024
_MALFORMED = (aiohttp.ClientPayloadError, aiohttp.ClientResponseError, HttpProcessingError)
_ERRORS = (TimeoutError, aiohttp.ClientError, HttpProcessingError, OSError)


@lru_cache(maxsize=64)
def _timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    connect, read, total = (_finite(limit) for limit in (timeouts.connect, timeouts.read, timeouts.total))
    first = min((limit for limit in (connect, total) if limit is not None), default=None)
    return aiohttp.ClientTimeout(total=total, connect=first, sock_read=read)


def _finite(limit: float | None) -> float | None:
    """Aiohttp cannot count to infinity."""
    return None if limit == inf else limit


class _Resolver(AbstractResolver):
    """Finds the names that stand for this machine on it, whatever a name server says (RFC 6761 §6.3)."""

    def __init__(self) -> None:
        self._resolver: AbstractResolver = aiohttp.DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if not is_loopback(host):
            return await self._resolver.resolve(host, port, family)
        found = await self._resolver.resolve(local_name(host), port, family)
        local = [each for each in found if is_loopback_address(each["host"])]
        for each in local:
            each["hostname"] = host
        if not local:
            raise OSError(errno.EADDRNOTAVAIL, "the name has no address of this machine")
        return local

    async def close(self) -> None:
        await self._resolver.close()


class _Connector(aiohttp.TCPConnector):
    """Says of each failure to connect that nothing was sent, and gives no connection that has ended or says anything.

    What arrived on an idle connection is no answer to the next request, and one that was closed meanwhile would make
    a request of which nobody knows whether it was carried out.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        try:
            connection = await super().connect(req, traces, timeout)
            while (protocol := connection.protocol) in self._used and not _is_idle(protocol):
                connection.close()
                connection = await super().connect(req, traces, timeout)
        except asyncio.CancelledError as error:
            # aiohttp's total limit cancels, and raises its TimeoutError from this very exception.
            error.unsent = True  # type: ignore[attr-defined]
            raise
        except Exception as error:
            proxy = str(req.proxy) if req.proxy else None
            if isinstance(error, aiohttp.ClientHttpProxyError):
                error.__cause__ = OSError(f"Tunnel connection failed: {error.status}")  # as http.client says it
            raise transport_failure(error, Phase.CONNECT, malformed=_MALFORMED, proxy=proxy) from error
        if protocol is not None:
            self._used.add(protocol)
        return connection


def _is_idle(protocol: ResponseHandler | None) -> bool:
    """Whether nothing has arrived on a connection, not even its end; the event loop may not have looked yet."""
    if protocol is None or protocol.should_close or protocol.transport is None:
        return False
    sock = protocol.transport.get_extra_info("socket")
    return sock is None or not _is_readable(sock.fileno())


def _is_readable(descriptor: int) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class _Template(aiohttp.ClientRequest):
    """A request that says which connection others need, without finding it out for each of them."""

    @cached_property
    def connection_key(self) -> aiohttp.client_reqrep.ConnectionKey:
        return super().connection_key


class _Direct(NamedTuple):
    """How short requests go that need nothing of the session but a connection.

    Attributes:
        connector: Of the session.
        template: Says which connection.
        headers: Those of aiohttp that a request gets if it lacks them: names in lower case, and their lines.
        deadlines: Of the event loop.
    """

    connector: aiohttp.BaseConnector
    template: _Template
    headers: tuple[tuple[str, str], ...]
    deadlines: Deadlines


class _Route(NamedTuple):
    """How requests to an address go.

    Attributes:
        url: The address as aiohttp takes it.
        proxy: The URL of the proxy in between.
        direct: For short requests; None behind a proxy, and with a caller's session.
    """

    url: URL
    proxy: str | None
    direct: _Direct | None = None


class AiohttpTransport:
    """Sends over an aiohttp session.

    Args:
        proxy: A proxy's URL; None takes `HTTP_PROXY` and the like from the environment, "" takes none.
        ssl: A context, or the path of a file with CA certificates; None trusts what the machine trusts.
        session: The caller's own session, which is used as it is and not closed.
        connections: How many connections are open at most.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        ssl: ssl_module.SSLContext | str | None = None,
        session: aiohttp.ClientSession | None = None,
        connections: int = 100,
    ) -> None:
        self._external_session = session
        # A caller's session has its own proxy. Ours gets it here, else it reads the environment for every request.
        self._proxy_for = ProxyResolver("" if proxy is None and session is not None else proxy)
        self._route = lru_cache(maxsize=256)(self._find_route)  # once for each address, not for every call
        self._ssl = ssl_context(ssl)
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._close_with_loop: AsyncGenerator[None, None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._deadlines: Deadlines | None = None
        self._pid = os.getpid()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send once.

        Raises:
            TransportFailure: No whole response came.
            UsageError: Another event loop is at work with this transport.
        """
        session = self._external_session or self._session_here() or await self._open()
        url, proxy, direct = self._route(request.url)
        if direct is not None and request.method == direct.template.method and len(request.body) <= _SHORT:
            return await _exchange(direct, request)
        response = None
        try:
            response = await session.request(
                request.method,
                url,
                data=_payload(request.body),
                headers=request.headers,
                allow_redirects=False,
                proxy=proxy,
                timeout=_timeout(request.timeouts),
            )
            try:
                body = await _read(response.content, response.headers)
            except BaseException:
                response.close()  # one that was read to its end has given its connection back already
                raise
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            phase = _phase(error) if response is None else Phase.RESPONSE
            raise transport_failure(error, phase, malformed=_MALFORMED, proxy=proxy) from error
        return HttpResponse(status=response.status, headers=_fields(response.headers), body=body)

    def _find_route(self, address: str) -> _Route:
        parsed = parse_request_url(address)
        url, proxy = URL(parsed.origin + parsed.target, encoded=True), self._proxy_for(parsed)
        session, deadlines = self._session, self._deadlines
        if proxy is not None or session is None or session.connector is None or deadlines is None:
            return _Route(url, proxy)
        template = _Template("POST", url, loop=self._loop, session=session)
        headers = [(name.lower(), f"{name}: {value}") for name, value in template.headers.items()]
        headers = [pair for pair in headers if pair[0] != "content-length"]
        return _Route(url, None, _Direct(session.connector, template, tuple(headers), deadlines))

    def _session_here(self) -> aiohttp.ClientSession | None:
        """The session of this loop and process, if there is one."""
        loop = asyncio.get_running_loop()
        mine = self._session is not None and self._pid == os.getpid()
        if mine and self._loop is loop and self._session is not None and not self._session.closed:
            return self._session
        if mine and self._loop is not None and self._loop is not loop and self._loop.is_running():
            raise UsageError(
                "This client belongs to another event loop that is still running.",
                advice="Make one client for each loop.",
            )
        return None

    async def _open(self) -> aiohttp.ClientSession:
        resolver = _Resolver()
        session = aiohttp.ClientSession(
            connector=_Connector(limit=self._connections, ssl=self._ssl or True, resolver=resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._session, self._loop, self._pid = session, asyncio.get_running_loop(), os.getpid()
        self._deadlines = Deadlines(self._loop)
        self._route.cache_clear()
        self._close_with_loop = _close_with_loop(session, resolver)
        await anext(self._close_with_loop)
        return session

    async def close(self) -> None:
        """Close the transport's own session; a caller's session stays open."""
        if self._close_with_loop is not None and self._pid == os.getpid():
            await self._close_with_loop.aclose()
        self._session = self._close_with_loop = None


def _payload(body: bytes) -> bytes | BytesIO:
    """A large body as a stream, which aiohttp sends in pieces; of large bytes it warns that they block the loop."""
    return body if len(body) <= _LARGE_BODY else BytesIO(body)


async def _close_with_loop(session: aiohttp.ClientSession, resolver: _Resolver) -> AsyncGenerator[None, None]:
    """Lasts as long as the session shall: a loop that ends closes its async generators, and so the session."""
    try:
        yield
    finally:
        await session.close()
        await resolver.close()  # one that was given to a connector is not closed by it


async def _exchange(direct: _Direct, request: HttpRequest) -> HttpResponse:
    """Send a short request over a connection of the session, and read the whole response.

    Raises:
        TransportFailure: No whole response came.
    """
    data = encode_head(request, direct.template.url.raw_path_qs, direct.headers) + request.body
    loop, timeouts = asyncio.get_running_loop(), request.timeouts
    finish_by = inf if timeouts.total is None else loop.time() + timeouts.total
    connection = await direct.connector.connect(direct.template, [], _timeout(timeouts))
    protocol, deadline, phase = connection.protocol, Deadline(direct.deadlines, connection), Phase.REQUEST
    assert protocol is not None  # noqa: S101  (the connection is new or was checked)
    try:
        deadline.set(min(finish_by, inf if timeouts.read is None else loop.time() + timeouts.read))
        whole = WholeResponse(protocol, loop)
        _write(protocol, data)
        response = await whole.result
        if response is None:
            message, content = await _read_head(protocol)
            phase = Phase.RESPONSE
            if not content.is_eof():
                deadline.set(finish_by)
                protocol.read_timeout = timeouts.read
                protocol.start_timeout()
            body = await _read(content, message.headers)
            deadline.check()  # a body without a length ends with its connection
            response = HttpResponse(status=message.code, headers=_fields(message.headers), body=body)
    except BaseException as error:
        connection.close()
        if isinstance(error, _ERRORS):
            cause = TimeoutError() if deadline.expired else error
            raise transport_failure(cause, phase, malformed=_MALFORMED, proxy=None) from error
        raise
    finally:
        deadline.cancel()
    connection.release()
    return response


def _write(protocol: ResponseHandler, data: bytes) -> None:
    """Write a request at once.

    Raises:
        ConnectionError: The connection was lost before.
    """
    if protocol.transport is None:
        raise aiohttp.ClientConnectionResetError("the connection was lost before the request was sent")
    protocol.transport.write(data)


async def _read_head(protocol: ResponseHandler) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
    """The head of a response that aiohttp reads; its body comes through the reader."""
    message, content = await protocol.read()
    while 100 <= message.code < 200 and message.code != HTTPStatus.SWITCHING_PROTOCOLS:  # interim (RFC 9110 §15.2)
        message, content = await protocol.read()
    return message, content


def _fields(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by their names in lower case; of several with a name the last one."""
    return {name.lower(): value for name, value in headers.items()}


async def _read(content: aiohttp.StreamReader, headers: Mapping[str, str]) -> bytes:
    """The whole body, unless it is longer than any response of the protocol."""
    length = headers.get("Content-Length", "")
    # Of what is compressed the length says nothing of the size in memory.
    if length.isdigit() and int(length) <= MAX_RESPONSE_BYTES and "Content-Encoding" not in headers:
        return await content.read()
    parts, size = [], 0
    async for part in content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MAX_RESPONSE_BYTES:
            raise TransportFailure(FailureKind.INCOMPLETE, f"the answer is larger than {MAX_RESPONSE_BYTES} bytes")
    return b"".join(parts)


def _phase(error: BaseException) -> Phase:
    """How far a request without a response came."""
    unsent = isinstance(error, _CONNECT_ERRORS) or getattr(error.__cause__, "unsent", False)
    return Phase.CONNECT if unsent else Phase.REQUEST
