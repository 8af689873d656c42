"""The task gateways' videos: how they are asked for, and how one is shown as a task. Contract §7 and §8."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from emulator.domain.generations import GenerationRequest, GenerationView
from emulator.domain.references import Reference
from emulator.rest.alltoken_videos import STATUSES as ALLTOKEN_STATUSES
from emulator.rest.fields import Fields
from emulator.rest.videos import DEFAULT_ROLES, read_request, write_failure, write_last_frame
from portrait.enums import VideoStatus
from portrait.gateways import TASK_FAILED
from portrait.models import AssetType

# Contract §8 (D).
_STATUSES: Mapping[VideoStatus, str] = MappingProxyType(
    {
        **ALLTOKEN_STATUSES,
        VideoStatus.QUEUED: "submitted",
        VideoStatus.RUNNING: "in_progress",
        VideoStatus.EXPIRED: "failed",
    }
)
_LISTS: Mapping[str, AssetType] = MappingProxyType(
    {"image_urls": AssetType.IMAGE, "video_urls": AssetType.VIDEO, "audio_urls": AssetType.AUDIO}
)
_DOLLARS_PER_TOKEN = 7e-6  # no price is documented with the shape (I)
_EXPIRED = "The task was not finished in time."


def read_video(fields: Fields) -> GenerationRequest:
    """Pictures with or without roles, videos and sounds, each in a list of its own (D)."""
    references: list[Reference] = []
    image = AssetType.IMAGE
    for item in fields.objects("image_with_roles"):
        role = item.text("role", DEFAULT_ROLES[image])
        references.append(Reference(url=item.required("url"), kind=image, role=role, place=f"{item.place}url"))
    for name, kind in _LISTS.items():
        references += [
            Reference(url=url, kind=kind, role=DEFAULT_ROLES[kind], place=f"{name}[{index}]")
            for index, url in enumerate(fields.texts(name))
        ]
    ratio = "aspect_ratio" if fields.has("aspect_ratio") else "size"
    return read_request(fields, fields.text("prompt"), tuple(references), ratio)


def write_created_video(video: GenerationView) -> list[dict[str, Any]]:
    """An array of one (D)."""
    return [{"status": _STATUSES[video.state], "task_id": video.id}]


def write_video(video: GenerationView) -> dict[str, Any]:
    """A task whose result has videos, each with an array of addresses; a failed one costs nothing (D)."""
    cost = round(video.tokens * _DOLLARS_PER_TOKEN, 6)
    written: dict[str, Any] = {
        "id": video.id,
        "status": _STATUSES[video.state],
        "progress": video.progress,
        "created": int(video.created),
        "estimated_time": round(video.total),
    }
    if video.ended is not None:
        written |= {
            "completed": int(video.ended),
            "actual_time": round(video.ended - video.created),
            "cost": cost,
            "credits_cost": round(cost * 100, 4),
        }
    if video.url:
        item = {"url": [video.url], "expires_at": int(video.expires or 0), **write_last_frame(video)}
        written["result"] = {"videos": [item]}
    if video.state is VideoStatus.EXPIRED:
        written["error"] = {"code": TASK_FAILED, "message": _EXPIRED}
    return written | write_failure(video)
