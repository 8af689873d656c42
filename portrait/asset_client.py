"""What the clients of Actions and of tasks share, blocking and for asyncio: transport, runner, videos, closing."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar

from portrait.base import BaseClient
from portrait.errors import UsageError
from portrait.flow import Flow
from portrait.http import AsyncTransport, Transport
from portrait.options import ClientOptions
from portrait.runners import AsyncRunner, Runner

if TYPE_CHECKING:
    from portrait.videos import AsyncVideos, Videos

T = TypeVar("T")


class BlockingClient(BaseClient):
    """A client that blocks. Safe to share between threads; use it as a context manager, or close it."""

    _http_library = "urllib3"
    _transport: Transport
    _runner: Runner

    def _make_transport(self, options: ClientOptions) -> Transport:
        from portrait.transports.urllib3_transport import Urllib3Transport  # noqa: PLC0415  (loads urllib3)

        return Urllib3Transport(proxy=options.proxy, ssl=options.ssl)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back; a transport that was passed in stays open."""
        if self._begin_close():
            self._transport.close()

    def _make_runner(self) -> Runner:
        return Runner(self._transport, self._endpoint.clock, self._options.on_event)

    def _run(self, flow: Flow[T]) -> T:
        check_open(self)
        return self._runner.run(flow)

    @cached_property
    def videos(self) -> Videos:
        """Video generation with `asset://` references.

        Raises:
            UsageError: The key or the address for it is missing: Volcengine and BytePlus take `api_key=` for videos.
        """
        from portrait.videos import Videos  # noqa: PLC0415  (loaded when it is used)

        return Videos(self._video_service(), self._run)


class AsyncioClient(BaseClient):
    """A client for asyncio. One for each event loop; use it as an async context manager, or close it."""

    _http_library = "aiohttp"
    _transport: AsyncTransport
    _runner: AsyncRunner

    def _make_transport(self, options: ClientOptions) -> AsyncTransport:
        from portrait.transports.aiohttp_transport import AiohttpTransport  # noqa: PLC0415  (loads aiohttp)

        return AiohttpTransport(proxy=options.proxy, ssl=options.ssl)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connections back; a transport that was passed in stays open."""
        if self._begin_close():
            await self._transport.close()

    def _make_runner(self) -> AsyncRunner:
        return AsyncRunner(self._transport, self._endpoint.clock, self._options.on_event)

    def _run(self, flow: Flow[T]) -> Coroutine[Any, Any, T]:
        check_open(self)
        return self._runner.run(flow)

    @cached_property
    def videos(self) -> AsyncVideos:
        """Video generation with `asset://` references.

        Raises:
            UsageError: The key or the address for it is missing: Volcengine and BytePlus take `api_key=` for videos.
        """
        from portrait.videos import AsyncVideos  # noqa: PLC0415  (loaded when it is used)

        return AsyncVideos(self._video_service(), self._run)


def check_open(client: BaseClient) -> None:
    """Refuse a client that is closed.

    Raises:
        UsageError: It is.
    """
    if client._shared.closed:  # noqa: SLF001  (a part of every client)
        raise UsageError("This client is closed.", advice="Make a new one, or close it later.")
