"""Files and addresses: what each is, the name that identifies its content, and what is wrong with it. Sends nothing.

A file is identified by its content, whatever it is called. An address is identified by itself: fetching what lies
behind it is the service's business.
"""

from __future__ import annotations

import base64
import hashlib
import inspect
import os
import re
import stat
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from attrs import field, frozen

from portrait.errors import MediaRejected, UsageError
from portrait.media import MEDIA_TYPES, Limits, Violation, limits_for, measure, validate
from portrait.models import AssetType
from portrait.urls import parse_http_url, redact_url

BLOCK = 1024 * 1024  # bytes

# An asset's Name is `<stem>-<digest>`: the digest is the first 128 bits of the SHA-256 in base32, and with a stem and a
# dash it fills AllToken's limit of 50 characters (contract §1).
MAX_STEM = 23  # characters
DIGEST_LENGTH = 26  # characters

_STORE = (
    "The file is fine, only the gateway's own upload does not take it: send it through object storage, by store= "
    "(--to s3://BUCKET/PREFIX), or give its public address."
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
    """The 32 hex digits with which the SHA-256 begins that a digest stands for."""
    return base64.b32decode(digest.upper() + "======").hex()


def asset_name(stem: str, digest: str) -> str:
    """The Name of an asset with that content; the stem is for people."""
    readable = "".join(c for c in stem if c.isprintable()).strip()[:MAX_STEM].strip()
    return f"{readable or 'asset'}-{digest}"


def parse_digest(name: str) -> str | None:
    """The digest in a Name, None in one that was given otherwise."""
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


Source = str | os.PathLike[str] | bytes | BinaryIO | Content
"""A path, an address, bytes or an open binary file; or what `identify` has made of one before."""

_KINDS = "a path, an http(s) address, bytes or an open binary file"


def display_name(source: Source) -> str:
    """A source as people may see it: without the query and the user of an address, which may be secrets."""
    if isinstance(source, Content):
        return source.source
    if not isinstance(source, str | os.PathLike):
        name = getattr(source, "name", None)
        return PurePosixPath(name).name if isinstance(name, str) else f"<{type(source).__name__}>"
    text = os.fsdecode(source)
    return redact_url(text) if is_url(text) else text


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


def expand_sources(sources: Source | Iterable[Source]) -> list[Source]:
    """Sources one by one: a folder stands for the files in it and below, without hidden ones, in order of their names.

    Raises:
        UsageError: These are no sources.
    """
    if isinstance(sources, str | bytes | bytearray | memoryview | os.PathLike | Content) or hasattr(sources, "read"):
        sources = [cast("Source", sources)]
    elif not isinstance(sources, Iterable):
        raise UsageError(f"Sources are not a {type(sources).__name__}.", advice=f"Give {_KINDS}, or several of them.")
    found: list[Source] = []
    for source in sources:
        if isinstance(source, str | os.PathLike) and not is_url(source) and _is_folder(source):
            found += list_files(Path(os.fsdecode(source)))
        else:
            found.append(source)
    return found


def _is_folder(source: str | os.PathLike[str]) -> bool:
    try:
        return stat.S_ISDIR(Path(source).stat().st_mode)
    except (OSError, ValueError):  # such as a name that is too long: `identify` says what is wrong with it
        return False


def list_files(folder: Path) -> list[Path]:
    """The files in a folder and below, without hidden ones, in order of their names. Links to folders are not followed.

    A folder that cannot be read stands among them, so that it is not passed over in silence: `identify` refuses it.
    """
    files: list[Path] = []
    unreadable: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=unreadable.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted([*files, *(Path(error.filename) for error in unreadable)])


def identify(source: Source, limits: Limits, asset_type: AssetType | None, name: str | None = None) -> Content:
    """Read a source and say what it is.

    Args:
        source: What to read; an open file is read from where it stands.
        limits: What the service takes.
        asset_type: What an address leads to; None goes by its ending.
        name: For people, in the asset's Name; None takes the file's.

    Raises:
        UsageError: It cannot be read, or is no source at all.
    """
    if isinstance(source, Content):
        return source
    if isinstance(source, str) and is_url(source):
        return _address(source, asset_type, name)
    shown = f"{display_name(source):.200}"
    try:
        if isinstance(source, str | os.PathLike):
            path = Path(os.fsdecode(source))
            with _open_regular(path) as file:
                return _file(shown, file, stem=name or path.stem, limits=limits, path=path)
        data = _read(source)
        stem = "" if shown.startswith("<") else PurePosixPath(shown).stem
        return _file(shown, BytesIO(data), stem=name or stem, limits=limits, data=data)
    except (OSError, ValueError) as error:  # a name with a NUL, and a closed file, are a ValueError
        why = f"{getattr(error, 'strerror', None) or error}".rstrip(".")
        raise UsageError(f"{shown} cannot be read: {why}.", advice=_UNREADABLE) from error


_UNREADABLE = "Check that it is there, and that this user may read it."


def _read(source: Any) -> bytes:
    """The bytes of a source that is no path; anything at all may have been passed as one."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if not hasattr(source, "read"):
        raise UsageError(f"A source is not a {type(source).__name__}.", advice=f"Give {_KINDS}.")
    data = source.read()
    if isinstance(data, bytes):
        return data
    if inspect.iscoroutine(data):
        data.close()
    raise UsageError(f"{display_name(source)} gives no bytes.", advice="Open it in binary mode, and not for asyncio.")


def _open_regular(path: Path) -> BinaryIO:
    """Open a file to read. Opening a pipe or a device could wait for ever, and what is at a path may change.

    Raises:
        UsageError: It is not a regular file.
        OSError: It cannot be opened.
    """
    file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: SIM115, PTH123
    mode = os.fstat(file.fileno()).st_mode
    if stat.S_ISREG(mode):
        return file
    file.close()
    raise UsageError(f"{path} is not a regular file.", advice="Save what it gives into a file first.")


def _file(
    shown: str,
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
        raise UsageError(f"{shown} is empty.", advice="Give a file with an image, video or audio in it.")
    file.seek(0)
    measurement = measure(file)
    digest = short_digest(sha256.hexdigest())
    faults = validate(measurement, limits)
    return Content(
        source=shown,
        path=path,
        data=data,
        sha256=sha256.hexdigest(),
        asset_type=measurement.asset_type,
        name=asset_name(stem, digest),
        size=size,
        faults=faults,
        needs_storage=bool(faults) and not validate(measurement, limits_for()),
    )


def media_error(content: Content) -> MediaRejected:
    """The error of a file with faults."""
    first = content.faults[0]
    return MediaRejected(
        f"{content.source}: {' '.join(fault.message for fault in content.faults)}",
        code=f"InvalidParameter.{first.code}",
        detail=first.code,
        advice=_STORE if content.needs_storage else None,
    )


def _address(url: str, asset_type: AssetType | None, name: str | None) -> Content:
    try:
        parts = urlsplit(url)
    except ValueError:  # such as half of an IPv6 address
        parts = urlsplit("")
    if not parts.hostname:
        raise UsageError(
            f"{display_name(url)} is not an absolute address.", advice="Give one such as https://host/path."
        )
    query = _without_signature(parse_qsl(parts.query, keep_blank_values=True))
    stable_url = urlunsplit(parts._replace(query=urlencode(query), fragment=""))
    sha256 = hashlib.sha256(stable_url.encode()).hexdigest()
    path = PurePosixPath(parts.path)
    return Content(
        source=display_name(url),
        url=url,
        sha256=sha256,
        asset_type=asset_type or _type_from_suffix(path.suffix),
        name=asset_name(name or path.stem, short_digest(sha256)),
    )


def check_reach(url: str, service: str) -> None:
    """See that a service can fetch an address at all, as far as the address itself says.

    Args:
        url: The address.
        service: The service's base URL. One on this machine, such as an emulator, can fetch from this machine, and one
            in a private network from there.

    Raises:
        UsageError: It cannot.
    """
    try:
        file, home = parse_http_url(url, userinfo=True), parse_http_url(service)
    except ValueError:  # what else is wrong with it is said where it is sent
        return
    private_home = home.is_private or not (home.is_loopback or "." in home.host)
    if (file.is_loopback and not home.is_loopback) or (file.is_private and not private_home):
        network = "this machine" if file.is_loopback else "a private network"
        raise UsageError(
            f"The service cannot fetch {display_name(url)}: {file.host} is in {network}.",
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


def read_again(content: Content) -> bytes:
    """The bytes of a small file, the same that were identified.

    Raises:
        UsageError: It cannot be read, or has changed meanwhile.
    """
    if content.data is not None:
        return content.data
    assert content.path is not None  # noqa: S101  (an address is not read)
    try:
        with _open_regular(content.path) as file:
            data = file.read(content.size + 1)
    except OSError as error:
        message = f"{content.path} cannot be read any more: {error.strerror}."
        raise UsageError(message, advice="Run again: it may have moved meanwhile.") from error
    if hashlib.sha256(data).hexdigest() != content.sha256:
        raise UsageError(f"{content.path} changed while it was being uploaded.", advice="Run again.")
    return data
