"""What became of files: each told as soon as it is known, failures and a sum at the end. Owns the record of a file, on
stdout and in the manifest, and the words; must not know how files are sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portrait.cli.failing import NETWORK, OK, SOME_FAILED, as_json, combined, exit_code, together
from portrait.cli.manifest import Manifest
from portrait.cli.records import counted
from portrait.ensuring import FileOutcome, FileState

if TYPE_CHECKING:
    from portrait.cli.output import Output


def outcome_record(outcome: FileOutcome) -> dict[str, Any]:
    """What became of a file, for programs."""
    record: dict[str, Any] = {
        "file": outcome.source,
        "uri": outcome.uri or None,
        "status": outcome.state.value,
        "how": outcome.how.value if outcome.how else None,
        "asset_id": outcome.asset_id or None,
        "group_id": outcome.group_id or None,
        "sha256": outcome.sha256 or None,
        "stored_key": outcome.stored_key or None,
    }
    if outcome.duplicates:
        record["duplicates"] = list(outcome.duplicates)
    if outcome.error is not None:
        record["error"] = as_json(outcome.error)
    return record


class Report:
    """Takes outcomes, and tells of them.

    Attributes:
        outcomes: All of them so far.
        paths: File → what it was called, where that differs.
    """

    def __init__(self, output: Output, manifest: Manifest, bucket: str | None) -> None:
        self.outcomes: list[FileOutcome] = []
        self.paths: dict[Path, str] = {}
        self._bucket = bucket
        self._groups: dict[str, str] = {}
        self._output = output
        self._manifest = manifest
        self._told = 0
        self._first: dict[tuple[str, str], str] = {}

    def enter(self, group: str, group_id: str) -> None:
        """The work is at that group now."""
        self._groups[group_id] = group

    def give(self, outcome: FileOutcome, group: str | None = None) -> None:
        """One outcome. To people, failures are told later."""
        self.outcomes.append(outcome)
        record = outcome_record(outcome)
        record["group"] = self._groups.get(outcome.group_id, group)
        if outcome.stored_key:
            record["stored_in"] = self._bucket
        if outcome.asset_id:
            first = self._first.setdefault((outcome.group_id, outcome.asset_id), outcome.source)
            if first != outcome.source:
                record["same_as"] = first
        self._manifest.append(record)
        line = "" if outcome.error is not None else f"{outcome.uri}  {outcome.source}"
        if outcome.state is FileState.LATE and line:
            line += "  (in review)"
        self._output.event(record, line=line, key="uri" if line else "")

    def stored(self, path: Path, key: str) -> None:
        """A file has an object; what is stored must be known even if nothing else comes of it."""
        group_id, group = list(self._groups.items())[-1]
        record = {"file": self.paths.get(path, str(path)), "status": "Stored", "group": group, "group_id": group_id}
        self._manifest.append({**record, "stored_key": key, "stored_in": self._bucket})

    def tell_failures(self) -> None:
        """Those that were not told before."""
        fresh, self._told = self.outcomes[self._told :], len(self.outcomes)
        self._output.complain(together((one.source, one.error) for one in fresh if one.error is not None))

    def sum_up(self) -> int:
        """Tell the rest and the sum; the result is the exit code."""
        self.tell_failures()
        done = [one for one in self.outcomes if one.error is None]
        for group_id in dict.fromkeys(one.group_id for one in done):
            self._output.remark(self._of_group(group_id, [one for one in done if one.group_id == group_id]))
        failed = Counter(one.state.value for one in self.outcomes if one.error is not None)
        if failed:
            parts = ", ".join(f"{number} {state.lower()}" for state, number in failed.items())
            self._output.remark(f"{counted(failed.total(), 'file')} not: {parts}.")
        if twins := {twin for one in self.outcomes for twin in one.duplicates}:
            words = f"Other assets with the same content: {', '.join(sorted(twins))}. `portrait rm` deletes them."
            self._output.remark(words)
        return code_of_all(self.outcomes)

    def _of_group(self, group_id: str, done: list[FileOutcome]) -> str:
        by_asset: dict[str, FileOutcome] = {}
        for one in done:
            by_asset.setdefault(one.asset_id, one)
        hows = Counter(str(one.how) for one in by_asset.values())
        parts = [f"{number} {how}" for how, number in hows.items()]
        if same := len(done) - len(by_asset):
            parts.append(counted(same, "duplicate"))
        late = sum(one.state is FileState.LATE for one in done)
        state = "in review" if late == len(done) else "Active or in review" if late else "Active"
        return f"{counted(len(done), 'file')} {state} in {group_id}: {', '.join(parts)}."


def code_of_all(outcomes: Iterable[FileOutcome]) -> int:
    """The exit code: the network first, since the same command then goes on; else what all have in common."""
    codes = {_code(outcome) for outcome in outcomes}
    return NETWORK if NETWORK in codes else combined(codes)


def _code(outcome: FileOutcome) -> int:
    if outcome.error is None:
        return OK
    return SOME_FAILED if outcome.state is FileState.REJECTED else exit_code(outcome.error)
