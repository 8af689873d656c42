"""Groups, assets and videos as plain records with the library's own names, without signed links; counts in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portrait.clock import format_timestamp
from portrait.models import AssetFilter
from portrait.uri import asset_uri

if TYPE_CHECKING:
    from portrait.client import PortraitClient
    from portrait.models import Asset, AssetGroup
    from portrait.videos import Video


def group_record(group: AssetGroup) -> dict[str, Any]:
    """A group."""
    return {
        "id": group.id,
        "name": group.name,
        "group_type": str(group.group_type),
        "description": group.description,
        "project_name": group.project_name,
        "create_time": group.create_time,
        "update_time": group.update_time,
    }


def asset_record(asset: Asset) -> dict[str, Any]:
    """An asset, without its signed link."""
    failure = asset.failure
    return {
        "id": asset.id,
        "uri": asset_uri(asset.id),
        "name": asset.name,
        "status": str(asset.status),
        "asset_type": str(asset.asset_type),
        "group_id": asset.group_id,
        "failure": {"code": failure.code, "message": failure.message} if failure else None,
        "project_name": asset.project_name,
        "create_time": asset.create_time,
        "update_time": asset.update_time,
    }


def video_record(video: Video) -> dict[str, Any]:
    """A video, without the signed address of its file."""
    failure = video.failure
    return {
        "id": video.id,
        "status": str(video.status),
        "model": video.model,
        "progress": video.progress,
        "created": _time(video.created),
        "expires": _time(video.expires),
        "tokens": video.tokens,
        "cost": video.cost,
        "credits": video.credits,
        "failure": {"code": failure.code, "message": failure.message} if failure else None,
    }


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else format_timestamp(seconds)


def count_assets(client: PortraitClient, group: AssetGroup) -> int | None:
    """The number of a group's assets; None where the provider does not count."""
    wanted = AssetFilter(group_type=str(group.group_type), group_ids=[group.id])
    return client.list_assets(filter=wanted, page_size=1).total_count


def pluralize(number: int | None, thing: str) -> str:
    """`3 assets`, `1 asset`; `an unknown number of assets` for None."""
    if number is None:
        return f"an unknown number of {thing}s"
    return f"{number} {thing}{'' if number == 1 else 's'}"
