"""The rules of a pool's slots, pure: which assets can be leased, and which one makes room."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import inf

from attrs import frozen

from portrait.clock import format_timestamp
from portrait.ensure.backend import usable
from portrait.errors import NoFreeSlot
from portrait.models import Asset, AssetStatus
from portrait.recent_creates import LAG
from portrait.state import Create, Lease, PoolChange, PoolView
from portrait.wait import parse_timestamp

UNANSWERED = 60.0 + LAG
"""Seconds for which a create without an answer may become an asset: the usual limit of a call, and the lag of lists."""

MAX_NAMED = 8  # leases that an error names; all of them are in its `leases`


@frozen(kw_only=True)
class PoolStatus:
    """The status of a pool.

    Attributes:
        group_id: Its group.
        slots: Assets that the group may hold.
        assets: Assets that the service lists in it.
        foreign: How many of them are not the pool's: their Names hold no digest.
        leases: Who holds what, and for how many seconds more; pins have no end.
        waiters: Who waits for a slot, in order.
        used_at: When each asset was used last, in seconds since 1970, by its id; from the service, else from the state.
        read_at: When this was read, in seconds since 1970 by the client's clock.
    """

    group_id: str
    slots: int
    assets: tuple[Asset, ...]
    foreign: int
    leases: tuple[Lease, ...]
    waiters: tuple[str, ...]
    used_at: Mapping[str, float]
    read_at: float


@frozen(kw_only=True)
class Wish:
    """The request of a holder.

    Attributes:
        holder: Who wants it.
        items: Digests of contents.
        slots: Assets that the group may hold.
        is_full: The service has refused a create, whatever its list shows.
    """

    holder: str
    items: tuple[str, ...]
    slots: int
    is_full: bool = False


@frozen
class Listing:
    """The assets that the service lists in a group.

    Attributes:
        assets: By digest; "" holds those of others.
        age: Seconds since the list was begun.
    """

    assets: Mapping[str, Sequence[Asset]]
    age: float = 0.0

    def deleted(self, view: PoolView) -> frozenset[str]:
        """Ids of assets that were deleted so shortly before that the list may still show them."""
        lag = self.age + LAG
        return frozenset(each.asset_id for each in view.assets if each.deleted is not None and each.deleted < lag)

    def without(self, ids: Collection[str]) -> dict[str, list[Asset]]:
        """The assets but for some."""
        rest = {digest: [asset for asset in same if asset.id not in ids] for digest, same in self.assets.items()}
        return {digest: same for digest, same in rest.items() if same}

    def unlisted(self, create: Create) -> bool:
        """Whether the list may lack what came of a create."""
        return create.age < self.age + (UNANSWERED if create.answered_at is None else LAG)


def decide(wish: Wish, listing: Listing, view: PoolView) -> PoolChange:
    """Whether a holder gets what it wants; else which assets to delete first, or that it has to wait.

    A slot is in use while its content is leased, whether the asset is there already or not: so a reservation counts
    before its create, and one that others hold may be shared at once. What nobody holds is given in the order of
    waiting, and only who is the next makes room.
    """
    deleted = listing.deleted(view)
    present = listing.without(deleted)
    leased = {lease.item for lease in view.leases if lease.holder != wish.holder}
    created = {each.key.item for each in view.creates if each.result_id not in deleted and listing.unlisted(each)}
    evicting = {each.item for each in view.assets if each.is_evicting}
    is_next = view.waiters[:1] in {(), (wish.holder,)}
    if not evicting.isdisjoint(wish.items) or not (is_next or leased.issuperset(wish.items)):
        return PoolChange(waits=True)
    # A lease says that there is a slot for its content, but what was known and leased at once may not be there.
    in_use = (leased | created | set(wish.items)) - present.keys()
    excess = max(sum(map(len, present.values())) + len(in_use) - wish.slots, int(wish.is_full))
    if present.keys() >= set(wish.items):
        excess = 0
    if excess <= 0:
        return PoolChange(leases={item: _usable_id(present.get(item, ())) for item in wish.items})
    idle = evictable(present, leased | created | evicting | set(wish.items), view)
    if len(idle) < excess:
        return PoolChange(waits=True)
    return PoolChange(waits=True, victims=dict(idle[:excess]))


def _usable_id(assets: Sequence[Asset]) -> str | None:
    return next((asset.id for asset in usable(assets)), None)


def evictable(assets: Mapping[str, Sequence[Asset]], busy: Collection[str], view: PoolView) -> list[tuple[str, str]]:
    """Ids and digests of the pool's own assets that may be deleted: not leased, and not in review.

    Those that failed come first, which nobody can use; then the least recently used.
    """
    used_at = last_uses([asset for same in assets.values() for asset in same], view)
    idle = [
        (asset.status != AssetStatus.FAILED, used_at[asset.id], asset.id, digest)
        for digest, same in assets.items()
        if digest and digest not in busy
        for asset in same
        if asset.status != AssetStatus.PROCESSING
    ]
    return [(asset_id, digest) for _, _, asset_id, digest in sorted(idle)]


def last_uses(assets: Sequence[Asset], view: PoolView) -> dict[str, float]:
    """When each asset was used last, in seconds since 1970, by its id.

    The service's LastInferenceTime counts; else when the pool leased it or took it back; else when it was created.
    """
    known = {each.asset_id: each.used_at for each in view.assets}
    return {
        asset.id: parse_timestamp(asset.last_inference_time)
        if asset.last_inference_time
        else known.get(asset.id) or parse_timestamp(asset.create_time)
        for asset in assets
    }


def no_free_slot(wish: Wish, view: PoolView, now: float, reason: str = "") -> NoFreeSlot:
    """The error of a holder that was not served in time.

    Args:
        wish: What it wanted.
        view: Of the pool, as it was seen last.
        now: Seconds since 1970.
        reason: What it waited for, if not for a slot.
    """
    leases = tuple(sorted(view.leases, key=lambda lease: lease.seconds))
    holders = [f"{lease.holder} holds {lease.item} {_until(lease.seconds, now)}" for lease in leases[:MAX_NAMED]]
    holders += [f"{len(leases) - MAX_NAMED} more leases"] * (len(leases) > MAX_NAMED)
    before = [holder for holder in view.waiters if holder != wish.holder]
    waiters = f" {len(before)} more wait." if before else ""
    what = reason or f"None of {wish.slots} slots became free in time."
    return NoFreeSlot(f"{what} {'; '.join(holders) or 'Nobody leases any'}.{waiters}", leases=leases)


def _until(seconds: float, now: float) -> str:
    if seconds == inf:
        return "for good"
    return f"until {format_timestamp(now + seconds)} ({seconds:.0f} s)"
