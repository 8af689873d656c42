"""One content becomes one asset: through the gateway's upload, from object storage, or by its own address. A flow.

The create is sent under single flight, is noted in the journal before and after, and is found again by its digest if
its answer is lost. Which contents need creating at all is decided in `comparing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from portrait import pagination, upload
from portrait.actions import CREATE_ASSET, DELETE_ASSET
from portrait.ensure.naming import digest_in
from portrait.ensure.options import EnsureOptions
from portrait.ensure.outcomes import Origin
from portrait.ensure.reconcile import once, shared, usable
from portrait.ensure.sources import Content, reread
from portrait.errors import NotAccessible, PortraitError
from portrait.flow import Flow, RunBlocking
from portrait.models import (
    Asset,
    AssetType,
    CreateAssetRequest,
    DeleteAssetRequest,
    GroupType,
    SortBy,
    SortOrder,
)
from portrait.pagination import Paginator
from portrait.s3 import StoredObject

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint


def create_asset(
    endpoint: Endpoint,
    options: EnsureOptions,
    content: Content,
    stored: StoredObject | None,
    *,
    listed: float,
    replaces: Asset | None = None,
) -> Flow[tuple[str, Origin]]:
    """Make the asset, unless another flow of this process is at it or has been since the group was listed.

    Raises:
        UsageError: The file cannot be read any more, or has changed.
        UnknownOutcome: The answer was lost, and looking did not help.
        PortraitError: The service refused.
    """
    key = (options.group_id, content.digest)
    asset_id, origin = yield from shared(
        options.single_flight,
        key,
        listed,
        clock=endpoint.clock,
        create=lambda: _create(endpoint, options, content, stored, replaces),
        find=lambda: _find(endpoint, options, content.digest),
    )
    return asset_id, origin or Origin.EXISTING


def _create(
    endpoint: Endpoint, options: EnsureOptions, content: Content, stored: StoredObject | None, replaces: Asset | None
) -> Flow[tuple[str, Origin]]:
    if replaces is not None:
        yield from _remove(endpoint, replaces)
    create_log, begun = options.create_log, endpoint.clock.now()
    if create_log is not None:
        yield RunBlocking(lambda: create_log.begin(options.group_id, content.digest, begun))
    try:
        asset_id, recovered = yield from once(
            lambda: _send(endpoint, options, content, stored),
            lambda: _find(endpoint, options, content.digest),
            f"CreateAsset {content.name!r}",
        )
    except PortraitError as error:
        if create_log is not None and not error.may_have_executed:
            yield RunBlocking(lambda: create_log.end(options.group_id, content.digest))
        raise
    if create_log is not None:
        yield RunBlocking(lambda: create_log.end(options.group_id, content.digest))
    return asset_id, Origin.RECOVERED if recovered else Origin.REPLACED if replaces is not None else Origin.CREATED


def _send(endpoint: Endpoint, options: EnsureOptions, content: Content, stored: StoredObject | None) -> Flow[str]:
    address = stored.url if stored is not None else content.url
    if address is not None:
        request = CreateAssetRequest(
            group_id=options.group_id, url=address, asset_type=content.asset_type or AssetType.IMAGE, name=content.name
        )
        created = yield from endpoint.call(CREATE_ASSET, request)
        return created.id
    data = yield RunBlocking(lambda: reread(content))
    filename = content.path.name if content.path is not None else content.name
    uploaded = yield from upload.upload(endpoint, (data, filename), options.group_id, content.name, None, None)
    return uploaded.id


def _remove(endpoint: Endpoint, failed: Asset) -> Flow[None]:
    """A failed asset takes a quota slot: it makes room for its replacement."""
    try:
        yield from endpoint.call(DELETE_ASSET, DeleteAssetRequest(id=failed.id))
    except NotAccessible:
        return


def _find(endpoint: Endpoint, options: EnsureOptions, digest: str) -> Flow[str | None]:
    found = yield from list_group(endpoint, options, digest)
    alive = usable(found.get(digest, []))
    return alive[0].id if alive else None


def list_group(endpoint: Endpoint, options: EnsureOptions, digest: str | None = None) -> Flow[dict[str, list[Asset]]]:
    """The group's assets by the digest in their names, the oldest first; "" holds those without one."""
    kind = options.group_type or GroupType.AIGC

    def pages() -> Paginator[Asset]:
        # Oldest first: what is created while pages are read comes at the end and moves nothing.
        return pagination.assets(
            group_type=kind,
            group_ids=(options.group_id,),
            name=digest,
            sort_by=SortBy.CREATE_TIME,
            sort_order=SortOrder.ASC,
        )

    found: dict[str, list[Asset]] = {}
    for asset in (yield from pagination.list_complete(endpoint, pages)):
        found.setdefault(digest_in(asset.name) or "", []).append(asset)
    return found
