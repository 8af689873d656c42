"""`forget`: somebody withdraws consent. Asks, erases, and reports what was erased and what could not be."""

from __future__ import annotations

from typing import Any

import click
from attrs import frozen

from portrait.cli.context import Context
from portrait.cli.erasure import ErasurePlan, Location, erase, plan_erasure, unknown_group
from portrait.cli.erasure_log import Erasure
from portrait.cli.errors import error_record, exit_code, format_errors, merge_exit_codes
from portrait.cli.parser import command
from portrait.cli.report import read_manifest
from portrait.cli.serialize import pluralize
from portrait.cli.storage import StorageOptions, open_store, storage_options
from portrait.errors import UsageError
from portrait.s3 import StorageWarning, UploadProgress
from portrait.s3.keys import parse_location

_MAX_KEPT = 5  # kept objects that people see

_DETAILS = """\
Objects are deleted first, then the group with all of its assets. An object that an asset of another group uses stays,
and is reported. Objects are found by the digests in the assets' names; assets that were renamed, and objects whose
asset was never made, only by the manifest that `put` wrote. A run that was killed is taken up by the same command, and
so is what could not be erased. Only this project of this key is looked at; where the manifest knows several groups of
one name that are gone, say which by its id. Copies at a CDN, versions that a bucket keeps, and the manifest itself are
yours to delete.

\b
Examples:
  portrait forget alice --to s3://bucket/portraits --manifest people.jsonl
  portrait forget group-20260518163348-xtzxl --dry-run
"""


@frozen(kw_only=True)
class ForgetOptions(StorageOptions):
    """What the command line says.

    Attributes:
        group: The person's group.
        manifest: What `put --manifest` wrote; None for none.
        dry_run: Whether to erase nothing.
        yes: Whether not to ask.
    """

    group: str
    manifest: str | None
    dry_run: bool
    yes: bool


@command(epilog=_DETAILS)
@click.argument("group", metavar="NAME|ID")
@click.option("--manifest", metavar="FILE", help="What `put --manifest` wrote.")
@click.option("--dry-run", is_flag=True, help="Say what would be erased, and erase nothing.")
@click.option("--yes", is_flag=True, help="Do not ask; needed where there is no terminal.")
@storage_options("where the files were stored.")
@click.pass_obj
def forget_command(context: Context, /, **values: Any) -> int:
    """Erase a person's group."""
    options = ForgetOptions(**values)
    if not (options.yes or options.dry_run or context.console.can_ask):
        raise UsageError("forget needs --yes where there is no terminal to ask on.")
    location = _location(context, options)
    log = Erasure.of(options.state_folder(context.console), context.base_url, context.project, options.group)
    rows = read_manifest(options.manifest) if options.manifest else []
    plan = plan_erasure(
        context.client,
        options.group,
        location,
        rows,
        log if log.group_id else None,
        service_identity=context.service_identity,
    )
    if plan is None:
        raise unknown_group(options.group)
    if plan.is_empty or options.dry_run:
        return _report(context, plan, done=False)
    question = f"To be erased, for good:\n{_describe(plan)}\nErase?"
    if not (options.yes or plan.is_empty_here) and not context.confirm(question):
        context.output.info("Nothing was erased.")
        return 1
    context.resume_hint = "The same command erases the rest."
    erase(context.client, plan, location, log)
    return _report(context, plan, done=True)


def _location(context: Context, options: ForgetOptions) -> Location | None:
    """Where objects are; None without `--to`."""

    def warn(event: UploadProgress | StorageWarning) -> None:
        if isinstance(event, StorageWarning):
            context.output.error(f"portrait: {event.message}\n")

    store = open_store(context.console, options, warn)
    if store is None or options.to is None:
        return None
    parsed = parse_location(options.to)
    return Location(store, parsed.bucket, parsed.key_prefix)


def _describe(plan: ErasurePlan) -> str:
    lines = []
    if plan.exists:
        lines.append(f"  {plan.group_id} ({plan.name}) with {pluralize(len(plan.assets), 'asset')}")
    if plan.objects:
        lines.append(f"  {pluralize(len(plan.objects), 'stored object')}")
    return "\n".join(lines)


def _report(context: Context, plan: ErasurePlan, *, done: bool) -> int:
    """Report; returns the exit code."""
    output = context.output
    if output.interactive:
        _print_for_people(context, plan, done=done)
    else:
        output.print_event(_record(plan, done=done))
    output.error(format_errors(plan.failed.items()))
    if plan.other_locations:
        output.error(
            f"portrait: {pluralize(len(plan.other_locations), 'stored object')} of the group: not in a place that was "
            f"given: {', '.join(plan.other_locations[:3])}{' …' if len(plan.other_locations) > 3 else ''}\n"
            "  → Name the place with --to.\n"
        )
    codes = [exit_code(error) for error in plan.failed.values()]
    codes += [1] * bool(plan.other_locations and done) + [0] * bool(plan.erased)
    return merge_exit_codes(codes)


def _print_for_people(context: Context, plan: ErasurePlan, *, done: bool) -> None:
    output = context.output
    if plan.is_empty:
        output.write(f"Nothing is left of {plan.wanted}.")
    elif plan.is_empty_here:
        output.write(f"Nothing is left of {plan.wanted} but {pluralize(len(plan.other_locations), 'stored object')}.")
    elif not done:
        output.write(f"Would be erased:\n{_describe(plan)}")
    else:
        if plan.exists and plan.group_id not in plan.failed:
            output.write(f"Erased {plan.group_id} with {pluralize(len(plan.assets), 'asset')}.")
        output.write(f"Erased {pluralize(len(plan.erased), 'stored object')}.")
    if plan.kept:
        output.write(f"Kept {pluralize(len(plan.kept), 'stored object')} that other groups use:")
    for address, users in list(plan.kept.items())[:_MAX_KEPT]:
        output.write(f"  {address}: {', '.join(users)}")
    if (more := len(plan.kept) - _MAX_KEPT) > 0:
        output.write(f"  and {more} more; --json lists them all.")
    if not done and not plan.is_empty_here:
        output.info("Nothing was erased: this was a dry run.")


def _record(plan: ErasurePlan, *, done: bool) -> dict[str, Any]:
    group_erased = done and plan.exists and plan.group_id not in plan.failed
    planned = {"group": plan.exists, "assets": plan.assets, "objects": plan.objects}
    return {
        "group_id": plan.group_id,
        "nothing_left": plan.is_empty,
        "would_erase": planned if not done else None,
        "erased": {"group": group_erased, "assets": plan.assets if group_erased else [], "objects": plan.erased},
        "kept": [{"object": address, "used_by": users} for address, users in plan.kept.items()],
        "elsewhere": plan.other_locations,
        "failed": [{"what": what, "error": error_record(error)} for what, error in plan.failed.items()],
    }
