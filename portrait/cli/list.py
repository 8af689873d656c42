"""`groups`, `assets` and `show`: list and show what is there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import merge
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

from portrait.cli.console import escape
from portrait.cli.context import Context
from portrait.cli.output import Column, OutputFormat
from portrait.cli.resolve import resolve, resolve_group
from portrait.cli.serialize import asset_record, count_assets, group_record
from portrait.dialects import DIALECTS
from portrait.models import Asset, AssetGroup, GroupType, SortBy

_GROUP_COLUMNS = (
    Column("ID", "id"),
    Column("TYPE", "group_type"),
    Column("NAME", "name"),
    Column("CREATED", "create_time", drop_order=1),
)
_ASSET_COLUMNS = (
    Column("ASSET", "uri"),
    Column("STATUS", "status"),
    Column("TYPE", "asset_type", drop_order=1),
    Column("NAME", "name"),
    Column("CREATED", "create_time", drop_order=2),
    Column("GROUP", "group_id", drop_order=3),
)
# Value of --sort → the field of a record, and what the service sorts by; None where it cannot.
_ORDERS: Mapping[str, tuple[str, SortBy | None]] = MappingProxyType(
    {
        "created": ("create_time", SortBy.CREATE_TIME),
        "updated": ("update_time", SortBy.UPDATE_TIME),
        "name": ("name", None),
    }
)


def _group_types(group_type: str | None) -> Sequence[str]:
    return (group_type,) if group_type else tuple(map(str, GroupType))


def _sorted(records: Iterable[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """The records in order: names from A to Z in any case, times from the newest."""
    field, sort_by = _ORDERS[sort]
    return sorted(records, key=lambda record: (record[field] or "").casefold(), reverse=sort_by is not None)


def list_groups(context: Context, /, *, group_type: str | None, name: str | None, sort: str, limit: int | None) -> int:
    """List groups."""
    client, output = context.client, context.output
    groups = [  # whole, whatever the limit is: for the notes
        group for kind in _group_types(group_type) for group in client.iter_asset_groups(group_type=kind, name=name)
    ]
    records = _sorted(map(group_record, groups), sort)[:limit]
    output.print_list(records, _GROUP_COLUMNS, key="id", none="There are no such groups.")
    if output.format is not OutputFormat.QUIET:
        output.error("".join(f"portrait: {note}\n" for note in leftover_notes(context, groups)))
    return 0


def leftover_notes(context: Context, groups: Collection[AssetGroup]) -> list[str]:
    """A sentence for each group that made way for an older one of its name, and what a person can do about it."""
    from portrait.ensure import leftovers  # noqa: PLC0415  (loads s3 and media)

    limit = DIALECTS[context.provider.dialect].name_limit
    return [
        f"{id} made way for {older.id}, which was created as {escape(older.name)!r} in the same moment;"
        f" look with `portrait show {id}` whether it is empty, then `portrait rm {id}` removes it."
        for id, older in leftovers(groups, limit).items()  # noqa: A001
    ]


def list_assets(
    context: Context,
    /,
    *,
    groups: Sequence[str],
    statuses: Sequence[str],
    group_type: str | None,
    name: str | None,
    sort: str,
    limit: int | None,
) -> int:
    """List assets."""
    client = context.client
    group_ids = [resolve_group(client, group).id for group in groups] or None
    field, sort_by = _ORDERS[sort]
    lists = [
        map(
            asset_record,
            client.iter_assets(
                group_type=kind, group_ids=group_ids, statuses=statuses or None, name=name, sort_by=sort_by
            ),
        )
        for kind in _group_types(group_type)
    ]
    if sort_by is None:
        records: Iterable[dict[str, Any]] = _sorted(chain(*lists), sort)
    else:  # each comes in this order, and no more of it is read than is printed
        records = merge(*lists, key=lambda record: record[field] or "", reverse=True)
    records = islice(records, limit)
    context.output.print_list(records, _ASSET_COLUMNS, key="uri", none="There are no such assets.")
    return 0


def show(context: Context, /, id: str) -> int:  # noqa: A002
    """Show a group by its name or id, or an asset by its id or `asset://` address."""
    item = resolve(context.client, id)
    if isinstance(item, Asset):
        context.output.print_record(asset_record(item), key="uri")
    else:
        record = {**group_record(item), "assets": count_assets(context.client, item)}
        context.output.print_record(record, key="id")
    return 0
