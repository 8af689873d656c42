"""Acquires the leases of one holder.

Known assets are leased at once. Else the group is listed, it is decided with all who share the state, room is made, and
missing assets are created.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from portrait import ensure
from portrait.actions import DELETE_ASSET, GET_ASSET
from portrait.ensure.plan import GroupContents
from portrait.ensure.plan import decide as plan_contents
from portrait.errors import AssetVanished, Interrupted, NoFreeSlot, NotAccessible, PortraitError, QuotaExceeded
from portrait.events import AssetEvicted, LeaseGranted, LeaseWaiting
from portrait.flow import Flow, Gather, Hold, Notify, RunBlocking, Sleep
from portrait.models import Asset, AssetStatus, DeleteAssetRequest, GetAssetRequest
from portrait.pool.rules import UNANSWERED, Listing, Wish, decide, no_free_slot
from portrait.rights import RightLost
from portrait.state import KnownLease, PoolChange, PoolView, Waiting

if TYPE_CHECKING:
    from portrait.pool.operations import Held, Pool

TURN_POLL = 0.25  # seconds between two looks whether it is one's turn; they ask the state alone
ROOM_POLL = 3.0  # seconds between two looks of the next in turn for room; they ask the service
UNBOUNDED = 600.0  # seconds for a call without a limit
_VERIFIED_AT_ONCE = 8  # calls

Contents = Sequence[tuple[str, ensure.Content]]  # each source's name, and what it is


class GroupRemoved(Exception):
    """The pool's group is being removed, as one that nobody has used for a while."""


