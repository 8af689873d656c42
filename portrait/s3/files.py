"""The file to upload: its stat, its hashes in one pass, and its parts as request bodies.

Files are read in blocks: memory does not grow with them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import Self

from attrs import frozen

from portrait.flow import CancelToken
from portrait.s3.errors import SourceChanged, SourceUnreadable
from portrait.s3.parts import MIB, Part, Plan

_BLOCK = 2 * MIB


@frozen
class FileStat:
    """The stat of a file. `ctime_ns` cannot be set back, so an edit that restores the mtime still shows."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @property
    def fingerprint(self) -> str:
        """All of it as one text, to be compared with a later one."""
        return f"{self.size} {self.mtime_ns} {self.ctime_ns} {self.inode}"


@frozen
class Digest:
    """The SHA-256 of a whole file and of each part of its plan, in hex."""

    sha256: str
    parts: tuple[str, ...]


def stat_file(path: Path) -> FileStat:
    """The stat of a file.

    Raises:
        SourceUnreadable: There is no such regular file, or it may not be looked at.
    """
    with _translate_errors(path):
        found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise SourceUnreadable(f"{path} is not a regular file.")
    return FileStat(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def read_whole(path: Path, size: int) -> bytes:
    """Read a small file, which must have the size that was seen.

    Raises:
        SourceUnreadable: It cannot be read.
        SourceChanged: It is shorter or longer by now.
    """
    with _translate_errors(path):
        content = path.read_bytes()
    if len(content) != size:
        raise SourceChanged(f"{path} had {size} bytes a moment ago and has {len(content)} now.")
    return content


def read_head(path: Path, size: int) -> bytes:
    """The first bytes of a file."""
    with _translate_errors(path), path.open("rb") as file:
        return file.read(size)


def digest(path: Path, plan: Plan, *, cancel: CancelToken, report: Callable[[int], object]) -> Digest:
    """Hash a file and its parts in one pass; the two hashes of a block are taken side by side.

    Args:
        path: The file.
        plan: Its size and parts.
        cancel: Asked after every block.
        report: Called with the bytes done after every block.

    Raises:
        SourceChanged: The file ends before the planned size.
        SourceUnreadable: It cannot be read.
        Interrupted: Somebody asked to stop.
    """
    whole = hashlib.sha256()
    parts: list[str] = []
    buffer, done = memoryview(bytearray(_BLOCK)), 0
    with ThreadPoolExecutor(1, "portrait-hash") as pool, _open(path) as file:
        for part in plan.parts():
            # A file of one part needs one hash.
            own = hashlib.sha256() if plan.count > 1 else None
            remaining = part.size
            while remaining:
                cancel.check()
                with _translate_errors(path):
                    count = file.readinto(buffer[: min(remaining, _BLOCK)])
                if not count:
                    raise truncated(path)
                block = buffer[:count]
                other = pool.submit(own.update, block) if own else None
                whole.update(block)
                if other:
                    other.result()
                remaining -= count
                done += count
                report(done)
            parts.append((own or whole).hexdigest())
    return Digest(whole.hexdigest(), tuple(parts))


def _open(path: Path) -> FileIO:
    with _translate_errors(path):
        return path.open("rb", buffering=0)


@contextlib.contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise SourceUnreadable(f"{path} cannot be read: {reason}.") from error


def truncated(path: Path) -> SourceChanged:
    """The error of a file that ends too early."""
    return SourceChanged(f"{path} became shorter while it was read.")


def part_md5(path: Path, part: Part, *, cancel: CancelToken) -> str:
    """The MD5 of one part: what most storages give as its ETag."""
    md5 = hashlib.md5(usedforsecurity=False)
    with FilePart(path, part, sha256=None, cancel=cancel) as body:
        while block := body.read(MIB):
            md5.update(block)
    return md5.hexdigest()


class FilePart:
    """A part of a file as a request body: what `read`, `seek`, `tell` and `len` of botocore need, and no more.

    With `check`, it hashes what it hands out and refuses to hand out the last block of bytes that are not the ones
    whose hash is known, so a storage that does not look at the signed hash gets no wrong part either.

    Attributes:
        sha256: The part's known SHA-256 in hex, None if it is not known.
        failure: What made a read fail, for callers behind whom an HTTP library hides it.
    """

    def __init__(self, path: Path, part: Part, *, sha256: str | None, cancel: CancelToken, check: bool = False) -> None:
        self.sha256 = sha256
        self.failure: Exception | None = None
        self._path = path
        self._part = part
        self._stop = cancel
        self._check = check
        self._hash = hashlib.sha256()
        self._at = 0
        self._file = _open(path)
        self._file.seek(part.offset)

    def __len__(self) -> int:
        return self._part.size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def tell(self) -> int:
        """Bytes from the beginning of the part."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place counted from the beginning of the part."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._part.size}[whence]
        self._at = base + offset
        self._file.seek(self._part.offset + self._at)
        if self._at == 0:
            self._hash = hashlib.sha256()
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes, never past the end of the part."""
        try:
            return self._read(size)
        except Exception as error:
            self.failure = error
            raise

    def _read(self, size: int | None) -> bytes:
        self._stop.check()
        remaining = self._part.size - self._at
        wanted = remaining if size is None or size < 0 else min(size, remaining)
        if not wanted:
            return b""
        with _translate_errors(self._path):
            block = self._file.read(wanted)
        if not block:
            raise truncated(self._path)
        self._at += len(block)
        if self._check:
            self._hash.update(block)
            if self._at == self._part.size and self._hash.hexdigest() != self.sha256:
                raise SourceChanged(f"{self._path} changed while part {self._part.number} was sent.")
        return block
