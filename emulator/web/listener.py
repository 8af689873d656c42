"""A listening port with aiohttp's low-level server behind it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from emulator.web.fast_lane import FastLane, parser_is_known
from emulator.web.http_handler import HttpHandler
from emulator.web.router import Router

# Time in seconds for requests in progress when the server stops; a paused reply could take any time.
GRACE_SECONDS = 0.25
_LOOP_STEPS = 5


class Listener:
    """An open port.

    Attributes:
        address: Host and actual port; an IPv6 host in brackets.
    """

    def __init__(self, tcp: asyncio.Server, server: web.Server, lane: FastLane | None, host: str) -> None:
        self._tcp = tcp
        self._server = server
        self._lane = lane
        port = tcp.sockets[0].getsockname()[1]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def close(self) -> None:
        """Accept no more connections, wait for requests in progress, close the rest."""
        # Python 3.11 leaks a socket if the server closes while asyncio is accepting it.
        loop = asyncio.get_running_loop()
        for socket_ in self._tcp.sockets:
            with suppress(NotImplementedError):  # Windows' loop has no readers
                loop.remove_reader(socket_.fileno())
        await _yield_to_loop()
        self._tcp.close()
        if self._lane is not None:
            await self._lane.finish(GRACE_SECONDS)
        self._server.pre_shutdown()
        await self._server.shutdown(GRACE_SECONDS)
        await _yield_to_loop()
        await self._tcp.wait_closed()


async def listen(router: Router, host: str, port: int) -> Listener:
    """Open a port and serve it.

    Raises:
        OSError: The address cannot be used.
    """
    handler = HttpHandler(router)
    server = web.Server(
        handler.answer,
        access_log=None,
        logger=_logger(),
        # The handler drains refused bodies itself, up to a limit.
        lingering_time=0,
    )
    lane = FastLane(handler, server) if parser_is_known() else None
    connection = server if lane is None else lane.connection
    tcp = await asyncio.get_running_loop().create_server(connection, host, port, backlog=512)
    listener = Listener(tcp, server, lane, host)
    handler.address = listener.address
    return listener


async def _yield_to_loop() -> None:
    """Let the loop run pending callbacks: asyncio accepts and closes a socket in several steps."""
    for _ in range(_LOOP_STEPS):
        await asyncio.sleep(0)


def _logger() -> logging.Logger:
    logger = logging.getLogger("emulator.web.http")
    logger.addFilter(_is_ours)
    return logger


def _is_ours(record: logging.LogRecord) -> bool:
    """Drop aiohttp's records of malformed requests: they are answered with 400 and are no error of the emulator."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
