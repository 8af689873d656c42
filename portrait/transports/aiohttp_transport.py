"""The asyncio transport, on aiohttp. It sends once: no retries, no redirects, no reading of statuses.

It belongs to the event loop in which it was first used. When that loop is closed, or after a fork, it starts anew; in a
second loop that runs beside the first it refuses to work.
"""

from __future__ import annotations

import asyncio
import os
import ssl as ssl_module
from collections.abc import AsyncGenerator
from functools import lru_cache
from io import BytesIO
from typing import Any

import aiohttp
from yarl import URL

from portrait.errors import UsageError
from portrait.http import FailureKind, HttpRequest, HttpResponse, Timeouts, TransportFailure
from portrait.transports.common import MAX_RESPONSE_BYTES, parse_request_url, ssl_context
from portrait.transports.failures import Phase, transport_failure
from portrait.transports.proxies import ProxyResolver

# Of these aiohttp says with certainty that there was no connection yet.
_CONNECT_ERRORS = (
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ClientConnectorError,
    aiohttp.InvalidURL,
)
_LARGE_BODY = 512 * 1024
_MALFORMED = (aiohttp.ClientPayloadError, aiohttp.ClientResponseError)


@lru_cache(maxsize=64)
def _timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=timeouts.total, connect=timeouts.connect, sock_read=timeouts.read)


class _Connector(aiohttp.TCPConnector):
    """Says of each failure to connect that nothing was sent."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        try:
            return await super().connect(req, traces, timeout)
        except asyncio.CancelledError as error:
            # aiohttp's total limit cancels, and raises its TimeoutError from this very exception.
            error.unsent = True  # type: ignore[attr-defined]
            raise
        except Exception as error:
            proxy = str(req.proxy) if req.proxy else None
            raise transport_failure(error, Phase.CONNECT, malformed=_MALFORMED, proxy=proxy) from error


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
        self._pid = os.getpid()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send once.

        Raises:
            TransportFailure: No whole response came.
            UsageError: Another event loop is at work with this transport.
        """
        session = self._external_session or self._session_here() or await self._open()
        url, proxy = self._route(request.url)
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
                body = await _read(response)
            except BaseException:
                response.close()  # one that was read to its end has given its connection back already
                raise
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            phase = _phase(error) if response is None else Phase.RESPONSE
            raise transport_failure(error, phase, malformed=_MALFORMED, proxy=proxy) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(status=response.status, headers=headers, body=body)

    def _find_route(self, address: str) -> tuple[URL, str | None]:
        """The address as aiohttp takes it, and the proxy in between."""
        url = parse_request_url(address)
        return URL(url.origin + url.target, encoded=True), self._proxy_for(url)

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
        session = aiohttp.ClientSession(
            connector=_Connector(limit=self._connections, ssl=self._ssl or True),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._session, self._loop, self._pid = session, asyncio.get_running_loop(), os.getpid()
        self._close_with_loop = _close_with_loop(session)
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


async def _close_with_loop(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    """Lasts as long as the session shall: a loop that ends closes its async generators, and so the session."""
    try:
        yield
    finally:
        await session.close()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body, unless it is longer than any response of the protocol."""
    length = response.content_length
    # Of what is compressed the length says nothing of the size in memory.
    if length is not None and length <= MAX_RESPONSE_BYTES and "Content-Encoding" not in response.headers:
        return await response.read()
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MAX_RESPONSE_BYTES:
            response.close()
            raise TransportFailure(FailureKind.INCOMPLETE, f"the answer is larger than {MAX_RESPONSE_BYTES} bytes")
    return b"".join(parts)


def _phase(error: BaseException) -> Phase:
    """How far a request without a response came."""
    unsent = isinstance(error, _CONNECT_ERRORS) or getattr(error.__cause__, "unsent", False)
    return Phase.CONNECT if unsent else Phase.REQUEST
