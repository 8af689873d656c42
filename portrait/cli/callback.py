"""A server for CallbackURL on this machine, so that the command receives the codes that the page reports."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Self, TypeVar

from aiohttp import web

from portrait.errors import UsageError
from portrait.web import ValidationOutcome, callback_handler

if TYPE_CHECKING:
    from portrait.client import PortraitClient
    from portrait.clock import Clock

T = TypeVar("T")

HOST = "127.0.0.1"
BROWSER_SECONDS = 2.0  # in which a browser is back after the service has reported that the person passed
_LOOK_SECONDS = 0.05
_SHUTDOWN_SECONDS = 2.0


class CallbackServer:
    """Answers CallbackURL, at any path, while it is entered.

    Args:
        client: Whose `validate_person` receives what the page reports.
        port: Of the loopback address 127.0.0.1; 0 is a free one.
    """

    def __init__(self, client: PortraitClient, port: int) -> None:
        self._port = port
        self._passed = Event()
        app = web.Application()
        app.add_routes([web.get("/{path:.*}", callback_handler(client, on_result=self._on_result))])
        # The requested address holds the token: it is not logged.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="portrait-callback", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._run(self._listen())
        except OSError as error:
            self.__exit__()
            raise UsageError(
                f"The callback cannot be answered on port {self._port}: {error.strerror}.",
                advice="Name another port by --listen.",
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """A CallbackURL for a browser on this machine."""
        _, port = self._runner.addresses[0]
        return f"http://{HOST}:{port}/done"

    def wait_for_browser(self, clock: Clock) -> None:
        """Wait a short time for the browser of the person who passed, so that it finds its page."""
        end = clock.monotonic() + BROWSER_SECONDS
        while not self._passed.is_set() and clock.monotonic() < end:
            clock.sleep(_LOOK_SECONDS)

    async def _listen(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port).start()

    async def _on_result(self, outcome: ValidationOutcome) -> None:
        if outcome.group_id:
            self._passed.set()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
