"""Sources: folders are expanded, and files, bytes and open files are read and measured. Sends nothing.

A file is identified by its content, whatever it is called.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from portrait.ensure.batch import EnsureOptions
from portrait.ensure.content import Content, asset_name, check_reach, identify_address, short_digest
from portrait.errors import PortraitError, UsageError
from portrait.events import FileProgress
from portrait.flow import Flow, Gather, Notify, RunBlocking
from portrait.media import LIMITS, Limits, limits_for, measure, validate
from portrait.models import AssetType
from portrait.providers import Capability
from portrait.urls import redact_url

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

BLOCK = 1024 * 1024  # bytes

Source = str | os.PathLike[str] | bytes | BinaryIO | Content
"""A path, an address, bytes or an open binary file; or what `identify` has made of one before."""
Sources = Source | Iterable[Source]

_OTHER_ADDRESS = re.compile(r"(?!https?:)([a-z][a-z0-9+.-]+)://|(data):", re.IGNORECASE)
_KINDS = "a path, an http(s) address, bytes or an open binary file"


def is_url(source: object) -> bool:
    """Is it an http or https address?"""
    return isinstance(source, str) and source.lower().startswith(("http://", "https://"))


def display_name(source: Source) -> str:
    """A source as people may see it: without the query and the user of an address, which may be secrets."""
    if isinstance(source, Content):
        return source.source
    if not isinstance(source, str | os.PathLike):
        name = getattr(source, "name", None)
        return PurePosixPath(name).name if isinstance(name, str) else f"<{type(source).__name__}>"
    text = os.fsdecode(source)
    return redact_url(text) if "://" in text else text


def limits_of(upload_of: str | None) -> Limits:
    """The limits that hold for a file: those of the provider's upload, or those of CreateAsset.

    All providers pass files on to the same service (contract §5), so that CreateAsset's hold for each of them.

    Args:
        upload_of: The provider whose own upload files go by; None where a storage, or nothing, gives them addresses.
    """
    if upload_of is None:
        return limits_for()
    # A further provider that has an upload has AllToken's.
    known = (upload_of, "upload", "newest") in LIMITS
    return limits_for(upload_of if known else "alltoken", endpoint="upload")


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
        return stat.S_ISDIR(os.stat(source).st_mode)  # noqa: PTH116  (Path("") is the folder that one is in)
    except (OSError, ValueError):  # such as a name that is too long: `identify` says what is wrong with it
        return False


def list_files(folder: Path) -> list[Path]:
    """The files in a folder and below, without hidden ones, in order of their names. Links to folders are not followed.

    A folder that cannot be read stands among them, so that it is not passed over in silence: `identify` refuses it.
    """
    unreadable: list[OSError] = []
    files = [path for path, skipped in _walk(folder, unreadable.append) if not skipped]
    return sorted([*files, *(Path(error.filename) for error in unreadable)])


def list_skipped(folder: Path) -> dict[Path, str]:
    """What `list_files` leaves out of a folder: `hidden` files and folders, and each `linked folder`."""
    return {path: skipped for path, skipped in sorted(_walk(folder)) if skipped}


def _walk(folder: Path, on_error: Callable[[OSError], object] | None = None) -> Iterator[tuple[Path, str]]:
    """Each file with ""; what is not looked into with the reason."""
    for parent, folders, names in os.walk(folder, onerror=on_error):
        hidden = {name for name in (*folders, *names) if name.startswith(".")}
        folders[:] = [name for name in folders if name not in hidden]
        linked = {name for name in folders if Path(parent, name).is_symlink()}
        reasons = dict.fromkeys(names, "") | dict.fromkeys(linked, "linked folder") | dict.fromkeys(hidden, "hidden")
        yield from ((Path(parent, name), reason) for name, reason in reasons.items())


def identify_sources(
    endpoint: Endpoint, sources: Sources, options: EnsureOptions
) -> Flow[list[tuple[str, Content | PortraitError]]]:
    """Read the sources; gives each one's name, and what it is or why it cannot be read.

    Raises:
        UsageError: What was given are no sources.
    """
    if isinstance(sources, list) and all(isinstance(source, Content) for source in sources):
        return [(content.source, content) for content in sources]
    expanded: list[Source] = yield RunBlocking(partial(expand_sources, sources))
    flows = [_identify(endpoint, source, options) for source in expanded]
    results: list[Content | PortraitError] = yield Gather(flows, options.concurrency)
    return [(display_name(source), result) for source, result in zip(expanded, results, strict=True)]


def _identify(endpoint: Endpoint, source: Source, options: EnsureOptions) -> Flow[Content]:
    if isinstance(source, Content):
        return source
    stored = options.store is not None
    uploads = not stored and Capability.FILES in endpoint.provider.capabilities
    limits = limits_of(endpoint.provider.name if uploads else None)
    content: Content = yield RunBlocking(partial(identify, source, limits, options.asset_type, options.name))
    if content.url is not None:
        check_reach(content.url, endpoint.base_url)
    elif not stored and not uploads and not content.faults:
        endpoint.provider.require(Capability.FILES, "Send it by object storage, store=, or give its public address.")
    yield Notify(FileProgress(source=content.source, stage="checked"))
    return content


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
        return identify_address(source, asset_type, name)
    label = f"{display_name(source):.200}"
    try:
        if isinstance(source, str | os.PathLike):
            if not os.fspath(source):
                raise UsageError("A source is an empty name.", advice=f"Give {_KINDS}.")
            path = Path(os.fsdecode(source))
            with _open_regular(path) as file:
                return _file(label, file, stem=name or path.stem, limits=limits, path=path)
        data = _read(source)
        stem = "" if label.startswith("<") else PurePosixPath(label).stem
        return _file(label, BytesIO(data), stem=name or stem, limits=limits, data=data)
    except (OSError, ValueError) as error:  # a name with a NUL, and a closed file, are a ValueError
        if scheme := _OTHER_ADDRESS.match(label):
            message = f"A source cannot be an address of the scheme {scheme[1] or scheme[2]}."
            raise UsageError(message, advice=f"Give {_KINDS}.") from error
        why = f"{getattr(error, 'strerror', None) or error}".rstrip(".")
        raise UsageError(f"{label} cannot be read: {why}.", advice=_UNREADABLE) from error


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
    label: str,
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
        raise UsageError(f"{label} is empty.", advice="Give a file with an image, video or audio in it.")
    file.seek(0)
    measurement = measure(file)
    digest = short_digest(sha256.hexdigest())
    faults = validate(measurement, limits)
    return Content(
        source=label,
        path=path,
        data=data,
        sha256=sha256.hexdigest(),
        asset_type=measurement.asset_type,
        name=asset_name(stem, digest),
        size=size,
        faults=faults,
        needs_storage=bool(faults) and not validate(measurement, limits_for()),
    )


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
