"""The operations on videos, as flows: create, get, list, cancel, wait, save.

They are the same for every provider; its `Shape` has the differences.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from portrait.actions import Action, Idempotency, operation
from portrait.arguments import COUNT, check_arguments, either, one_of
from portrait.auth import NoAuth
from portrait.codes import OF_VIDEOS
from portrait.dialects.dialect import Dialect
from portrait.dialects.plain import decode_plain
from portrait.endpoint import Endpoint, encode_json
from portrait.enums import VideoStatus
from portrait.errors import (
    InvalidRequest,
    NotAccessible,
    PortraitError,
    Retry,
    UnknownOutcome,
    UsageError,
)
from portrait.flow import Flow, RunBlocking
from portrait.http import HttpRequest
from portrait.job_wait import wait_for_end
from portrait.models import Response
from portrait.results import as_not_found, check_subject
from portrait.retry import NO_RETRY
from portrait.videos.check import Reader, check_assets, check_request
from portrait.videos.download import FILE, Download, Piece
from portrait.videos.models import Video, VideoPage, VideoRequest
from portrait.videos.shapes import CALLBACK_FIELDS, SHAPES, Shape

PLAIN = Dialect(name="plain", action_path="", name_limit=0, codes={"CreateVideo": OF_VIDEOS}, decoder=decode_plain)

POLL = 5.0  # seconds between two looks at a video, which takes minutes
TIMEOUT = 1800.0  # seconds; the longest documented videos take minutes, queues longer (I)


_VIDEO = {
    "video": either(one_of("a Video", Video), one_of("its id", str)),
    "path": one_of("a path", str, os.PathLike),
}
_PAGE = dict.fromkeys(("page", "page_size"), COUNT)
_READ: Mapping[str, Any] = {"idempotency": Idempotency.IDEMPOTENT, "reads": True}
CREATE = operation("CreateVideo", "Generate a video.")
GET = operation("GetVideo", "Read a video.", **_READ)
LIST = operation("ListVideos", "Read one page of videos.", **_READ)
CANCEL = operation("CancelVideo", "Stop a video that has not begun.")
SAVE = operation("SaveVideo", "Fetch a finished video.", **_READ)


@frozen(kw_only=True)
class VideoService:
    """The operations on videos of one client.

    Attributes:
        endpoint: The endpoint of the videos, whose dialect is `PLAIN`.
        shape: The provider's shape.
        read: Reads an asset before it is used; None where the provider has nothing to read it by.
        files: An endpoint without credentials, for fetching results from wherever they are.
    """

    endpoint: Endpoint
    shape: Shape
    read: Reader | None
    files: Endpoint = field(repr=False)

    @classmethod
    def of(cls, endpoint: Endpoint, read: Reader | None) -> VideoService:
        """The service of a provider.

        Args:
            endpoint: Where it speaks of videos, with the key for that.
            read: As the attribute.
        """
        return cls(
            endpoint=evolve(endpoint, dialect=PLAIN, forget=None),
            shape=SHAPES[endpoint.provider.dialect],
            read=read,
            files=evolve(endpoint, dialect=FILE, auth=NoAuth(), forget=None),
        )

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.endpoint.provider.name

    @property
    def default_model(self) -> str:
        """The provider's first model that takes assets.

        Raises:
            UsageError: None is known.
        """
        provider = self.endpoint.provider
        if not provider.video_models:
            raise UsageError(f"{provider.title} has no model that is known to take assets.", advice="Pass model=.")
        return provider.video_models[0]

    def create(self, request: VideoRequest, *, check: bool) -> Flow[Video]:
        """Check, then create.

        Raises:
            InvalidParameter: A rule is broken, or an asset cannot be used; nothing was sent.
            UnknownOutcome: The answer was lost, or has no id; the video may be made.
            PortraitError: The provider refused, or cannot do what is asked.
        """
        body = self._encode(request)
        check_request(request, self.provider)
        if check and self.read is not None:
            yield from check_assets(self.read, request, shared=self.endpoint.provider.shares_assets)
        try:
            answer, response = yield from self._call(CREATE, "POST", self.shape.create_path, body)
        except PortraitError as error:
            if error.retry is not Retry.VERIFY_FIRST:
                raise
            raise self._unknown("the answer was lost") from error
        video = self.shape.decode_answer(answer, response)
        if not video.id:  # it is as little help as one that was lost
            raise self._unknown("the answer has no id")
        self.endpoint.recent.add(video.id, self.endpoint.clock.monotonic())
        return evolve(video, model=video.model or request.model)

    def get(self, video_id: str) -> Flow[Video]:
        """Read a video.

        Raises:
            NotFound: There is none of that id, or it is not yours.
        """
        try:
            answer, response = yield from self._call(GET, "GET", self.shape.path_of(video_id))
        except InvalidRequest as error:
            if not self.shape.unknown_is_invalid:
                raise
            raise as_not_found(error) from error  # the request has nothing but the id
        video = self.shape.decode_answer(answer, response)
        check_subject(GET, video_id, video.id)
        return video

    def list(self, page: int, size: int, status: VideoStatus | str | None) -> Flow[VideoPage]:
        """Read one page of the videos of the last days.

        Raises:
            UsageError: The provider has no list.
        """
        if self.shape.list_query is None:
            raise self._cannot("list videos", "Keep the ids of the videos that you create.")
        check_arguments(_PAGE, {"page": page, "page_size": size})
        wanted = None if status is None else _status(status)
        answer, response = yield from self._call(LIST, "GET", self.shape.list_path(page, size, wanted))
        return self.shape.decode_page(answer, response)

    def cancel(self, video_id: str) -> Flow[Video]:
        """Cancel a video; returns it as it is afterwards.

        Raises:
            UsageError: The provider cannot, or the video is finished.
            InvalidRequest: The video has begun and cannot be stopped.
        """
        if self.shape.cancel is None:
            raise self._cannot("cancel a video", "Let it end; a failed one costs nothing.")
        if self.shape.cancel_deletes:
            video = yield from self.get(video_id)
            if video.status.is_final:
                # The same call would delete the record of a finished one, with the address of its result.
                raise UsageError(f"The video {video_id} is {video.status}: there is nothing to cancel.")
        method, end = self.shape.cancel
        try:
            yield from self._call(CANCEL, method, f"{self.shape.path_of(video_id)}{end}")
        except PortraitError as error:
            # Sent again, the call could delete the record of what it has cancelled: so look instead.
            if error.retry is not Retry.VERIFY_FIRST:
                raise
            video = yield from self.get(video_id)
            if video.status is not VideoStatus.CANCELLED:
                raise
            return video
        return (yield from self.get(video_id))

    def wait(self, video: Video | str, timeout: float, poll: float) -> Flow[Video]:
        """Read a video until it is finished.

        Raises:
            ApiError: It failed; the class says why.
            OutcomeError: It was cancelled, or expired.
            WaitTimeout: It is not finished in time.
        """
        check_arguments(_VIDEO, {"video": video})
        video_id, last = (video, None) if isinstance(video, str) else (video.id, video)
        service = evolve(self, endpoint=evolve(self.endpoint, policy=NO_RETRY))
        ended = yield from wait_for_end(
            self.endpoint, "video", video_id, lambda _: service.get(video_id), timeout=timeout, poll=poll, last=last
        )
        ended.check()
        return ended

    def save(self, video: Video | str, path: str | os.PathLike[str]) -> Flow[Path]:
        """Fetch the result into a file, which is there whole or not at all.

        Raises:
            UsageError: The video is not finished, or has no result.
            NotFound: The address of the result is dead: it lives 24 hours.
        """
        check_arguments(_VIDEO, {"video": video, "path": path})
        download = Download(target := Path(path))
        yield RunBlocking(download.check)
        if isinstance(video, str):
            video = yield from self.get(video)
        video.check()
        if video.url is None:
            if video.status.is_final:
                raise UsageError(f"The video {video.id} has no result any more: its address lives 24 hours.")
            raise UsageError(f"The video {video.id} has no result yet.", advice="Wait for it first.")
        try:
            while not download.is_whole:
                piece = yield from self._fetch(download.request(video.url))
                yield RunBlocking(partial(download.add, piece))
            yield RunBlocking(download.finish)
        finally:
            download.discard()
        return target

    def _fetch(self, request: HttpRequest) -> Flow[Piece]:
        try:
            answer, _ = yield from self.files.send_with_retries(SAVE, request)
        except NotAccessible as error:
            error.advice = "The address of a result lives 24 hours: read the video again, which may give a new one."
            raise
        piece: Piece = answer["piece"]
        return piece

    def _encode(self, request: VideoRequest) -> dict[str, Any]:
        body = {**self.shape.encode(request, self.provider), **request.extra}
        if request.callback_url is not None:
            name = CALLBACK_FIELDS.get(self.provider)
            if name is None:
                raise self._cannot("report changes of a video to callback_url=", "Wait for it instead.")
            body[name] = request.callback_url
        return body

    def _call(
        self, operation: Action[Any, Any], method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Flow[tuple[Mapping[str, Any], Response]]:
        request = HttpRequest(
            method=method,
            url=f"{self.endpoint.base_url}{path}",
            headers=self.endpoint.headers,
            body=b"" if body is None else encode_json(operation.name, body),
            timeouts=self.endpoint.timeouts,
        )
        return self.endpoint.send_with_retries(operation, request, body or {})

    def _cannot(self, what: str, advice: str) -> UsageError:
        return UsageError(f"{self.endpoint.provider.title} cannot {what}.", advice=advice)

    def _unknown(self, why: str) -> UnknownOutcome:
        where = "the list of videos" if self.shape.list_query is not None else "the provider's own pages"
        return UnknownOutcome(
            f"CreateVideo: {why}; the video may be made, and paid for.",
            advice=f"Look at {where} before you create it again.",
        )


def _status(value: VideoStatus | str) -> VideoStatus:
    try:
        return VideoStatus(value)
    except ValueError:
        raise UsageError(f"A video's status is one of {', '.join(VideoStatus)}, not {value!r}.") from None
