"""Reads a response that arrives whole in one piece, as most do: aiohttp's parser and streams take longer for it.

Everything else is left to aiohttp with the very same bytes. Nothing but speed depends on this module.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import Any

from aiohttp.client_proto import ResponseHandler

from portrait.http import HttpResponse
from portrait.transports.common import MAX_RESPONSE_BYTES

_HEAD_END = b"\r\n\r\n"
_MAX_HEAD_BYTES = 8_000  # aiohttp limits single lines
_STATUS = re.compile(r"HTTP/1\.1 (?!204|304)([2-5][0-9]{2})(?: [ -~]*)?")  # of final responses that have a body
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REFRAMING = frozenset({"transfer-encoding", "content-encoding", "upgrade"})


def parse_whole(data: bytes) -> HttpResponse | None:
    """The response that the bytes are, neither more nor less; None for any other bytes.

    Its head is written as most servers write it, so that nobody can read it in two ways (RFC 9112 §4, §5), its
    connection is kept, and its body has a length and is not compressed.
    """
    end = data.find(_HEAD_END, 0, _MAX_HEAD_BYTES)
    if end < 0 or not data[:end].isascii():
        return None
    first, *lines = data[:end].decode("ascii").split("\r\n")
    pairs = [line.partition(": ") for line in lines]
    fields: dict[Any, str] = {_lower_name(name, colon): value.strip(" ") for name, colon, value in pairs}
    start = end + len(_HEAD_END)
    status, length = _status(first), len(data) - start
    if (
        status is None
        or None in fields
        or len(fields) != len(lines)  # a name that comes twice
        or fields.get("content-length") != str(length)
        or length > MAX_RESPONSE_BYTES
        or fields.get("connection", "keep-alive").lower() != "keep-alive"
        or not _REFRAMING.isdisjoint(fields)
        or not "".join(lines).isprintable()
    ):
        return None
    return HttpResponse(status=status, headers=fields, body=data[start:])


@lru_cache(maxsize=64)  # servers have few status lines, and few names of headers
def _status(line: str) -> int | None:
    match = _STATUS.fullmatch(line)
    return None if match is None else int(match[1])


@lru_cache(maxsize=256)
def _lower_name(name: str, colon: str) -> str | None:
    """The name of a header in lower case; None for what is no name, or has no colon behind it."""
    return name.lower() if colon and _NAME.fullmatch(name) else None


class WholeResponse:
    """The next response of a connection: whole, or left to aiohttp.

    Args:
        protocol: The connection's. What arrives comes here first, as what arrives after an upgrade would.
        loop: The event loop.

    Attributes:
        result: Ends with the response, or with None once aiohttp reads it.
    """

    def __init__(self, protocol: ResponseHandler, loop: asyncio.AbstractEventLoop) -> None:
        self.result: asyncio.Future[HttpResponse | None] = loop.create_future()
        self._protocol = protocol
        protocol.set_parser(self, None)

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Aiohttp's protocol calls this with what has arrived; the result is for it: nothing has ended."""
        response = parse_whole(data)
        if response is None:
            self._hand_over()
            self._protocol.data_received(data)
        else:
            self._protocol.set_parser(None, None)
            self._finish(response)
        return False, b""

    def feed_eof(self) -> None:
        """Aiohttp's protocol calls this when the connection is lost: it says what that means."""
        self._hand_over()

    def _hand_over(self) -> None:
        self._protocol.set_parser(None, None)
        self._protocol.set_response_params(read_until_eof=True)
        self._finish(None)

    def _finish(self, response: HttpResponse | None) -> None:
        if not self.result.done():  # cancelled meanwhile
            self.result.set_result(response)
