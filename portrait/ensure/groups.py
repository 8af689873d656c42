"""A group of a name: the one that is there, or a new one; clients that create one at once converge on the oldest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from attrs import evolve

from portrait import pagination
from portrait.actions import CREATE_ASSET_GROUP, GET_ASSET_GROUP, UPDATE_ASSET_GROUP
from portrait.arguments import NONE, TEXT, check_arguments, either, is_text
from portrait.ensure.once import VERIFY_DELAYS, Creation
from portrait.errors import NotAccessible, PortraitError, UnknownOutcome, UsageError
from portrait.flow import Flow, RunBlocking, Sleep
from portrait.memory import open_state, recall
from portrait.models import (
    AssetGroup,
    CreateAssetGroupRequest,
    GetAssetGroupRequest,
    GroupType,
    UpdateAssetGroupRequest,
)
from portrait.pace import CreatePacer
from portrait.pagination import GroupQuery
from portrait.recent_creates import LAG
from portrait.state import short_digest

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.memory import Memory

SUFFIX = 5  # characters of its id that a group keeps when it is renamed out of the way


_KINDS = {"name": TEXT, "description": either(TEXT, NONE), "project_name": either(TEXT, NONE)}


class FoundGroup(NamedTuple):
    """A group that was looked for by its name.

    Attributes:
        group: The group.
        is_new: Whether the look has created it: then nothing is in it.
    """

    group: AssetGroup
    is_new: bool = False


def ensure_group(
    endpoint: Endpoint,
    memory: Memory,
    name: str,
    description: str | None = None,
    project_name: str | None = None,
) -> Flow[AssetGroup]:
    """The oldest AIGC group of exactly that name; created if there is none.

    Several clients that create one at once all get the oldest. Whoever created a younger one in this very call renames
    it out of the way. Nothing is deleted for it: a deletion takes assets along, and somebody may use the group already.

    Raises:
        UsageError: The name is blank or too long; nothing was sent.
        UnknownOutcome: The answer to the create was lost and looking did not help.
        PortraitError: A call was refused.
    """
    return (yield from find_or_create_group(endpoint, memory, name, description, project_name)).group


def find_or_create_group(
    endpoint: Endpoint,
    memory: Memory,
    name: str,
    description: str | None = None,
    project_name: str | None = None,
) -> Flow[FoundGroup]:
    """As `ensure_group`; and whether this very call has created the group, so that nothing can be in it."""
    check_arguments(_KINDS, {"name": name, "description": description, "project_name": project_name})
    check_group_name(name, endpoint.dialect.name_limit)
    project = project_name or endpoint.project or "default"
    scope, item = short_digest("project", project), short_digest(name)  # the state holds no names
    wanted = AssetGroup(id="", name=name, description=description or "", project_name=project)
    while True:
        known, lag = yield from recall(endpoint, memory, scope, [item], inf)
        if item not in known:
            break
        remembered = yield from _read_known(endpoint, evolve(wanted, id=known[item]))
        if remembered is not None:
            return FoundGroup(remembered)
        yield from _forget(memory, known[item])
    listed_at = endpoint.clock.monotonic()
    found = yield from groups_named(endpoint, name, project_name)
    if not found and lag > 0:
        yield Sleep(lag)
        listed_at = endpoint.clock.monotonic()
        found = yield from groups_named(endpoint, name, project_name)
    if found:
        return FoundGroup(oldest(found))
    creation = Creation(endpoint, memory, scope)
    return (yield from creation.run(partial(_create, creation, item, listed_at - LAG, wanted, project_name)))


def find_group(endpoint: Endpoint, name: str) -> Flow[FoundGroup | None]:
    """The oldest AIGC group of exactly that name; None if there is none."""
    found = yield from groups_named(endpoint, name)
    return FoundGroup(oldest(found)) if found else None


def check_group_name(name: str, limit: int) -> None:
    """See that a group can be named so.

    Args:
        name: The name.
        limit: Characters that the provider takes (contract §1).

    Raises:
        UsageError: It is blank, too long, or no valid UTF-8; the service would refuse it.
    """
    if not is_text(name):  # a folder's name, whose bytes are no UTF-8
        raise UsageError(f"The group's name is no valid UTF-8: {name!a}.", advice="Give it another name.")
    if not name.strip():
        raise UsageError("A group needs a name.")
    if len(name) > limit:
        raise UsageError(
            f"The group's name has {len(name)} characters, and the provider takes at most {limit}: {name:.20}….",
            advice="Give it a shorter name.",
        )


def _read_known(endpoint: Endpoint, known: AssetGroup) -> Flow[AssetGroup | None]:
    """A group that was created before, if it is still there under its name."""
    try:
        current = yield from endpoint.call(GET_ASSET_GROUP, GetAssetGroupRequest(id=known.id))
    except NotAccessible:
        is_fresh = endpoint.recent.lag_left(known.id, endpoint.clock.monotonic()) > 0
        return known if is_fresh else None  # a fresh one is there, and not visible yet
    return current if current.name == known.name else None


def _forget(memory: Memory, group_id: str) -> Flow[None]:
    state = yield from open_state(memory)
    if state is not None:
        yield RunBlocking(partial(state.creates.forget, memory.account, group_id))


def oldest(groups: Sequence[AssetGroup]) -> AssetGroup:
    """The one that all clients agree on: the lowest CreateTime, and within a second the last of the list.

    Args:
        groups: As they are listed, the newest first.
    """
    return min(reversed(groups), key=lambda group: group.create_time)


def _create(
    creation: Creation, item: str, since: float, wanted: AssetGroup, project_name: str | None
) -> Flow[FoundGroup]:
    """A new group, created once; an older one, where another client has created one in the same moment.

    A throttled create is waited out, as those of assets are; a full one is not.

    Args:
        creation: By which it is created.
        item: What the state knows it by.
        since: When it was seen not to be there, in monotonic seconds.
        wanted: What it looks like, but for its id.
        project_name: As the calls take it.
    """
    endpoint, name = creation.endpoint, wanted.name
    listed: dict[str, AssetGroup] = {}

    def find() -> Flow[str | None]:
        found = yield from groups_named(endpoint, name, project_name)
        listed.update((group.id, group) for group in found)
        return oldest(found).id if found else None

    existing = yield from creation.claim(item, since, find)
    if existing is not None:  # where somebody else has created it, its id is all that is known here
        return FoundGroup(listed.get(existing) or evolve(wanted, id=existing))
    pace = CreatePacer.start(endpoint, CREATE_ASSET_GROUP)

    def send() -> Flow[str]:
        request = CreateAssetGroupRequest(name=name, description=wanted.description or None, project_name=project_name)
        return (yield from pace.endpoint.call(CREATE_ASSET_GROUP, request)).id

    what = f"CreateAssetGroup {name!r}"
    created_id, recovered = yield from creation.create(send, find, pace=pace, source=name, what=what)
    if recovered:  # whoever created it: it is the oldest, and nothing says which one is ours
        winner, is_new = listed[created_id], False
    else:
        group = evolve(wanted, id=created_id)
        winner = oldest((yield from _list_until_visible(endpoint, group, project_name)))
        is_new = winner.id == group.id
        if not is_new:
            yield from _rename_out_of_the_way(endpoint, group, project_name)
    creation.set_id(item, winner.id)
    return FoundGroup(winner, is_new=is_new)


def _list_until_visible(endpoint: Endpoint, group: AssetGroup, project_name: str | None) -> Flow[list[AssetGroup]]:
    """The groups of the name once ours is among them: then every older one is seen as well.

    Raises:
        UnknownOutcome: No look succeeded, so an older group may be there.
    """
    listed, failed = [group], None
    for delay in (0.0, *VERIFY_DELAYS):
        try:
            if delay:
                yield Sleep(delay)
            listed, failed = (yield from groups_named(endpoint, group.name, project_name)), None
        except PortraitError as error:
            failed = error
        if any(each.id == group.id for each in listed) and failed is None:
            return listed
    if failed is not None:
        raise UnknownOutcome(
            f"Group {group.id} was created as {group.name!r}, and looking for older ones of the name failed: {failed}",
            advice="Run again, or use the group by its id.",
        ) from failed
    return [group, *listed]


def _rename_out_of_the_way(endpoint: Endpoint, group: AssetGroup, project_name: str | None) -> Flow[None]:
    """`<name, cut>~<last 5 of its id>`: so that only one group keeps the name.

    It may fail without harm: whoever looks takes the oldest.
    """
    name = _leftover_name(group.name, group.id, endpoint.dialect.name_limit)
    try:
        yield from endpoint.call(
            UPDATE_ASSET_GROUP, UpdateAssetGroupRequest(id=group.id, name=name, project_name=project_name)
        )
    except PortraitError:
        return


def _leftover_name(name: str, group_id: str, limit: int) -> str:
    suffix = f"~{group_id[-SUFFIX:]}"
    return name[: limit - len(suffix)] + suffix


def leftovers(groups: Collection[AssetGroup], limit: int) -> dict[str, AssetGroup]:
    """Groups that were renamed out of the way, by their ids: the older group that has the name now.

    Args:
        groups: All groups, or all of one name.
        limit: Characters of a name that the provider takes.
    """
    return {
        group.id: winner
        for group in groups
        if group.name.endswith(_leftover_name("", group.id, limit))
        for winner in groups
        if winner.create_time <= group.create_time
        and winner.project_name == group.project_name
        and _leftover_name(winner.name, group.id, limit) == group.name
    }


def groups_named(
    endpoint: Endpoint, name: str, project_name: str | None = None, group_type: GroupType = GroupType.AIGC
) -> Flow[list[AssetGroup]]:
    """All groups of exactly that name, the newest first; the service's own filter finds parts of names."""
    query: GroupQuery = {"group_type": group_type, "name": name, "project_name": project_name}
    found = yield from pagination.list_complete(endpoint, pagination.group_pages(**query))
    return [group for group in found if group.name == name]
