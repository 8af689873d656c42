"""Answers whole calls of Actions before aiohttp's own handling, which takes most of their time.

What arrives as exactly one call is parsed by aiohttp's parser and answered in one write, by a task if that takes time.
Everything else, and the rest of its connection, is left to aiohttp's handler with the very same bytes. Nothing but
speed depends on this module.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from aiohttp import HttpVersion11, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser

from emulator.messages import Reply, ReplyFlow
from emulator.web.http_handler import HttpHandler, encode
from emulator.web.known_heads import HEAD_END, KnownHeads
from emulator.web.request_head import Head
from emulator.web.runner import run_async
from portrait.flow import RunBlocking, Sleep

_LOG = logging.getLogger("emulator.web")

# No request within this many bytes makes the parser pause its connection.
_MOST_BYTES = 65_536

# aiohttp closes a connection on which it sees no request for an hour; of those answered here it sees none.
_LIFE_SECONDS = 1_800.0

_SAMPLE = b"POST /?Action=A HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
_PARSED = ("/?Action=A", b"{}")
_INCOMPLETE = object()


class FastLane:
    """The connections of a server.

    Args:
        handler: Answers the requests that are left to aiohttp.
        server: aiohttp's.

    Attributes:
        handler: As given.
        heads: The heads that have come before.
    """

    def __init__(self, handler: HttpHandler, server: web.Server) -> None:
        self.handler = handler
        self.heads = KnownHeads()
        self._server = server
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, reply: Coroutine[Any, Any, None]) -> None:
        """Have a reply sent that is not ready."""
        task = asyncio.get_running_loop().create_task(reply)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, seconds: float) -> None:
        """Wait until the replies under way are sent, but no longer than that."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def connection(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        ordinary = self._server()
        return _Connection(self, ordinary, HttpRequestParser(ordinary, asyncio.get_running_loop(), _MOST_BYTES))


def parser_is_known() -> bool:
    """Whether aiohttp's parser does as expected; another version's may not. Needs a running loop."""
    try:
        loop = asyncio.get_running_loop()
        request = _Request(HttpRequestParser(BaseProtocol(loop), loop, _MOST_BYTES))
        halves = request.feed(_SAMPLE[:-1]), request.feed(_SAMPLE[-1:])
        return halves == (True, True) and request.is_whole and (request.message.path, request.body()) == _PARSED
    except Exception:  # noqa: BLE001 - it is aiohttp's own
        return False


