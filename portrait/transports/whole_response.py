"""Reads a response that arrives whole in one piece, as most do: aiohttp's parser and streams take longer for it.

Everything else is left to aiohttp with the very same bytes. Nothing but speed depends on this module.
"""

from __future__ import annotations

import asyncio
import re

from aiohttp.client_proto import ResponseHandler

from portrait.http import HttpResponse
from portrait.transports.common import MAX_RESPONSE_BYTES

# A head that nobody can read in two ways (RFC 9112 §4, §5), of a final response that has a body.
_HEAD = re.compile(
    rb"HTTP/1\.1 (?!204|304)([2-5][0-9]{2})(?: [\t -~]*)?\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n){1,64})\r\n"
)
_TRAILING_SPACE = (b" \r\n", b"\t\r\n")  # which not all parsers drop; within the pattern it would double its time
_MAX_BYTES = 8_000  # of a head; aiohttp limits single lines
_REFRAMING = frozenset({"transfer-encoding", "content-encoding", "upgrade"})


def parse_whole(data: bytes) -> HttpResponse | None:
    """The response that the bytes are, neither more nor less; None for any other bytes.

    Its connection is kept, and its body has a length and is not compressed.
    """
    match = _HEAD.match(data, 0, _MAX_BYTES)
    if match is None or any(space in match[2] for space in _TRAILING_SPACE):
        return None
    start, lines = match.end(), match[2].decode("ascii").split("\r\n")[:-1]
    pairs = [line.split(":", 1) for line in lines]
    fields = {name.lower(): value.lstrip(" \t") for name, value in pairs}
    length = len(data) - start
    if (
        len(fields) != len(lines)  # a name that comes twice
        or fields.get("content-length") != str(length)
        or length > MAX_RESPONSE_BYTES
        or fields.get("connection", "keep-alive").lower() != "keep-alive"
        or not _REFRAMING.isdisjoint(fields)
    ):
        return None
    return HttpResponse(status=int(match[1]), headers=fields, body=data[start:])


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
