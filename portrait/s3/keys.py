"""Addresses and keys: `s3://` addresses, public addresses, and the key and media type of a content.

A key is `<prefix>/<first 2 of sha256>/<sha256>.<ext>`. One content has one key, so a write can be repeated without harm
and never meets the one-write-a-second rule of R2 (contract §5), and a listing shows what exists.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable, Sequence
from pathlib import PurePath
from urllib.parse import quote, urlsplit

from attrs import frozen

from portrait.errors import UsageError
from portrait.media import sniff
from portrait.urls import HttpUrl, parse_http_url

MAX_PRESIGN_SECONDS = 7 * 24 * 3600
"""Seconds that a presigned address can live: the limit of V4 signing (D)."""


# S3's longest key (D), without what `key_for` appends.
_MAX_PREFIX = 1024 - len("/00/") - 64 - len(".0123456789")
# Prefixes under which nothing could be stored, or nothing fetched.
_UNUSABLE: Sequence[tuple[str, Callable[[str], object]]] = (
    ("has a control character", re.compile(r"[\x00-\x1f\x7f]").search),
    ("has a part . or .., which programs take out of addresses", lambda prefix: {".", ".."} & set(prefix.split("/"))),
    (f"has more than {_MAX_PREFIX} bytes", lambda prefix: len(prefix.encode()) > _MAX_PREFIX),
)


@frozen
class Location:
    """A bucket, and the prefix in it without slashes at its ends ("" for none)."""

    bucket: str
    prefix: str

    @property
    def key_prefix(self) -> str:
        """The beginning of every key in this location."""
        return f"{self.prefix}/" if self.prefix else ""


def parse_location(address: str) -> Location:
    """Read `s3://bucket/prefix`.

    Raises:
        UsageError: It is not of that form, or keys of that prefix could not be stored, or not be fetched.
    """
    parts = urlsplit(address)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"{address!r} does not name a bucket.", advice="Write s3://bucket or s3://bucket/prefix.")
    prefix = address.partition("://")[2].partition("/")[2].strip("/")  # urlsplit takes line breaks out
    for why, is_so in _UNUSABLE:
        if is_so(prefix):
            raise UsageError(f"The prefix {prefix[:40]!r} {why}.", advice="Name another prefix.")
    return Location(parts.netloc, prefix)


def parse_base_url(option: str, url: str) -> HttpUrl:
    """Read the address of a storage, or the one under which a bucket's keys are served.

    Args:
        option: The option that it comes from, for the error.
        url: The address.

    Raises:
        UsageError: It is not a plain http or https address.
    """
    advice = "Write https://host or https://host/path, without a user name or a query."
    try:
        parsed = parse_http_url(url)
    except ValueError as error:
        raise UsageError(f"{option} is not a plain address: it {error}.", advice=advice) from None
    if parsed.query is not None or parsed.fragment is not None:
        raise UsageError(f"{option} is not a plain address: it has a query or a fragment.", advice=advice)
    return parsed


def is_for_testing_only(base: HttpUrl) -> bool:
    """Whether a public base is a bucket's `r2.dev` address (contract §5: throttled, D)."""
    return base.host == "r2.dev" or base.host.endswith(".r2.dev")


def public_url(base: HttpUrl, key: str) -> str:
    """The address of a key under a public base."""
    return f"{base.origin}{base.path.rstrip('/')}/{quote(key)}"


OCTET_STREAM = "application/octet-stream"


@frozen
class MediaKind:
    """A media type and the extension that goes with it (without the dot, "" for none)."""

    content_type: str
    extension: str


def detect(head: bytes, name: str) -> MediaKind:
    """The kind of a file by its first bytes; by its name only where they are unknown."""
    media = sniff(head)
    if media is not None:
        return MediaKind(media.mime, media.extension.lstrip("."))
    suffix = PurePath(name).suffix.lower().lstrip(".")
    guess = mimetypes.guess_type(f"x.{suffix}", strict=False)[0] if suffix else None
    return MediaKind(guess or OCTET_STREAM, suffix if re.fullmatch(r"[a-z0-9]{1,10}", suffix) else "")


def key_for(prefix: str, sha256: str, extension: str) -> str:
    """The key of a content under a prefix ("" for none)."""
    name = f"{sha256[:2]}/{sha256}" + (f".{extension}" if extension else "")
    return f"{prefix}/{name}" if prefix else name
