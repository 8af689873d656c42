"""`validate`: a person passes the liveness check on a phone, and a group comes out. Owns how the person is led; the
link is shown, since it must be opened, and the token is not.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from portrait.cli.command import Command, seconds
from portrait.cli.output import OutputFormat
from portrait.cli.progress import progress
from portrait.errors import WaitTimeout

if TYPE_CHECKING:
    from portrait.cli.context import Context

_LIFE = 120  # seconds; contract §3 (D)


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--callback-url", metavar="URL", required=True, help="where the person's browser goes afterwards")
    add("--timeout", type=seconds, metavar="SECONDS", help=f"to wait (default {_LIFE}, the life of the link)")


def _validate(context: Context, args: argparse.Namespace) -> int:
    output, client = context.output, context.client
    opened = client.create_visual_validate_session(callback_url=args.callback_url)
    context.resume_hint = "The link dies by itself; the same command makes a new one."
    if output.format is OutputFormat.QUIET:  # stdout is for the group's id alone
        output.console.stderr.write(f"{opened.h5_link}\n")
    else:
        output.info(f"Open this link on the person's phone within {_LIFE} seconds. Whoever has it can use it:")
        output.print_event({"h5_link": opened.h5_link, "expires_in": _LIFE}, line=opened.h5_link)
    with progress(output, "waiting for the person"):
        try:
            result = client.wait_until_validated(opened, timeout=args.timeout)
        except WaitTimeout as late:
            late.advice = "The same command makes a new link."
            raise
    output.info("Passed. The group:")
    output.print_event({"group_id": result.group_id}, line=result.group_id, key="group_id")
    return 0


_DETAILS = """\
The link is valid for 120 seconds and can be used by whoever has it: do not store it. Piped, the first line of JSON has
the link and the second one the group.
"""

COMMANDS = {"validate": Command(_options, _validate, _DETAILS)}
