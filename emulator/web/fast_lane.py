"""Answers whole calls of Actions before aiohttp's own handling, which takes most of their time.

A chunk of bytes that is exactly one call is parsed by aiohttp's parser and answered in one write. Everything else, and
the rest of its connection, is left to aiohttp's handler with the very same bytes. Nothing but speed depends on this.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import HttpVersion11, web
from aiohttp.http_parser import HttpRequestParser

from emulator.messages import Reply
from emulator.web.body_reader import immediate
from emulator.web.http_handler import HttpHandler
from emulator.web.raw_response import encode
from emulator.web.request_head import Head
from emulator.web.runner import Begun

# No body within this many bytes makes the parser pause its connection.
_MOST_BYTES = 65_536

# aiohttp closes a connection on which it sees no request for an hour; of those answered here it sees none.
_LIFE_SECONDS = 1_800.0

_SAMPLE = b"POST /?Action=A HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"


class FastLane:
    """The connections of a server.

    Args:
        handler: Answers the requests that are left to aiohttp.

    Attributes:
        server: aiohttp's, whose handler is `answer`; set before the first connection.
    """

    server: web.Server

    def __init__(self, handler: HttpHandler) -> None:
        self.handler = handler
        self.begun: dict[Any, Begun] = {}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Reply to a request, or send the reply that was begun here."""
        return await self.handler.answer(request, self.begun.pop(request.protocol, None))

    def connection(self) -> asyncio.Protocol:
        """The protocol of a new connection: aiohttp's own if its parser is not as expected."""
        ordinary = self.server()
        parser = _make_parser(ordinary)
        return ordinary if parser is None else _Connection(self, ordinary, parser)


def _make_parser(ordinary: Any) -> Any:
    """A parser that is known to do as expected; None if there is none."""
    try:
        parser = HttpRequestParser(ordinary, asyncio.get_running_loop(), _MOST_BYTES)
        parsed = _parse(parser, _SAMPLE)
    except Exception:  # noqa: BLE001 - it is aiohttp's own, and another version's may be different
        return None
    return parser if parsed is not None and parsed[1:] == ("/?Action=A", b"{}") else None


def _parse(parser: Any, data: bytes) -> tuple[Any, str, bytes] | None:
    """Headers, target and body of the one whole POST that the bytes are; None if they are anything else."""
    messages, upgraded, rest = parser.feed_data(data)
    if len(messages) != 1 or upgraded or rest:
        return None
    [(message, payload)] = messages
    plain = message.version == HttpVersion11 and not (message.should_close or message.compression or message.upgrade)
    if message.method != "POST" or not plain or not payload.is_eof() or payload.exception() is not None:
        return None
    return message.headers, message.path, payload.read_nowait()


class _Connection(asyncio.Protocol):
    """One connection, until the first bytes that are not exactly one call.

    Args:
        lane: Of the server.
        ordinary: aiohttp's handler of this connection.
        parser: Of its own: what it was fed in vain is fed to that of the handler.
    """

    _transport: asyncio.Transport

    def __init__(self, lane: FastLane, ordinary: Any, parser: Any) -> None:
        self._lane = lane
        self._ordinary = ordinary
        self._parser = parser

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Aiohttp knows every connection, and closes it when the server ends."""
        self._transport = transport  # type: ignore[assignment]
        self._peer = str(transport.get_extra_info("peername")[0])
        self._loop = asyncio.get_running_loop()
        self._last_second = self._loop.time() + _LIFE_SECONDS
        self._ordinary.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Answer a call, or leave."""
        flow = self._flow(data)
        if flow is None:
            self._leave(data)
            return
        try:
            effect = flow.send(None)
        except StopIteration as stop:
            reply: Reply = stop.value
            if reply.drop or reply.truncate is not None:
                self._leave(data, Begun(immediate(reply)))
            else:
                self._transport.write(encode(reply, self._lane.handler.date(), "POST"))
        else:
            self._leave(data, Begun(flow, effect))

    def pause_writing(self) -> None:
        """A client that does not read its answers gets no further ones from here."""
        self._transport.set_protocol(self._ordinary)
        self._ordinary.pause_writing()

    def eof_received(self) -> bool | None:
        """As aiohttp has it."""
        return self._ordinary.eof_received()  # type: ignore[no-any-return]

    def connection_lost(self, exc: Exception | None) -> None:
        """Aiohttp forgets the connection."""
        self._ordinary.connection_lost(exc)

    def _flow(self, data: bytes) -> Any:
        """The flow of the reply to a call; None for anything else."""
        if len(data) > _MOST_BYTES or self._loop.time() > self._last_second:
            return None
        try:
            parsed = _parse(self._parser, data)
            if parsed is None or "expect" in parsed[0]:
                return None
            headers, target, body = parsed
            path, _, query = target.partition("?")
            head = Head("POST", path, query, headers, self._lane.handler.address, self._peer)
            return self._lane.handler.router.action(head, body)
        except Exception:  # noqa: BLE001 - aiohttp meets it again, and says what there is to say
            return None

    def _leave(self, data: bytes, begun: Begun | None = None) -> None:
        """Leave the connection to aiohttp, from these bytes on."""
        if begun is not None:
            self._lane.begun[self._ordinary] = begun
        self._transport.set_protocol(self._ordinary)
        self._ordinary.data_received(data)
