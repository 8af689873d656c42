"""The emulator on a port of this process: an event loop in a thread of its own, started and stopped by the caller."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Self

from emulator.clocks import make_clock
from emulator.service import Service
from emulator.settings import Settings
from emulator.web.listener import Listener, listen
from emulator.web.router import Router
from portrait.clock import Clock

if TYPE_CHECKING:
    from emulator.control import Control


class EmulatorServer:
    """Serves an emulator over HTTP while the `with` block runs.

    Args:
        settings: The emulator's settings; None takes the defaults.
        clock: A clock, or the name of one: `real`, `manual`, `auto`, `scaled:N`.
        host: The address to listen on.
        port: 0 takes a free one.
        service: A service that exists already, in place of `settings` and `clock`.

    Raises:
        emulator.store.locations.StoreError: The store of the settings cannot be opened.

    Attributes:
        service: The emulator without HTTP, for use on this side of the socket.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        clock: Clock | str = "real",
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        service: Service | None = None,
    ) -> None:
        self.service = service or Service(settings, make_clock(clock) if isinstance(clock, str) else clock)
        self._host = host
        self._port = port
        self._thread: threading.Thread | None = None
        self._open: tuple[Listener, asyncio.AbstractEventLoop, asyncio.Event] | None = None

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end. AllToken's base URL is this and `/v1`.

        Raises:
            RuntimeError: It is not running.
        """
        if self._open is None:
            raise RuntimeError("this emulator is not running: call start(), or enter it with `with`")
        return f"http://{self._open[0].address}"

    @property
    def control(self) -> Control:
        """The control plane without HTTP."""
        return self.service.control

    def start(self) -> Self:
        """Serve from now on.

        Raises:
            OSError: The address cannot be used; its message names it.
            ValueError: The host is none, such as `a..b`.
            RuntimeError: It is running already.
        """
        if self._thread is not None:
            raise RuntimeError(f"this emulator is running already, on {self.url}")
        started: Future[tuple[Listener, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        thread = threading.Thread(target=self._run, args=(started,), name="portrait-emulator", daemon=True)
        thread.start()
        error = started.exception()  # waits until it serves, or is known not to
        if error is not None:
            thread.join()
            raise error
        self._open = started.result()
        self._thread = thread
        return self

    def stop(self) -> None:
        """Stop serving and give the port back; connections that are kept open are closed. Harmless when repeated."""
        if self._thread is None or self._open is None:
            return
        _, loop, stopping = self._open
        loop.call_soon_threadsafe(stopping.set)
        self._thread.join()
        self._thread = self._open = None
        self.service.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, started: Future[tuple[Listener, asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
        try:
            asyncio.run(self._serve(started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)  # the caller waits, whatever went wrong

    async def _serve(self, started: Future[tuple[Listener, asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
        listener = await listen(Router(self.service), self._host, self._port)
        stopping = asyncio.Event()
        started.set_result((listener, asyncio.get_running_loop(), stopping))
        await stopping.wait()
        await listener.close()
