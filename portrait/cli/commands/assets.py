"""What looks at groups and assets, waits for them and changes them; and `call`."""

from __future__ import annotations

from collections.abc import Sequence

from click import IntRange

from portrait.cli.parser import REVIEW_TIMEOUT, YES, Command, argument, complete_from, one_of, option
from portrait.enums import AssetStatus, GroupType

_SIGNED_LINK = "The signed link to an asset's file is not shown; `portrait call GetAsset` prints it."

_CALL = """\
\b
Examples:
  portrait call GetAsset '{"Id": "asset-20260318035710-xxxxx"}'
  portrait call ListAssetGroups - < filter.json
  echo '{"Filter": {"GroupType": "AIGC"}}' | portrait call ListAssets
"""


def _actions() -> Sequence[str]:
    from portrait.actions import ACTIONS  # noqa: PLC0415  (for shells alone)

    return [*ACTIONS]


_LIST = (
    option("--type", "group_type", type=one_of(GroupType), help="The type of group (default: both)."),
    option("--name", metavar="PART", help="Part of the name, in any case."),
    option(
        "--sort",
        type=one_of(["created", "updated", "name"]),
        default="created",
        help="The order (default: newest first).",
    ),
    option("--limit", type=IntRange(min=1), metavar="N", help="Only the first N."),
)

WAIT = Command(
    "wait",
    "wait:wait",
    "Wait until assets are Active.",
    argument("ids", metavar="ID...", nargs=-1, required=True),
    REVIEW_TIMEOUT,
)

GROUPS = Command("groups", "list:list_groups", "List groups.", *_LIST)

ASSETS = Command(
    "assets",
    "list:list_assets",
    "List assets.",
    option("--group", "groups", metavar="NAME|ID", multiple=True, help="Only of this group; may be repeated."),
    option(
        "--status",
        "statuses",
        type=one_of(sorted(AssetStatus)),
        multiple=True,
        help="Only in this state; may be repeated.",
    ),
    *_LIST,
    epilog=_SIGNED_LINK,
)

SHOW = Command("show", "list:show", "Show a group or an asset.", argument("id", metavar="NAME|ID"), epilog=_SIGNED_LINK)

RENAME = Command(
    "rename",
    "edit:rename",
    "Rename a group or an asset.",
    argument("id", metavar="NAME|ID"),
    argument("name", metavar="NEW-NAME"),
    epilog="An asset that `put` made is recognized by its name: under another one, its file is new to `put`.",
)

REMOVE = Command(
    "rm",
    "edit:remove",
    "Delete groups and assets, for good.",
    argument("ids", metavar="NAME|ID...", nargs=-1, required=True),
    option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing."),
    YES,
    epilog="Deleting a group deletes every asset in it. What generates with asset://... stops working.",
)

CALL = Command(
    "call",
    "call:call",
    "Call an Action by its name, with raw JSON.",
    argument("action", metavar="ACTION", shell_complete=complete_from(_actions)),
    argument("body", metavar="[JSON|-]", required=False),
    option("--full", is_flag=True, help="Print the whole envelope, not only Result."),
    epilog=_CALL,
)
