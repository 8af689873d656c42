"""Resolves `NAME|ID` of the command line: a group by its id or exact name, or an asset by its id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from portrait.client import PortraitClient
from portrait.errors import AmbiguousGroup, NotAccessible, UsageError
from portrait.models import Asset, AssetGroup, GroupType

if TYPE_CHECKING:
    from portrait.ensure import EnsureQuery
    from portrait.tasks import TaskClient

_ID = re.compile(r"group-\d{14}-[a-z0-9]+", re.IGNORECASE)  # contract §1, *Identifiers*


def locate_group(client: PortraitClient | TaskClient, wanted: str) -> EnsureQuery:
    """The options of `ensure_assets` for the group of that id, or of that very name.

    Args:
        client: Of the service.
        wanted: An id or a name. Where the provider has no list of groups, an id is what looks like one.

    Raises:
        NotAccessible: There is no group of that id.
        PortraitError: As the calls.
    """
    _require_name(wanted)
    if not isinstance(client, PortraitClient):
        is_id = _ID.fullmatch(wanted) or wanted.lower().startswith("group_")
        return {"group_id": wanted} if is_id else {"group": wanted}
    found = _by_id(client, wanted)
    if found is None:
        return {"group": wanted, "group_type": GroupType.AIGC}  # which is all that is found, or created, by a name
    known = isinstance(found.group_type, GroupType)  # the library decides what any other is
    return {"group_id": found.id, "group_type": GroupType(found.group_type)} if known else {"group_id": found.id}


def find_group(
    client: PortraitClient, wanted: str, types: Sequence[GroupType] = (GroupType.AIGC,)
) -> AssetGroup | None:
    """The group of that id, or of that very name; None if no group has the name.

    Raises:
        AmbiguousGroup: Several groups have the name.
        NotAccessible: There is no group of that id.
        PortraitError: As the calls.
    """
    _require_name(wanted)
    found = _by_id(client, wanted)
    if found is not None:
        return found
    groups = [
        group
        for kind in types
        for group in client.iter_asset_groups(group_type=kind, name=wanted)
        if group.name == wanted
    ]
    if len(groups) > 1:
        ids = tuple(group.id for group in sorted(groups, key=lambda group: (group.create_time, group.id)))
        raise AmbiguousGroup(f"{len(ids)} groups are named {wanted!r}: {', '.join(ids)}.", group_ids=ids)
    return groups[0] if groups else None


def resolve_group(client: PortraitClient, wanted: str) -> AssetGroup:
    """The group of that id, or of that very name, of either kind.

    Raises:
        UsageError: The name is blank, or no group has it.
        AmbiguousGroup: Several groups have the name.
        NotAccessible: There is no group of that id.
        PortraitError: As the calls.
    """
    found = find_group(client, wanted, tuple(GroupType))
    if found is None:
        raise UsageError(f"No group is named {wanted!r}.", advice="`portrait groups` lists them.")
    return found


def resolve(client: PortraitClient, wanted: str) -> Asset | AssetGroup:
    """The asset of that id, or the group of that id or name.

    Raises:
        UsageError: The name is blank, or no group has it.
        AmbiguousGroup: Several groups have the name.
        NotAccessible: There is nothing of that id.
        PortraitError: As the calls.
    """
    _require_name(wanted)
    if wanted.lower().startswith(("asset-", "asset://")):
        return client.get_asset(id=wanted)
    try:
        return resolve_group(client, wanted)
    except UsageError:
        # Other vendors' ids look different (contract §2): only the service knows.
        for get in (client.get_asset, client.get_asset_group):
            with suppress(NotAccessible):
                return get(id=wanted)
        raise


def _require_name(wanted: str) -> None:
    """An empty name is a variable that is not set; the service would list every group for it."""
    if not wanted.strip():
        raise UsageError("An id or a name is missing.", advice="`portrait groups` and `portrait assets` list them.")


def _by_id(client: PortraitClient, wanted: str) -> AssetGroup | None:
    if not wanted.lower().startswith("group"):
        return None
    try:
        return client.get_asset_group(id=wanted)
    except NotAccessible:
        # A name may begin so too; but nobody names a group by what looks like a whole id.
        if _ID.fullmatch(wanted):
            raise
        return None
