"""`client.videos`: the operations on videos as methods, blocking and for asyncio."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from portrait.enums import VideoStatus
from portrait.runners import Run, RunAsync
from portrait.videos.models import Reference, Video, VideoPage, VideoRequest
from portrait.videos.operations import POLL, TIMEOUT, VideoService

T = TypeVar("T")


class Videos:
    """Videos from assets, prompts and files. `client.videos` is one; it lives as long as its client.

    Args:
        service: The operations as flows.
        run: Runs a flow.
    """

    def __init__(self, service: VideoService, run: Run) -> None:
        self._service = service
        self._run = run

    def create(
        self,
        *,
        model: str | None = None,
        prompt: str = "",
        references: Iterable[Reference | str] = (),
        duration: int | None = None,
        resolution: str | None = None,
        ratio: str | None = None,
        callback_url: str | None = None,
        extra: Mapping[str, Any] = MappingProxyType({}),
        check: bool = True,
    ) -> Video:
        """Have a video made. Looks first at whether its model and assets can be used.

        Args:
            model: The provider's name of the model, such as `seedance-2.0`; default: its first one that takes assets.
            prompt: What is to be seen.
            references: What it is made from; an address alone is a `reference_image`.
            duration: Seconds; -1 leaves it to the model; default: the provider's, 5.
            resolution: Such as `720p`; default: the provider's.
            ratio: Such as `16:9` or `adaptive`; default: the provider's.
            callback_url: Where the provider is to report changes, where it can; confirm them by `get`.
            extra: Further fields of the provider's, which go out as given.
            check: False does not read the assets first.

        Raises:
            InvalidParameter: A rule of the model is broken, or an asset is not Active, not there or of another kind.
            MediaRejected: The provider does not allow what it shows.
            UnknownOutcome: The answer was lost, or has no id; the video may be made, and paid for.
            UsageError: The provider cannot do that, or has no default model; nothing was sent.
            PortraitError: The call failed otherwise.
        """
        request = VideoRequest(
            model=self._service.default_model if model is None else model,
            prompt=prompt,
            references=references,
            duration=duration,
            resolution=resolution,
            ratio=ratio,
            callback_url=callback_url,
            extra=extra,
        )
        return self._run(self._service.create(request, check=check))

    def get(self, id: str) -> Video:  # noqa: A002
        """Read a video.

        Args:
            id: Its id.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return self._run(self._service.get(id))

    def list(self, *, page: int = 1, page_size: int = 20, status: VideoStatus | str | None = None) -> VideoPage:
        """Read one page of the videos that the provider still knows, newest first.

        Args:
            page: From 1.
            page_size: Videos of a page.
            status: Only those.

        Raises:
            UsageError: The provider has no list.
            PortraitError: The call failed.
        """
        return self._run(self._service.list(page, page_size, status))

    def cancel(self, id: str) -> Video:  # noqa: A002
        """Stop a video that has not begun; returns it as it is afterwards.

        Args:
            id: Its id.

        Raises:
            UsageError: The provider cannot cancel, or the video is finished.
            InvalidRequest: It has begun and cannot be stopped.
            PortraitError: The call failed.
        """
        return self._run(self._service.cancel(id))

    def wait(self, video: Video | str, *, timeout: float = TIMEOUT, poll: float = POLL) -> Video:
        """Wait until a video is made.

        Args:
            video: The video or its id.
            timeout: Seconds in all.
            poll: Seconds between two looks.

        Raises:
            ApiError: It failed; its class is that of the create that would have been refused for the same fault.
            OutcomeError: It was cancelled, or expired.
            WaitTimeout: It is not made in time; waiting again with the same id goes on.
        """
        return self._run(self._service.wait(video, timeout, poll))

    def save(self, video: Video | str, path: str | os.PathLike[str]) -> Path:
        """Write a finished video to a file, which is there whole or not at all. Its address dies after 24 hours.

        Args:
            video: The video or its id.
            path: The file; one that is there is replaced.

        Returns:
            The path.

        Raises:
            UsageError: It is not made yet, or the file cannot be written.
            NotAccessible: The address of the result is dead.
            PortraitError: The result could not be fetched.
        """
        return self._run(self._service.save(video, path))


