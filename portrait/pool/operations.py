"""The operations of a pool, as flows: lease, renew and release, pin and unpin, and status."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from attrs import define, field, frozen

from portrait import ensure
from portrait.arguments import COUNT, NONE, TEXT, check_arguments, either, having, number
from portrait.ensure.backend import ActionBackend, Target
from portrait.ensure.sources import identify_sources
from portrait.errors import (
    NotAccessible,
    PortraitError,
    UsageError,
)
from portrait.events import LeaseLost
from portrait.flow import Flow, Notify, RunBlocking
from portrait.memory import Memory, open_state
from portrait.models import GroupType
from portrait.options import STATE
from portrait.pool.acquire import ROOM_POLL, TURN_POLL, Acquisition, Contents, GroupRemoved
from portrait.pool.rules import Listing, PoolStatus, last_uses
from portrait.rights import RightLost
from portrait.s3 import ObjectStore
from portrait.state import PoolKey, PoolView
from portrait.uri import asset_uri

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.state.pools import Pools
    from portrait.state.state import State

PIN = "pin of "
"""How the holder of a pin begins."""
PIN_TTL = 600.0  # seconds for which assets are leased until they are pinned


@frozen
class Group:
    """A pool's group, once it is known.

    Attributes:
        id: Its id.
        type: Its type.
        state: Shared by all who lease from it.
        key: Of the pool in the state.
    """

    id: str
    type: GroupType
    state: State
    key: PoolKey

    @property
    def pools(self) -> Pools:
        """The part of the state about pools."""
        return self.state.pools


class PoolOptions(TypedDict, total=False):
    """The keywords of `client.pool`."""

    group: str | None
    group_id: str | None
    slots: int
    state: str | os.PathLike[str] | State | None
    store: ObjectStore | None


KINDS = {
    **dict.fromkeys(("group", "group_id"), either(TEXT, NONE)),
    "slots": COUNT,
    "state": STATE,
    "store": either(having("an ObjectStore", "put_many"), NONE),
}
# A lease without an end would keep what nobody uses.
_LEASE = {
    "ttl": number("a finite number of seconds above zero", above=0, finite=True),
    "timeout": number("a finite number of seconds, 0 or more", low=0, finite=True),
}


@define
class Pool:
    """A pool, for its flows.

    Attributes:
        endpoint: Of the client.
        memory: Of the client, or of a state of the pool's own.
        new_holder: Makes names of holders, which differ in all processes.
        group: The name of its group, which is created if it is not there.
        group_id: Its group, where it is not named.
        slots: Assets that the group may hold.
        store: Object storage that gives files a public address; None sends them through the gateway's upload.
    """

    endpoint: Endpoint
    memory: Memory
    new_holder: Callable[[], str]
    group: str | None = None
    group_id: str | None = None
    slots: int = 50
    store: ObjectStore | None = None
    _group: Group | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        if (self.group_id is None) == (self.group is None):
            raise UsageError("A pool has one group.", advice="Name it by group= or by group_id=.")

    @property
    def backend(self) -> ActionBackend:
        """Creates, finds and follows assets."""
        return ActionBackend(endpoint=self.endpoint, memory=self.memory)

    def open(self) -> Flow[Group]:
        """The pool's state and group; they are looked up once.

        Raises:
            UsageError: The client has no state.
            PortraitError: The group cannot be found or created.
        """
        if self._group is not None:
            return self._group
        state = yield from open_state(self.memory)
        if state is None:
            raise UsageError("A pool needs a state.", advice="Name one by state= of the client or of the pool.")
        if self.group_id is None:
            group = yield from ensure.ensure_group(self.endpoint, self.memory, str(self.group))
            group_id, group_type = group.id, GroupType.AIGC
        else:
            group_id = self.group_id
            group_type = yield from self.backend.group_type(group_id)
        self._group = Group(group_id, group_type, state, PoolKey(self.memory.account, group_id))
        return self._group

    def list(self, group: Group) -> Flow[tuple[Listing, float]]:
        """The assets that the service lists, and the monotonic time at which the list was started."""
        started = self.endpoint.clock.monotonic()
        assets = yield from self.backend.find(Target(group_id=group.id, group_type=group.type))
        return Listing(assets, self.endpoint.clock.monotonic() - started), started

    def status(self) -> Flow[PoolStatus]:
        """The status of the pool, from the service and the state."""
        group = yield from self.open()
        listing, _ = yield from self.list(group)
        view: PoolView = yield RunBlocking(partial(group.pools.view, group.key, listing.age))
        present = listing.without(listing.deleted(view))
        assets = tuple(asset for same in present.values() for asset in same)
        return PoolStatus(
            group_id=group.id,
            slots=self.slots,
            assets=assets,
            foreign=len(present.get("", ())),
            leases=view.leases,
            waiters=view.waiters,
            used_at=last_uses(assets, view),
            read_at=self.endpoint.clock.now(),
        )

    def identify(self, sources: ensure.Sources) -> Flow[Contents]:
        """The names and contents of sources, in order.

        Raises:
            UsageError: They are none, or more than the pool has slots.
            PortraitError: One cannot be read, or the service would not take it.
        """
        contents: list[tuple[str, ensure.Content]] = []
        for name, content in (yield from identify_sources(self.endpoint, sources, self.options())):
            if isinstance(content, PortraitError):
                raise content
            if content.faults:
                raise ensure.media_error(content)
            contents.append((name, content))
        count = len({content.digest for _, content in contents})
        if count > self.slots:
            raise UsageError(f"{count} contents do not fit into {self.slots} slots.", advice="Lease fewer at once.")
        return contents

    def options(self, **values: Any) -> ensure.EnsureOptions:
        """How missing contents are created."""
        return ensure.EnsureOptions(group_id=None, memory=self.memory, store=self.store, **values)

    def lease(self, sources: ensure.Sources, ttl: float, timeout: float) -> Flow[Held]:
        """Active assets for all sources, in order, or none.

        Raises:
            NoFreeSlot: There was no room in time, or no turn to create what is missing.
            UsageError: The client has no state, a number does not fit, or there are more contents than slots.
            PortraitError: A source cannot become an Active asset.
        """
        check_arguments(_LEASE, {"ttl": ttl, "timeout": timeout})
        deadline = self.endpoint.clock.monotonic() + timeout
        contents = yield from self.identify(sources)
        while True:
            was_known = self._group is not None
            group = yield from self.open()
            held = Held(self, group, self.new_holder(), ttl)
            acquiring = Acquisition(held, contents, deadline, timeout)
            try:
                return (yield acquiring.hold())  # type: ignore[no-any-return]
            except GroupRemoved:
                self._group = None
                yield from acquiring.pause(ROOM_POLL)
            except NotAccessible:
                yield from held.release()
                if self.group is None or not was_known:
                    raise
                self._group = None  # somebody has deleted it: one that is named is looked for again
            except RightLost:
                yield from held.release()
                yield from acquiring.pause(TURN_POLL)
            except GeneratorExit:  # nothing can be asked any more; what is held ends by itself
                raise
            except BaseException:
                yield from held.release()
                raise

    def pin(self, sources: ensure.Sources, owner: str, timeout: float) -> Flow[tuple[str, ...]]:
        """Lease assets without an end; returns their addresses, in order."""
        check_arguments({"owner": TEXT}, {"owner": owner})
        contents = [content for _, content in (yield from self.identify(sources))]
        while True:
            held = yield from self.lease(contents, PIN_TTL, timeout)
            ids = dict(zip(held.items, held.ids, strict=True))
            pin = partial(held.group.pools.pin, held.group.key, held.holder, PIN + owner, ids)
            if (yield RunBlocking(pin)):
                return held.uris

    def unpin(self, sources: ensure.Sources | None, owner: str) -> Flow[None]:
        """End pins of an owner; None for all."""
        group = yield from self.open()
        contents = None if sources is None else (yield from self.identify(sources))
        items = None if contents is None else {content.digest for _, content in contents}
        yield RunBlocking(partial(group.pools.release, group.key, PIN + owner, items))


@frozen
class Held:
    """The leases of one holder.

    Attributes:
        pool: From which.
        group: Its group.
        holder: Who leases.
        ttl: Seconds for which the leases hold without a sign of life.
        items: The digest of each source's content, in order.
        ids: The asset of each source, in order.
    """

    pool: Pool = field(repr=False)
    group: Group = field(repr=False)
    holder: str
    ttl: float
    items: tuple[str, ...] = field(default=(), repr=False)
    ids: tuple[str, ...] = ()

    @property
    def uris(self) -> tuple[str, ...]:
        """`asset://<id>` of each source, in order."""
        return tuple(map(asset_uri, self.ids))

    def renew(self) -> Flow[bool]:
        """Make all leases of the holder hold for the whole ttl again; False where some have ended."""
        count: int = yield RunBlocking(partial(self.group.pools.renew, self.group.key, self.holder, self.ttl))
        is_held = count == len(set(self.ids))
        if not is_held:
            yield Notify(LeaseLost(group_id=self.group.id, holder=self.holder))
        return is_held

    def release(self) -> Flow[None]:
        """End all leases of the holder, and its waiting."""
        yield RunBlocking(partial(self.group.pools.release, self.group.key, self.holder))
