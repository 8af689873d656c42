"""The handler of aiohttp's low-level server: feeds a request's body to the router's reader, and writes the reply.

There is no aiohttp application and no middleware, so that an Action costs little more than parsing and writing it. A
reply is written at once, head and body together; aiohttp's own `Response` writes twice, and cannot drop a connection or
truncate a body. Errors of clients (bodies that break off, are malformed or too long) end in a reply or a closed
connection, not in a log entry.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from email.utils import formatdate
from functools import lru_cache
from http.client import responses

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter

from emulator.messages import Reply
from emulator.web.body_reader import BodyReader
from emulator.web.request_head import Head
from emulator.web.router import Router
from emulator.web.runner import run_async
from portrait.clock import SystemClock
from portrait.media import MB

_LOG = logging.getLogger("emulator.web")

_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)

# A client that sends its whole body before it reads can only read a refusal if the rest of the body is drained.
DRAIN_BYTES = 64 * MB
DRAIN_SECONDS = 5.0

_DROP = Reply(drop=True)  # for a client that has disconnected


class HttpHandler:
    """The callable that `web.Server` runs for each request.

    Args:
        router: Finds the reply.
        clock: For the Date header. Default: the machine's.

    Attributes:
        router: As given.
        address: Host and port for links in replies to requests without a valid Host; set once the port is open.
    """

    address = "127.0.0.1"

    def __init__(self, router: Router, clock: SystemClock | None = None) -> None:
        self.router = router
        self._clock = clock or SystemClock()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Reply to one request."""
        content = request.content
        try:
            reply = await self._reply(request, content)
        except (web.RequestPayloadError, ConnectionError) as error:
            error.__traceback__ = None  # aiohttp keeps the error, and its frames would keep what has come of the body
            reply = self.router.damaged_body() if isinstance(error, web.RequestPayloadError) else _DROP
            return self._response(reply, keep_alive=False)
        if content.is_eof():
            return self._response(reply, keep_alive=request.keep_alive)
        answer = self._response(reply, keep_alive=False)
        with suppress(ConnectionError):
            await answer.prepare(request)
            if not _expects_continue(request):
                await _drain(content)
        return answer

    def date(self) -> int:
        """For the Date header, in seconds since 1970."""
        return int(self._clock.now())

    def _response(self, reply: Reply, *, keep_alive: bool) -> RawResponse:
        return RawResponse(reply, date=self.date(), keep_alive=keep_alive)

    async def _reply(self, request: web.BaseRequest, content: StreamReader) -> Reply:
        path, _, query = _in_origin_form(request.raw_path).partition("?")
        sleep = self.router.service.clock.async_sleep
        try:
            head = Head(request.method, path, query, request.headers, self.address, request.remote or "")
            routed = self.router.route(head)
            if isinstance(routed, Reply):
                return routed
            refused = await _read_body(request, content, routed)
            return refused or await run_async(routed.finish(), sleep, self.router.workers)
        except (web.RequestPayloadError, ConnectionError):
            raise
        except Exception:  # noqa: BLE001 - a fault of ours is an answer too, and is logged
            _LOG.exception("%s %s failed", request.method, path)
            return self.router.internal_error()


def _in_origin_form(target: str) -> str:
    """A target without a scheme and a host, which a client sends to what it takes for a proxy. RFC 9112, 3.2.2."""
    absolute = _ABSOLUTE.match(target)
    if absolute is None:
        return target
    rest = target[absolute.end() :]
    return rest if rest.startswith("/") else f"/{rest}"


async def _read_body(request: web.BaseRequest, content: StreamReader, reader: BodyReader) -> Reply | None:
    """Feed the body to its reader. A reply means that the rest is not needed."""
    if content.is_eof():  # the usual case: the body arrived with the head
        return reader.feed(content.read_nowait())
    if _expects_continue(request):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    while request.transport is not None and (data := await content.readany()):
        refused = reader.feed(data)
        if refused is not None:
            return refused
    if request.transport is None:
        raise ConnectionResetError
    return None


async def _drain(content: StreamReader) -> None:
    remaining = DRAIN_BYTES
    with suppress(TimeoutError, web.RequestPayloadError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while remaining > 0 and (data := await content.readany()):
                remaining -= len(data)


def _expects_continue(request: web.BaseRequest) -> bool:
    return request.headers.get("expect", "").lower() == "100-continue" and request.version >= (1, 1)


# --- responses -------------------------------------------------------------------------------------------------------

# These have no body in HTTP: a client would read one as the next response.
_BODYLESS = frozenset({204, 304})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class RawResponse(web.StreamResponse):
    """Sends one reply.

    Args:
        reply: The reply to send.
        date: For the Date header, in seconds since 1970.
        keep_alive: Whether the connection may be used again.
    """

    def __init__(self, reply: Reply, *, date: int, keep_alive: bool) -> None:
        super().__init__(status=reply.status)
        self._reply = reply
        self._date = date
        self._reusable = keep_alive and reply.truncate is None
        self._written = False

    @property
    def keep_alive(self) -> bool:
        """Whether aiohttp keeps the connection open after this response."""
        return self._reusable

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the whole response. Further calls do nothing.

        Raises:
            ConnectionResetError: The reply drops the connection; aiohttp treats this like a client that disconnects.
        """
        if self._written:
            return None
        self._written = True
        if self._reply.drop:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError
        persistent = "" if request.version >= (1, 1) else "keep-alive"
        connection = persistent if self._reusable else "close"
        await request.writer.write(encode(self._reply, self._date, request.method, connection))
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: `prepare` has written everything."""


def encode(reply: Reply, date: int, method: str, connection: str = "") -> bytes:
    """A whole response, but for the rest of a body that is to be cut off.

    Args:
        reply: What goes back.
        date: For the Date header, in seconds since 1970.
        method: Of the request.
        connection: For the Connection header, "" for none.
    """
    bodyless = method == "HEAD" or reply.status in _BODYLESS
    return _head(reply, date, connection) + (b"" if bodyless else reply.body[: reply.truncate])


def _head(reply: Reply, date: int, connection: str) -> bytes:
    """Status line and headers. Content-Length is that of the untruncated body."""
    own_date = any(name.lower() == "date" for name in reply.headers)
    head = _common(reply.status, reply.content_type) + (b"" if own_date else _date(date))
    if reply.status != 204:
        head += b"Content-Length: %d\r\n" % len(reply.body)
    if reply.headers:
        head += _lines(reply.headers)
    if connection:
        head += b"Connection: %b\r\n" % connection.encode()
    return head + b"\r\n"


@lru_cache(maxsize=64)
def _common(status: int, content_type: str) -> bytes:
    lines = (
        f"HTTP/1.1 {status} {responses.get(status, '')}",
        "Server: portrait-emulator",
        f"Content-Type: {content_type}",
    )
    return "".join(f"{_CONTROL.sub(' ', line)}\r\n" for line in lines).encode()


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()


def _lines(headers: Mapping[str, str]) -> bytes:
    """Header lines. Control characters in values are replaced, since a line feed would start another header."""
    return "".join(f"{name}: {_CONTROL.sub(' ', value)}\r\n" for name, value in headers.items()).encode()
