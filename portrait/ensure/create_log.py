"""A log of creates: what a process was about to create when it was killed, so that the next one looks twice.

A read may lag a create by some seconds (contract §3). A process that starts right after another was killed must not
trust its first list as long as a create of the other may be hidden in that lag. One line of JSON each, appended and
synced before the create is sent. It holds digests and group ids, no names and no secrets.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from portrait.errors import UsageError


class CreateLog:
    """The log in one folder; several processes may append to it.

    Args:
        folder: Where it is; created if it is not there.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._path = Path(folder) / "creates.jsonl"

    def check(self) -> None:
        """See that the log can be written, before anything is created.

        Raises:
            UsageError: It cannot.
        """
        self._write(b"\n")

    def record(self, group_id: str, digest: str, now: float) -> None:
        """A create is about to be sent.

        Raises:
            UsageError: The log cannot be written; nothing should be created then.
        """
        self._append({"begin": digest, "group": group_id, "at": now})

    def resolve(self, group_id: str, digest: str) -> None:
        """The create was answered, well or badly."""
        self._append({"end": digest, "group": group_id})

    def pending(self, group_id: str) -> dict[str, float]:
        """When each create was begun that was not answered, by digest; seconds since 1970."""
        begun: dict[str, float] = {}
        for row in self._rows():
            if row.get("group") != group_id:
                continue
            if "begin" in row:
                begun[str(row["begin"])] = float(row.get("at") or 0)
            else:
                begun.pop(str(row.get("end")), None)
        return begun

    def _rows(self) -> list[dict[str, Any]]:
        try:
            lines = self._path.read_bytes().splitlines()
        except OSError:
            return []
        rows = []
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError:  # the line that a killed process was writing
                continue
            if isinstance(row, dict):
                rows.append(row)
        return rows

    def _append(self, row: dict[str, Any]) -> None:
        # One write of one line: lines of several processes do not mix. A newline first ends a torn line.
        self._write(b"\n" + json.dumps(row).encode())

    def _write(self, line: bytes) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, line)
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise UsageError(
                f"The state folder {self._path.parent} cannot be written: {error.strerror}.",
                advice="Name another one by state_dir= (--state-dir) or $XDG_STATE_HOME.",
            ) from error
