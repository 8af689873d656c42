"""`pool` and its commands."""

from __future__ import annotations

from click import IntRange

from portrait.cli.parser import YES, Command, Group, argument, option, seconds

_PRUNE = """\
A group goes with its assets; one whose assets are not all a pool's is listed, and not removed. A pool counts as used
while somebody leases from it by the state that --state names, and when an asset in it was created or used to generate.

\b
Examples:
  portrait pool prune --prefix ci- --dry-run
  portrait pool prune --prefix ci- --unused-for 1 --yes
"""

POOL = Group(
    "pool",
    "Look at pools of assets, and remove unused ones.",
    Command(
        "status",
        "pool:show_status",
        "Show what a pool holds, who leases it and until when.",
        argument("wanted", metavar="NAME|ID"),
        option(
            "--slots", type=IntRange(min=1), metavar="N", default=50, help="Assets that the pool may hold (default 50)."
        ),
    ),
    Command(
        "prune",
        "pool:prune",
        "Remove groups whose pools nobody uses, for good.",
        option("--prefix", required=True, metavar="PREFIX", help="What the groups' names begin with."),
        option("--unused-for", type=seconds, metavar="DAYS", default="7", help="Days without a use (default 7)."),
        option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing."),
        YES,
        epilog=_PRUNE,
    ),
)