class _Request:
    """A request that arrives in one chunk, or its head in one and its body in others.

    Args:
        parser: aiohttp's.

    Attributes:
        data: All of its bytes that have arrived.
        message: Its head.
        start: Where its body begins.
    """

    __slots__ = ("_end", "_parser", "_payload", "data", "message", "start")

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self.data = b""
        self.message: Any = None

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; False if they are more than one request, or part of one that is not answered here."""
        self.data += data
        messages, upgraded, rest = self._parser.feed_data(data)
        if upgraded or rest or len(messages) != (1 if self.message is None else 0):
            return False
        if messages:
            [(self.message, self._payload)] = messages
            length = self.message.headers.get("content-length", "0")
            # What the parser has seen of a next request is not in its result.
            self.start = self.data.index(HEAD_END) + len(HEAD_END)
            self._end = self.start + int(length)
        return len(self.data) <= self._end <= _MOST_BYTES and self._is_plain()

    def _is_plain(self) -> bool:
        message = self.message
        return (
            message.method == "POST"
            and message.version == HttpVersion11
            and not (message.should_close or message.compression or message.upgrade or message.chunked)
            and "expect" not in message.headers
        )

    @property
    def is_whole(self) -> bool:
        """Whether its body is complete."""
        return len(self.data) == self._end and self._payload.is_eof()

    def body(self) -> bytes:
        """The bytes of its body."""
        return self._payload.read_nowait()  # type: ignore[no-any-return]


class _Connection(asyncio.Protocol):
    """One connection, until the first bytes that are not those of exactly one call.

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
        self._request = _Request(parser)
        self._handed_over = False  # to aiohttp
        self._is_busy = self._is_leaving = False
        self._held = b""  # what has arrived while a reply is under way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Aiohttp knows every connection, and closes it when the server ends."""
        self._transport = transport  # type: ignore[assignment]
        self._peer = str(transport.get_extra_info("peername")[0])
        self._loop = asyncio.get_running_loop()
        self._last_second = self._loop.time() + _LIFE_SECONDS
        self._ordinary.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Answer a call, or leave."""
        if self._handed_over:
            self._ordinary.data_received(data)
            return
        if self._is_busy:
            self._hold(data)
            return
        flow = self._flow(data)
        if flow is None:
            self._hand_over()
        elif flow is not _INCOMPLETE:
            self._answer(flow)

    def pause_writing(self) -> None:
        """A client that does not read its answers gets no further ones from here."""
        if self._is_busy:
            self._is_leaving = True
        else:
            self._hand_over()
        self._ordinary.pause_writing()

    def resume_writing(self) -> None:
        """As aiohttp has it."""
        self._ordinary.resume_writing()

    def eof_received(self) -> bool | None:
        """As aiohttp has it."""
        return self._ordinary.eof_received()  # type: ignore[no-any-return]

    def connection_lost(self, exc: Exception | None) -> None:
        """Aiohttp forgets the connection."""
        self._ordinary.connection_lost(exc)

    def _flow(self, data: bytes) -> Any:
        """The flow of the reply to a call; None for anything else."""
        request = self._request
        is_old = self._loop.time() > self._last_second
        try:
            flow = None if request.data or is_old else self._lane.heads.answer(data)
            if flow is not None:
                request.data = data
                return flow
            return self._parse() if request.feed(data) and not is_old else None
        except Exception:  # noqa: BLE001 - aiohttp meets it again, and says what there is to say
            return None

    def _parse(self) -> Any:
        """The flow of the reply to the request as far as it has arrived; None for one that is not answered here."""
        lane, request = self._lane, self._request
        router, message = lane.handler.router, request.message
        path, _, query = message.path.partition("?")
        if path not in router.actions:
            return None
        if not request.is_whole:
            return _INCOMPLETE
        answer = router.action(Head("POST", path, query, message.headers, lane.handler.address, self._peer))
        body = request.body()
        lane.heads.remember(request.data[: request.start], message.headers, len(body), answer)
        return answer(body)

    def _answer(self, flow: ReplyFlow) -> None:
        """Send the reply, or begin it where it waits for something."""
        try:
            effect = flow.send(None)
        except StopIteration as stop:
            self._send(stop.value)
        else:
            self._is_busy = True
            self._lane.start(self._finish(flow, effect))

    async def _finish(self, flow: ReplyFlow, effect: Sleep | RunBlocking) -> None:
        """Send the reply once it is there, and go on with what has arrived meanwhile."""
        router = self._lane.handler.router
        try:
            reply = await run_async(flow, router.service.clock.async_sleep, router.workers, effect)
        except Exception:  # noqa: BLE001 - a fault of ours is an answer too, and is logged
            _LOG.exception("a call failed")
            reply = router.internal_error()
        self._is_busy = False
        if self._transport.is_closing():
            return
        self._send(reply)
        if self._is_leaving:
            self._hand_over()
        held, self._held = self._held, b""
        if held:
            self._transport.resume_reading()
            self.data_received(held)

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > _MOST_BYTES:
            self._transport.pause_reading()

    def _send(self, reply: Reply) -> None:
        self._request = _Request(self._parser)
        if reply.drop:
            self._transport.abort()
        elif reply.truncate is None:
            self._transport.write(encode(reply, self._lane.handler.date(), "POST"))
        else:
            self._transport.write(encode(reply, self._lane.handler.date(), "POST", "close"))
            self._transport.close()

    def _hand_over(self) -> None:
        """Leave the connection to aiohttp, from the request on that is not answered yet."""
        if self._handed_over:
            return
        self._handed_over = True
        if self._request.data:
            self._ordinary.data_received(self._request.data)
