"""A group of a name: the one that is there, or a new one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from portrait import pagination
from portrait.actions import CREATE_ASSET_GROUP
from portrait.ensure.create import LAG, create_exactly_once, create_single_flight, logged, visibility_lag
from portrait.ensure.create_log import CreateLog
from portrait.ensure.sources import short_digest
from portrait.errors import AmbiguousGroup, PortraitError
from portrait.flow import Flow, Sleep
from portrait.models import AssetGroup, CreateAssetGroupRequest, GroupType
from portrait.pagination import GroupQuery
from portrait.single_flight import SingleFlight

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint


def ensure_group(
    endpoint: Endpoint,
    single_flight: SingleFlight,
    name: str,
    description: str | None = None,
    project_name: str | None = None,
    *,
    create_log: CreateLog | None = None,
) -> Flow[AssetGroup]:
    """The AIGC group of exactly that name; created if there is none.

    Raises:
        AmbiguousGroup: Several groups bear the name.
        UnknownOutcome: The answer to the create was lost and looking did not help.
        PortraitError: A call was refused.
    """
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
    if not found:
        created: list[AssetGroup] = []

        def create() -> Flow[tuple[str, None]]:
            new = _create_group(endpoint, name, description, project_name)
            created.extend((yield from logged(create_log, endpoint.clock, scope, digest, lambda: new)))
            return created[0].id, None

        def find() -> Flow[str | None]:
            created.extend((yield from groups_named(endpoint, name, project_name)))
            return created[0].id if created else None

        group_id, _ = yield from create_single_flight(
            single_flight, (scope, name), listed_at - LAG, clock=endpoint.clock, create=create, find=find
        )
        found = created or [AssetGroup(id=group_id, name=name, description=description or "", project_name=project)]
    return only_group(found, name)


def only_group(groups: list[AssetGroup], name: str) -> AssetGroup:
    """The one group of a name.

    Raises:
        AmbiguousGroup: There are several.
    """
    if len(groups) > 1:
        ids = tuple(group.id for group in sorted(groups, key=lambda group: (group.create_time, group.id)))
        raise AmbiguousGroup(f"{len(ids)} groups are named {name!r}: {', '.join(ids)}.", group_ids=ids)
    return groups[0]


def _digest(name: str) -> str:
    """The log holds no names."""
    return short_digest(hashlib.sha256(name.encode()).hexdigest())


def _create_group(
    endpoint: Endpoint, name: str, description: str | None, project_name: str | None
) -> Flow[list[AssetGroup]]:
    """A new group, created once; several where other processes created some of the name meanwhile."""

    def create() -> Flow[list[AssetGroup]]:
        request = CreateAssetGroupRequest(name=name, description=description, project_name=project_name)
        created = yield from endpoint.call(CREATE_ASSET_GROUP, request)
        project = project_name or endpoint.project or "default"
        return [AssetGroup(id=created.id, name=name, description=description or "", project_name=project)]

    def find() -> Flow[list[AssetGroup] | None]:
        return (yield from groups_named(endpoint, name, project_name)) or None

    found, _ = yield from create_exactly_once(create, find, f"CreateAssetGroup {name!r}")
    # Another process may have created one in the same moment: better known now than in every later run.
    try:
        listed = yield from groups_named(endpoint, name, project_name)
    except PortraitError:  # a look that fails takes nothing from what was created
        return found
    return listed if found[0].id in {group.id for group in listed} else [*found, *listed]


def groups_named(
    endpoint: Endpoint, name: str, project_name: str | None = None, group_type: GroupType = GroupType.AIGC
) -> Flow[list[AssetGroup]]:
    """All groups of exactly that name, the newest first; the service's own filter finds parts of names."""
    query: GroupQuery = {"group_type": group_type, "name": name, "project_name": project_name}
    found = yield from pagination.list_complete(endpoint, lambda: pagination.groups(**query))
    return [group for group in found if group.name == name]
