"""`rename` and `rm`. Owns what is asked before something is lost; must not know how anything came to be."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from portrait.cli.command import Command
from portrait.cli.errors import error_record, exit_code, format_error, merge_exit_codes
from portrait.cli.resolve import resolve
from portrait.cli.serialize import assets_in, pluralize
from portrait.errors import PortraitError, UsageError
from portrait.models import AssetGroup

if TYPE_CHECKING:
    from portrait.cli.context import Context
    from portrait.client import PortraitClient


def _rename_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="NAME|ID", help="a group's name or id, or an asset's id; asset://... too")
    parser.add_argument("name", metavar="NEW-NAME", help="the new name, at most 50 characters on AllToken")


def _rm_options(parser: argparse.ArgumentParser) -> None:
    words = "groups' names or ids, or assets' ids; asset://... too"
    parser.add_argument("ids", metavar="NAME|ID", nargs="+", help=words)
    parser.add_argument("--yes", action="store_true", help="do not ask; needed where there is no terminal")


def _rename(context: Context, args: argparse.Namespace) -> int:
    client = context.client
    found = resolve(client, args.id)
    context.resume_hint = f"{found.id} may have its new name already; `portrait show {found.id}` says so."
    change = client.update_asset_group if isinstance(found, AssetGroup) else client.update_asset
    change(id=found.id, name=args.name)
    context.output.print_event({"id": found.id, "name": args.name}, line=f"{found.id} is now {args.name}", key="id")
    return 0


class _Doomed:
    """Something that is to be deleted, and what goes with it."""

    def __init__(self, client: PortraitClient, given: str) -> None:
        found = resolve(client, given)
        self.id = found.id
        self.is_group = isinstance(found, AssetGroup)
        self.record: dict[str, Any] = {"id": self.id, "deleted": True}
        self.words = f"{self.id} ({found.name})" if found.name else self.id
        if isinstance(found, AssetGroup):
            assets = assets_in(client, found)
            self.record["assets"] = assets
            self.words += f" with {pluralize(assets, 'asset')}"


def _rm(context: Context, args: argparse.Namespace) -> int:
    if not args.yes and not context.console.can_ask:
        raise UsageError("rm needs --yes where there is no terminal to ask on.")
    client, output = context.client, context.output
    codes: list[int] = []

    def failed(id: str, error: PortraitError) -> None:  # noqa: A002
        codes.append(exit_code(error))
        output.error(format_error(error, id))
        output.print_event({"id": id, "deleted": False, "error": error_record(error)})

    found: dict[str, _Doomed] = {}  # by id: a group may be named twice, by name and by id
    for given in dict.fromkeys(args.ids):
        try:
            one = _Doomed(client, given)
        except PortraitError as error:
            failed(given, error)
        else:
            found.setdefault(one.id, one)
    doomed = list(found.values())
    if doomed and not args.yes and not context.confirmed(_question(doomed)):
        output.info("Nothing was deleted.")
        return merge_exit_codes([*codes, 1])
    context.resume_hint = "What was deleted is listed above; the same command deletes the rest."
    # Assets first: a group takes its own with it.
    for one in sorted(doomed, key=lambda one: one.is_group):
        try:
            (client.delete_asset_group if one.is_group else client.delete_asset)(id=one.id)
        except PortraitError as error:
            failed(one.id, error)
        else:
            codes.append(0)
            output.print_event(one.record, line=f"deleted {one.words}", key="id")
    return merge_exit_codes(codes)


def _question(doomed: list[_Doomed]) -> str:
    listed = "\n".join(f"  {one.words}" for one in doomed)
    return f"To be deleted, for good:\n{listed}\nDelete?"


_NAMED = "An asset that `put` made is recognized by its name: under another one, its file is new to `put`."
_LOST = "Deleting a group deletes every asset in it. What generates with asset://... stops working."

COMMANDS = {
    "rename": Command(_rename_options, _rename, _NAMED),
    "rm": Command(_rm_options, _rm, _LOST),
}
