"""`groups`, `assets` and `show`: what is there. Owns which columns people see; changes nothing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from portrait.cli.command import Command, one_of
from portrait.cli.resolve import resolve, resolve_group
from portrait.cli.serialize import asset_record, assets_in, group_record
from portrait.cli.tables import Column
from portrait.models import Asset

if TYPE_CHECKING:
    from portrait.cli.context import Context

GROUP_TYPES = ("AIGC", "LivenessFace")
STATUSES = ("Active", "Processing", "Failed")

_GROUP_COLUMNS = (
    Column("ID", "id"),
    Column("TYPE", "group_type"),
    Column("NAME", "name", flexible=True),
    Column("CREATED", "create_time", spare=1),
)
_ASSET_COLUMNS = (
    Column("ASSET", "uri"),
    Column("STATUS", "status"),
    Column("TYPE", "asset_type", spare=1),
    Column("NAME", "name", flexible=True),
    Column("CREATED", "create_time", spare=2),
    Column("GROUP", "group_id", spare=3),
)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    types = " or ".join(GROUP_TYPES)
    add("--type", type=one_of(*GROUP_TYPES), metavar="TYPE", help=f"the kind of group: {types} (default: both)")
    add("--name", metavar="PART", help="part of the name, in any case")


def _asset_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--group", metavar="NAME|ID", action="append", help="only of this group; may be repeated")
    add(
        "--status",
        type=one_of(*STATUSES),
        metavar="S",
        action="append",
        help=f"only in this state: {', '.join(STATUSES)}; may be repeated",
    )
    _add_filters(parser)


def _show_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="NAME|ID", help="a group's name or id, or an asset's id; asset://... too")


def _groups(context: Context, args: argparse.Namespace) -> int:
    def found() -> Iterator[dict[str, Any]]:
        for kind in (args.type,) if args.type else GROUP_TYPES:
            for group in context.client.iter_asset_groups(group_type=kind, name=args.name):
                yield group_record(group)

    context.output.print_list(found(), _GROUP_COLUMNS, key="id", none="There are no such groups.")
    return 0


def _assets(context: Context, args: argparse.Namespace) -> int:
    client = context.client
    groups = [resolve_group(client, wanted).id for wanted in args.group or ()]

    def found() -> Iterator[dict[str, Any]]:
        for kind in (args.type,) if args.type else GROUP_TYPES:
            for asset in client.iter_assets(
                group_type=kind, group_ids=groups or None, statuses=args.status, name=args.name
            ):
                yield asset_record(asset)

    context.output.print_list(found(), _ASSET_COLUMNS, key="uri", none="There are no such assets.")
    return 0


def _show(context: Context, args: argparse.Namespace) -> int:
    client = context.client
    found = resolve(client, args.id)
    if isinstance(found, Asset):
        context.output.print_record(asset_record(found), key="uri")
    else:
        context.output.print_record({**group_record(found), "assets": assets_in(client, found)}, key="id")
    return 0


_LINK = "The signed link to an asset's file is not shown; `portrait call GetAsset` prints it."

COMMANDS = {
    "groups": Command(_add_filters, _groups),
    "assets": Command(_asset_options, _assets, _LINK),
    "show": Command(_show_options, _show, _LINK),
}
