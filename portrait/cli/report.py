"""What became of files: one record for each, on stdout and in the manifest, and a summary for people at the end.

The manifest is a file of JSON lines, appended as soon as an outcome is known; what was written survives a crash.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeVar

from portrait.cli.errors import NETWORK, OK, SOME_FAILED, error_record, exit_code, format_errors, merge_exit_codes
from portrait.cli.output import Output
from portrait.cli.serialize import pluralize
from portrait.clock import Clock, SystemClock
from portrait.ensure import FileOutcome, FileState
from portrait.errors import UsageError

T = TypeVar("T")

# How a file ended that is no Active asset, in the words of the summary.
_ENDS: Mapping[FileState, str] = MappingProxyType(
    {
        FileState.REJECTED: "rejected",
        FileState.REFUSED: "refused",
        FileState.FAILED: "failed in review",
        FileState.VANISHED: "vanished",
        FileState.TIMED_OUT: "still in review",
        FileState.UNKNOWN: "in doubt",
        FileState.STOPPED: "not sent",
        FileState.NO_ROOM: "left out: the group is full",
    }
)
_MAX_SKIPPED = 3  # skipped files that people see


class Manifest:
    """Lines at the end of a file; several threads and processes may append.

    Args:
        path: The file; None writes nothing.
        clock: Gives the time of a line.
        context: Fields of every line.

    Raises:
        UsageError: It cannot be written.
    """

    def __init__(
        self, path: str | None, clock: Clock | None = None, context: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self._path = path
        self._context = context
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._file: int | None = None
        if path is not None:
            self._file = self._checked(lambda: os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
            if not _ends_with_newline(path):
                self._write(b"\n")

    def append(self, record: Mapping[str, Any]) -> None:
        """Append a line, with the time.

        Raises:
            UsageError: It cannot be written, as when the disk is full.
        """
        if self._file is None:
            return
        time = datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = json.dumps({**record, **self._context, "time": time}, ensure_ascii=False)
        # A file name that is not valid text has lone surrogates, which JSON can hold as escapes.
        self._write(f"{line}\n".encode(errors="backslashreplace"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, line: bytes) -> None:
        file = self._file
        if file is not None:
            with self._lock:
                self._checked(lambda: os.write(file, line))

    def _checked(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except OSError as error:
            raise UsageError(
                f"The manifest {self._path} cannot be written: {error.strerror}.",
                advice="Free some space or name another file; the same command then goes on.",
            ) from error


def read_manifest(path: str) -> list[dict[str, Any]]:
    """The lines of a manifest, oldest first; a line that a killed process left half-written is skipped.

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


def _ends_with_newline(path: str) -> bool:
    """Whether the last line is complete; what is not a regular file has no last line."""
    if not Path(path).is_file():
        return True
    with Path(path).open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def outcome_record(outcome: FileOutcome) -> dict[str, Any]:
    """The record of a file. `origin` is how the asset came to be, in the library's words."""
    record: dict[str, Any] = {
        "file": outcome.source,
        "uri": outcome.uri or None,
        "status": outcome.state.value,
        "origin": outcome.origin.value if outcome.origin else None,
        "asset_id": outcome.asset_id or None,
        "group_id": outcome.group_id or None,
        "sha256": outcome.sha256 or None,
        "stored_key": outcome.stored_key or None,
    }
    if outcome.duplicates:
        record["duplicates"] = list(outcome.duplicates)
    if outcome.error is not None:
        record["error"] = error_record(outcome.error)
    return record


