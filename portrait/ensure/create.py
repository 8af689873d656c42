"""One content becomes one asset: what a group holds by content, and the create of what it lacks."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from portrait import pagination, upload
from portrait.actions import CREATE_ASSET, DELETE_ASSET
from portrait.ensure.content import Content, parse_digest
from portrait.ensure.once import Sending, create_exactly_once, create_once
from portrait.ensure.options import EnsureOptions
from portrait.ensure.outcomes import Origin
from portrait.ensure.pace import CreatePacer
from portrait.ensure.sources import read_again
from portrait.errors import NotAccessible
from portrait.flow import Flow, RunBlocking
from portrait.models import (
    Asset,
    AssetStatus,
    AssetType,
    CreateAssetRequest,
    DeleteAssetRequest,
    GroupType,
    SortBy,
    SortOrder,
)
from portrait.pagination import Paginator
from portrait.recent_creates import LAG
from portrait.s3 import ObjectStore, StoredObject
from portrait.wait import call_when_visible

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint


def create_asset(
    endpoint: Endpoint,
    options: EnsureOptions,
    group: tuple[str, GroupType],
    content: Content,
    stored: StoredObject | None,
    *,
    pace: CreatePacer,
    listed_at: float,
    replaces: Asset | None = None,
) -> Flow[tuple[str, Origin]]:
    """Create the asset, unless another flow of this process does or has done so since the group was listed.

    Args:
        endpoint: Of the client.
        options: Of the batch.
        group: The group's id and type.
        content: What to create.
        stored: The object of the batch's store, if the file went to one.
        pace: Of the batch.
        listed_at: When the content was seen not to be there, in monotonic seconds.
        replaces: A failed asset that is deleted first.

    Raises:
        UsageError: The file cannot be read any more, or has changed.
        UnknownOutcome: The answer was lost, and looking did not help.
        Interrupted: The batch's deadline came first.
        PortraitError: The service refused.
    """
    group_id, group_type = group

    def send() -> Flow[str]:
        # A create into a group that was created a moment ago may not find it (contract §3).
        sending = call_when_visible(
            endpoint, group_id, lambda: _send(pace.endpoint, options.store, group_id, content, stored)
        )
        return (yield from sending)

    def find() -> Flow[str | None]:
        assets = yield from list_by_digest(endpoint, group_id, group_type, content.digest, ignored=options.ignored)
        alive = usable(assets.get(content.digest, []))
        return alive[0].id if alive else None

    def create(sending: Sending[str]) -> Flow[tuple[str, Origin]]:
        if replaces is not None:
            yield from _remove(endpoint, replaces)
        created_id, recovered = yield from create_exactly_once(
            lambda: pace.create(content.source, lambda: sending(send)), find, f"CreateAsset {content.name!r}"
        )
        origin = Origin.RECOVERED if recovered else Origin.REPLACED if replaces is not None else Origin.CREATED
        return created_id, origin

    # A list may lack what was created shortly before; an asset that it shows as failed it does not lack.
    since = listed_at - LAG if replaces is None else listed_at
    where = (group_id, content.digest)
    created_id, origin = yield from create_once(endpoint, options.memory, where, since, create=create, find=find)
    return created_id, origin or Origin.EXISTING


def _send(
    endpoint: Endpoint, store: ObjectStore | None, group_id: str, content: Content, stored: StoredObject | None
) -> Flow[str]:
    url = content.url
    if store is not None and stored is not None:  # a presigned address begins to expire when it is signed
        url = yield RunBlocking(lambda: store.url(stored.key))
    if url is not None:
        asset_type = content.asset_type or AssetType.IMAGE
        request = CreateAssetRequest(group_id=group_id, url=url, asset_type=asset_type, name=content.name)
        created = yield from endpoint.call(CREATE_ASSET, request)
        return created.id
    data = yield RunBlocking(lambda: read_again(content))
    filename = content.path.name if content.path is not None else content.name
    _, _, mime = upload.read_image(data)
    uploaded = yield from upload.upload(endpoint, (data, filename, mime), group_id, content.name, None, None)
    return uploaded.id


def _remove(endpoint: Endpoint, failed: Asset) -> Flow[None]:
    """Delete a failed asset, whose quota slot its replacement needs."""
    try:
        yield from endpoint.call(DELETE_ASSET, DeleteAssetRequest(id=failed.id))
    except NotAccessible:
        return


def list_by_digest(
    endpoint: Endpoint,
    group_id: str,
    group_type: GroupType,
    digest: str | None = None,
    *,
    ignored: Container[str] = frozenset(),
) -> Flow[dict[str, list[Asset]]]:
    """The group's assets by the digest in their names, the oldest first; "" holds those without one.

    Args:
        endpoint: Of the client.
        group_id: The group.
        group_type: Its type.
        digest: Only assets with this one; None for all.
        ignored: Ids of assets that were deleted a short time ago: a list may still show them.

    Raises:
        PortraitError: The list cannot be read whole.
    """

    def pages() -> Paginator[Asset]:
        # Oldest first: what is created while pages are read comes at the end and moves nothing.
        return pagination.asset_pages(
            group_type=group_type,
            group_ids=(group_id,),
            name=digest,
            sort_by=SortBy.CREATE_TIME,
            sort_order=SortOrder.ASC,
        )

    by_digest: dict[str, list[Asset]] = {}
    listing = call_when_visible(endpoint, group_id, lambda: pagination.list_complete(endpoint, pages))
    for asset in (yield from listing):
        if asset.id in ignored:
            continue
        by_digest.setdefault(parse_digest(asset.name) or "", []).append(asset)
    return by_digest


def usable(assets: Sequence[Asset]) -> list[Asset]:
    """Those that are or may become Active, the oldest first: all processes agree on the first.

    They come oldest first from the list, which knows the order of creation; CreateTime has whole seconds only. Going by
    Id within a second would let a later create win over one that its own process has settled on already.
    """
    alive = [asset for asset in assets if asset.status != AssetStatus.FAILED]
    return sorted(alive, key=lambda asset: asset.create_time)
