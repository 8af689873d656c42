"""`validate`."""

from __future__ import annotations

from typing import get_args

from click import IntRange

from portrait.cli.parser import Command, one_of, option, quota, seconds
from portrait.enums import Language

_DETAILS = """\
The link can be used by whoever has it while it is valid: do not store it. A terminal shows it as a QR code as well, and
the seconds that are left. Piped, each link and then the group is a line of JSON.

The page sends the person's browser to the callback, and tells nobody else why a scan failed. With an emulator on this
machine the command answers the callback itself, and ends with the page's code. A real service needs a callback that a
phone can reach: an application of yours, or a tunnel to this machine together with --listen. Without --listen a failed
scan looks like an open one: the link runs out, and the next one of --attempts follows.
"""

VALIDATE = Command(
    "validate",
    "validate:validate",
    "Let a person pass the liveness check, for a group.",
    option("--callback-url", metavar="URL", help="Where the person's browser goes afterwards (default: here)."),
    option(
        "--listen",
        type=IntRange(1, 65535),
        metavar="PORT",
        help="Answer the callback on this port of 127.0.0.1, where a tunnel brings it.",
    ),
    option(
        "--attempts",
        type=IntRange(1),
        default=1,
        metavar="N",
        help="Links at most, one after the other (default 1).",
    ),
    option("--timeout", type=seconds, metavar="SECONDS", help="To wait for each (default: the life of the link)."),
    option("--lang", type=one_of(get_args(Language)), help="The language of the page (default: the service's)."),
    option(
        "--quota",
        type=quota,
        metavar="N",
        help="Groups that the customer may have, or `none` (default: as documented).",
    ),
    epilog=_DETAILS,
)
