"""A content: what a source is, the digest that identifies it, and the Name of its asset. Sends nothing.

An address is identified by its text: only the service fetches the file behind it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qsl, urlencode

from attrs import Factory, field, frozen

from portrait.arguments import check_address
from portrait.errors import MediaRejected, UsageError
from portrait.media import MEDIA_TYPES, Violation
from portrait.models import AssetType
from portrait.urls import parse_http_url, redact_url

# An asset's Name is `<stem>-<digest>`: the digest is the first 128 bits of the SHA-256 in base32, and with a stem and a
# dash it fills AllToken's limit of 50 characters (contract §1).
MAX_STEM = 23  # characters
DIGEST_LENGTH = 26  # characters

_STORE = (
    "The file is fine, only the gateway's own upload does not take it: send it through object storage by store=, or "
    "give its public address."
)

_DIGEST_SUFFIX = re.compile(rf"-([a-z2-7]{{{DIGEST_LENGTH}}})$")

# A presigned address changes at every signing; what it leads to does not. Only what the storages name is left out of
# it: one parameter too many would take a content for another. Amazon S3, "Authenticating Requests: Using Query
# Parameters" and "Signing and authenticating REST requests"; CloudFront, "Use signed URLs"; Volcengine TOS and Google
# Cloud Storage, "Signed URLs" (D).
_SIGNATURE_PREFIXES = ("x-amz-", "x-tos-", "x-goog-")
_SIGNATURE = frozenset({"signature", "expires", "awsaccesskeyid", "key-pair-id", "policy"})
# Azure Storage, "Create a service SAS" (D): names so short that they count only where all that must be there are.
_SAS = frozenset({"sig", "se", "st", "sp", "sv", "sr"})
_SAS_REQUIRED = frozenset({"sig", "se", "sv"})


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
        digest: 26 characters for them, which stand in the asset's Name.
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
    digest: str = field(init=False, default=Factory(lambda self: short_digest(self.sha256), takes_self=True))


def media_error(content: Content) -> MediaRejected:
    """The error of a file with faults."""
    first = content.faults[0]
    return MediaRejected(
        f"{content.source}: {' '.join(fault.message for fault in content.faults)}",
        code=f"InvalidParameter.{first.code}",
        detail=first.code,
        advice=_STORE if content.needs_storage else None,
    )


def identify_address(url: str, asset_type: AssetType | None, name: str | None) -> Content:
    """Say what an address is, by itself.

    Args:
        url: The address.
        asset_type: What it leads to; None goes by its ending.
        name: For people, in the asset's Name; None takes the file's.

    Raises:
        UsageError: It is no absolute address, or could be read in two ways.
    """
    check_address(redact_url(url), url)
    parsed = parse_http_url(url)
    query = urlencode(_without_signature(parse_qsl(parsed.query or "", keep_blank_values=True)))
    stable_url = f"{parsed.origin}{parsed.path}{'?' if query else ''}{query}"
    sha256 = hashlib.sha256(stable_url.encode()).hexdigest()
    path = PurePosixPath(parsed.path)
    return Content(
        source=redact_url(url),
        url=url,
        sha256=sha256,
        asset_type=asset_type or _type_from_suffix(path.suffix),
        name=asset_name(name or path.stem, short_digest(sha256)),
    )


def check_reach(url: str, service: str) -> None:
    """See that a service can fetch an address at all, as far as the address itself says.

    Args:
        url: The address, as `identify_address` takes it.
        service: The service's base URL. One on this machine, such as an emulator, can fetch from this machine, and one
            in a private network from there.

    Raises:
        UsageError: It cannot.
    """
    file, home = parse_http_url(url), parse_http_url(service)
    private_home = home.is_private or not (home.is_loopback or "." in home.host)
    if (file.is_loopback and not home.is_loopback) or (file.is_private and not private_home):
        network = "this machine" if file.is_loopback else "a private network"
        raise UsageError(
            f"The service cannot fetch {redact_url(url)}: {file.host} is in {network}.",
            advice="Give an address that is public, or the file itself.",
        )


def _without_signature(query: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters that are no part of a signature."""
    names = {name.lower() for name, _ in query}
    signing = _SIGNATURE | _SAS if names >= _SAS_REQUIRED else _SIGNATURE
    return [
        (name, value)
        for name, value in query
        if name.lower() not in signing and not name.lower().startswith(_SIGNATURE_PREFIXES)
    ]


def _type_from_suffix(suffix: str) -> AssetType:
    """The type by an address alone; an image unless its suffix says otherwise."""
    suffixes = {kind.extension: kind.asset_type for kind in MEDIA_TYPES.values()}
    return suffixes.get(suffix.lower(), AssetType.IMAGE)
