"""The object storage that `--to` names: its options, and the store that they describe.

Keys and secrets are found as boto3 finds them, never on the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import frozen

from portrait.errors import UsageError

if TYPE_CHECKING:
    from portrait.cli.console import Console
    from portrait.cli.context import Context
    from portrait.s3 import ObjectStore, OnEvent

# Option → the environment variables that are read without it, in boto3's order.
_ENV_FALLBACKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "endpoint_url": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    }
)


@frozen(kw_only=True)
class StorageOptions:
    """The values of `storage_options`, and of `put`'s further ones.

    Attributes:
        to: `s3://BUCKET/PREFIX`; None for no object storage.
        endpoint_url: The storage's address; None for AWS.
        region: Its region.
        public_base: The bucket's public address; None presigns.
        check_public: Whether to see from outside that each object, or address, can be fetched.
        concurrency: Files at once.
    """

    to: str | None
    endpoint_url: str | None
    region: str | None
    public_base: str | None = None
    check_public: bool = False
    concurrency: int = 8


def open_store(context: Context, options: StorageOptions, on_event: OnEvent) -> ObjectStore | None:
    """The store that the options describe; None without `--to`.

    Raises:
        UsageError: The options cannot be right, or boto3 is missing.
    """
    if options.to is None:
        for name in ("endpoint_url", "public_base"):
            if getattr(options, name):
                raise UsageError(f"--{name.replace('_', '-')} needs --to.", advice="--to names the bucket.")
        return None
    from portrait.s3 import ObjectStore  # noqa: PLC0415  (slow to load)

    console = context.console

    return ObjectStore(
        options.to,
        endpoint_url=_value(options.endpoint_url, "endpoint_url", console),
        region=_value(options.region, "region", console),
        public_base=options.public_base,
        state=context.state,
        concurrency=options.concurrency,
        on_event=on_event,
        clock=console.clock,
    )


def _value(option: str | None, name: str, console: Console) -> str | None:
    return option or next(filter(None, map(console.environ.get, _ENV_FALLBACKS[name])), None)
