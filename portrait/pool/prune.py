"""Finds and removes the groups of unused pools, such as those of environments that were thrown away.

They take up the account's quota of groups and assets. Their state may be lost as well, so that the service's own times
count beside the state's.
"""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING

from attrs import frozen

from portrait import pagination
from portrait.actions import DELETE_ASSET_GROUP
from portrait.arguments import SECONDS, TEXT, check_arguments
from portrait.ensure.backend import ActionBackend, Target
from portrait.errors import NotAccessible, PortraitError, UsageError
from portrait.flow import Flow, RunBlocking
from portrait.memory import Memory, open_state
from portrait.models import AssetGroup, DeleteAssetGroupRequest, GroupType
from portrait.pagination import GroupQuery
from portrait.pool.acquire import UNBOUNDED
from portrait.pool.rules import last_uses
from portrait.state import PoolKey, PoolView
from portrait.wait import parse_timestamp

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.state.state import State

UNUSED_FOR = 7 * 86_400.0
"""Seconds without a use after which a pool is taken for one that nobody needs."""


@frozen(kw_only=True)
class UnusedPool:
    """A group whose pool nobody has used for a while.

    Attributes:
        group: The group.
        assets: How many assets it holds.
        foreign: How many of them are not a pool's: their Names hold no digest. Such a group is not removed.
        idle: Seconds since it, or an asset in it, was created or used.
    """

    group: AssetGroup
    assets: int
    foreign: int
    idle: float


def find_unused(endpoint: Endpoint, memory: Memory, prefix: str, unused_for: float) -> Flow[list[UnusedPool]]:
    """The AIGC groups whose names begin so, and whose pools nobody has used for so many seconds.

    Raises:
        UsageError: There is no prefix, or no state.
        PortraitError: A list, or the state, cannot be read.
    """
    check_arguments({"prefix": TEXT, "unused_for": SECONDS}, {"prefix": prefix, "unused_for": unused_for})
    if not prefix:
        raise UsageError("A prefix is missing.", advice="Name what the groups' names begin with.")
    state = yield from _state(memory)
    query: GroupQuery = {"group_type": GroupType.AIGC, "name": prefix}
    groups = yield from pagination.list_complete(endpoint, pagination.group_pages(**query))
    found = []
    for group in groups:
        if group.name.startswith(prefix):
            pool = yield from _inspect(ActionBackend(endpoint=endpoint, memory=memory), state, group)
            if pool is not None and pool.idle >= unused_for:
                found.append(pool)
    return found


def remove(endpoint: Endpoint, memory: Memory, pool: UnusedPool) -> Flow[bool]:
    """Delete the group with its assets, unless somebody has begun to use it, or it holds assets of others.

    While it is deleted nobody leases from the pool; who wants to is led to a new group of the name.

    Raises:
        PortraitError: The call was refused, or its outcome is not known.
    """
    state = yield from _state(memory)
    key = PoolKey(memory.account, pool.group.id)
    now = yield from _inspect(ActionBackend(endpoint=endpoint, memory=memory), state, pool.group)
    if now is None or now.foreign or now.idle < pool.idle:
        return False
    # Nobody leases from it from now on; the service may carry the call out as long as it is under way.
    if not (yield RunBlocking(partial(state.pools.close, key, endpoint.timeouts.total or UNBOUNDED))):
        return False
    try:
        yield from endpoint.call(DELETE_ASSET_GROUP, DeleteAssetGroupRequest(id=pool.group.id))
    except NotAccessible:
        pass
    except PortraitError as error:
        if not error.may_have_executed:
            yield RunBlocking(partial(state.pools.close, key, 0.0))
        raise
    return True


def _state(memory: Memory) -> Flow[State]:
    state = yield from open_state(memory)
    if state is None:
        raise UsageError("Who uses a pool stands in its state.", advice="Name it by state= of the client.")
    return state


def _inspect(backend: ActionBackend, state: State, group: AssetGroup) -> Flow[UnusedPool | None]:
    """A group as it is now; None while somebody leases from it, or waits to."""
    key = PoolKey(backend.memory.account, group.id)
    view: PoolView = yield RunBlocking(partial(state.pools.view, key))
    if view.leases or view.waiters:
        return None
    by_digest = yield from backend.find(Target(group_id=group.id, group_type=GroupType.AIGC))
    idle: float | None = yield RunBlocking(partial(state.pools.idle, key))
    assets = [asset for same in by_digest.values() for asset in same]
    now = backend.endpoint.clock.now()
    times = [*last_uses(assets, view).values(), *(parse_timestamp(asset.create_time) for asset in assets)]
    newest = max([parse_timestamp(group.create_time), *times])
    return UnusedPool(
        group=group,
        assets=len(assets),
        foreign=len(by_digest.get("", ())),
        idle=min(now - newest, inf if idle is None else idle),
    )
