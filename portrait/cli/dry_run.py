"""`put --dry-run`: prints the library's plan for each group. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from portrait.cli.errors import OK, SOME_FAILED, format_errors
from portrait.cli.report import NO_MEDIA, format_skipped, outcome_record
from portrait.cli.resolve import locate_group
from portrait.cli.serialize import pluralize
from portrait.client import PortraitClient
from portrait.ensure import AssetPlan, EnsureQuery, PlanEntry, Verdict
from portrait.models import GroupType
from portrait.s3 import AccessDenied

if TYPE_CHECKING:
    from portrait.cli.context import Context
    from portrait.cli.select import Checked
    from portrait.providers import Provider
    from portrait.s3 import ObjectStore
    from portrait.tasks import TaskClient

# Verdict → the field of a group's record that counts it, and what people read after the number.
_COUNTS: Mapping[Verdict, tuple[str, str]] = MappingProxyType(
    {
        Verdict.NEW: ("new", "new"),
        Verdict.REPLACE: ("replaced", "to replace"),
        Verdict.EXISTING: ("existing", "there already"),
        Verdict.FAILED: ("failed", "there and Failed"),
        Verdict.DUPLICATE: ("duplicates", "duplicate"),
        Verdict.NO_ROOM: ("no_room", "without room"),
    }
)


def dry_run(context: Context, groups: Sequence[Checked], left_out: Mapping[str, str], options: EnsureQuery) -> int:
    """Plan and print; returns the exit code.

    Args:
        context: Of the command.
        groups: The files.
        left_out: What was passed over in folders, with the reason.
        options: How files would be sent.

    Raises:
        PortraitError: A group, or the bucket, cannot be read.
    """
    client, output = context.any_client, context.output
    store = options.get("store")
    stored = None if store is None else _stored_contents(store)
    plans = [(group.group, _plan(client, group, options)) for group in groups]
    rejected = [outcome for group in groups for outcome in group.rejected]
    missing = sum(plan.group_id is None and plan.counts[Verdict.NEW] > 0 for _, plan in plans)
    skipped = {source: NO_MEDIA for group in groups for source in group.skipped} | dict(left_out)
    record = {
        "dry_run": True,
        "groups": [_record(name, plan, stored) for name, plan in plans],
        "groups_to_make": missing,
        "groups_free": _free_groups(client, context.provider) if missing else None,
        "rejected": [outcome_record(outcome) for outcome in rejected],
        "skipped": [{"file": source, "reason": reason} for source, reason in skipped.items()],
    }
    output.error(format_errors((one.source, one.error) for one in rejected if one.error is not None))
    if output.interactive:
        for line in _lines(record):
            output.write(line)
        output.info("Nothing was sent: this was a dry run.")
    else:
        output.print_event(record)
    failing = any(plan.counts[verdict] for _, plan in plans for verdict in (Verdict.NO_ROOM, Verdict.FAILED))
    return SOME_FAILED if rejected or failing else OK


def _plan(client: PortraitClient | TaskClient, group: Checked, options: EnsureQuery) -> AssetPlan:
    place: EnsureQuery = locate_group(client, group.group) if group.valid else {}
    query: EnsureQuery = {**options, **place}
    return client.plan_assets(group.valid, **query)


def _stored_contents(store: ObjectStore) -> frozenset[str] | None:
    """The SHA-256 of every object in the bucket; None where the key may not list it."""
    try:
        return frozenset(PurePosixPath(key).stem for key in store.list_objects())
    except AccessDenied:
        return None


def _record(name: str, plan: AssetPlan, stored: frozenset[str] | None) -> dict[str, Any]:
    return {
        "group": name,
        "group_id": plan.group_id,
        "assets": plan.asset_count,
        "room": plan.free,
        **{field: plan.counts[verdict] for verdict, (field, _) in _COUNTS.items()},
        "bytes": sum(_bytes_to_send(entry, stored) for entry in plan.entries_with(Verdict.NEW, Verdict.REPLACE)),
        "files": [
            {
                "file": entry.source,
                "sha256": entry.content.sha256 if entry.content.url is None else None,
                "bytes": entry.content.size,
                "would_be": entry.verdict.value.capitalize(),
            }
            for entry in plan.entries
            if entry.content is not None
        ],
    }


def _bytes_to_send(entry: PlanEntry, stored: frozenset[str] | None) -> int:
    content = entry.content
    if content is None or content.url is not None or (stored is not None and content.sha256 in stored):
        return 0
    return content.size


def _free_groups(client: PortraitClient | TaskClient, provider: Provider) -> int | None:
    if provider.group_quota is None or not isinstance(client, PortraitClient):
        return None
    used = sum(1 for kind in GroupType for _ in client.iter_asset_groups(group_type=kind))
    return max(0, provider.group_quota - used)


def _lines(record: Mapping[str, Any]) -> Iterator[str]:
    """The plan for people."""
    for group in record["groups"]:
        yield f"{group['group']}: {group['group_id'] or 'a new group'}"
        counts = [f"{group[field]} {words}" for field, words in _COUNTS.values() if group[field]]
        yield f"  {', '.join([*counts, '{:.1f} MB to send'.format(group['bytes'] / 1_000_000)])}"
        if group["room"] is not None:
            needed = group["new"] + group["no_room"]
            yield f"  room for {group['room']}, needed {needed}{': not enough' if group['no_room'] else ''}"
    if record["groups_free"] is not None:
        yield f"{pluralize(record['groups_to_make'], 'group')} to make, room for {record['groups_free']}."
    if record["rejected"]:
        yield f"{pluralize(len(record['rejected']), 'file')} cannot be sent, as said above."
    yield from format_skipped((skipped["file"], skipped["reason"]) for skipped in record["skipped"])
