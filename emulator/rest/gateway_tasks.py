"""The task gateways' requests, and tasks and videos as their JSON. Contract §7 and §8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from emulator.domain.generations import GenerationRequest, GenerationView
from emulator.domain.jobs import TaskKind, TaskState
from emulator.domain.references import Reference
from emulator.domain.tasks import (
    AssetsRequest,
    ItemView,
    NewAsset,
    PersonRequest,
    SessionRequest,
    TaskView,
)
from emulator.rest.alltoken_videos import STATUSES as ALLTOKEN_STATUSES
from emulator.rest.fields import Fields
from emulator.rest.videos import DEFAULT_ROLES, read_request, write_failure, write_last_frame
from portrait.enums import VideoStatus
from portrait.gateways import AVATAR_TASK, PARTLY_FAILED, PRIVATE_TYPES, REAL_TYPES, TASK_FAILED
from portrait.models import AssetType

MODEL = "doubao-seedance-2.0"
"""The `model` of a task that creates assets, where the request names none (D)."""

_NOT_PASSED = {"zh": "真人认证未通过或已过期", "en": "The liveness check was not passed, or has expired"}  # ours (I)


def read_private_avatar(fields: Fields) -> AssetsRequest:
    """`group` or `group_id`; `assets`, or `url` and `name` of a single one (D)."""
    if fields.one_of("assets", "url") == "url":
        return _read_private(fields, (NewAsset(url=fields.text("url"), name=fields.text("name")),))
    return _read_private(fields, _files(fields))


def read_real_avatar(fields: Fields) -> AssetsRequest | SessionRequest | PersonRequest:
    """One of three operations, told apart by the field that is there (D)."""
    project = fields.text("project_name")
    operation = fields.one_of("callback_url", "byted_token", "group_id")
    if operation == "callback_url":
        return SessionRequest(callback_url=fields.text(operation), project_name=project)
    if operation == "byted_token":
        return PersonRequest(byted_token=fields.text(operation), project_name=project)
    return AssetsRequest(
        kind=_asset_type(fields, REAL_TYPES),
        files=_files(fields),
        group_id=fields.text(operation),
        project_name=project,
        model=MODEL,
    )


def read_library_assets(fields: Fields) -> AssetsRequest:
    """Apimart's library: always a list, whose items may have no name (D)."""
    fields.required("asset_type")
    return _read_private(fields, _files(fields, named=False))


def _read_private(fields: Fields, files: tuple[NewAsset, ...]) -> AssetsRequest:
    fields.one_of("group", "group_id")
    group = fields.object("group")
    return AssetsRequest(
        kind=_asset_type(fields, PRIVATE_TYPES),
        files=files,
        group_id=fields.text("group_id"),
        group_name="" if fields.has("group_id") else group.required("name"),
        group_description=group.text("description"),
        project_name=fields.text("project_name"),
        model=fields.text("model", MODEL),
    )


def _asset_type(fields: Fields, types: Sequence[AssetType]) -> AssetType:
    return AssetType(fields.choice("asset_type", types, types[0]))


def _files(fields: Fields, *, named: bool = True) -> tuple[NewAsset, ...]:
    return tuple(
        NewAsset(url=item.required("url"), name=item.required("name") if named else item.text("name"), place=item.place)
        for item in fields.objects("assets")
    )


def write_created(task: TaskView, language: str) -> dict[str, Any]:
    """A task as the call that creates it answers."""
    if task.kind is not TaskKind.ASSETS:
        return {"id": task.id, "status": task.state, **(_outcome(task, language) if task.group_id else {})}
    return {
        "id": task.id,
        "object": AVATAR_TASK,
        "status": task.state,
        "progress": task.progress,
        "model": task.model,
    }


def write_task(task: TaskView, language: str) -> dict[str, Any]:
    """A task as a read answers it."""
    progress = {"progress": task.progress} if task.kind is TaskKind.ASSETS else {}
    return {"id": task.id, "status": task.state, **progress, **_outcome(task, language)}


def _outcome(task: TaskView, language: str) -> dict[str, Any]:
    outcome: dict[str, Any] = {}
    if task.token:
        outcome["result"] = {"byted_token": task.token, "h5_link": task.link, "raw_response": {}}
    elif task.group_id:
        outcome["result"] = {"GroupId": task.group_id}
    elif task.items:
        outcome["result"] = _assets(task.items)
    if task.state is TaskState.FAILED:
        messages = PARTLY_FAILED if task.kind is TaskKind.ASSETS else _NOT_PASSED
        outcome["error"] = {"code": TASK_FAILED, "message": messages.get(language) or messages["zh"]}
    return outcome


def _assets(items: Sequence[ItemView]) -> dict[str, Any]:
    """All assets, and the same by whether they can be used. One alone has its address at the top, too (D)."""
    written = [_item(item) for item in items]
    result: dict[str, Any] = {
        "assets": written,
        "usable_assets": [each for each, item in zip(written, items, strict=True) if item.usable],
        "failed_assets": [each for each, item in zip(written, items, strict=True) if not item.usable],
    }
    if len(items) == 1 and items[0].usable:
        result["asset_url"] = written[0]["asset_url"]
    return result


def _item(item: ItemView) -> dict[str, Any]:
    """Id, address and status are documented (D); the name and the reason are beside them (I)."""
    written: dict[str, Any] = {
        "asset_id": item.asset_id,
        "asset_url": f"asset://{item.asset_id}",
        "status": "Active" if item.usable else "Failed",
        "name": item.name,
    }
    if not item.usable:
        written["error"] = {"code": item.code, "message": item.message}
    return written


# --- videos ----------------------------------------------------------------------------------------------------------

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
