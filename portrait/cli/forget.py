"""`forget`: somebody withdraws consent. Owns what is asked before, and the report of what was erased and what could not
be; must not know in which order it is done.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from portrait.cli.command import Command
from portrait.cli.erasure import Doomed, Place, erase, look, unknown
from portrait.cli.erasure_log import Erasure
from portrait.cli.errors import error_record, exit_code, format_errors, merge_exit_codes
from portrait.cli.manifest import read_manifest
from portrait.cli.serialize import pluralize
from portrait.cli.storage import add_state_dir, add_storage, open_store, state_dir
from portrait.errors import UsageError
from portrait.s3 import StorageWarning, UploadProgress
from portrait.s3.keys import parse_location

if TYPE_CHECKING:
    from portrait.cli.context import Context

_SHOWN = 5  # kept objects that people see

_DETAILS = """\
Objects are deleted first, then the group with all of its assets. An object
that an asset of another group uses stays, and is reported. Objects are found
by the digests in the assets' names; assets that were renamed, and objects
whose asset was never made, only by the manifest that `put` wrote. A run that
was killed is taken up by the same command, and so is what could not be erased.
Only this project of this key is looked at; where the manifest knows several
groups of one name that are gone, say which by its id. Copies at a CDN, versions
that a bucket keeps, and the manifest itself are yours to delete.

examples:
  portrait forget alice --to s3://bucket/portraits --manifest people.jsonl
  portrait forget group-20260518163348-xtzxl --dry-run
"""


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("group", metavar="NAME|ID", help="the person's group")
    add("--manifest", metavar="FILE", help="what `put --manifest` wrote")
    add("--dry-run", action="store_true", help="say what would be erased, and erase nothing")
    add("--yes", action="store_true", help="do not ask; needed where there is no terminal")
    add_state_dir(parser)
    add_storage(parser, "where the files were stored")


def _forget(context: Context, args: argparse.Namespace) -> int:
    if not (args.yes or args.dry_run or context.console.can_ask):
        raise UsageError("forget needs --yes where there is no terminal to ask on.")
    output, client = context.output, context.client

    def warn(event: UploadProgress | StorageWarning) -> None:
        if isinstance(event, StorageWarning):
            output.error(f"portrait: {event.message}\n")

    store = open_store(context, args, warn)
    rows = read_manifest(args.manifest) if args.manifest else []
    place = None
    if store is not None:
        named = parse_location(args.to)
        place = Place(store, named.bucket, named.key_prefix)
    noted = Erasure.of(state_dir(context, args), context.base_url, context.home["project"], args.group)
    doomed = look(client, args.group, place, rows, noted if noted.group_id else None, home=context.home)
    if doomed is None:
        raise unknown(args.group)
    if doomed.nothing_left or args.dry_run:
        return _tell(context, doomed, done=False)
    if not (args.yes or doomed.nothing_here) and not context.confirmed(
        f"To be erased, for good:\n{_listed(doomed)}\nErase?"
    ):
        output.info("Nothing was erased.")
        return 1
    context.resume_hint = "The same command erases the rest."
    erase(client, doomed, place, noted)
    return _tell(context, doomed, done=True)


def _listed(doomed: Doomed) -> str:
    lines = []
    if doomed.exists:
        lines.append(f"  {doomed.group_id} ({doomed.name}) with {pluralize(len(doomed.assets), 'asset')}")
    if doomed.objects:
        lines.append(f"  {pluralize(len(doomed.objects), 'stored object')}")
    return "\n".join(lines)


def _tell(context: Context, doomed: Doomed, *, done: bool) -> int:
    """The report; the result is the exit code."""
    output = context.output
    if output.interactive:
        _tell_people(context, doomed, done=done)
    else:
        output.print_event(_record(doomed, done=done))
    output.error(format_errors(doomed.failed.items()))
    if doomed.elsewhere:
        output.error(
            f"portrait: {pluralize(len(doomed.elsewhere), 'stored object')} of the group: not in a place that was "
            f"given: {', '.join(doomed.elsewhere[:3])}{' …' if len(doomed.elsewhere) > 3 else ''}\n"
            "  → Name the place with --to.\n"
        )
    codes = [exit_code(error) for error in doomed.failed.values()]
    codes += [1] * bool(doomed.elsewhere and done) + [0] * bool(doomed.erased)
    return merge_exit_codes(codes)


def _tell_people(context: Context, doomed: Doomed, *, done: bool) -> None:
    output = context.output
    if doomed.nothing_left:
        output.write(f"Nothing is left of {doomed.wanted}.")
    elif doomed.nothing_here:
        output.write(f"Nothing is left of {doomed.wanted} but {pluralize(len(doomed.elsewhere), 'stored object')}.")
    elif not done:
        output.write(f"Would be erased:\n{_listed(doomed)}")
    else:
        if doomed.exists and doomed.group_id not in doomed.failed:
            output.write(f"Erased {doomed.group_id} with {pluralize(len(doomed.assets), 'asset')}.")
        output.write(f"Erased {pluralize(len(doomed.erased), 'stored object')}.")
    if doomed.kept:
        output.write(f"Kept {pluralize(len(doomed.kept), 'stored object')} that other groups use:")
    for address, users in list(doomed.kept.items())[:_SHOWN]:
        output.write(f"  {address}: {', '.join(users)}")
    if (more := len(doomed.kept) - _SHOWN) > 0:
        output.write(f"  and {more} more; --json lists them all.")
    if not done and not doomed.nothing_here:
        output.info("Nothing was erased: this was a dry run.")


def _record(doomed: Doomed, *, done: bool) -> dict[str, Any]:
    gone = done and doomed.exists and doomed.group_id not in doomed.failed
    facts = {"group": doomed.exists, "assets": doomed.assets, "objects": doomed.objects}
    return {
        "group_id": doomed.group_id,
        "nothing_left": doomed.nothing_left,
        "would_erase": facts if not done else None,
        "erased": {"group": gone, "assets": doomed.assets if gone else [], "objects": doomed.erased},
        "kept": [{"object": address, "used_by": users} for address, users in doomed.kept.items()],
        "elsewhere": doomed.elsewhere,
        "failed": [{"what": what, "error": error_record(error)} for what, error in doomed.failed.items()],
    }


COMMANDS = {"forget": Command(_options, _forget, _DETAILS)}
