"""`wait`: until the review of assets is over. Owns how an outcome is told; must not know how the assets came to be."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from portrait.cli.command import Command, add_timeout
from portrait.cli.errors import error_record, exit_code, format_error, merge_exit_codes
from portrait.cli.progress import progress
from portrait.errors import UsageError
from portrait.uri import parse_asset_id

if TYPE_CHECKING:
    from portrait.cli.context import Context
    from portrait.watch import AssetOutcome


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="+", help="of assets; asset://... too")
    add_timeout(parser)


def _wait(context: Context, args: argparse.Namespace) -> int:
    if groups := [id for id in args.ids if id.lower().startswith("group")]:  # noqa: A001
        raise UsageError(f"{groups[0]} is a group.", advice="`portrait assets --group ID` lists its assets.")
    remaining = list(dict.fromkeys(parse_asset_id(id) for id in args.ids))  # noqa: A001
    outcomes: list[AssetOutcome] = []
    with progress(context.output, "in review", len(remaining)) as shown:
        context.resume_hint = _how_to_go_on(remaining)
        for outcome in context.client.watch_assets(remaining, timeout=args.timeout):
            outcomes.append(outcome)
            shown.advance()
            _tell(context, outcome)
            remaining.remove(outcome.id)
            context.resume_hint = _how_to_go_on(remaining)
    for outcome in outcomes:
        if outcome.error is not None:
            context.output.error(format_error(outcome.error))
    return merge_exit_codes(0 if outcome.error is None else exit_code(outcome.error) for outcome in outcomes)


def _how_to_go_on(ids: Sequence[str]) -> str:
    return f"Nothing is lost: `portrait wait {' '.join(ids)}` goes on."


def _tell(context: Context, outcome: AssetOutcome) -> None:
    """One outcome. To people, failures are told at the end."""
    record: dict[str, Any] = {"uri": outcome.uri, "status": outcome.state.value}
    if outcome.error is not None:
        context.output.print_event({**record, "error": error_record(outcome.error)})
    else:
        context.output.print_event(record, line=f"{outcome.uri}  {outcome.state.value}", key="uri")


COMMANDS = {"wait": Command(_options, _wait)}
