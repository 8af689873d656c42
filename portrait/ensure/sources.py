"""Files and addresses: what each is, what identifies it, and what is wrong with it. Reads files; sends nothing.

A file is told by its content, whatever its name says. An address is told by itself: what lies behind it is the
service's to fetch.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from attrs import field, frozen

from portrait.ensure.naming import asset_name, digest_of
from portrait.errors import UsageError
from portrait.media import MEDIA_TYPES, Limits, Violation, limits_for, measure, validate
from portrait.models import AssetType

BLOCK = 1024 * 1024  # bytes

# A presigned address changes at every signing; what it leads to does not. Only what the storages name is left out of
# it: one parameter too many would take a content for another. Amazon S3, "Authenticating Requests: Using Query
# Parameters" and "Signing and authenticating REST requests"; CloudFront, "Use signed URLs"; Volcengine TOS and Google
# Cloud Storage, "Signed URLs" (D).
_SIGNATURE_PREFIXES = ("x-amz-", "x-tos-", "x-goog-")
_SIGNATURE = frozenset({"signature", "expires", "awsaccesskeyid", "key-pair-id", "policy"})
# Azure Storage, "Create a service SAS" (D): names so short that they count only where all that must be there are.
_SAS = frozenset({"sig", "se", "st", "sp", "sv", "sr"})
_SAS_REQUIRED = frozenset({"sig", "se", "sv"})


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

    @property
    def digest(self) -> str:
        """26 characters."""
        return digest_of(self.sha256)


Source = str | os.PathLike[str] | bytes | Content
"""A path, an address or bytes; or what `identify` said of one before."""


def label(source: Source) -> str:
    """What to call a source in front of people; the query of an address, and who it is for, may be a secret."""
    if isinstance(source, Content):
        return source.source
    if isinstance(source, bytes):
        return "<bytes>"
    text = os.fspath(source)
    if not is_url(text):
        return text
    scheme, _, rest = re.split("[?#]", text, maxsplit=1)[0].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def is_url(source: Source) -> bool:
    """Is it an http or https address?"""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


def limits_of(source: Source, provider: str, *, stored: bool) -> Limits:
    """The limits that hold for a source: those of the gateway's upload, or those of CreateAsset.

    Args:
        source: What is to be sent.
        provider: Its name; only AllToken has an upload (contract §5).
        stored: Whether object storage gives files an address.
    """
    uploaded = provider == "alltoken" and not stored and not is_url(source)
    return limits_for(provider, endpoint="upload" if uploaded else "CreateAsset")


def expand(sources: Source | Iterable[Source]) -> list[Source]:
    """Sources one by one: a folder stands for the files in it and below, without hidden ones, in order of their names.

    Raises:
        UsageError: A folder cannot be read.
    """
    if isinstance(sources, str | bytes | os.PathLike | Content):
        sources = [sources]
    found: list[Source] = []
    for source in sources:
        if not isinstance(source, bytes | Content) and not is_url(source) and Path(source).is_dir():
            found += walk(Path(source))
        else:
            found.append(source)
    return found


def walk(folder: Path) -> list[Path]:
    """The files in a folder and below, without hidden ones, in order of their names. Links to folders are not followed.

    Raises:
        UsageError: A folder cannot be read.
    """

    def fail(error: OSError) -> None:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}.") from error

    files: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(files)


def identify(source: Source, limits: Limits, asset_type: AssetType | None) -> Content:
    """Read a source and say what it is.

    Raises:
        UsageError: It cannot be read.
    """
    if isinstance(source, Content):
        return source
    if is_url(source):
        return _address(str(source), asset_type)
    if isinstance(source, bytes):
        return _file(source, BytesIO(source), stem="", limits=limits, data=source)
    path = Path(source)
    try:
        _check_regular(path)
        with path.open("rb") as file:
            return _file(source, file, stem=path.stem, limits=limits, path=path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error


def _check_regular(path: Path) -> None:
    """Opening a pipe would wait for somebody who writes to it."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise UsageError(f"{path} is a folder.", advice="Name its files, or let the command walk it.")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path} is not a regular file.", advice="Save what it gives into a file first.")


def _file(
    source: Source,
    file: BinaryIO,
    *,
    stem: str,
    limits: Limits,
    path: Path | None = None,
    data: bytes | None = None,
) -> Content:
    sha256, size = hashlib.sha256(), 0
    while block := file.read(BLOCK):
        sha256.update(block)
        size += len(block)
    if not size:
        raise UsageError(f"{label(source)} is empty.")
    file.seek(0)
    measurement = measure(file)
    digest = digest_of(sha256.hexdigest())
    return Content(
        source=label(source),
        path=path,
        data=data,
        sha256=sha256.hexdigest(),
        asset_type=measurement.asset_type,
        name=asset_name(stem, digest),
        size=size,
        faults=validate(measurement, limits),
    )


def _address(url: str, asset_type: AssetType | None) -> Content:
    try:
        parts = urlsplit(url)
    except ValueError:  # such as half of an IPv6 address
        parts = urlsplit("")
    if not parts.hostname:
        raise UsageError(f"{label(url)} is not an absolute address.")
    query = _unsigned(parse_qsl(parts.query, keep_blank_values=True))
    lasting = urlunsplit(parts._replace(query=urlencode(query), fragment=""))
    sha256 = hashlib.sha256(lasting.encode()).hexdigest()
    path = PurePosixPath(parts.path)
    return Content(
        source=label(url),
        url=url,
        sha256=sha256,
        asset_type=asset_type or _by_ending(path.suffix),
        name=asset_name(path.stem, digest_of(sha256)),
    )


def _unsigned(query: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters that are no part of a signature."""
    names = {name.lower() for name, _ in query}
    signing = _SIGNATURE | _SAS if names >= _SAS_REQUIRED else _SIGNATURE
    return [
        (name, value)
        for name, value in query
        if name.lower() not in signing and not name.lower().startswith(_SIGNATURE_PREFIXES)
    ]


def _by_ending(suffix: str) -> AssetType:
    """An address is all there is to go by; an image unless its ending says otherwise."""
    endings = {kind.extension: kind.asset_type for kind in MEDIA_TYPES.values()}
    return endings.get(suffix.lower(), AssetType.IMAGE)


def reread(content: Content) -> bytes:
    """The bytes of a small file, the same that were identified.

    Raises:
        UsageError: It cannot be read, or has changed meanwhile.
    """
    if content.data is not None:
        return content.data
    assert content.path is not None  # noqa: S101  (an address is not read)
    try:
        data = content.path.read_bytes()
    except OSError as error:
        raise UsageError(f"{content.path} cannot be read: {error.strerror}.") from error
    if hashlib.sha256(data).hexdigest() != content.sha256:
        raise UsageError(f"{content.path} changed while it was being uploaded.", advice="Run again.")
    return data
