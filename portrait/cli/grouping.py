"""The group that `--group NAME|ID` means; one that is missing is made. Owns how a name is told from an id; must
not know what goes into the group.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from portrait.errors import NotAccessible

if TYPE_CHECKING:
    from portrait.client import PortraitClient

_ID = re.compile(r"group-\d{14}-[a-z0-9]+", re.IGNORECASE)  # contract §1, *Identifiers*


def find_group(client: PortraitClient, wanted: str) -> str:
    """The id of the group of that id, or of that very name.

    Raises:
        AmbiguousGroup: Several groups bear the name.
        NotAccessible: There is no group of that id.
        PortraitError: As the calls.
    """
    if wanted.lower().startswith("group"):
        try:
            return client.get_asset_group(id=wanted).id
        except NotAccessible:
            # A name may begin so too; but nobody names a group by what looks like a whole id.
            if _ID.fullmatch(wanted):
                raise
    return client.ensure_group(wanted).id
