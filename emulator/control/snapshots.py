"""The control plane's snapshots: kept under names within bounds, loaded, and read as JSON."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from emulator.clocks import TimestampFormatter
from emulator.control.values import ControlError
from emulator.domain.records import Asset
from emulator.snapshots import Snapshot, SnapshotError, Snapshots, decode, encode
from emulator.snapshots.codec import VERSION

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_SNAPSHOTS = 20
MAX_RECORDS = 1_000_000
"""Records of all snapshots together."""
MAX_FILE_BYTES = 256 * 1_048_576
"""Bytes of uploaded files of all snapshots together."""

KINDS = ("customers", "groups", "assets", "validations", "files")


class NamedSnapshots:
    """The snapshots of one emulator by their names; every method may raise `ControlError`.

    Args:
        snapshots: Takes and restores the state.
        new_token: Makes a BytedToken for a moment and an owner.
        format_time: Writes times.
    """

    def __init__(
        self, snapshots: Snapshots, new_token: Callable[[float, str], str], format_time: TimestampFormatter
    ) -> None:
        self._snapshots, self._new_token, self._format_time = snapshots, new_token, format_time
        self._lock = Lock()
        self._named: dict[str, Snapshot] = {}

    def all(self) -> dict[str, Any]:
        """Every snapshot in the order of saving: its name, version, time, and how many records of each kind it has."""
        with self._lock:
            return {"snapshots": [self._describe(name, snapshot) for name, snapshot in self._named.items()]}

    def save(self, name: str) -> dict[str, Any]:
        """Keep the state as it is now, in place of another snapshot of that name."""
        if not NAME.fullmatch(name):
            raise ControlError(400, "a snapshot's name has 1 to 64 letters, digits, points, dashes and underscores")
        snapshot = self._snapshots.take()
        with self._lock:
            _check_room(snapshot, [each for key, each in self._named.items() if key != name])
            replaced = self._remove(name)
            self._named[name] = snapshot
        _free(replaced)
        return self._describe(name, snapshot)

    def load(self, name: str) -> dict[str, Any]:
        """Go back to a snapshot, its time included; calls, rules and snapshots stay."""
        snapshot = self._get(name)
        self._snapshots.restore(snapshot)
        return self._describe(name, snapshot)

    def read(self, name: str) -> bytes:
        """A snapshot as JSON."""
        try:
            return encode(self._get(name))
        except SnapshotError as error:
            raise ControlError(413, str(error)) from None

    def delete(self, name: str) -> dict[str, Any]:
        """Forget a snapshot."""
        with self._lock:
            self._get(name)
            removed = self._remove(name)
        _free(removed)
        return self.all()

    def load_document(self, document: Any) -> None:
        """Go to the state of a snapshot that was read as JSON, of this emulator or another one."""
        try:
            self._snapshots.restore(decode(document, self._new_token))
        except SnapshotError as error:
            raise ControlError(400, str(error)) from None

    def _remove(self, name: str) -> deque[Asset]:
        """The assets of a snapshot that is dropped, none where there is no such snapshot."""
        snapshot = self._named.pop(name, None)
        return deque(() if snapshot is None else snapshot.contents.assets)

    def _get(self, name: str) -> Snapshot:
        snapshot = self._named.get(name)
        if snapshot is None:
            raise _unknown(name)
        return snapshot

    def _describe(self, name: str, snapshot: Snapshot) -> dict[str, Any]:
        counts = {kind: len(getattr(snapshot.contents, kind)) for kind in KINDS}
        return {"name": name, "version": VERSION, "clock": self._format_time(snapshot.now), **counts}


def _free(assets: deque[Asset]) -> None:
    """Free assets one by one: a million in one step would stop every thread."""
    while assets:
        assets.popleft()


def _unknown(name: str) -> ControlError:
    return ControlError(404, f"there is no snapshot {name:.64}")


def _check_room(snapshot: Snapshot, others: Iterable[Snapshot]) -> None:
    snapshots = [snapshot, *others]
    if len(snapshots) > MAX_SNAPSHOTS:
        raise ControlError(409, f"there are {MAX_SNAPSHOTS} snapshots already: delete one first")
    if sum(len(getattr(each.contents, kind)) for each in snapshots for kind in KINDS) > MAX_RECORDS:
        raise ControlError(409, f"all snapshots together may have {MAX_RECORDS} records: delete one first")
    if sum(len(file.content) for each in snapshots for file in each.contents.files.values()) > MAX_FILE_BYTES:
        raise ControlError(409, f"all snapshots together may have {MAX_FILE_BYTES} bytes of files: delete one first")
