"""`forget`: erases a person's group and stored files after a question, and reports what was and was not erased."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from attrs import frozen

from portrait.cli.context import Context
from portrait.cli.errors import error_record, exit_code, format_errors, merge_exit_codes
from portrait.cli.manifest import Lines, read_manifest
from portrait.cli.resolve import find_group
from portrait.cli.serialize import pluralize
from portrait.cli.storage import StorageOptions, open_store
from portrait.ensure import ErasureOutcome, ErasurePlan, ErasureQuery
from portrait.errors import AmbiguousGroup, NotAccessible, UsageError
from portrait.models import GroupType
from portrait.s3 import ObjectStore, StorageWarning, UploadProgress

_MAX_SHOWN = 5  # kept objects, and lines of a manifest, that people see


@frozen(kw_only=True)
class ForgetOptions(StorageOptions):
    """The options of one run.

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


def forget(context: Context, /, **values: Any) -> int:
    """Erase a person's group."""
    options = ForgetOptions(**values)
    context.require_consent("forget", yes=options.yes, dry_run=options.dry_run)
    store = _store(context, options)
    manifest = read_manifest(options.manifest) if options.manifest else Lines([], [])
    if manifest.unreadable:
        context.output.error(_unreadable(options, manifest.unreadable))
    group_id, known = _known(context, options, manifest.rows)
    known["stores"] = [] if store is None else [store]
    plan = context.client.plan_erasure(group_id, **known)
    if options.dry_run or (plan.is_empty and not plan.elsewhere):
        return _report(context, options.group, ErasureOutcome(plan=plan), manifest.unreadable, done=False)
    question = f"To be erased, for good:\n{_describe(plan)}\nErase?"
    if not (options.yes or plan.is_empty) and not context.confirm(question):
        context.output.info("Nothing was erased.")
        return 1
    context.resume_hint = "The same command erases the rest; with --dry-run it says what is left."
    outcome = context.client.erase_group(plan, **known)
    return _report(context, options.group, outcome, manifest.unreadable, done=True)


def _store(context: Context, options: ForgetOptions) -> ObjectStore | None:
    def warn(event: UploadProgress | StorageWarning) -> None:
        if isinstance(event, StorageWarning):
            context.output.error(f"portrait: {event.message}\n")

    return open_store(context, options, warn)


def _unreadable(options: ForgetOptions, lines: Sequence[int]) -> str:
    numbers = ", ".join(map(str, lines[:_MAX_SHOWN])) + (" …" if len(lines) > _MAX_SHOWN else "")
    return (
        f"portrait: {options.manifest}: {pluralize(len(lines), 'line')} cannot be read: {numbers}.\n"
        "  → Look at them: an object that only they name is not erased.\n"
    )


def _known(context: Context, options: ForgetOptions, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ErasureQuery]:
    """The group's id, and what the manifest and an earlier run know about it.

    Raises:
        AmbiguousGroup: Several groups that are gone bore the name.
        UsageError: Nobody knows such a group.
    """
    wanted = options.group
    record = context.client.find_erasure(wanted)
    try:
        group = find_group(context.client, wanted, tuple(GroupType))
    except NotAccessible:
        group = None
    ids = {group.id if group else "", record.group_id if record else ""} - {""}
    here = [
        row for row in rows if all(row.get(name, value) == value for name, value in context.service_identity.items())
    ]
    deleted = "" if group else _deleted_group(wanted, here, ids)
    group_id = group.id if group else deleted or (record.group_id if record else "")
    if not group_id:
        raise UsageError(
            f"There is no group {wanted!r}, and nothing says that there was one.",
            advice="Look at the id or name, and at the key; with --manifest, a group that is gone is known from there.",
        )
    of_group = [row for row in rows if row.get("group_id") in {*ids, deleted} - {""}]
    of_group += [row for row in here if not row.get("group_id") and row.get("group") == wanted]
    objects = [f"s3://{row.get('stored_in')}/{row['stored_key']}" for row in of_group if row.get("stored_key")]
    contents = {str(row["asset_id"]): str(row["sha256"]) for row in rows if row.get("asset_id") and row.get("sha256")}
    return group_id, {
        "known_objects": [*objects, *(record.objects if record else ())],
        "known_contents": contents,
    }


