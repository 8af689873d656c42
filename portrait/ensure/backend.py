"""What `ensure` asks of a provider: to create, to find and to follow. One backend speaks Actions, one speaks tasks.

What is planned, claimed, looked for after a lost answer and reported is the same for all: that is `plan`, `create` and
`apply`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from portrait.ensure.content import Content
from portrait.flow import Flow
from portrait.models import Asset, AssetStatus, GroupType
from portrait.s3 import ObjectStore, StoredObject
from portrait.state import short_digest
from portrait.watch import AssetOutcome

if TYPE_CHECKING:
    from portrait.actions import Action
    from portrait.endpoint import Endpoint


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
        digest: Of the content.
        stored: The object of `store` that holds the file; None where it went to none.
        store: The batch's store.
        replaces: A failed asset that is deleted first.
    """

    content: Content
    digest: str
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

    def find_group(self, name: str, *, create: bool) -> Flow[str | None]:
        """The id of the group of that name.

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

    def follow(
        self, created: Mapping[str, Content], target: Target, timeout: float | None, poll: float, finish: Finish
    ) -> Flow[None]:
        """Await the ends of all reviews.

        Args:
            created: By what `create` returned.
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
