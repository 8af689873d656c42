"""What became of files: each told as soon as it is known, failures and a sum at the end. Owns the record of a file, on
stdout and in the manifest, and the words; must not know how files are sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from portrait.cli.errors import NETWORK, OK, SOME_FAILED, error_record, exit_code, format_errors, merge_exit_codes
from portrait.cli.manifest import Manifest
from portrait.cli.serialize import pluralize
from portrait.ensure import FileOutcome, FileState

if TYPE_CHECKING:
    from portrait.cli.output import Output


# How a file ended that is no Active asset, in the words of the sum.
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
_SHOWN = 3  # skipped files that people see


def outcome_record(outcome: FileOutcome) -> dict[str, Any]:
    """What became of a file, for programs. `origin` is how the asset came to be, as the library has it."""
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
    """Takes outcomes, and tells of them.

    Attributes:
        paths: File → what it was called, where that differs.
    """

    def __init__(self, output: Output, manifest: Manifest, bucket: str | None) -> None:
        self.paths: dict[Path, str] = {}
        self._given: list[tuple[FileOutcome, str]] = []
        self._skipped: list[str] = []
        self._bucket = bucket
        self._ids: dict[str, str] = {}
        self._output = output
        self._manifest = manifest
        self._told = 0
        self._first: dict[tuple[str, str], str] = {}
        self._full: set[str] = set()

    def enter(self, group: str, group_id: str) -> None:
        """The work is at that group now."""
        self._ids[group] = group_id

    def give(self, outcome: FileOutcome, group: str) -> None:
        """One outcome, of a file for the group that was named so. To people, failures are told later."""
        self._given.append((outcome, group))
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
            self._full.add(group)  # this one is told at once: there is time to stop
            self._output.info(f"{group}: {outcome.error.message}")

    def skip(self, source: str, group: str) -> None:
        """A file in a folder that nobody meant."""
        self._skipped.append(source)
        record = outcome_record(FileOutcome(source=source, state=FileState.REJECTED))
        record |= {"status": "Skipped", "group": group}
        self._manifest.append(record)
        self._output.print_event(record)

    def stored(self, path: Path, key: str) -> None:
        """A file has an object; what is stored must be known even if nothing else comes of it."""
        group, group_id = list(self._ids.items())[-1]
        record = {"file": self.paths.get(path, str(path)), "status": "Stored", "group": group, "group_id": group_id}
        self._manifest.append({**record, "stored_key": key, "stored_in": self._bucket})

    def tell_failures(self) -> None:
        """Those that were not told before."""
        fresh, self._told = self._given[self._told :], len(self._given)
        self._output.error(format_errors((one.source, one.error) for one, _ in fresh if one.error is not None))

    def sum_up(self) -> int:
        """Tell the rest and the sum; the result is the exit code."""
        self.tell_failures()
        for group in dict.fromkeys(group for _, group in self._given):
            self._output.info(self._of_group(group, [one for one, of in self._given if of == group]))
        if self._skipped:
            self._output.info(skipped(self._skipped))
        if twins := {twin for one, _ in self._given for twin in one.duplicates}:
            words = f"Other assets with the same content: {', '.join(sorted(twins))}. `portrait rm` deletes them."
            self._output.info(words)
        return overall_exit_code(one for one, _ in self._given)

    def _of_group(self, group: str, outcomes: Sequence[FileOutcome]) -> str:
        group_id = self._ids.get(group, "")
        called = group if group_id in {"", group} else f"{group} ({group_id})"
        done = [one for one in outcomes if one.error is None]
        ends = Counter(one.state for one in outcomes if one.error is not None)
        failed = ", ".join(f"{ends[state]} {words}" for state, words in _ENDS.items() if ends[state])
        if not done:
            return f"{called}: {failed}."
        return f"{_state(done)} in {called}: {_hows(done)}{f'; {failed}' if failed else ''}."


def _state(done: Sequence[FileOutcome]) -> str:
    late = sum(one.state is FileState.TIMED_OUT for one in done)
    state = "in review" if late == len(done) else "Active or in review" if late else "Active"
    return f"{pluralize(len(done), 'file')} {state}"


def _hows(done: Sequence[FileOutcome]) -> str:
    """How the assets came to be; files that share one are duplicates but for the first."""
    by_asset: dict[str, FileOutcome] = {}
    for one in done:
        by_asset.setdefault(one.asset_id, one)
    parts = [f"{number} {origin}" for origin, number in Counter(str(one.origin) for one in by_asset.values()).items()]
    if same := len(done) - len(by_asset):
        parts.append(pluralize(same, "duplicate"))
    return ", ".join(parts)


def skipped(files: Sequence[str]) -> str:
    """Such as `2 other files skipped: a.txt, b.pdf.`."""
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return f"{pluralize(len(files), 'other file')} skipped: {', '.join(files[:_SHOWN])}{more}."


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
