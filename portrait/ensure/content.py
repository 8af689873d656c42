"""A content: what a source is, the digest that identifies it, and the Name of its asset. Values only."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from attrs import field, frozen

from portrait.errors import MediaRejected
from portrait.media import Violation
from portrait.models import AssetType

# An asset's Name is `<stem>-<digest>`: the digest is the first 128 bits of the SHA-256 in base32, and with a stem and a
# dash it fills AllToken's limit of 50 characters (contract §1).
MAX_STEM = 23  # characters
DIGEST_LENGTH = 26  # characters

_STORE = (
    "The file is fine, only the gateway's own upload does not take it: send it through object storage, by store= "
    "(--to s3://BUCKET/PREFIX), or give its public address."
)

_DIGEST_SUFFIX = re.compile(rf"-([a-z2-7]{{{DIGEST_LENGTH}}})$")


def short_digest(sha256: str) -> str:
    """26 characters for 64 hex digits."""
    return base64.b32encode(bytes.fromhex(sha256)[:16]).decode().rstrip("=").lower()


def sha256_prefix(digest: str) -> str:
    """The first 32 hex digits of the SHA-256 that a digest stands for."""
    return base64.b32decode(digest.upper() + "======").hex()


def asset_name(stem: str, digest: str) -> str:
    """The Name of an asset with that content; the stem is for people."""
    readable = "".join(c for c in stem if c.isprintable()).strip()[:MAX_STEM].strip()
    return f"{readable or 'asset'}-{digest}"


def parse_digest(name: str) -> str | None:
    """The digest in a Name; None for a Name without one."""
    match = _DIGEST_SUFFIX.search(name.lower())
    return match[1] if match else None


@frozen(kw_only=True)
class Content:
    """A file or an address that may become an asset.

    Attributes:
        source: As given; `<bytes>` for bytes.
        path: The file; None for bytes and addresses.
        data: The bytes, where they were given.
        url: The address; None for a file.
        sha256: 64 hex digits.
        asset_type: What it is.
        name: The asset's Name, which holds the digest.
        size: Bytes; 0 for an address.
        faults: Everything that the service would find wrong.
        needs_storage: Whether only the gateway's upload refuses the file, and CreateAsset takes it by an address.
    """

    source: str
    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    sha256: str
    asset_type: AssetType | None
    name: str
    size: int = 0
    faults: tuple[Violation, ...] = ()
    needs_storage: bool = False

    @property
    def digest(self) -> str:
        """26 characters."""
        return short_digest(self.sha256)


def media_error(content: Content) -> MediaRejected:
    """The error of a file with faults."""
    first = content.faults[0]
    return MediaRejected(
        f"{content.source}: {' '.join(fault.message for fault in content.faults)}",
        code=f"InvalidParameter.{first.code}",
        detail=first.code,
        advice=_STORE if content.needs_storage else None,
    )
