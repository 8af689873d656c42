"""The wire formats of videos: AllToken's, Ark's and the task gateways'. Contract §7.

A `Shape` has the paths below the base URL and the pure functions that encode requests and decode responses; None stands
for what a provider cannot do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

from attrs import frozen

from portrait.arguments import TEXT, check_arguments
from portrait.dialects.json_values import json_integer, json_mapping, json_number, json_sequence, json_text
from portrait.dialects.plain import unwrap
from portrait.enums import VideoStatus
from portrait.errors import UsageError
from portrait.gateways import TASKS_PATH
from portrait.models import AssetType, Response
from portrait.video_models import DEFAULT_RESOLUTIONS
from portrait.videos.models import Reference, Video, VideoFailure, VideoPage, VideoRequest

# Every provider's words in one table: none of them means two things. Unknown: not finished (contract §8).
_STATUSES: Mapping[str, VideoStatus] = {
    **dict.fromkeys(("queued", "submitted", "pending"), VideoStatus.QUEUED),
    **dict.fromkeys(("processing", "running", "in_progress"), VideoStatus.RUNNING),
    **dict.fromkeys(("completed", "succeeded"), VideoStatus.SUCCEEDED),
    "failed": VideoStatus.FAILED,
    **dict.fromkeys(("cancelled", "canceled"), VideoStatus.CANCELLED),
    "expired": VideoStatus.EXPIRED,
}


@frozen(kw_only=True)
class Shape:
    """One wire format of videos.

    Attributes:
        create_path: Where a video is created.
        video_path: The path of one video, before its id.
        encode: The body of a create.
        decode: A video from the object that an answer has for it.
        statuses: Its word for a status, for a list's filter; None where it has no list.
        list_query: The query of a list: page from 1, its size, the filter's word.
        cancel: The method and the end of the path that cancel a video; None where nothing does.
        cancel_deletes: Whether cancelling a finished video deletes its record instead.
        unknown_is_invalid: Whether the read of an unknown id may be answered as an invalid request.
    """

    create_path: str
    video_path: str
    encode: Callable[[VideoRequest, str], dict[str, Any]]
    decode: Callable[[Mapping[str, Any], Response], Video]
    statuses: Mapping[VideoStatus, str] | None = None
    list_query: Callable[[int, int, str | None], Mapping[str, Any]] | None = None
    cancel: tuple[str, str] | None = None
    cancel_deletes: bool = False
    unknown_is_invalid: bool = False

    def path_of(self, video_id: str) -> str:
        """The path of a video.

        Raises:
            UsageError: There is no id: the path would be that of the list.
        """
        check_arguments({"id": TEXT}, {"id": video_id})
        if not video_id:
            raise UsageError("The id of the video is empty.", advice="Give the id that its create returned.")
        return f"{self.video_path}/{quote(video_id, safe='')}"

    def list_path(self, page: int, size: int, status: VideoStatus | None) -> str:
        """The path and query of a page of the list."""
        if self.list_query is None or self.statuses is None:
            raise TypeError("this shape has no list")
        query = self.list_query(page, size, None if status is None else self.statuses[status])
        return f"{self.create_path}?{urlencode(query)}"

    def decode_answer(self, body: Mapping[str, Any], response: Response) -> Video:
        """The video in an answer: the body itself, its `data`, or the first of its `data`."""
        return self.decode(unwrap(body), response)

    def decode_page(self, body: Mapping[str, Any], response: Response) -> VideoPage:
        """A page of the list."""
        items = [item for item in json_sequence(body.get("items")) if isinstance(item, Mapping)]
        videos = tuple(self.decode(item, Response()) for item in items)
        return VideoPage(items=videos, total=json_integer(body.get("total")) or len(videos), response=response)


# --- requests --------------------------------------------------------------------------------------------------------

_TYPES = {AssetType.IMAGE: "image_url", AssetType.VIDEO: "video_url", AssetType.AUDIO: "audio_url"}


def _content_item(reference: Reference) -> dict[str, Any]:
    name = _TYPES[reference.kind]
    return {"type": name, name: {"url": reference.url}, "role": reference.role}


def _optional(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _settings(request: VideoRequest) -> dict[str, Any]:
    return _optional(ratio=request.ratio, duration=request.duration, resolution=request.resolution)


def _encode_alltoken(request: VideoRequest, provider: str) -> dict[str, Any]:
    del provider
    content = [_content_item(reference) for reference in request.references]
    return {"model": request.model, "prompt": request.prompt, **_settings(request), "content": content}


def _encode_ark(request: VideoRequest, provider: str) -> dict[str, Any]:
    del provider
    text = [{"type": "text", "text": request.prompt}] if request.prompt else []
    content = [*text, *(_content_item(reference) for reference in request.references)]
    return {"model": request.model, "content": content, **_settings(request)}


def _encode_gateway(request: VideoRequest, provider: str) -> dict[str, Any]:
    """Pictures go with their roles; a plain list of them is the same with the role that references have by default."""
    by_kind = {kind: [each for each in request.references if each.kind is kind] for kind in AssetType}
    images = [{"url": each.url, "role": each.role} for each in by_kind[AssetType.IMAGE]]
    plain = all(each["role"] == "reference_image" for each in images)
    return {
        "model": request.model,
        "prompt": request.prompt,
        **({"image_urls": [each["url"] for each in images]} if images and plain else {}),
        **({"image_with_roles": images} if images and not plain else {}),
        **_named("video_urls", by_kind[AssetType.VIDEO]),
        **_named("audio_urls", by_kind[AssetType.AUDIO]),
        **_optional(size=request.ratio, duration=request.duration),
        # Their defaults differ, so it is always sent. Contract §7.
        "resolution": request.resolution or DEFAULT_RESOLUTIONS.get(provider, "720p"),
    }


def _named(name: str, references: Sequence[Reference]) -> dict[str, list[str]]:
    return {name: [each.url for each in references]} if references else {}


# --- responses -------------------------------------------------------------------------------------------------------


def _decode_alltoken(fields: Mapping[str, Any], response: Response) -> Video:
    return Video(
        **_common(fields, response),
        url=json_text(fields.get("video_url")),
        last_frame_url=json_text(fields.get("last_frame_url")),
        created=json_number(fields.get("created_at")),
        expires=json_number(fields.get("expires_at")),
    )


def _decode_ark(fields: Mapping[str, Any], response: Response) -> Video:
    content = json_mapping(fields.get("content"))
    return Video(
        **_common(fields, response),
        url=json_text(content.get("video_url")),
        last_frame_url=json_text(content.get("last_frame_url")),
        created=json_number(fields.get("created_at")),
    )


def _decode_gateway(fields: Mapping[str, Any], response: Response) -> Video:
    videos = json_sequence(json_mapping(fields.get("result")).get("videos"))
    first = json_mapping(videos[0] if videos else None)
    urls = first.get("url")
    return Video(
        **_common({**fields, "id": fields.get("task_id") or fields.get("id")}, response),
        url=json_text(urls if isinstance(urls, str) else next(iter(json_sequence(urls)), None)),
        last_frame_url=json_text(first.get("last_frame_url")),
        created=json_number(fields.get("created")),
        expires=json_number(first.get("expires_at")),
        cost=json_number(fields.get("cost")),
        credits=json_number(fields.get("credits_cost")),
    )


def _common(fields: Mapping[str, Any], response: Response) -> dict[str, Any]:
    status = _STATUSES.get(str(fields.get("status", "queued")).lower(), VideoStatus.RUNNING)
    error = fields.get("error")
    return {
        "id": json_text(fields.get("id")) or "",
        "status": status,
        "model": json_text(fields.get("model")) or "",
        "progress": json_integer(fields.get("progress")),
        "tokens": json_integer(json_mapping(fields.get("usage")).get("total_tokens")),
        "failure": _failure(error) if status is VideoStatus.FAILED else None,
        "response": response,
    }


def _failure(error: Any) -> VideoFailure:
    if not isinstance(error, Mapping):
        return VideoFailure(message=json_text(error) or "")
    return VideoFailure(code=str(error.get("code") or ""), message=json_text(error.get("message")) or "")


_ALLTOKEN_WORDS = {VideoStatus.RUNNING: "processing", VideoStatus.SUCCEEDED: "completed"}
_VIDEOS = "/videos/generations"
_GENERATIONS = "/contents/generations/tasks"

ALLTOKEN = Shape(
    create_path=_VIDEOS,
    video_path=_VIDEOS,
    encode=_encode_alltoken,
    decode=_decode_alltoken,
    statuses={status: _ALLTOKEN_WORDS.get(status, status.value) for status in VideoStatus},
    list_query=lambda page, size, status: _optional(limit=size, page=page if page > 1 else None, status=status),
    cancel=("POST", "/cancel"),
)
ARK = Shape(
    create_path=_GENERATIONS,
    video_path=_GENERATIONS,
    encode=_encode_ark,
    decode=_decode_ark,
    statuses={status: status.value for status in VideoStatus},
    list_query=lambda page, size, status: {
        "page_num": page,
        "page_size": size,
        **({} if status is None else {"filter.status": status}),
    },
    cancel=("DELETE", ""),
    cancel_deletes=True,
)
GATEWAY = Shape(
    create_path=_VIDEOS,
    video_path=TASKS_PATH,
    encode=_encode_gateway,
    decode=_decode_gateway,
    unknown_is_invalid=True,  # apimart answers 400 (contract §8, D)
)

# By the dialect of a provider's Actions.
SHAPES: Mapping[str, Shape] = MappingProxyType({"alltoken": ALLTOKEN, "ark": ARK, "tasks": GATEWAY})

CALLBACK_FIELDS: Mapping[str, str] = MappingProxyType(
    {"volcengine": "callback_url", "byteplus": "callback_url", "apimart": "webhook"}
)
"""Provider → the field of a create that says where changes are reported; apimart appends `/callback` to it (D)."""
