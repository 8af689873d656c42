"""`ensure` by the 12 Actions: one create for each content, and lists that show what a group holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from portrait import pagination, upload
from portrait.actions import CREATE_ASSET, DELETE_ASSET, GET_ASSET_GROUP, Action
from portrait.ensure.backend import Finish, NewContent, Target
from portrait.ensure.content import Content, parse_digest
from portrait.ensure.groups import ensure_group, groups_named, oldest
from portrait.ensure.sources import read_again
from portrait.errors import NotAccessible
from portrait.flow import Flow, RunBlocking
from portrait.models import (
    Asset,
    AssetType,
    CreateAssetRequest,
    DeleteAssetRequest,
    GetAssetGroupRequest,
    GroupType,
    SortBy,
    SortOrder,
)
from portrait.poll import poll_watch
from portrait.wait import call_when_visible
from portrait.watch import Watch

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.memory import Memory


@frozen(kw_only=True)
class ActionBackend:
    """A `Backend` over Actions.

    Attributes:
        endpoint: Of the client.
        memory: Of the client.
    """

    endpoint: Endpoint
    memory: Memory = field(repr=False)
    action: Action[Any, Any] = field(default=CREATE_ASSET, init=False)
    batch_size: int = field(default=1, init=False)
    can_find: bool = field(default=True, init=False)
    knows_ids: bool = field(default=True, init=False)

    def find_group(self, name: str, *, create: bool) -> Flow[str | None]:
        """As `Backend.find_group`."""
        if create:
            return (yield from ensure_group(self.endpoint, self.memory, name)).id
        found = yield from groups_named(self.endpoint, name)
        return oldest(found).id if found else None

    def group_type(self, group_id: str) -> Flow[GroupType]:
        """As `Backend.group_type`."""
        request = GetAssetGroupRequest(id=group_id)
        lookup = call_when_visible(self.endpoint, group_id, partial(self.endpoint.call, GET_ASSET_GROUP, request))
        face = (yield from lookup).group_type == GroupType.LIVENESS_FACE
        return GroupType.LIVENESS_FACE if face else GroupType.AIGC

    def find(self, target: Target, digest: str | None = None) -> Flow[dict[str, list[Asset]]]:
        """As `Backend.find`."""
        group_id = target.group_id or ""

        # Oldest first: what is created while pages are read comes at the end and moves nothing.
        pages = pagination.asset_pages(
            group_type=target.group_type,
            group_ids=(group_id,),
            name=digest,
            sort_by=SortBy.CREATE_TIME,
            sort_order=SortOrder.ASC,
        )
        by_digest: dict[str, list[Asset]] = {}
        listing = call_when_visible(self.endpoint, group_id, partial(pagination.list_complete, self.endpoint, pages))
        for asset in (yield from listing):
            by_digest.setdefault(parse_digest(asset.name) or "", []).append(asset)
        return by_digest

    def create(self, endpoint: Endpoint, target: Target, new: Sequence[NewContent]) -> Flow[list[str]]:
        """As `Backend.create`."""
        (one,) = new
        content, url, group_id = one.content, (yield from address_of(one)), target.group_id or ""
        if url is not None:
            asset_type = content.asset_type or AssetType.IMAGE
            request = CreateAssetRequest(group_id=group_id, url=url, asset_type=asset_type, name=content.name)
            created = yield from endpoint.call(CREATE_ASSET, request)
            return [created.id]
        file = yield from file_of(content)
        uploaded = yield from upload.upload(endpoint, file, group_id, content.name, None, None)
        return [uploaded.id]

    def remove(self, failed: Asset) -> Flow[None]:
        """As `Backend.remove`."""
        try:
            yield from self.endpoint.call(DELETE_ASSET, DeleteAssetRequest(id=failed.id))
        except NotAccessible:
            return

    def asset_id(self, created_id: str) -> str:
        """As `Backend.asset_id`."""
        return created_id

    def follow(
        self, created: Mapping[str, Content], target: Target, timeout: float | None, poll: float, finish: Finish
    ) -> Flow[None]:
        """As `Backend.follow`."""
        watch = Watch.start(
            list(created),
            self.endpoint.clock.now(),
            group_ids=[target.group_id or ""],
            group_type=target.group_type,
            timeout=timeout,
        )
        while watch.open:
            for end in (yield from poll_watch(self.endpoint, watch, poll)):
                yield from finish(end)


def address_of(new: NewContent) -> Flow[str | None]:
    """The address that the service fetches; None for a file without one."""
    store, stored = new.store, new.stored
    if store is None or stored is None:
        return new.content.url
    url: str = yield RunBlocking(lambda: store.url(stored.key))  # a presigned one begins to expire when it is signed
    return url


def file_of(content: Content, limits: upload.ImageLimits = upload.PORTRAIT_UPLOAD) -> Flow[tuple[bytes, str, str]]:
    """A file as an upload takes it: its bytes, its name and its MIME type.

    Raises:
        UsageError: It cannot be read, has changed, or is none that the upload takes.
    """
    data = yield RunBlocking(lambda: read_again(content))
    _, _, mime = upload.read_image(data, limits)
    return data, content.path.name if content.path is not None else content.name, mime
