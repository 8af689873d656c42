"""`put`: files go in, `asset://` addresses come out. Four steps: which files go where (`select`), what is wrong with
them (`checking`), sending those that fit (`put_session`), and what became of them (`report`). Owns the options and the
order; must not know how a file is sent, nor how it is recognized when it comes again.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from portrait.cli.command import Command, add_timeout, one_of
from portrait.cli.dry_run import dry_run
from portrait.cli.running import opened
from portrait.cli.select import choose
from portrait.cli.storage import add_state_dir, add_storage
from portrait.errors import UsageError
from portrait.models import AssetType

if TYPE_CHECKING:
    from portrait.cli.context import Context

_DETAILS = """\
Through AllToken's own upload: JPEG, PNG and WebP of at most 10 MB. With --to,
or as http(s) addresses: whatever the service takes, video and audio too. A
folder stands for the images, video and audio in it and below; its other files
are skipped and pluralize. Nothing is sent of a file that does not fit, and
nothing twice: a content that the group has already is used as it is, and the
same command, given again, goes on where it stopped.

In JSON, `origin` is how the asset came to be; a file whose content an earlier one
has shares that one's asset, and names the file in `same_as`.

examples:
  portrait put front.jpg side.jpg --group brand-host
  portrait put people/ --subfolders --group others --manifest people.jsonl
  portrait put clips/ --group brand-host --to s3://bucket/portraits \\
      --endpoint-url https://ACCOUNT.r2.cloudflarestorage.com \\
      --public-base https://cdn.example.com
"""


def _options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("paths", metavar="PATH|URL", nargs="+", help="files, folders, http(s) addresses")
    add("--group", metavar="NAME|ID", help="the group that they go into; made if it is missing")
    add("--subfolders", action="store_true", help="each subfolder of a folder is a group of its name")
    add("--dry-run", action="store_true", help="say what would be done, and send nothing")
    add("--manifest", metavar="FILE", help="append a line of JSON for each outcome")
    words = "assets that a group may hold (default: what the service documents)"
    add("--quota", type=_quota, default=argparse.SUPPRESS, metavar="N|none", help=words)  # none is a value of its own
    add("--concurrency", type=_workers, default=8, metavar="N", help="files at once (default 8)")
    add("--no-wait", action="store_true", help="do not wait for the reviews")
    add_timeout(parser)
    kinds = [str(kind) for kind in AssetType]
    add("--asset-type", type=one_of(*kinds), metavar="T", help=f"of addresses: {', '.join(kinds)}")
    add_state_dir(parser)
    storage = add_storage(parser, "store the files there; the service fetches them")
    storage.add_argument("--public-base", metavar="URL", help="the bucket's public address (default: presigned)")
    storage.add_argument("--check-public", action="store_true", help="see from outside that each can be fetched")


def _workers(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 64:
        raise argparse.ArgumentTypeError("a number from 1 to 64")
    return number


def _quota(text: str) -> int | None:
    if text.lower() == "none":
        return None
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a number from 1 up, or none")
    return number


def _put(context: Context, args: argparse.Namespace) -> int:
    if args.group is None and not args.subfolders:
        raise UsageError("--group is missing.", advice="portrait put --help says what it takes.")
    chosen = choose(args.paths, args.group, subfolders=args.subfolders)
    client, provider = context.client, context.provider  # nothing is read for a key that is missing
    with opened(context, args) as run:
        groups = run.check(chosen, provider.name)
        if not any(group.fits or group.faulty for group in groups):
            raise UsageError(
                f"There are no images, video or audio in {', '.join(args.paths)}.", advice="Nothing was sent."
            )
        if args.dry_run:
            return dry_run(context.output, client, provider, groups, run.store, quota=run.quota)
        return run.send(groups)


COMMANDS = {"put": Command(_options, _put, _DETAILS)}