class AsyncVideos:
    """The same for asyncio.

    Args:
        service: The operations as flows.
        run: Runs a flow.
    """

    def __init__(self, service: VideoService, run: RunAsync) -> None:
        self._service = service
        self._run = run

    async def create(
        self,
        *,
        model: str | None = None,
        prompt: str = "",
        references: Iterable[Reference | str] = (),
        duration: int | None = None,
        resolution: str | None = None,
        ratio: str | None = None,
        callback_url: str | None = None,
        extra: Mapping[str, Any] = MappingProxyType({}),
        check: bool = True,
    ) -> Video:
        """Have a video made. Looks first at whether its model and assets can be used.

        Args:
            model: The provider's name of the model, such as `seedance-2.0`; default: its first one that takes assets.
            prompt: What is to be seen.
            references: What it is made from; an address alone is a `reference_image`.
            duration: Seconds; -1 leaves it to the model; default: the provider's, 5.
            resolution: Such as `720p`; default: the provider's.
            ratio: Such as `16:9` or `adaptive`; default: the provider's.
            callback_url: Where the provider is to report changes, where it can; confirm them by `get`.
            extra: Further fields of the provider's, which go out as given.
            check: False does not read the assets first.

        Raises:
            InvalidParameter: A rule of the model is broken, or an asset is not Active, not there or of another kind.
            MediaRejected: The provider does not allow what it shows.
            UnknownOutcome: The answer was lost, or has no id; the video may be made, and paid for.
            UsageError: The provider cannot do that, or has no default model; nothing was sent.
            PortraitError: The call failed otherwise.
        """
        request = VideoRequest(
            model=self._service.default_model if model is None else model,
            prompt=prompt,
            references=references,
            duration=duration,
            resolution=resolution,
            ratio=ratio,
            callback_url=callback_url,
            extra=extra,
        )
        return await self._run(self._service.create(request, check=check))

    async def get(self, id: str) -> Video:  # noqa: A002
        """Read a video.

        Args:
            id: Its id.

        Raises:
            NotFound: There is none of that id, or it is not yours.
            PortraitError: The call failed otherwise.
        """
        return await self._run(self._service.get(id))

    async def list(self, *, page: int = 1, page_size: int = 20, status: VideoStatus | str | None = None) -> VideoPage:
        """Read one page of the videos that the provider still knows, newest first.

        Args:
            page: From 1.
            page_size: Videos of a page.
            status: Only those.

        Raises:
            UsageError: The provider has no list.
            PortraitError: The call failed.
        """
        return await self._run(self._service.list(page, page_size, status))

    async def cancel(self, id: str) -> Video:  # noqa: A002
        """Stop a video that has not begun; returns it as it is afterwards.

        Args:
            id: Its id.

        Raises:
            UsageError: The provider cannot cancel, or the video is finished.
            InvalidRequest: It has begun and cannot be stopped.
            PortraitError: The call failed.
        """
        return await self._run(self._service.cancel(id))

    async def wait(self, video: Video | str, *, timeout: float = TIMEOUT, poll: float = POLL) -> Video:
        """Wait until a video is made.

        Args:
            video: The video or its id.
            timeout: Seconds in all.
            poll: Seconds between two looks.

        Raises:
            ApiError: It failed; its class is that of the create that would have been refused for the same fault.
            OutcomeError: It was cancelled, or expired.
            WaitTimeout: It is not made in time; waiting again with the same id goes on.
        """
        return await self._run(self._service.wait(video, timeout, poll))

    async def save(self, video: Video | str, path: str | os.PathLike[str]) -> Path:
        """Write a finished video to a file, which is there whole or not at all. Its address dies after 24 hours.

        Args:
            video: The video or its id.
            path: The file; one that is there is replaced.

        Returns:
            The path.

        Raises:
            UsageError: It is not made yet, or the file cannot be written.
            NotAccessible: The address of the result is dead.
            PortraitError: The result could not be fetched.
        """
        return await self._run(self._service.save(video, path))
