"""`put --dry-run`: what would be done, by reading alone. Owns the comparison with what is there, and how it is told;
sends no write.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from portrait.cli.errors import OK, SOME_FAILED, format_errors
from portrait.cli.report import format_skipped, outcome_record
from portrait.cli.resolve import find_group
from portrait.cli.select import Checked
from portrait.cli.serialize import pluralize
from portrait.ensure import Content, parse_digest
from portrait.ensure.create import usable
from portrait.models import GroupType

if TYPE_CHECKING:
    from portrait.cli.output import Output
    from portrait.client import PortraitClient
    from portrait.models import Asset
    from portrait.providers import Provider
    from portrait.s3 import ObjectStore

_NEW, _EXISTS, _FAILED, _SAME = "New", "Existing", "Failed", "Duplicate"


def dry_run(
    output: Output,
    client: PortraitClient,
    provider: Provider,
    groups: Sequence[Checked],
    store: ObjectStore | None,
    *,
    quota: int | None,
) -> int:
    """Look and tell; the result is the exit code. `quota` is of assets in a group.

    Raises:
        PortraitError: A group, or the bucket, cannot be read.
    """
    stored = _stored(store)
    plans = [_plan(client, group, stored, quota) for group in groups]
    faulty = [outcome for group in groups for outcome in group.rejected]
    others = [source for group in groups for source in group.skipped]
    missing = sum(plan["group_id"] is None and plan["new"] > 0 for plan in plans)
    whole = {
        "dry_run": True,
        "groups": plans,
        "groups_to_make": missing,
        "groups_free": _free_groups(client, provider) if missing else None,
        "rejected": [outcome_record(outcome) for outcome in faulty],
        "skipped": others,
    }
    output.error(format_errors((one.source, one.error) for one in faulty if one.error is not None))
    if output.interactive:
        _tell(output, whole, len(faulty))
    else:
        output.print_event(whole)
    fits = all(plan["room"] is None or plan["new"] <= plan["room"] for plan in plans)
    return SOME_FAILED if faulty or not fits else OK


def _stored(store: ObjectStore | None) -> frozenset[str] | None:
    """The SHA-256 of every object that the bucket has there."""
    return None if store is None else frozenset(PurePosixPath(key).stem for key in store.list_objects())


def _plan(client: PortraitClient, group: Checked, stored: frozenset[str] | None, quota: int | None) -> dict[str, Any]:
    found = find_group(client, group.group) if group.valid else None
    assets = list(client.iter_assets(group_type=found.group_type, group_ids=[found.id])) if found else []
    states = _states(group.valid, assets)
    fresh = [content for content, state in zip(group.valid, states, strict=True) if state == _NEW]
    to_send = [one for one in fresh if one.url is None and (stored is None or one.sha256 not in stored)]
    return {
        "group": group.group,
        "group_id": found.id if found else None,
        "assets": len(assets),
        "room": None if quota is None else max(0, quota - len(assets)),
        "new": states.count(_NEW),
        "existing": states.count(_EXISTS),
        "failed": states.count(_FAILED),
        "duplicates": states.count(_SAME),
        "bytes": sum(content.size for content in to_send),
        "files": [
            {"file": content.source, "sha256": content.sha256, "bytes": content.size, "would_be": state}
            for content, state in zip(group.valid, states, strict=True)
        ],
    }


def _states(contents: Sequence[Content], assets: Sequence[Asset]) -> list[str]:
    """What each would be: a content that comes twice is sent once."""
    there: dict[str, list[Asset]] = {}
    for asset in assets:
        there.setdefault(parse_digest(asset.name) or "", []).append(asset)
    seen: set[str] = set()
    states = []
    for content in contents:
        found = there.get(content.digest, [])
        twice = content.digest in seen
        seen.add(content.digest)
        states.append(_SAME if twice else _EXISTS if usable(found) else _FAILED if found else _NEW)
    return states


def _free_groups(client: PortraitClient, provider: Provider) -> int | None:
    if provider.group_quota is None:
        return None
    taken = sum(1 for kind in GroupType for _ in client.iter_asset_groups(group_type=kind))
    return max(0, provider.group_quota - taken)


def _tell(output: Output, whole: dict[str, Any], faulty: int) -> None:
    for plan in whole["groups"]:
        output.write(f"{plan['group']}: {plan['group_id'] or 'a new group'}")
        rows = [
            f"{pluralize(plan['new'], 'new asset')}, {_size(plan['bytes'])} to send",
            f"{plan['existing']} there already",
            f"{plan['failed']} there and Failed",
            pluralize(plan["duplicates"], "duplicate"),
        ]
        kept = [row for row in rows[1:] if not row.startswith("0 ")]
        output.write(f"  {', '.join([rows[0], *kept])}")
        if plan["room"] is not None:
            enough = "" if plan["new"] <= plan["room"] else ": not enough"
            output.write(f"  room for {plan['room']}, needed {plan['new']}{enough}")
    if whole["groups_free"] is not None:
        output.write(f"{pluralize(whole['groups_to_make'], 'group')} to make, room for {whole['groups_free']}.")
    if faulty:
        output.write(f"{pluralize(faulty, 'file')} cannot be sent, as said above.")
    if whole["skipped"]:
        output.write(format_skipped(whole["skipped"]))
    output.info("Nothing was sent: this was a dry run.")


def _size(number: int) -> str:
    return f"{number / 1_000_000:.1f} MB"
