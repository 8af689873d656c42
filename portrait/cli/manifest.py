"""The manifest: a file of JSON lines that says what became of each file, appended as soon as it is known. Owns the
form, and that what was written survives a crash; must not know what put it there.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from portrait.clock import Clock, SystemClock
from portrait.errors import UsageError


class Manifest:
    """Lines at the end of a file; several threads and processes may append.

    Args:
        path: The file; None writes nothing.
        clock: Tells the time of a line.
        about: Stands in every line.

    Raises:
        UsageError: It cannot be written.
    """

    def __init__(
        self, path: str | None, clock: Clock | None = None, about: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self._path = path
        self._about = about
        self._clock = clock or SystemClock()
        self._turn = threading.Lock()
        self._file: int | None = None
        if path is not None:
            self._file = self._do(lambda: os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
            if not _ends_whole(path):
                self._write(b"\n")

    def append(self, record: Mapping[str, Any]) -> None:
        """One line, with the time.

        Raises:
            UsageError: It cannot be written, as when the disk is full.
        """
        if self._file is None:
            return
        time = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = json.dumps({**record, **self._about, "time": time}, ensure_ascii=False)
        # A file name that is no text has lone surrogates, which JSON can hold as escapes.
        self._write(f"{line}\n".encode(errors="backslashreplace"))

    def close(self) -> None:
        """Nothing more comes."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        file = self._file
        if file is not None:
            with self._turn:
                self._do(lambda: os.write(file, line))

    def _do(self, work: Any) -> Any:
        try:
            return work()
        except OSError as error:
            raise UsageError(
                f"The manifest {self._path} cannot be written: {error.strerror}.",
                advice="Free some space or name another file; the same command then goes on.",
            ) from error


def read_manifest(path: str) -> list[dict[str, Any]]:
    """The lines of a manifest, oldest first; a line that a killed process left half-written is passed over.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"The manifest {path} cannot be read: {error.strerror}.") from error
    return list(_rows(lines))


def _rows(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def _ends_whole(path: str) -> bool:
    """Whether the last line has its end; what is not a regular file has no last line."""
    if not Path(path).is_file():
        return True
    with Path(path).open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
