"""The manifest: a file of JSON lines that says what became of each file, for people and for `forget`.

A line is appended as soon as an outcome is known, so that a run that is killed has recorded what it did. A line is
written whole, or the manifest is said to have failed.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from portrait.clock import Clock, SystemClock, format_timestamp
from portrait.errors import PortraitError, UsageError

# The fields that a line may have and that are read again; each is a text or null.
_TEXTS = ("asset_id", "base_url", "file", "group", "group_id", "project", "sha256", "stored_in", "stored_key")


class Manifest:
    """Lines at the end of a file; several threads and processes may append.

    Args:
        path: The file; None writes nothing.
        clock: Gives the time of a line.
        context: Fields of every line.

    Attributes:
        error: Why a line could not be written; nothing is written after it.

    Raises:
        UsageError: It is not a regular file, or cannot be written.
    """

    def __init__(
        self, path: str | None, clock: Clock | None = None, context: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self.error: PortraitError | None = None
        self._path = path
        self._context = context
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._file: int | None = None
        if path is not None:
            _check_regular(path)
            try:
                self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                if not _ends_with_newline(path):
                    self._write(b"\n")
            except OSError as error:
                self.close()
                raise _unwritable(path, error) from error

    def append(self, record: Mapping[str, Any]) -> PortraitError | None:
        """Append a line, with the time; returns why it failed, where it is the first failure.

        It raises nothing: the outcome itself must be printed whatever becomes of the manifest.
        """
        if self._file is None:
            return None
        time = format_timestamp(self._clock.now())
        line = json.dumps({**record, **self._context, "time": time}, ensure_ascii=False)
        # A file name that is not valid text has lone surrogates, which JSON can hold as escapes.
        return self._attempt(lambda _: self._write(f"{line}\n".encode(errors="backslashreplace")))

    def sync(self) -> PortraitError | None:
        """Bring what was appended to the disk, which may find only then that it has no room; as `append`."""
        return self._attempt(os.fsync)

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        """Write all of it: a disk that fills up takes the beginning of a line and refuses the rest."""
        with self._lock:
            while line and self._file is not None:
                line = line[os.write(self._file, line) :]

    def _attempt(self, work: Callable[[int], object]) -> PortraitError | None:
        if self._file is None or self.error is not None:
            return None
        try:
            work(self._file)
        except OSError as error:
            self.error = _unwritable(str(self._path), error)
        return self.error


class Lines(NamedTuple):
    """The lines of a manifest.

    Attributes:
        rows: Its lines, the oldest first.
        unreadable: The numbers of the lines that cannot be read, from 1 on.
    """

    rows: list[dict[str, Any]]
    unreadable: list[int]


def read_manifest(path: str) -> Lines:
    """Read a manifest. A process that was killed, or a disk that was full, may have left a line half-written.

    Raises:
        UsageError: It cannot be read.
    """
    _check_regular(path)
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(
            f"The manifest {path} cannot be read: {error.strerror}.", advice="Name another file."
        ) from None
    rows, unreadable = [], []
    for number, line in enumerate(lines, start=1):
        row = _row(line)
        if row is not None:
            rows.append(row)
        elif line.strip():
            unreadable.append(number)
    return Lines(rows, unreadable)


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or not all(isinstance(row.get(name), str | None) for name in _TEXTS):
        return None
    return row


def _check_regular(path: str) -> None:
    """Opening a pipe would wait for its other end, and a device keeps nothing."""
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:  # such as a name that is too long, or has a NUL
        raise UsageError(f"The manifest {path:.80} cannot be used: {getattr(error, 'strerror', error)}.") from None
    if not stat.S_ISREG(mode):
        raise UsageError(f"The manifest {path} is not a regular file.", advice="Pipes and devices keep nothing.")


def _unwritable(path: str, error: OSError) -> UsageError:
    return UsageError(
        f"The manifest {path} cannot be written: {error.strerror}.",
        advice="Free some space or name another file; the same command then goes on.",
    )


def _ends_with_newline(path: str) -> bool:
    with Path(path).open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
