"""The wire format of tasks: bodies of creates, and tasks in every form that gateways answer with. Contract §8."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve

from portrait.codes import failure_code
from portrait.dialects.json_values import json_integer, json_mapping, json_number, json_sequence, json_text
from portrait.dialects.plain import unwrap
from portrait.models import Asset, AssetStatus, Failure, Response, VisualValidateSession
from portrait.tasks.models import NewAsset, Task, TaskStatus, UploadedImage
from portrait.uri import parse_asset_id

_STATUSES = {
    "completed": TaskStatus.COMPLETED,
    "succeeded": TaskStatus.COMPLETED,
    "failed": TaskStatus.FAILED,
    "cancelled": TaskStatus.CANCELLED,
    "canceled": TaskStatus.CANCELLED,
}
_ASSET_STATUSES = {status.lower(): status for status in AssetStatus}


def encode_files(assets: Sequence[NewAsset], *, single: bool) -> dict[str, Any]:
    """`assets`, or `url` and `name` of a single one."""
    files = [{"url": asset.url, "name": asset.name} for asset in assets]
    return files[0] if single else {"assets": files}


def encode_group(group: str | None, description: str | None, group_id: str | None) -> dict[str, Any]:
    """`group` or `group_id`."""
    if group_id is not None:
        return {"group_id": group_id}
    return {"group": {"name": group, **({} if description is None else {"description": description})}}


def decode_task(body: Mapping[str, Any], response: Response, known: Task | None = None) -> Task:
    """A task, with the wrapper or without.

    Args:
        body: The answer.
        response: Where it came from.
        known: The task as this client knows it; its names are given to assets that have none.
    """
    fields = unwrap(body)
    names = () if known is None else known.names
    result = json_mapping(fields.get("result"))
    task = Task(
        id=_text(fields.get("id") or fields.get("task_id")),
        status=_STATUSES.get(_text(fields.get("status")).lower(), TaskStatus.PROCESSING),
        progress=json_integer(fields.get("progress")),
        names=names,
        asset_type=None if known is None else known.asset_type,
        session=_session(result, response),
        group_id=_text(result.get("GroupId") or result.get("group_id")),
        failure=_failure(fields.get("error")),
        response=response,
    )
    return evolve(task, assets=_named(list(_assets(result, task)), names))


def _session(result: Mapping[str, Any], response: Response) -> VisualValidateSession | None:
    token = _text(result.get("byted_token"))
    if not token:
        return None
    return VisualValidateSession(byted_token=token, h5_link=_text(result.get("h5_link")), response=response)


def _assets(result: Mapping[str, Any], task: Task) -> Iterator[Asset]:
    """Every asset that the result has in one of its lists, once; or the single address that is all it has."""
    usable, failed = (_items(result.get(name)) for name in ("usable_assets", "failed_assets"))
    usable_ids, failed_ids = ({_id(item) for item in items} - {""} for items in (usable, failed))
    seen: set[str] = set()
    for item in [*_items(result.get("assets")), *usable, *failed]:
        asset_id = _id(item)
        if asset_id and asset_id in seen:
            continue
        seen.add(asset_id)
        status = _ASSET_STATUSES.get(_text(item.get("status")).lower())
        if asset_id in failed_ids or (status is None and item in failed):
            status = AssetStatus.FAILED
        elif status is None and asset_id in usable_ids:
            status = AssetStatus.ACTIVE
        yield _asset(asset_id, item, status or AssetStatus.PROCESSING, task)
    if not seen and (asset_id := parse_asset_id(_text(result.get("asset_url")))):
        yield _asset(asset_id, {}, AssetStatus.ACTIVE, task)


def _asset(asset_id: str, item: Mapping[str, Any], status: AssetStatus, task: Task) -> Asset:
    failure = None
    if status is AssetStatus.FAILED:
        failure = _failure(item.get("error") or item) or task.failure
    return Asset(
        id=asset_id, name=_text(item.get("name")), status=status, asset_type=task.asset_type or "", failure=failure
    )


def _id(item: Mapping[str, Any]) -> str:
    return parse_asset_id(_text(item.get("asset_id") or item.get("asset_url")))


def _named(assets: list[Asset], names: Sequence[str]) -> tuple[Asset, ...]:
    """The assets in the order in which they were sent. By their names; by place where none has a name (contract §8)."""
    if not any(asset.name for asset in assets):
        if len(assets) != len(names):
            return tuple(assets)
        return tuple(evolve(asset, name=name) for asset, name in zip(assets, names, strict=True))
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    return tuple(sorted(assets, key=lambda asset: places.get(asset.name, len(names))))


def _failure(value: Any) -> Failure | None:
    """Why a task or an asset failed; the code of a review may stand within a sentence (contract §3, M)."""
    fields = value if isinstance(value, Mapping) else {"message": value}
    words = ("message", "failed_reason", "reason", "error_message")
    message = next((text for word in words if (text := _text(fields.get(word)))), "")
    code = failure_code(str(fields.get("code") or fields.get("error_code") or ""), message)
    return Failure(code=code, message=message) if code or message else None


def decode_image(body: Mapping[str, Any]) -> UploadedImage:
    """An uploaded picture."""
    fields = unwrap(body)
    return UploadedImage(
        url=_text(fields.get("url")),
        filename=_text(fields.get("filename")),
        content_type=_text(fields.get("content_type")),
        size=json_integer(fields.get("bytes")),
        created=json_number(fields.get("created_at")),
    )


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in json_sequence(value) if isinstance(item, Mapping)]


def _text(value: Any) -> str:
    return json_text(value) or ""
