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
from typing import Any

import aiohttp
from yarl import URL

from portrait.errors import UsageError
from portrait.http import FailureKind, HttpRequest, HttpResponse, Timeouts, TransportFailure
from portrait.transports.common import MAX_ANSWER, TIMED_OUT, ProxyChoice, reason, ssl_context

# From the special to the general: the first that fits.
_BROKEN: tuple[tuple[type[BaseException], FailureKind], ...] = (
    (aiohttp.ConnectionTimeoutError, FailureKind.CONNECT_TIMEOUT),
    (aiohttp.ServerTimeoutError, FailureKind.TIMEOUT),
    (asyncio.TimeoutError, FailureKind.TIMEOUT),
    (aiohttp.ClientHttpProxyError, FailureKind.CONNECT),
    (aiohttp.ClientConnectorError, FailureKind.CONNECT),
    (aiohttp.InvalidURL, FailureKind.CONNECT),
    (aiohttp.ClientPayloadError, FailureKind.CUT_OFF),
    (aiohttp.ClientResponseError, FailureKind.CUT_OFF),
    (aiohttp.ClientError, FailureKind.LOST),
    (OSError, FailureKind.LOST),
)


@lru_cache(maxsize=64)
def _url(url: str) -> URL:
    return URL(url, encoded=True)


@lru_cache(maxsize=64)
def _timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=timeouts.total, connect=timeouts.connect, sock_read=timeouts.read)


class _Connector(aiohttp.TCPConnector):
    """Marks the end of a request for which there was no connection yet: nothing of it was sent."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        try:
            return await super().connect(req, traces, timeout)
        except asyncio.CancelledError as error:
            # aiohttp's total limit cancels, and raises its TimeoutError from this very exception.
            error.unsent = True  # type: ignore[attr-defined]
            raise


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
        self._given = session
        # A caller's session knows its way. Ours is told: it would read the environment for every request, in a thread.
        self._proxy_to = ProxyChoice("" if proxy is None and session is not None else proxy)
        self._ssl = ssl_context(ssl)
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._life: AsyncGenerator[None, None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send once.

        Raises:
            TransportFailure: No whole answer came.
            UsageError: Another event loop is at work with this transport.
        """
        session = self._given or self._session_here() or await self._open()
        try:
            answer = await session.request(
                request.method,
                _url(request.url),
                data=request.body,
                headers=request.headers,
                allow_redirects=False,
                proxy=self._proxy_to(request.url),
                timeout=_timeout(request.timeouts),
            )
            try:
                body = await _read(answer)
            except BaseException:
                answer.close()  # one that was read to its end has given its connection back already
                raise
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise _failure(error) from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return HttpResponse(status=answer.status, headers=headers, body=body)

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
        self._life = _life(session)
        await anext(self._life)
        return session

    async def close(self) -> None:
        """Close the transport's own session; a caller's session stays open."""
        if self._life is not None and self._pid == os.getpid():
            await self._life.aclose()
        self._session = self._life = None


async def _life(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    """Lasts as long as the session shall: a loop that ends closes its async generators, and so the session."""
    try:
        yield
    finally:
        await session.close()


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The whole body, unless it is longer than any answer of the protocol."""
    length = answer.content_length
    # Of what is compressed the length says nothing of the size in memory.
    if length is not None and length <= MAX_ANSWER and "Content-Encoding" not in answer.headers:
        return await answer.read()
    parts, size = [], 0
    async for part in answer.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER:
            answer.close()
            raise TransportFailure(FailureKind.CUT_OFF, f"the answer is larger than {MAX_ANSWER} bytes")
    return b"".join(parts)


def _failure(error: BaseException) -> TransportFailure:
    if isinstance(error, TimeoutError) and getattr(error.__cause__, "unsent", False):
        return TransportFailure(FailureKind.CONNECT_TIMEOUT)
    broken = next((broken for kind, broken in _BROKEN if isinstance(error, kind)), FailureKind.LOST)
    return TransportFailure(broken, "" if broken in TIMED_OUT else reason(error))
