"""Erasing a group, its assets and their stored objects, when somebody withdraws consent. Owns the order, and what is
kept for others; must not know how it is asked for or told.

Objects go first, the group last: as long as it is there its assets' Names say which objects are theirs. What is to be
deleted is noted before anything is, so that a run that was killed, or an object that could not be deleted, is taken up
by the next one even when the group is gone.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from portrait.cli.erasure_log import Erasure
from portrait.cli.resolve import find_group
from portrait.ensure import parse_digest, sha256_prefix
from portrait.errors import AmbiguousGroup, NotAccessible, PortraitError, UsageError
from portrait.models import Asset, GroupType
from portrait.s3 import StorageError

if TYPE_CHECKING:
    from portrait.client import PortraitClient
    from portrait.s3 import ObjectStore

Rows = Sequence[Mapping[str, Any]]


@define(kw_only=True)
class ErasurePlan:
    """What is to be erased, and later what was.

    Attributes:
        wanted: The group as it was named.
        group_id: The group; "" where there never was one.
        name: Its name; "" once it is gone.
        exists: Whether the group is there.
        assets: The ids of its assets.
        objects: Addresses `s3://bucket/key` of objects to delete.
        kept: Objects that stay, each with the assets of other groups that use it.
        other_locations: Objects that a manifest or an earlier run names and that are not in the location given.
        erased: Objects that were deleted.
        failed: What could not be erased: an object, or the group by its id, and why.
    """

    wanted: str
    group_id: str
    name: str = ""
    exists: bool = False
    assets: list[str] = field(factory=list)
    objects: list[str] = field(factory=list)
    kept: dict[str, list[str]] = field(factory=dict)
    other_locations: list[str] = field(factory=list)
    erased: list[str] = field(factory=list)
    failed: dict[str, PortraitError] = field(factory=dict)

    @property
    def is_empty_here(self) -> bool:
        """Is there nothing that this run could erase?"""
        return not (self.exists or self.objects)

    @property
    def is_empty(self) -> bool:
        """Is there nothing to erase, here or other_locations?"""
        return self.is_empty_here and not self.other_locations


@frozen
class Location:
    """Where objects are: `store` deletes them, `bucket` and `prefix` say which are its own."""

    store: ObjectStore
    bucket: str
    prefix: str


def plan_erasure(
    client: PortraitClient,
    wanted: str,
    location: Location | None,
    rows: Rows,
    pending: Erasure | None,
    *,
    service_identity: Mapping[str, str],
) -> ErasurePlan | None:
    """What an erasure would take; None if nothing at all is known of such a group. Changes nothing.

    Args:
        client: Who calls.
        wanted: The group's id or name.
        location: Where its objects are; None leaves objects alone.
        rows: The lines of a manifest.
        pending: What an earlier erasure noted.
        service_identity: What lines of this service and project say of it; older lines say nothing.

    Raises:
        AmbiguousGroup: Several groups that are gone bore the name.
        PortraitError: Something cannot be read; nothing was erased.
    """
    try:
        group = find_group(client, wanted, tuple(GroupType))
    except NotAccessible:
        group = None
    ids = {group.id if group else "", pending.group_id if pending else ""} - {""}
    rows_here = [row for row in rows if all(row.get(name, value) == value for name, value in service_identity.items())]
    deleted = "" if group else _deleted_group(wanted, rows_here, ids)
    group_id = group.id if group else deleted or (pending.group_id if pending else "")
    if not group_id:
        return None
    rows_of_group = [row for row in rows if row.get("group_id") in {*ids, deleted} - {""}]
    rows_of_group += [row for row in rows_here if not row.get("group_id") and row.get("group") == wanted]
    own = list(client.iter_assets(group_type=group.group_type, group_ids=[group.id])) if group else []
    plan = ErasurePlan(
        wanted=wanted,
        group_id=group_id,
        name=group.name if group else "",
        exists=group is not None,
        assets=[asset.id for asset in own],
    )
    named = [f"s3://{row.get('stored_in')}/{row['stored_key']}" for row in rows_of_group if row.get("stored_key")]
    candidates = dict.fromkeys([*named, *(pending.objects if pending else ())])
    if location is None:
        plan.other_locations = list(candidates)
    else:
        others = [asset for kind in GroupType for asset in client.iter_assets(group_type=kind)]
        users = _other_users([asset for asset in others if asset.id not in plan.assets], rows)
        _classify(plan, location, candidates, _prefixes(own), users)
    return plan


def _deleted_group(wanted: str, rows: Rows, known: Container[str]) -> str:
    """The id by which a manifest knows a group that is gone, and that nothing else knows; "" if there is none."""
    named = [str(row.get("group_id") or "") for row in rows if wanted in {row.get("group_id"), row.get("group")}]
    ids = tuple(dict.fromkeys(name for name in named if name and name not in known))  # what was not sent has none
    if len(ids) > 1:
        words = f"{len(ids)} groups that are gone were named {wanted!r}: {', '.join(ids)}."
        raise AmbiguousGroup(words, group_ids=ids)
    return next(iter(ids), "")


def _classify(
    plan: ErasurePlan,
    location: Location,
    named: Mapping[str, None],
    own: Mapping[str, Any],
    users: Mapping[str, list[str]],
) -> None:
    """Sort objects into those to delete, those that others use, and those that are not here."""
    here = f"s3://{location.bucket}/"
    there = {f"{here}{key}" for key in location.store.list_objects()}
    found = dict.fromkeys(address for address in sorted(there) if _prefix(address) in own)
    for address in {**named, **found}:
        if used_by := users.get(_prefix(address)):
            plan.kept[address] = used_by
        elif address in there:
            plan.objects.append(address)
        elif not address.startswith(f"{here}{location.prefix}"):
            plan.other_locations.append(address)


def _prefix(address: str) -> str:
    """With what the SHA-256 begins that an object is called by."""
    return PurePosixPath(address).stem[:32]


def _prefixes(assets: Iterable[Asset]) -> dict[str, list[str]]:
    """The beginnings of SHA-256 that stand in Names, with the assets that bear them."""
    starts: dict[str, list[str]] = {}
    for asset in assets:
        if digest := parse_digest(asset.name):
            starts.setdefault(sha256_prefix(digest), []).append(asset.id)
    return starts


def _other_users(others: Sequence[Asset], rows: Rows) -> dict[str, list[str]]:
    """Who else uses a content: by Name, and by the manifest where an asset was renamed since."""
    users = _prefixes(others)
    alive = {asset.id for asset in others}
    for row in rows:
        asset_id, start = str(row.get("asset_id")), str(row.get("sha256"))[:32]
        if asset_id in alive and asset_id not in users.setdefault(start, []):
            users[start].append(asset_id)
    return users


def erase(client: PortraitClient, plan: ErasurePlan, location: Location | None, log: Erasure) -> None:
    """Do it. What fails is in `plan.failed`; it stays noted for the next run, and so does what is other_locations.

    Raises:
        UsageError: It cannot be noted; nothing was erased.
    """
    log.write(plan.group_id, [*plan.objects, *plan.other_locations])
    if location is not None:
        _delete_objects(plan, location)
    if plan.exists:
        try:
            client.delete_asset_group(id=plan.group_id)
        except PortraitError as error:
            plan.failed[plan.group_id] = error
    failed = [address for address in plan.objects if address in plan.failed]
    log.write(plan.group_id, [*failed, *plan.other_locations])


def _delete_objects(plan: ErasurePlan, location: Location) -> None:
    fatal: StorageError | None = None
    for address in plan.objects:
        try:
            if fatal is not None:
                raise fatal
            location.store.delete(address.removeprefix(f"s3://{location.bucket}/"))
        except StorageError as error:
            plan.failed[address] = error
            fatal = error if error.fatal else None
        else:
            plan.erased.append(address)


def unknown_group(wanted: str) -> UsageError:
    """The error of a group that nobody knows."""
    return UsageError(
        f"There is no group {wanted!r}, and nothing says that there was one.",
        advice="Look at the id or name, and at the key; with --manifest, a group that is gone is known from there.",
    )
