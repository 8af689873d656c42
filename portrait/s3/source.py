"""The file that is being stored: what it was when we looked, its beginning, and its hashes.

It owns the one pass that hashes a file, in blocks, so that memory does not grow with it. It must never know keys,
uploads or the network.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attrs import frozen

from portrait.s3.errors import SourceChanged, SourceUnreadable
from portrait.s3.plan import MIB, Plan
from portrait.s3.stopping import StopFlag

_BLOCK = 2 * MIB


@frozen
class Fingerprint:
    """What `stat` says of a file. `ctime_ns` cannot be set back, so an edit that restores the mtime still shows."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@frozen
class Digest:
    """The SHA-256 of a whole file and of each part of its plan, in hex."""

    sha256: str
    parts: tuple[str, ...]


def fingerprint(path: Path) -> Fingerprint:
    """Look at a file.

    Raises:
        SourceUnreadable: There is no such regular file, or it may not be looked at.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise SourceUnreadable(f"{path} is not a regular file.")
    return Fingerprint(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def read_whole(path: Path, size: int) -> bytes:
    """Read a small file, which must have the size that was seen.

    Raises:
        SourceUnreadable: It cannot be read.
        SourceChanged: It is shorter or longer by now.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) != size:
        raise SourceChanged(f"{path} had {size} bytes a moment ago and has {len(content)} now.")
    return content


def read_head(path: Path, size: int) -> bytes:
    """The first bytes of a file."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror}.") from error


def digest(path: Path, plan: Plan, *, stop: StopFlag, report: Callable[[int], object]) -> Digest:
    """Hash a file and its parts in one pass; the two hashes of a block are taken side by side.

    Args:
        path: The file.
        plan: Its size and parts.
        stop: Asked after every block.
        report: Called with the bytes done after every block.

    Raises:
        SourceChanged: The file ends before the planned size.
        SourceUnreadable: It cannot be read.
        UploadInterrupted: Somebody asked to stop.
    """
    whole = hashlib.sha256()
    parts: list[str] = []
    buffers = [memoryview(bytearray(_BLOCK)) for _ in range(2)]
    done = turn = 0
    try:
        with ThreadPoolExecutor(1, "portrait-hash") as beside, path.open("rb", buffering=0) as file:
            for part in plan.parts():
                # A file of one part needs one hash.
                own = hashlib.sha256() if plan.count > 1 else None
                left = part.size
                while left:
                    stop.check()
                    turn ^= 1
                    count = file.readinto(buffers[turn][: min(left, _BLOCK)])
                    if not count:
                        raise shorter(path)
                    block = buffers[turn][:count]
                    other = beside.submit(own.update, block) if own else None
                    whole.update(block)
                    if other:
                        other.result()
                    left -= count
                    done += count
                    report(done)
                parts.append((own or whole).hexdigest())
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror}.") from error
    return Digest(whole.hexdigest(), tuple(parts))


def shorter(path: Path) -> SourceChanged:
    """The error of a file that ends too early."""
    return SourceChanged(f"{path} became shorter while it was read.")
