"""Reports the outcomes of files: a record for each, on stdout and in the manifest, and a summary at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from portrait.cli.console import OutputError
from portrait.cli.errors import (
    NETWORK,
    OK,
    SOME_FAILED,
    error_record,
    exit_code,
    format_error,
    format_errors,
    merge_exit_codes,
)
from portrait.cli.manifest import Manifest
from portrait.cli.output import Output
from portrait.cli.serialize import pluralize
from portrait.ensure import FileOutcome, FileState, is_url

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
NO_MEDIA = "no media"
# Why a file of a folder is not sent → what people call it.
_SKIPPED: Mapping[str, str] = MappingProxyType(
    {NO_MEDIA: "other file", "hidden": "hidden item", "linked folder": "linked folder"}
)
_MAX_SKIPPED = 3  # of each kind, that people see


def outcome_record(outcome: FileOutcome) -> dict[str, Any]:
    """The record of a file. `origin` is how the asset came to be, in the library's words."""
    record: dict[str, Any] = {
        "file": outcome.source,
        "uri": outcome.uri or None,
        "status": outcome.state.value,
        "origin": outcome.origin.value if outcome.origin else None,
        "asset_id": outcome.asset_id or None,
        "group_id": outcome.group_id or None,
        "sha256": (outcome.sha256 or None) if not is_url(outcome.source) else None,  # nobody has read what is there
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
        paths: File → its name on the command line, of all that may be stored.
        group_ids: The ids of groups as they were named, in the order in which they are worked on; "" where one is not
            known yet.
    """

    def __init__(self, output: Output, manifest: Manifest, bucket: str | None) -> None:
        self.paths: dict[Path, str] = {}
        self.group_ids: dict[str, str] = {}
        self._outcomes: list[tuple[FileOutcome, str]] = []
        self._skipped: list[tuple[str, str]] = []
        self._bucket = bucket
        self._output = output
        self._manifest = manifest
        self._reported = 0
        self._silent = False
        self._first: dict[tuple[str, str], str] = {}
        self._full: set[str] = set()

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
        line = "" if outcome.error is not None else f"{record['uri'] or ''}  {outcome.source}"
        if outcome.state is FileState.TIMED_OUT and line:
            line += "  (in review)"
        self._record(record, line)
        if outcome.state is FileState.NO_ROOM and outcome.error is not None and group not in self._full:
            self._full.add(group)  # people read this one at once: there is time to stop
            self._output.info(f"{group}: {outcome.error.message}")

    def skip(self, source: str, reason: str, group: str | None) -> None:
        """Add a file of a folder that is not sent, or a folder in it that is not looked into.

        Args:
            source: Its path.
            reason: `no media`, `hidden` or `linked folder`.
            group: The one that it would go into, where that is known.
        """
        self._skipped.append((source, reason))
        record = outcome_record(FileOutcome(source=source, state=FileState.REJECTED))
        self._record(record | {"status": "Skipped", "reason": reason, "group": group})

    def _record(self, record: Mapping[str, Any], line: str = "") -> None:
        """Write a record to the manifest and to stdout. An error of one of them keeps nothing from the other.

        Raises:
            OutputError: Stdout cannot be written; raised once, and later records go to the manifest alone.
            BrokenPipeError: Nobody reads it any more; likewise.
        """
        self._append(record)
        if self._silent:
            return
        try:
            self._output.print_event(record, line=line, key="uri" if line else "")
        except (OutputError, BrokenPipeError):
            self._silent = True
            raise

    def _append(self, record: Mapping[str, Any]) -> None:
        if error := self._manifest.append(record):
            self._output.error(format_error(error))

    def stored(self, path: Path, key: str) -> None:
        """Record that a file has an object: it must be known even if no asset comes of it."""
        group, group_id = list(self.group_ids.items())[-1]
        record = {"file": self.paths[path], "status": "Stored", "group": group, "group_id": group_id}
        self._append({**record, "stored_key": key, "stored_in": self._bucket})

    def print_failures(self) -> None:
        """Print the failures that were not printed before."""
        new, self._reported = self._outcomes[self._reported :], len(self._outcomes)
        failures = [(one.source, one.error) for one, _ in new if one.error is not None]
        if failures:
            self._output.error(format_errors(failures))

    def describe_progress(self, files: int, asset_ids: Collection[str]) -> str:
        """How far an interrupted run got: "9 of 40 files Active, 3 still in review, 28 still to be sent.".

        Args:
            files: How many there are in all.
            asset_ids: Assets that the run created, whether their files were reported or not.
        """
        ends = Counter(one.state for one, _ in self._outcomes)
        ends[FileState.TIMED_OUT] += len({*asset_ids} - {one.asset_id for one, _ in self._outcomes})
        others = [f"{ends[state]} {words}" for state, words in _ENDS.items() if ends[state]]
        to_send = files - sum(ends.values())
        others += [f"{to_send} still to be sent"] * (to_send > 0)
        active = f"{ends[FileState.ACTIVE]} of {pluralize(files, 'file')} Active"
        return f"{', '.join([active, *others])}."

    def finish(self) -> int:
        """Print the rest and the summary; returns the exit code."""
        self.print_failures()
        for group in dict.fromkeys(group for _, group in self._outcomes):
            self._output.info(self._group_summary(group, [one for one, of in self._outcomes if of == group]))
        for line in format_skipped(self._skipped):
            self._output.info(line)
        if duplicates := {twin for one, _ in self._outcomes for twin in one.duplicates}:
            words = f"Other assets with the same content: {', '.join(sorted(duplicates))}. `portrait rm` deletes them."
            self._output.info(words)
        return self._exit_code()

    def _exit_code(self) -> int:
        """A manifest that lacks outcomes is no success, whatever became of the files."""
        if error := self._manifest.sync():
            self._output.error(format_error(error))
        code = overall_exit_code(one for one, _ in self._outcomes)
        return exit_code(self._manifest.error) if self._manifest.error is not None and code == OK else code

    def _group_summary(self, group: str, outcomes: Sequence[FileOutcome]) -> str:
        group_id = self.group_ids.get(group, "")
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


def format_skipped(skipped: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A sentence for each reason, such as `2 hidden items skipped: .git, .DS_Store.`."""
    by_reason: dict[str, list[str]] = {reason: [] for reason in _SKIPPED}
    for source, reason in skipped:
        by_reason[reason].append(source)
    for reason, sources in by_reason.items():
        more = f" and {len(sources) - _MAX_SKIPPED} more" if len(sources) > _MAX_SKIPPED else ""
        if sources:
            yield f"{pluralize(len(sources), _SKIPPED[reason])} skipped: {', '.join(sources[:_MAX_SKIPPED])}{more}."


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
