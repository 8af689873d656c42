"""A group of a name: the one that is there, or a new one; clients that create one at once converge on the oldest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from portrait import pagination
from portrait.actions import CREATE_ASSET_GROUP, UPDATE_ASSET_GROUP
from portrait.ensure.content import short_digest
from portrait.ensure.create_log import CreateLog
from portrait.ensure.once import LAG, VERIFY_DELAYS, create_exactly_once, create_single_flight, logged, visibility_lag
from portrait.errors import PortraitError, UnknownOutcome, UsageError
from portrait.flow import Flow, Sleep
from portrait.models import AssetGroup, CreateAssetGroupRequest, GroupType, UpdateAssetGroupRequest
from portrait.pagination import GroupQuery
from portrait.single_flight import SingleFlight

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

SUFFIX = 5  # characters of its id that a group keeps when it is renamed out of the way


def ensure_group(
    endpoint: Endpoint,
    single_flight: SingleFlight,
    name: str,
    description: str | None = None,
    project_name: str | None = None,
    *,
    create_log: CreateLog | None = None,
) -> Flow[AssetGroup]:
    """The oldest AIGC group of exactly that name; created if there is none.

    Several clients that create one at once all get the oldest. Whoever created a younger one in this very call renames
    it out of the way. Nothing is deleted for it: a deletion takes assets along, and somebody may use the group already.

    Raises:
        UsageError: The name is blank or too long; nothing was sent.
        UnknownOutcome: The answer to the create was lost and looking did not help.
        PortraitError: A call was refused.
    """
    check_group_name(name, endpoint.dialect.name_limit)
    project = project_name or endpoint.project or "default"
    scope, digest = f"project {project}", _digest(name)
    listed_at = endpoint.clock.monotonic()
    found = yield from groups_named(endpoint, name, project_name)
    if not found:
        lag = yield from visibility_lag(endpoint, single_flight, create_log, scope, [(name, digest)])
        if lag > 0:
            yield Sleep(lag)
            listed_at = endpoint.clock.monotonic()
            found = yield from groups_named(endpoint, name, project_name)
    if found:
        return oldest(found)
    groups: dict[str, AssetGroup] = {}

    def create() -> Flow[tuple[str, None]]:
        new = _create_group(endpoint, name, description, project_name)
        group = yield from logged(create_log, endpoint.clock, scope, digest, lambda: new)
        groups[group.id] = group
        return group.id, None

    def find() -> Flow[str | None]:
        found = yield from groups_named(endpoint, name, project_name)
        groups.update((group.id, group) for group in found)
        return oldest(found).id if found else None

    group_id, _ = yield from create_single_flight(
        single_flight, (scope, name), listed_at - LAG, clock=endpoint.clock, create=create, find=find
    )
    # Another flow of this process may have created it: then its id is all that is known here.
    return groups.get(group_id) or _described(group_id, name, description, project)


def check_group_name(name: str, limit: int) -> None:
    """See that a group can be named so.

    Args:
        name: The name.
        limit: Characters that the provider takes (contract §1).

    Raises:
        UsageError: It is blank or too long; the service would refuse it.
    """
    if not name.strip():
        raise UsageError("A group needs a name.")
    if len(name) > limit:
        raise UsageError(
            f"The group's name has {len(name)} characters, and the provider takes at most {limit}: {name:.20}….",
            advice="Give it a shorter name.",
        )


def oldest(groups: Sequence[AssetGroup]) -> AssetGroup:
    """The one that everybody agrees on: the lowest CreateTime, and within a second the last of the list.

    Args:
        groups: As they are listed, the newest first.
    """
    return min(reversed(groups), key=lambda group: group.create_time)


def _described(group_id: str, name: str, description: str | None, project: str) -> AssetGroup:
    return AssetGroup(id=group_id, name=name, description=description or "", project_name=project)


def _digest(name: str) -> str:
    """The log holds no names."""
    return short_digest(hashlib.sha256(name.encode()).hexdigest())


def _create_group(endpoint: Endpoint, name: str, description: str | None, project_name: str | None) -> Flow[AssetGroup]:
    """A new group, created once; an older one, where another client has created one in the same moment."""

    def create() -> Flow[AssetGroup]:
        request = CreateAssetGroupRequest(name=name, description=description, project_name=project_name)
        created = yield from endpoint.call(CREATE_ASSET_GROUP, request)
        return _described(created.id, name, description, project_name or endpoint.project or "default")

    def find() -> Flow[AssetGroup | None]:
        found = yield from groups_named(endpoint, name, project_name)
        return oldest(found) if found else None

    group, recovered = yield from create_exactly_once(create, find, f"CreateAssetGroup {name!r}")
    if recovered:  # whoever created it: it is the oldest, and nothing says which one is ours
        return group
    winner = oldest((yield from _list_until_visible(endpoint, group, project_name)))
    if winner.id != group.id:
        yield from _rename_out_of_the_way(endpoint, group, project_name)
    return winner


def _list_until_visible(endpoint: Endpoint, group: AssetGroup, project_name: str | None) -> Flow[list[AssetGroup]]:
    """The groups of the name once ours is among them: then every older one is seen as well.

    Raises:
        UnknownOutcome: No look succeeded, so an older group may be there.
    """
    listed, failed = [group], None
    for delay in (0.0, *VERIFY_DELAYS):
        try:
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
    """`<name, cut>~<last 5 of its id>`: so that the name means one group to whoever looks later.

    It may fail without harm: whoever looks takes the oldest.
    """
    suffix = f"~{group.id[-SUFFIX:]}"
    name = group.name[: endpoint.dialect.name_limit - len(suffix)] + suffix
    try:
        yield from endpoint.call(
            UPDATE_ASSET_GROUP, UpdateAssetGroupRequest(id=group.id, name=name, project_name=project_name)
        )
    except PortraitError:
        return


def groups_named(
    endpoint: Endpoint, name: str, project_name: str | None = None, group_type: GroupType = GroupType.AIGC
) -> Flow[list[AssetGroup]]:
    """All groups of exactly that name, the newest first; the service's own filter finds parts of names."""
    query: GroupQuery = {"group_type": group_type, "name": name, "project_name": project_name}
    found = yield from pagination.list_complete(endpoint, lambda: pagination.group_pages(**query))
    return [group for group in found if group.name == name]
