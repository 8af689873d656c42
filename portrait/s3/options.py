"""The options of a store as a type, for whoever passes them on.

It owns their names and types, and nothing of their meaning: `ObjectStore` documents each.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypedDict

from portrait.clock import Clock
from portrait.s3.events import OnEvent

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PathLike = str | os.PathLike[str]


class StoreOptions(TypedDict, total=False):
    """The keyword arguments of `ObjectStore`."""

    endpoint_url: str | None
    region: str | None
    access_key: str | None
    secret_key: str | None
    session_token: str | None
    public_base: str | None
    expires: int
    client: S3Client | None
    state_dir: PathLike | None
    concurrency: int
    part_size: int
    on_event: OnEvent | None
    clock: Clock | None
