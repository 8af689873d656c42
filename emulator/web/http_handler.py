"""The site behind aiohttp's low-level server: a request's body goes in piece by piece, one answer comes out.

There is no aiohttp application, router or middleware on the way: the site's own table has every address, so that an
Action costs little more than reading and writing it. What is the client's fault (a body that breaks off, is damaged
or too long) ends in an answer or a closed connection, never in a log entry.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from aiohttp import StreamReader, web

from emulator.messages import Reply
from emulator.web.body_reader import BodyReader
from emulator.web.raw_response import RawResponse
from emulator.web.request_head import Head
from emulator.web.router import Router
from emulator.web.runner import run_async
from portrait.clock import SystemClock
from portrait.media import MB

_LOG = logging.getLogger("emulator.web")

# A client that sends its whole body before it reads the answer gets to read a refusal if the rest is taken from it.
DRAIN_BYTES = 64 * MB
DRAIN_SECONDS = 5.0

_DROP = Reply(drop=True)  # to a client that is gone


class HttpHandler:
    """The handler that `web.Server` calls for each request.

    Args:
        site: Who answers.
        clock: For the Date header; HTTP's dates are the machine's.

    Attributes:
        address: Host and port for links where a request names no usable Host; known once the port is open.
    """

    address = "127.0.0.1"

    def __init__(self, router: Router, clock: SystemClock | None = None) -> None:
        self._router = router
        self._clock = clock or SystemClock()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        content = request.content
        try:
            reply = await self._reply(request, content)
        except web.RequestPayloadError:
            return self._response(self._router.damaged_body(), keep_alive=False)
        except ConnectionError:
            return self._response(_DROP, keep_alive=False)
        if content.is_eof():
            return self._response(reply, keep_alive=request.keep_alive)
        answer = self._response(reply, keep_alive=False)
        with suppress(ConnectionError):
            await answer.prepare(request)
            if not _waits_for_continue(request):
                await _drain(content)
        return answer

    def _response(self, reply: Reply, *, keep_alive: bool) -> RawResponse:
        return RawResponse(reply, date=int(self._clock.now()), keep_alive=keep_alive)

    async def _reply(self, request: web.BaseRequest, content: StreamReader) -> Reply:
        path, _, query = request.raw_path.partition("?")
        try:
            routed = self._router.route(Head(request.method, path, query, request.headers, self.address))
            if isinstance(routed, Reply):
                return routed
            refused = await _read_body(request, content, routed)
            return refused or await run_async(routed.finish(), self._router.service.clock.async_sleep)
        except (web.RequestPayloadError, ConnectionError):
            raise
        except Exception:  # noqa: BLE001 - a fault of ours is an answer too, and is logged
            _LOG.exception("%s %s failed", request.method, path)
            return self._router.internal_error()


async def _read_body(request: web.BaseRequest, content: StreamReader, intake: BodyReader) -> Reply | None:
    """Hand the body on; a reply means that the rest of it is not wanted."""
    if content.is_eof():  # the usual case: the body came with the head
        return intake.feed(content.read_nowait())
    if _waits_for_continue(request):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    while request.transport is not None and (data := await content.readany()):
        refused = intake.feed(data)
        if refused is not None:
            return refused
    if request.transport is None:
        raise ConnectionResetError
    return None


async def _drain(content: StreamReader) -> None:
    left = DRAIN_BYTES
    with suppress(TimeoutError, web.RequestPayloadError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0 and (data := await content.readany()):
                left -= len(data)


def _waits_for_continue(request: web.BaseRequest) -> bool:
    return request.headers.get("expect", "").lower() == "100-continue" and request.version >= (1, 1)
