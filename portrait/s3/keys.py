"""Addresses and keys: `s3://` addresses, public addresses, and the key and media type of a content.

A key is `<prefix>/<first 2 of sha256>/<sha256>.<ext>`. One content has one key, so a write can be repeated without harm
and never meets the one-write-a-second rule of R2 (contract §5), and a listing tells what exists.
"""

from __future__ import annotations

import mimetypes
import re
from pathlib import PurePath
from urllib.parse import quote, urlsplit

from attrs import frozen

from portrait.errors import UsageError
from portrait.media import sniff
from portrait.urls import parse_http_url

MAX_PRESIGN_SECONDS = 7 * 24 * 3600
"""Seconds that a presigned address can live: the limit of V4 signing (D)."""


@frozen
class Location:
    """A bucket, and the prefix in it without slashes at its ends ("" for none)."""

    bucket: str
    prefix: str

    @property
    def key_prefix(self) -> str:
        """What every key in this place begins with."""
        return f"{self.prefix}/" if self.prefix else ""


def parse_location(address: str) -> Location:
    """Read `s3://bucket/prefix`.

    Raises:
        UsageError: It is not of that form.
    """
    parts = urlsplit(address)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"{address!r} does not name a bucket.", advice="Write s3://bucket or s3://bucket/prefix.")
    return Location(parts.netloc, parts.path.strip("/"))


def parse_public_base(base: str) -> str:
    """Read the address under which the bucket's keys are served; it comes back without a slash at its end.

    Raises:
        UsageError: It is not a plain http or https address.
    """
    advice = "Write https://host or https://host/path, without a query."
    try:
        url = parse_http_url(base)
    except ValueError as error:
        raise UsageError(f"public_base is not a plain address: it {error}.", advice=advice) from None
    if url.query is not None or url.fragment is not None:
        raise UsageError("public_base is not a plain address: it has a query or a fragment.", advice=advice)
    return base.rstrip("/")


def is_for_testing_only(base: str) -> bool:
    """Whether a public base is a bucket's `r2.dev` address (contract §5: throttled, D)."""
    host = parse_http_url(base).host
    return host == "r2.dev" or host.endswith(".r2.dev")


def public_url(base: str, key: str) -> str:
    """The address of a key under a public base."""
    return f"{base}/{quote(key)}"


OCTET_STREAM = "application/octet-stream"


@frozen
class MediaKind:
    """A media type and the extension that goes with it (without the dot, "" for none)."""

    content_type: str
    extension: str


def detect(head: bytes, name: str) -> MediaKind:
    """The kind of a file by its first bytes; by its name only where they tell nothing."""
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
