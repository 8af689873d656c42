"""A group of a name: the one that is there, or a new one. A flow."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from portrait import pagination
from portrait.actions import CREATE_ASSET_GROUP
from portrait.ensure.create_log import CreateLog
from portrait.ensure.naming import digest_of
from portrait.ensure.reconcile import once, shared, unsettled
from portrait.errors import AmbiguousGroup, PortraitError
from portrait.flow import Flow, RunBlocking, Sleep
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
    """The AIGC group of exactly that name; made if there is none.

    Raises:
        AmbiguousGroup: Several groups bear the name.
        UnknownOutcome: The answer to the create was lost and looking did not help.
        PortraitError: A call was refused.
    """
    project = project_name or endpoint.project or "default"
    key, listed = (f"project {project}", name), endpoint.clock.monotonic()
    found = yield from groups_named(endpoint, name, project_name)
    if not found and (left := (yield from _unsettled(endpoint, single_flight, key, create_log))) > 0:
        yield Sleep(left)
        listed = endpoint.clock.monotonic()
        found = yield from groups_named(endpoint, name, project_name)
    if not found:
        made: list[AssetGroup] = []

        def create() -> Flow[tuple[str, bool]]:
            made.extend(
                (yield from _noted(endpoint, key, create_log, _made(endpoint, name, description, project_name)))
            )
            return made[0].id, True

        def find() -> Flow[str | None]:
            made.extend((yield from groups_named(endpoint, name, project_name)))
            return made[0].id if made else None

        group_id, _ = yield from shared(single_flight, key, listed, clock=endpoint.clock, create=create, find=find)
        found = made or [AssetGroup(id=group_id, name=name, description=description or "", project_name=project)]
    if len(found) > 1:
        ids = tuple(group.id for group in sorted(found, key=lambda group: (group.create_time, group.id)))
        raise AmbiguousGroup(f"{len(ids)} groups are named {name!r}: {', '.join(ids)}.", group_ids=ids)
    return found[0]


def _unsettled(
    endpoint: Endpoint, single_flight: SingleFlight, key: tuple[str, str], create_log: CreateLog | None
) -> Flow[float]:
    """Seconds for which a create of this process, or of one that was killed, may be hidden from the list."""
    left = unsettled(single_flight.completed_at(key), endpoint.clock.monotonic())
    if create_log is not None:
        begun = yield RunBlocking(lambda: create_log.unanswered(key[0]))
        left = max(left, unsettled(begun.get(_digest(key[1])), endpoint.clock.now()))
    return left


def _noted(
    endpoint: Endpoint, key: tuple[str, str], create_log: CreateLog | None, making: Flow[list[AssetGroup]]
) -> Flow[list[AssetGroup]]:
    """The same work, noted in the journal before and after."""
    if create_log is None:
        return (yield from making)
    begun, digest = endpoint.clock.now(), _digest(key[1])
    yield RunBlocking(lambda: create_log.begin(key[0], digest, begun))
    try:
        made = yield from making
    except PortraitError as error:
        if not error.may_have_executed:
            yield RunBlocking(lambda: create_log.end(key[0], digest))
        raise
    yield RunBlocking(lambda: create_log.end(key[0], digest))
    return made


def _digest(name: str) -> str:
    """The journal holds no names."""
    return digest_of(hashlib.sha256(name.encode()).hexdigest())


def _made(endpoint: Endpoint, name: str, description: str | None, project_name: str | None) -> Flow[list[AssetGroup]]:
    """A new group, once; several where others made some of the name while the answer was being looked for."""

    def create() -> Flow[list[AssetGroup]]:
        request = CreateAssetGroupRequest(name=name, description=description, project_name=project_name)
        created = yield from endpoint.call(CREATE_ASSET_GROUP, request)
        project = project_name or endpoint.project or "default"
        return [AssetGroup(id=created.id, name=name, description=description or "", project_name=project)]

    def find() -> Flow[list[AssetGroup] | None]:
        return (yield from groups_named(endpoint, name, project_name)) or None

    found, _ = yield from once(create, find, f"CreateAssetGroup {name!r}")
    # Another process may have made one in the same moment: better told now than in every later run.
    try:
        listed = yield from groups_named(endpoint, name, project_name)
    except PortraitError:  # a look that fails takes nothing from what was made
        return found
    return listed if found[0].id in {group.id for group in listed} else [*found, *listed]


def groups_named(
    endpoint: Endpoint, name: str, project_name: str | None = None, group_type: GroupType = GroupType.AIGC
) -> Flow[list[AssetGroup]]:
    """All groups of exactly that name, the newest first; the service's own filter finds parts of names."""
    query: GroupQuery = {"group_type": group_type, "name": name, "project_name": project_name}
    found = yield from pagination.list_complete(endpoint, lambda: pagination.groups(**query))
    return [group for group in found if group.name == name]
