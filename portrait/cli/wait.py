"""`wait`: until the review of assets is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portrait.cli.context import Context
from portrait.cli.errors import error_record, exit_code, format_error, merge_exit_codes
from portrait.cli.progress import progress
from portrait.errors import PortraitError, UsageError
from portrait.uri import parse_asset_id
from portrait.watch import AssetOutcome


def wait(context: Context, /, ids: Sequence[str], timeout: float | None) -> int:
    """Wait for assets, which are named by id or `asset://` address."""
    if groups := [id for id in ids if id.lower().startswith("group")]:  # noqa: A001
        raise UsageError(f"{groups[0]} is a group.", advice="`portrait assets --group ID` lists its assets.")
    pending = list(dict.fromkeys(parse_asset_id(id) for id in ids))  # noqa: A001
    errors: list[PortraitError | None] = []
    with progress(context.output, {"in review": len(pending)}) as display:
        context.resume_hint = _resume_hint(pending)
        for outcome in context.client.watch_assets(pending, timeout=timeout):
            errors.append(outcome.error)
            display.advance("in review")
            _print_outcome(context, outcome)
            pending.remove(outcome.id)
            context.resume_hint = _resume_hint(pending)
    for error in filter(None, errors):
        context.output.error(format_error(error))
    return merge_exit_codes(exit_code(error) if error else 0 for error in errors)


def _resume_hint(ids: Sequence[str]) -> str:
    return f"Nothing is lost: `portrait wait {' '.join(ids)}` goes on."


def _print_outcome(context: Context, outcome: AssetOutcome) -> None:
    """Print one outcome. People read failures at the end."""
    record: dict[str, Any] = {"uri": outcome.uri, "status": outcome.state.value}
    if outcome.error is not None:
        context.output.print_event({**record, "error": error_record(outcome.error)})
    else:
        context.output.print_event(record, line=f"{outcome.uri}  {outcome.state.value}", key="uri")