class Summary:
    """Prints outcomes as they come, and a summary at the end.

    Args:
        output: Where outcomes go.
        manifest: Where they are recorded.
        bucket: Of the object storage; None without one.

    Attributes:
        paths: File → its name on the command line, where that differs.
    """

    def __init__(self, output: Output, manifest: Manifest, bucket: str | None) -> None:
        self.paths: dict[Path, str] = {}
        self._outcomes: list[tuple[FileOutcome, str]] = []
        self._skipped: list[str] = []
        self._bucket = bucket
        self._group_ids: dict[str, str] = {}
        self._output = output
        self._manifest = manifest
        self._reported = 0
        self._first: dict[tuple[str, str], str] = {}
        self._full: set[str] = set()

    def start_group(self, group: str, group_id: str) -> None:
        """The work on a group begins."""
        self._group_ids[group] = group_id

    def add(self, outcome: FileOutcome, group: str) -> None:
        """Add an outcome of a file for `group`, as it was named. People read failures later."""
        self._outcomes.append((outcome, group))
        record = {**outcome_record(outcome), "group": group}
        if outcome.stored_key:
            record["stored_in"] = self._bucket
        if outcome.asset_id:
            asset = (outcome.group_id, outcome.asset_id)
            if asset in self._first:
                record["same_as"] = self._first[asset]
            self._first.setdefault(asset, outcome.source)
        self._manifest.append(record)
        line = "" if outcome.error is not None else f"{outcome.uri}  {outcome.source}"
        if outcome.state is FileState.TIMED_OUT and line:
            line += "  (in review)"
        self._output.print_event(record, line=line, key="uri" if line else "")
        if outcome.state is FileState.NO_ROOM and outcome.error is not None and group not in self._full:
            self._full.add(group)  # people read this one at once: there is time to stop
            self._output.info(f"{group}: {outcome.error.message}")

    def skip(self, source: str, group: str) -> None:
        """Add a file of a folder that is no media."""
        self._skipped.append(source)
        record = outcome_record(FileOutcome(source=source, state=FileState.REJECTED))
        record |= {"status": "Skipped", "group": group}
        self._manifest.append(record)
        self._output.print_event(record)

    def stored(self, path: Path, key: str) -> None:
        """Record that a file has an object: it must be known even if no asset comes of it."""
        group, group_id = list(self._group_ids.items())[-1]
        record = {"file": self.paths.get(path, str(path)), "status": "Stored", "group": group, "group_id": group_id}
        self._manifest.append({**record, "stored_key": key, "stored_in": self._bucket})

    def print_failures(self) -> None:
        """Print the failures that were not printed before."""
        new, self._reported = self._outcomes[self._reported :], len(self._outcomes)
        self._output.error(format_errors((one.source, one.error) for one, _ in new if one.error is not None))

    def finish(self) -> int:
        """Print the rest and the summary; returns the exit code."""
        self.print_failures()
        for group in dict.fromkeys(group for _, group in self._outcomes):
            self._output.info(self._group_summary(group, [one for one, of in self._outcomes if of == group]))
        if self._skipped:
            self._output.info(format_skipped(self._skipped))
        if duplicates := {twin for one, _ in self._outcomes for twin in one.duplicates}:
            words = f"Other assets with the same content: {', '.join(sorted(duplicates))}. `portrait rm` deletes them."
            self._output.info(words)
        return overall_exit_code(one for one, _ in self._outcomes)

    def _group_summary(self, group: str, outcomes: Sequence[FileOutcome]) -> str:
        group_id = self._group_ids.get(group, "")
        title = group if group_id in {"", group} else f"{group} ({group_id})"
        done = [one for one in outcomes if one.error is None]
        ends = Counter(one.state for one in outcomes if one.error is not None)
        failed = ", ".join(f"{ends[state]} {words}" for state, words in _ENDS.items() if ends[state])
        if not done:
            return f"{title}: {failed}."
        return f"{_state(done)} in {title}: {_origins(done)}{f'; {failed}' if failed else ''}."


def _state(done: Sequence[FileOutcome]) -> str:
    late = sum(one.state is FileState.TIMED_OUT for one in done)
    state = "in review" if late == len(done) else "Active or in review" if late else "Active"
    return f"{pluralize(len(done), 'file')} {state}"


def _origins(done: Sequence[FileOutcome]) -> str:
    """How the assets came to be; files that share one are duplicates but for the first."""
    by_asset: dict[str, FileOutcome] = {}
    for one in done:
        by_asset.setdefault(one.asset_id, one)
    parts = [f"{number} {origin}" for origin, number in Counter(str(one.origin) for one in by_asset.values()).items()]
    if same := len(done) - len(by_asset):
        parts.append(pluralize(same, "duplicate"))
    return ", ".join(parts)


def format_skipped(files: Sequence[str]) -> str:
    """Such as `2 other files skipped: a.txt, b.pdf.`."""
    more = f" and {len(files) - _MAX_SKIPPED} more" if len(files) > _MAX_SKIPPED else ""
    return f"{pluralize(len(files), 'other file')} skipped: {', '.join(files[:_MAX_SKIPPED])}{more}."


def overall_exit_code(outcomes: Iterable[FileOutcome]) -> int:
    """The exit code: the network first, since the same command then goes on; else what all have in common.

    Where nothing at all was done, a file that does not fit does not hide why the others were not sent either.
    """
    outcomes = list(outcomes)
    sent = {_code(outcome) for outcome in outcomes if outcome.state is not FileState.REJECTED}
    if NETWORK in sent:
        return NETWORK
    codes = {_code(outcome) for outcome in outcomes}
    return merge_exit_codes(sent if sent and OK not in sent else codes)


def _code(outcome: FileOutcome) -> int:
    if outcome.error is None:
        return OK
    return SOME_FAILED if outcome.state is FileState.REJECTED else exit_code(outcome.error)