@define
class Acquisition:
    """The acquisition of leases by one holder.

    Attributes:
        held: Who it is.
        contents: What is wanted.
        deadline: In monotonic seconds.
        timeout: Seconds from the beginning to the deadline.
        ticket: Its place among those who wait; None as long as it does not.
        is_next: Whether it is the next in turn.
        reserved: How many leases it has.
        view: Of the pool, as it was seen last.
    """

    held: Held
    contents: Contents
    deadline: float
    timeout: float
    ticket: int | None = None
    is_next: bool = True
    reserved: int = 0
    view: PoolView = field(factory=PoolView)

    @property
    def pool(self) -> Pool:
        """From which it leases."""
        return self.held.pool

    @property
    def items(self) -> tuple[str, ...]:
        """The digests of the contents, each once."""
        return tuple(dict.fromkeys(content.digest for _, content in self.contents))

    @property
    def remaining(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.deadline - self.pool.endpoint.clock.monotonic())

    def wish(self, *, is_full: bool = False) -> Wish:
        """The request of the holder, for the rules."""
        return Wish(holder=self.held.holder, items=self.items, slots=self.pool.slots, is_full=is_full)

    def hold(self) -> Hold:
        """Run it, and renew what it has leased or reserved."""
        held = self.held
        pools, key, holder, ttl = held.group.pools, held.group.key, held.holder, held.ttl
        return Hold(self._run(), lambda: pools.renew(key, holder, ttl) >= self.reserved, ttl / 3)

    def _run(self) -> Flow[Held]:
        """Wait for room, and create what is missing."""
        ids = yield from self._lease_known()
        is_full = False
        while ids is None:
            listing, listed_at = yield from self.pool.list(self.held.group)
            change = yield from self._decide(listing, is_full=is_full)
            if change.victims:
                for asset_id, item in change.victims.items():
                    yield from self._evict(asset_id, item)
                is_full = False
            elif change.waits:
                ids = yield from self._await_turn()
            else:
                try:
                    ids = yield from self._settle(change, listing, listed_at)
                except QuotaExceeded:  # others used the room: look anew
                    is_full = True
                if ids is None:
                    yield from self.pause(ROOM_POLL)
        yield Notify(LeaseGranted(group_id=self.held.group.id, holder=self.held.holder, asset_ids=tuple(ids.values())))
        items = tuple(content.digest for _, content in self.contents)
        return evolve(self.held, items=items, ids=tuple(ids[item] for item in items))

    def pause(self, seconds: float) -> Flow[None]:
        """Let some time pass.

        Raises:
            NoFreeSlot: The deadline comes first.
        """
        if self.remaining < seconds:
            raise self._no_free_slot()
        yield Sleep(seconds)

    def _lease_known(self) -> Flow[dict[str, str] | None]:
        """Lease what is known of earlier leases, if the service says that it is Active."""
        held, group = self.held, self.held.group
        answer: KnownLease = yield RunBlocking(
            partial(group.pools.lease_known, group.key, held.holder, self.items, held.ttl)
        )
        self.is_next = answer.is_next
        if answer.ids is None:
            return None
        self.reserved = len(answer.ids)
        flows = [self.pool.endpoint.call(GET_ASSET, GetAssetRequest(id=asset_id)) for asset_id in answer.ids.values()]
        assets: list[Asset | PortraitError] = yield Gather(flows, _VERIFIED_AT_ONCE)
        for asset_id, asset in zip(answer.ids.values(), assets, strict=True):
            if isinstance(asset, NotAccessible):
                yield RunBlocking(partial(group.pools.forget, group.key, asset_id))
            elif isinstance(asset, PortraitError):
                raise asset
        if all(isinstance(asset, Asset) and asset.status == AssetStatus.ACTIVE for asset in assets):
            return answer.ids
        return None

    def _decide(self, listing: Listing, *, is_full: bool) -> Flow[PoolChange]:
        """Lease, take victims or wait: in one transaction."""
        held, group = self.held, self.held.group
        wish = self.wish(is_full=is_full)

        def change(view: PoolView) -> tuple[PoolChange, tuple[PoolChange, PoolView]]:
            result = PoolChange() if view.is_closed else decide(wish, listing, view)
            return result, (result, view)

        eviction = (self.pool.endpoint.timeouts.total or UNBOUNDED) + UNANSWERED
        result: PoolChange
        (result, self.view), self.ticket = yield RunBlocking(
            lambda: group.pools.update(
                group.key,
                held.holder,
                change,
                ttl=held.ttl,
                eviction=eviction,
                age=listing.age,
                ticket=self.ticket,
            )
        )
        self.reserved = len(result.leases)
        if self.view.is_closed:
            raise GroupRemoved
        return result

    def _await_turn(self) -> Flow[dict[str, str] | None]:
        """Pause until there may be room, or until what is wanted is known.

        Raises:
            NoFreeSlot: The deadline came first.
        """
        held, group, clock = self.held, self.held.group, self.pool.endpoint.clock
        before = self.view.waiters.index(held.holder) if held.holder in self.view.waiters else len(self.view.waiters)
        waited = self.timeout - self.remaining
        yield Notify(
            LeaseWaiting(group_id=group.id, holder=held.holder, before=before, waited=waited, deadline=self.timeout)
        )
        look_at = clock.monotonic() + (inf if before else ROOM_POLL)
        while clock.monotonic() < look_at:
            yield from self.pause(TURN_POLL)
            waiting: Waiting = yield RunBlocking(partial(group.pools.look, group.key, held.holder, self.items))
            if not (waiting.is_known or waiting.is_overdue or (before and waiting.is_next)):
                continue
            ids = yield from self._lease_known()
            if ids is not None or self.reserved or (before and self.is_next):
                return ids
        return None

    def _evict(self, asset_id: str, item: str) -> Flow[None]:
        """Delete an asset that nobody leases. Where its answer is lost for good, nobody leases it for a while."""
        pools, key = self.held.group.pools, self.held.group.key
        try:
            yield from self.pool.endpoint.call(DELETE_ASSET, DeleteAssetRequest(id=asset_id))
        except NotAccessible:
            pass
        except PortraitError as error:
            if not error.may_have_executed:
                yield RunBlocking(partial(pools.end_eviction, key, asset_id, is_deleted=False))
            raise
        yield RunBlocking(partial(pools.end_eviction, key, asset_id, is_deleted=True))
        yield Notify(AssetEvicted(group_id=self.held.group.id, asset_id=asset_id, item=item))

    def _settle(self, change: PoolChange, listing: Listing, listed_at: float) -> Flow[dict[str, str] | None]:
        """Create what is missing, await the reviews, and record the assets; None where one vanished meanwhile.

        Raises:
            QuotaExceeded: The service has no room.
            PortraitError: A content cannot become an Active asset.
        """
        held, ignored = self.held, listing.deleted(self.view)
        present = listing.without(ignored)
        active = {asset.id for same in present.values() for asset in same if asset.status == AssetStatus.ACTIVE}
        ids = {item: asset_id for item, asset_id in change.leases.items() if asset_id in active}
        if len(ids) == len(self.items):
            return {item: str(asset_id) for item, asset_id in ids.items()}
        options = self.pool.options(deadline=self.remaining, timeout=self.remaining, ignored=ignored)
        group = GroupContents(held.group.type, present, listed_at)
        plan = evolve(plan_contents(self.contents, group, options), group_id=held.group.id)
        outcomes = yield from ensure.ensure_assets(self.pool.backend, plan, options)
        vanished = [
            each.asset_id for each in outcomes if isinstance(each.error, AssetVanished) or each.asset_id in ignored
        ]
        for asset_id in vanished:
            yield RunBlocking(partial(self.pool.memory.forget, asset_id))
        self._check(outcomes)
        if vanished:
            return None
        found = {ensure.short_digest(each.sha256): each.asset_id for each in outcomes}
        is_held = yield RunBlocking(partial(held.group.pools.settle, held.group.key, held.holder, found, held.ttl))
        if not is_held:
            raise RightLost
        return found

    def _check(self, outcomes: Sequence[ensure.FileOutcome]) -> None:
        """Raise the first error that no other look would mend."""
        errors = [each.error for each in outcomes if each.error and not isinstance(each.error, AssetVanished)]
        for error in sorted(errors, key=lambda error: isinstance(error, QuotaExceeded)):
            if isinstance(error, Interrupted):
                raise self._no_free_slot(error.message) from error
            raise error

    def _no_free_slot(self, reason: str = "") -> NoFreeSlot:
        return no_free_slot(self.wish(), self.view, self.pool.endpoint.clock.now(), reason)
