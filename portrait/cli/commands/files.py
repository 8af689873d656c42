"""`put`, `forget` and `doctor`: the commands that an object storage can be named to."""

from __future__ import annotations

from collections.abc import Sequence

import click

from portrait.cli.parser import (
    FILE,
    REVIEW_TIMEOUT,
    YES,
    Command,
    argument,
    one_of,
    option,
    per_minute,
    quota,
)
from portrait.enums import AssetType, GroupType

_PUT = """\
Through AllToken's own upload: JPEG, PNG and WebP of at most 10 MB; through apimart's: of 20 MB, and GIF too. With
--to, or as http(s) addresses: whatever the service takes, video and audio too. A folder stands for the images, video
and audio in it and below; its other files, hidden ones and linked folders are skipped and counted. Nothing is sent of
a file that does not fit, and nothing twice: a content that the group has already is used as it is, and the same
command, given again, goes on where it stopped.

In JSON, `origin` is how the asset came to be; a file whose content an earlier one has shares that one's asset, and
names the file in `same_as`.

\b
Examples:
  portrait put front.jpg side.jpg --group brand-host
  portrait put people/ --subfolders --group others --manifest people.jsonl
  portrait put clips/ --group brand-host --to s3://bucket/portraits \\
      --endpoint-url https://ACCOUNT.r2.cloudflarestorage.com \\
      --public-base https://cdn.example.com
"""

_FORGET = """\
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


def _storage(purpose: str) -> Sequence[click.Option]:
    """The options that name an object storage."""
    return (
        option("--to", metavar="s3://BUCKET/PREFIX", help=f"S3, Cloudflare R2 or MinIO: {purpose}"),
        option("--endpoint-url", metavar="URL", help="The storage's address; not needed for AWS."),
        option("--region", metavar="R", help="The storage's region; not needed for R2."),
    )


_PUBLIC_BASE = option("--public-base", metavar="URL", help="The bucket's public address (default: presigned).")

PUT = Command(
    "put",
    "put:put",
    "Send files and wait until they are Active.",
    argument("paths", metavar="PATH|URL...", nargs=-1, required=True, type=FILE),
    option("--group", metavar="NAME|ID", help="The group that files go into; created if it is missing."),
    option("--subfolders", is_flag=True, help="Make each subfolder of a folder a group of its name."),
    option("--dry-run", is_flag=True, help="Say what would be done, and send nothing."),
    option("--manifest", type=FILE, metavar="FILE", help="Append a line of JSON per outcome."),
    option(
        "--quota",
        type=quota,
        metavar="N|none",
        help="Assets that a group may hold (default: what the service documents).",
    ),
    option("--concurrency", type=click.IntRange(1, 64), default=8, metavar="N", help="Files at once (default 8)."),
    option("--pace", type=per_minute, metavar="N/min", help="Creates in a minute (default: as the service lets it)."),
    option(
        "--group-type",
        type=one_of(GroupType),
        help="Type of the group, where the provider cannot tell it (default AIGC).",
    ),
    option("--no-wait", is_flag=True, help="Do not wait for the reviews."),
    REVIEW_TIMEOUT,
    option("--asset-type", type=one_of(AssetType), help="What addresses lead to."),
    *_storage("store the files there; the service fetches them."),
    _PUBLIC_BASE,
    option("--check-public", is_flag=True, help="See from outside that each file can be fetched, or each address."),
    epilog=_PUT,
)

FORGET = Command(
    "forget",
    "forget:forget",
    "Erase a person's group and stored files, for good.",
    argument("group", metavar="NAME|ID"),
    option("--manifest", type=FILE, metavar="FILE", help="What `put --manifest` wrote."),
    option("--dry-run", is_flag=True, help="Say what would be erased, and erase nothing."),
    YES,
    *_storage("where the files were stored."),
    epilog=_FORGET,
)

DOCTOR = Command(
    "doctor",
    "doctor:examine",
    "Check configuration, network and key step by step.",
    *_storage("store an object there, fetch and delete it."),
    _PUBLIC_BASE,
)
