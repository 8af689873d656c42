"""What a word means that names a group or an asset: `NAME|ID`. Owns how a name is told from an id, and what is said of
a name that nobody bears; must not know what is done with what was found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from portrait.errors import AmbiguousGroup, NotAccessible, UsageError
from portrait.models import Asset, AssetGroup, GroupType

if TYPE_CHECKING:
    from portrait.client import PortraitClient

_ID = re.compile(r"group-\d{14}-[a-z0-9]+", re.IGNORECASE)  # contract §1, *Identifiers*


def get_or_create_group(client: PortraitClient, wanted: str, state_dir: str) -> str:
    """The id of the group of that id, or of that very name, which is made if there is none.

    Raises:
        AmbiguousGroup: Several groups bear the name.
        NotAccessible: There is no group of that id.
        PortraitError: As the calls.
    """
    found = _by_id(client, wanted)
    return found.id if found else client.ensure_group(wanted, state_dir=state_dir).id


def find_group(
    client: PortraitClient, wanted: str, types: Sequence[GroupType] = (GroupType.AIGC,)
) -> AssetGroup | None:
    """The group of that id, or of that very name; None if nobody bears the name. Makes nothing.

    Raises:
        AmbiguousGroup: Several groups bear the name.
        NotAccessible: There is no group of that id.
        PortraitError: As the calls.
    """
    found = _by_id(client, wanted)
    if found is not None:
        return found
    named = [
        group
        for kind in types
        for group in client.iter_asset_groups(group_type=kind, name=wanted)
        if group.name == wanted
    ]
    if len(named) > 1:
        ids = tuple(group.id for group in sorted(named, key=lambda group: (group.create_time, group.id)))
        raise AmbiguousGroup(f"{len(ids)} groups are named {wanted!r}: {', '.join(ids)}.", group_ids=ids)
    return named[0] if named else None


def resolve_group(client: PortraitClient, wanted: str) -> AssetGroup:
    """The group of that id, or of that very name, of either kind.

    Raises:
        UsageError: Nobody bears the name.
        AmbiguousGroup: Several groups bear the name.
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
        UsageError: Nobody bears the name.
        AmbiguousGroup: Several groups bear the name.
        NotAccessible: There is nothing of that id.
        PortraitError: As the calls.
    """
    if wanted.lower().startswith(("asset-", "asset://")):
        return client.get_asset(id=wanted)
    try:
        return resolve_group(client, wanted)
    except UsageError:
        # Other vendors' ids look different (contract §2): only asking tells.
        for look in (client.get_asset, client.get_asset_group):
            with suppress(NotAccessible):
                return look(id=wanted)
        raise


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
