"""A response that writes a `Reply` in a single write, head and body together.

aiohttp's own `Response` builds a header dictionary and writes twice, and cannot drop a connection or truncate a body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http.client import responses

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from emulator.messages import Reply

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
