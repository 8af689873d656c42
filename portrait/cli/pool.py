"""`pool`: shows the status of a pool, and removes the groups of unused pools."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

from portrait.cli.context import Context
from portrait.cli.output import Column
from portrait.cli.resolve import resolve_group
from portrait.cli.serialize import asset_record, group_record, pluralize
from portrait.clock import format_timestamp
from portrait.ensure import parse_digest
from portrait.pool import PoolStatus
from portrait.pool.prune import UnusedPool
from portrait.state import Lease
from portrait.uri import asset_uri

_DAY = 86_400.0  # seconds
_STATUS_COLUMNS = (
    Column("ASSET", "uri"),
    Column("STATUS", "status"),
    Column("NAME", "name", wrap=True),
    Column("USED", "used_at", drop_order=1),
    Column("HOLDER", "holder", wrap=True),
    Column("UNTIL", "until"),
)
_PRUNE_COLUMNS = (
    Column("ID", "id"),
    Column("NAME", "name", wrap=True),
    Column("ASSETS", "assets"),
    Column("OF OTHERS", "foreign", drop_order=1),
    Column("IDLE DAYS", "idle_days"),
)


def show_status(context: Context, /, wanted: str, slots: int) -> int:
    """Show what a pool holds, who leases it and until when."""
    found = resolve_group(context.client, wanted)
    pool = context.client.pool(group_id=found.id, slots=slots).status()
    records = list(_status_records(pool))
    context.output.print_list(records, _STATUS_COLUMNS, key="uri", none="The pool is empty.")
    reserved = len({lease.item for lease in pool.leases if lease.asset_id is None})
    context.output.info(
        f"{len(pool.assets)} of {pool.slots} slots: {pluralize(pool.foreign, 'asset')} of others, {reserved} reserved, "
        f"{len(pool.waiters)} waiting."
    )
    return 0


def _status_records(pool: PoolStatus) -> Iterator[dict[str, Any]]:
    """One for each lease, and one for each asset that nobody leases; reservations come last."""
    ids = {asset.id for asset in pool.assets}
    for asset in pool.assets:
        record = asset_record(asset) | {
            "foreign": parse_digest(asset.name) is None,
            "used_at": format_timestamp(pool.used_at[asset.id]),
        }
        leases = [lease for lease in pool.leases if lease.asset_id == asset.id]
        if not leases:
            yield record | {"holder": None, "until": None}
        yield from (record | _lease_record(lease, pool.read_at) for lease in leases)
    for lease in pool.leases:
        if lease.asset_id not in ids:
            record = {"uri": asset_uri(lease.asset_id) if lease.asset_id else None, "status": "Reserved"}
            yield record | {"name": lease.item} | _lease_record(lease, pool.read_at)


def _lease_record(lease: Lease, now: float) -> dict[str, Any]:
    return {
        "holder": lease.holder,
        "until": format_timestamp(now + lease.seconds) if isfinite(lease.seconds) else "unpinned",
    }


def prune(context: Context, /, *, prefix: str, unused_for: float, dry_run: bool, yes: bool) -> int:
    """List groups whose pools nobody uses, and remove them with their assets, for good."""
    context.require_consent("prune", yes=yes, dry_run=dry_run)
    client = context.client
    pools = client.find_unused_pools(prefix, unused_for=unused_for * _DAY)
    none = "There are no such groups."
    if dry_run or not pools:
        context.output.print_list(map(_prune_record, pools), _PRUNE_COLUMNS, key="id", none=none)
        return 0
    removable = [pool for pool in pools if not pool.foreign]
    lines = "\n".join(
        f"  {pool.group.id} ({pool.group.name}) with {pluralize(pool.assets, 'asset')}" for pool in removable
    )
    if not yes and not (removable and context.confirm(f"To be removed, for good:\n{lines}\nRemove?")):
        context.output.info("Nothing was removed.")
        return 1
    context.resume_hint = "The same command removes the rest."
    records = [_prune_record(pool) | {"removed": client.remove_unused_pool(pool)} for pool in pools]
    columns = (*_PRUNE_COLUMNS, Column("REMOVED", "removed"))
    context.output.print_list(records, columns, key="id", none=none)
    return 0 if all(record["removed"] for record in records) else 1


def _prune_record(pool: UnusedPool) -> dict[str, Any]:
    idle_days = round(pool.idle / _DAY, 1)
    return group_record(pool.group) | {"assets": pool.assets, "foreign": pool.foreign, "idle_days": idle_days}
