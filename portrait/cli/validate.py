"""`validate`: a person passes the liveness check on a phone, and a group comes out.

The link is printed, since it must be opened; the token is not.
"""

from __future__ import annotations

from typing import Literal, get_args

import click

from portrait.cli.context import Context
from portrait.cli.output import OutputFormat
from portrait.cli.parser import command, one_of, quota, seconds
from portrait.cli.progress import progress
from portrait.errors import WaitTimeout
from portrait.models import Language, VisualValidateSession

_LINK_SECONDS = 120  # contract §3 (D)

_DETAILS = """\
The link is valid for 120 seconds and can be used by whoever has it: do not store it. Piped, the first line of JSON has
the link and the second one the group.
"""


@command(epilog=_DETAILS)
@click.option("--callback-url", metavar="URL", required=True, help="Where the person's browser goes afterwards.")
@click.option(
    "--timeout", type=seconds, metavar="SECONDS", help=f"To wait (default {_LINK_SECONDS}, the life of the link)."
)
@click.option("--lang", type=one_of(*get_args(Language)), help="The language of the page (default: the service's).")
@click.option(
    "--quota", type=quota, metavar="N", help="Groups that the customer may have, or `none` (default: as documented)."
)
@click.pass_obj
def validate_command(
    context: Context,
    /,
    callback_url: str,
    timeout: float | None,
    lang: Language | None,
    quota: int | Literal["none"] | None,
) -> int:
    """Let a person pass the liveness check."""
    output, client = context.output, context.client
    room: int | Literal["documented"] | None = "documented" if quota is None else None if quota == "none" else quota
    context.resume_hint = "The link expires by itself; the same command makes a new one."

    def show(session: VisualValidateSession) -> None:
        if output.format is OutputFormat.QUIET:  # stdout is for the group's id alone
            output.write_stderr(f"{session.h5_link}\n")
            return
        output.info(f"Open this link on the person's phone within {_LINK_SECONDS} seconds. Whoever has it can use it:")
        output.print_event({"h5_link": session.h5_link, "expires_in": _LINK_SECONDS}, line=session.h5_link)

    with progress(output, {"waiting for the person": None}):
        try:
            result = client.validate_person(
                callback_url=callback_url, show=show, attempts=1, language=lang, timeout=timeout, quota=room
            )
        except WaitTimeout as error:
            error.advice = "The same command makes a new link."
            raise
    output.info("Passed. The group:")
    output.print_event({"group_id": result.group_id}, line=result.group_id, key="group_id")
    return 0