def _deleted_group(wanted: str, rows: Sequence[Mapping[str, Any]], known: Container[str]) -> str:
    """The id by which a manifest knows a group that is gone, and that nothing else knows; "" if there is none."""
    named = [str(row.get("group_id") or "") for row in rows if wanted in {row.get("group_id"), row.get("group")}]
    ids = tuple(dict.fromkeys(name for name in named if name and name not in known))  # what was not sent has none
    if len(ids) > 1:
        words = f"{len(ids)} groups that are gone were named {wanted!r}: {', '.join(ids)}."
        raise AmbiguousGroup(words, group_ids=ids)
    return next(iter(ids), "")


def _describe(plan: ErasurePlan) -> str:
    lines = []
    if plan.exists:
        lines.append(f"  {plan.group_id} ({plan.name}) with {pluralize(len(plan.assets), 'asset')}")
    if plan.objects:
        lines.append(f"  {pluralize(len(plan.objects), 'stored object')}")
    return "\n".join(lines)


def _report(context: Context, wanted: str, outcome: ErasureOutcome, unreadable: Sequence[int], *, done: bool) -> int:
    """Report; returns the exit code."""
    output, plan = context.output, outcome.plan
    if output.interactive:
        _print_for_people(context, wanted, outcome, done=done)
    else:
        output.print_event({**_record(outcome, done=done), "unreadable_lines": unreadable})
    output.error(format_errors(outcome.errors.items()))
    if plan.elsewhere:
        output.error(
            f"portrait: {pluralize(len(plan.elsewhere), 'stored object')} of the group: not in a place that was "
            f"given: {', '.join(plan.elsewhere[:3])}{' …' if len(plan.elsewhere) > 3 else ''}\n"
            "  → Name the place with --to.\n"
        )
    codes = [exit_code(error) for error in outcome.errors.values()]
    codes += [1] * bool(plan.elsewhere and done) + [0] * bool(outcome.objects)
    return merge_exit_codes(codes)


def _print_for_people(context: Context, wanted: str, outcome: ErasureOutcome, *, done: bool) -> None:
    output, plan = context.output, outcome.plan
    if plan.is_empty and not plan.elsewhere:
        output.write(f"Nothing is left of {wanted}.")
    elif plan.is_empty:
        output.write(f"Nothing is left of {wanted} but {pluralize(len(plan.elsewhere), 'stored object')}.")
    elif not done:
        output.write(f"Would be erased:\n{_describe(plan)}")
    else:
        if outcome.group_erased:
            output.write(f"Erased {plan.group_id} with {pluralize(len(plan.assets), 'asset')}.")
        output.write(f"Erased {pluralize(len(outcome.objects), 'stored object')}.")
    if plan.in_use:
        output.write(f"Kept {pluralize(len(plan.in_use), 'stored object')} that other groups use:")
    for address, users in list(plan.in_use.items())[:_MAX_SHOWN]:
        output.write(f"  {address}: {', '.join(users)}")
    if (more := len(plan.in_use) - _MAX_SHOWN) > 0:
        output.write(f"  and {more} more; --json lists them all.")
    if not done and not plan.is_empty:
        output.info("Nothing was erased: this was a dry run.")


def _record(outcome: ErasureOutcome, *, done: bool) -> dict[str, Any]:
    plan, group_erased = outcome.plan, outcome.group_erased
    planned = {"group": plan.exists, "assets": plan.assets, "objects": plan.objects}
    return {
        "group_id": plan.group_id,
        "nothing_left": outcome.complete if done else plan.is_empty and not plan.elsewhere,
        "would_erase": planned if not done else None,
        "erased": {"group": group_erased, "assets": plan.assets if group_erased else [], "objects": outcome.objects},
        "kept": [{"object": address, "used_by": users} for address, users in plan.in_use.items()],
        "elsewhere": plan.elsewhere,
        "failed": [{"what": what, "error": error_record(error)} for what, error in outcome.errors.items()],
    }
