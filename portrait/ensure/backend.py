"""What `ensure` asks of a provider: to create, to find and to follow. And the one that does so by the 12 Actions.

What is planned, claimed, looked for after a lost answer and reported is the same for all: that is `plan`, `create` and
`apply`. The backend of the task gateways is in `portrait.tasks.ensure`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from attrs import field, frozen

from portrait import pagination, upload
from portrait.actions import CREATE_ASSET, DELETE_ASSET, GET_ASSET_GROUP, Action
from portrait.ensure.content import Content, parse_digest
from portrait.ensure.groups import FoundGroup, find_group, find_or_create_group
from portrait.ensure.sources import read_again
from portrait.errors import NotAccessible
from portrait.flow import Flow, RunBlocking
from portrait.models import (
    Asset,
    AssetStatus,
    AssetType,
    CreateAssetRequest,
    DeleteAssetRequest,
    GetAssetGroupRequest,
    GroupType,
    SortBy,
    SortOrder,
)
from portrait.poll import poll_watch
from portrait.s3 import ObjectStore, StoredObject
from portrait.state import short_digest
from portrait.wait import call_when_visible
from portrait.watch import AssetOutcome, Watch

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.memory import Memory


@frozen(kw_only=True)
class Target:
    """The group that assets go into.

    Attributes:
        group_id: Its id; None for one that is made by name.
        group: Its name, where the provider makes it with the assets; None otherwise.
        group_type: Its type.
    """

    group_id: str | None
    group: str | None = None
    group_type: GroupType = GroupType.AIGC

    @property
    def scope(self) -> str:
        """What the state knows it by: it holds no names."""
        return self.group_id or short_digest("group", self.group or "")


@frozen(kw_only=True)
class NewContent:
    """A content that is to become an asset.

    Attributes:
        content: What it is.
        stored: The object of `store` that holds the file; None where it went to none.
        store: The batch's store.
        replaces: A failed asset that is deleted first.
    """

    content: Content
    stored: StoredObject | None = None
    store: ObjectStore | None = None
    replaces: Asset | None = None


Finish = Callable[[AssetOutcome], Flow[None]]


class Backend(Protocol):
    """A provider, as far as `ensure` needs it."""

    @property
    def endpoint(self) -> Endpoint:
        """Of the client."""

    @property
    def action(self) -> Action[Any, Any]:
        """By which it creates; its pace is learnt by that."""

    @property
    def batch_size(self) -> int:
        """Contents that one create takes."""

    @property
    def can_find(self) -> bool:
        """Whether it can list what a group holds: then a create whose answer was lost is looked for."""

    @property
    def knows_ids(self) -> bool:
        """Whether a create is answered with the ids of the assets, and not with those of what makes them."""

    def find_group(self, name: str, *, create: bool) -> Flow[FoundGroup | None]:
        """The group of that name, which is an AIGC group.

        Args:
            name: Exactly.
            create: Whether to create it if there is none.

        Returns:
            None if there is none; also where the provider makes groups with their assets.
        """

    def group_type(self, group_id: str) -> Flow[GroupType]:
        """The type of a group."""

    def find(self, target: Target, digest: str | None = None) -> Flow[dict[str, list[Asset]]]:
        """What a group holds, by the digest in the assets' names, the oldest first; "" holds those without one.

        Args:
            target: The group.
            digest: Only that content; None for all.

        Raises:
            PortraitError: It cannot be read whole.
        """

    def create(self, endpoint: Endpoint, target: Target, new: Sequence[NewContent]) -> Flow[list[str]]:
        """Send one create; returns what each content is followed by, in order.

        Args:
            endpoint: Of the client, with the manner of the batch's pace.
            target: The group.
            new: At most `batch_size`, of one type.

        Raises:
            UsageError: A file cannot be read any more, has changed, or cannot be sent to this provider.
            PortraitError: The provider refused, or the answer was lost.
        """

    def remove(self, failed: Asset) -> Flow[None]:
        """Delete a failed asset, where the provider can: its replacement needs the quota slot."""

    def asset_id(self, created_id: str) -> str:
        """The id of the asset that something of `create` stands for; "" while it is not known."""

    def follow(  # noqa: PLR0917
        self,
        created: Mapping[str, Content],
        read: Mapping[str, Asset],
        target: Target,
        timeout: float | None,
        poll: float,
        finish: Finish,
    ) -> Flow[None]:
        """Await the ends of all reviews.

        Args:
            created: By what `create` returned.
            read: Those of them that were read a moment ago.
            target: The group.
            timeout: Seconds in all; None is that of the files' types.
            poll: Seconds between two looks.
            finish: Is run for each as soon as it has ended; `id` of the outcome is what `create` returned.

        Raises:
            PortraitError: Asking as such fails for good.
        """


def usable(assets: Sequence[Asset]) -> list[Asset]:
    """Those that are or may become Active, the oldest first: all processes agree on the first.

    They come oldest first from the list, which knows the order of creation; CreateTime has whole seconds only. Going by
    Id within a second would let a later create win over one that its own process has settled on already.
    """
    alive = [asset for asset in assets if asset.status != AssetStatus.FAILED]
    return sorted(alive, key=lambda asset: asset.create_time)


def without(assets: Mapping[str, Sequence[Asset]], ignored: Container[str]) -> dict[str, list[Asset]]:
    """The assets by digest, but for some ids: a list may still show what was deleted a short time ago."""
    return {digest: [asset for asset in same if asset.id not in ignored] for digest, same in assets.items()}


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

    def find_group(self, name: str, *, create: bool) -> Flow[FoundGroup | None]:
        """As `Backend.find_group`."""
        return find_or_create_group(self.endpoint, self.memory, name) if create else find_group(self.endpoint, name)

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

    def follow(  # noqa: PLR0917
        self,
        created: Mapping[str, Content],
        read: Mapping[str, Asset],
        target: Target,
        timeout: float | None,
        poll: float,
        finish: Finish,
    ) -> Flow[None]:
        """As `Backend.follow`."""
        watch = Watch.start(
            [read.get(asset_id, asset_id) for asset_id in created],
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
    data = yield RunBlocking(partial(read_again, content))
    _, _, mime = upload.read_image(data, limits)
    return data, content.path.name if content.path is not None else content.name, mime
