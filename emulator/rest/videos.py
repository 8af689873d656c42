"""Videos as each provider shows them: AllToken's, Ark's and the gateways' words for one generation. Contract §7."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from emulator.domain.generations import GenerationPage, GenerationView
from emulator.domain.jobs import GenerationState

_QUEUED, _RUNNING, _SUCCEEDED = GenerationState.QUEUED, GenerationState.RUNNING, GenerationState.SUCCEEDED

# Where a word differs from the state's own. Contract §7 and §8 (D).
ALLTOKEN_STATUSES: Mapping[GenerationState, str] = MappingProxyType(
    {**{state: str(state) for state in GenerationState}, _RUNNING: "processing", _SUCCEEDED: "completed"}
)
ARK_STATUSES: Mapping[GenerationState, str] = MappingProxyType({state: str(state) for state in GenerationState})
GATEWAY_STATUSES: Mapping[GenerationState, str] = MappingProxyType(
    {
        **ALLTOKEN_STATUSES,
        _QUEUED: "submitted",
        _RUNNING: "in_progress",
        GenerationState.EXPIRED: "failed",
    }
)
_DOLLARS_PER_TOKEN = 7e-6  # no price is documented with the shape (I)
_EXPIRED = "The task was not finished in time."


def write_alltoken(video: GenerationView) -> dict[str, Any]:
    """The fields of a create and of a read (D); `usage` and `error` are ours (I)."""
    written: dict[str, Any] = {
        "id": video.id,
        "status": ALLTOKEN_STATUSES[video.state],
        "model": video.model,
        "is_expired": video.expired,
        "created_at": int(video.created),
    }
    if video.url:
        written |= {"video_url": video.url, **_last_frame(video), "expires_at": int(video.expires or 0)}
        written |= {"usage": _usage(video)}
    return written | _error(video)


def write_alltoken_page(page: GenerationPage) -> dict[str, Any]:
    """`{"items", "total"}` (D)."""
    return {"items": [write_alltoken(video) for video in page.items], "total": page.total}


def write_ark(video: GenerationView) -> dict[str, Any]:
    """The fields of a read, of an item of the list, and of what is posted to `callback_url` (D)."""
    written: dict[str, Any] = {
        "id": video.id,
        "model": video.model,
        "status": ARK_STATUSES[video.state],
        "created_at": int(video.created),
        "updated_at": int(video.updated),
        "duration": video.seconds,
        "resolution": video.resolution,
        "ratio": video.ratio,
        "framespersecond": 24,
        **video.options,
    }
    if video.url:
        written |= {"content": {"video_url": video.url, **_last_frame(video)}, "usage": _usage(video)}
    return written | _error(video)


def write_ark_page(page: GenerationPage) -> dict[str, Any]:
    """`{"items", "total"}` (D)."""
    return {"items": [write_ark(video) for video in page.items], "total": page.total}


def write_gateway_created(video: GenerationView) -> list[dict[str, Any]]:
    """An array of one (D)."""
    return [{"status": GATEWAY_STATUSES[video.state], "task_id": video.id}]


def write_gateway_task(video: GenerationView) -> dict[str, Any]:
    """A task whose result has videos, each with an array of addresses; a failed one costs nothing (D)."""
    cost = round(video.tokens * _DOLLARS_PER_TOKEN, 6)
    written: dict[str, Any] = {
        "id": video.id,
        "status": GATEWAY_STATUSES[video.state],
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
        item = {"url": [video.url], "expires_at": int(video.expires or 0), **_last_frame(video)}
        written["result"] = {"videos": [item]}
    if video.state is GenerationState.EXPIRED:
        written["error"] = {"code": "task_failed", "message": _EXPIRED}
    return written | _error(video)


def _usage(video: GenerationView) -> dict[str, int]:
    """Contract §7: both are the same, and 1 or more (D)."""
    return {"completion_tokens": video.tokens, "total_tokens": video.tokens}


def _last_frame(video: GenerationView) -> dict[str, str]:
    return {"last_frame_url": video.last_frame_url} if video.last_frame_url else {}


def _error(video: GenerationView) -> dict[str, Any]:
    return {"error": {"code": video.code, "message": video.message}} if video.code else {}
