"""A part of a file as the body of a request, read while it is sent.

It owns the reading of parts, and sees that a file which changed is noticed. It must never know where a part goes.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Self

from portrait.s3.errors import SourceChanged, SourceUnreadable
from portrait.s3.plan import MIB, Part
from portrait.s3.source import shorter
from portrait.s3.stopping import StopFlag


def slice_md5(path: Path, part: Part, *, stop: StopFlag) -> str:
    """The MD5 of one part: what most storages give as its ETag."""
    md5 = hashlib.md5(usedforsecurity=False)
    with Slice(path, part, sha256=None, stop=stop) as body:
        while block := body.read(MIB):
            md5.update(block)
    return md5.hexdigest()


class Slice:
    """A part of a file as a request body: what `read`, `seek`, `tell` and `len` of botocore need, and no more.

    With `check`, it hashes what it hands out and refuses to hand out the last block of bytes that are not the ones
    whose hash is known, so a storage that does not look at the signed hash gets no wrong part either.

    Attributes:
        sha256: The part's known SHA-256 in hex, None if it is not known.
        failure: What made a read fail, for callers behind whom an HTTP library hides it.
    """

    def __init__(self, path: Path, part: Part, *, sha256: str | None, stop: StopFlag, check: bool = False) -> None:
        self.sha256 = sha256
        self.failure: Exception | None = None
        self._path = path
        self._part = part
        self._stop = stop
        self._check = check
        self._seen = hashlib.sha256()
        self._at = 0
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise SourceUnreadable(f"{path} cannot be read: {error.strerror}.") from error
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
            self._seen = hashlib.sha256()
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
        left = self._part.size - self._at
        want = left if size is None or size < 0 else min(size, left)
        if not want:
            return b""
        try:
            block = self._file.read(want)
        except OSError as error:
            raise SourceUnreadable(f"{self._path} cannot be read: {error.strerror}.") from error
        if not block:
            raise shorter(self._path)
        self._at += len(block)
        if self._check:
            self._seen.update(block)
            if self._at == self._part.size and self._seen.hexdigest() != self.sha256:
                raise SourceChanged(f"{self._path} changed while part {self._part.number} was sent.")
        return block
