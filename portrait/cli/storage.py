"""The object storage that `--to` names, for every command that has one. Owns the options and where else their values
come from; must not know what is stored. Keys and secrets are found as boto3 finds them, and never on the command line.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from portrait.errors import UsageError

if TYPE_CHECKING:
    from portrait.cli.context import Context
    from portrait.s3 import ObjectStore, OnEvent

# Option → environment variables that stand in for it, the first one that is set wins; as boto3 has them.
_STAND_INS = {
    "endpoint_url": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
}


def add_storage(parser: argparse.ArgumentParser, to: str) -> argparse._ArgumentGroup:
    """`--to` and what goes with it."""
    group = parser.add_argument_group("object storage (S3, Cloudflare R2, MinIO)")
    group.add_argument("--to", metavar="s3://BUCKET/PREFIX", help=to)
    group.add_argument("--endpoint-url", metavar="URL", help="where the storage answers; not needed for AWS")
    group.add_argument("--region", metavar="R", help="its region; for R2 it is auto, which need not be said")
    return group


def add_state_dir(parser: argparse.ArgumentParser) -> None:
    """`--state-dir`, for what must survive a crash."""
    words = "remembers what was begun (default $XDG_STATE_HOME/portrait)"
    parser.add_argument("--state-dir", metavar="DIR", help=words)


def state_dir(context: Context, args: argparse.Namespace) -> str:
    """The folder that remembers what was begun."""
    from portrait.s3.journal import state_folder  # noqa: PLC0415  (keeps the help quick)

    return str(args.state_dir or state_folder(dict(context.console.environ)))


def open_store(context: Context, args: argparse.Namespace, on_event: OnEvent) -> ObjectStore | None:
    """The store that is meant, None without `--to`.

    Raises:
        UsageError: The options cannot be right, or boto3 is missing.
    """
    public_base = getattr(args, "public_base", None)
    if args.to is None:
        for flag in ("endpoint_url", "public_base", "check_public"):
            if getattr(args, flag, None):
                raise UsageError(f"--{flag.replace('_', '-')} needs --to.", advice="--to names the bucket.")
        return None
    from portrait.s3 import ObjectStore  # noqa: PLC0415  (keeps the help quick)

    environ = context.console.environ
    found = {
        name: getattr(args, name) or next(filter(None, map(environ.get, names)), None)
        for name, names in _STAND_INS.items()
    }
    return ObjectStore(
        args.to,
        endpoint_url=found["endpoint_url"],
        region=found["region"],
        public_base=public_base,
        state_dir=state_dir(context, args),
        concurrency=getattr(args, "concurrency", 8),
        on_event=on_event,
        clock=context.console.clock,
    )
