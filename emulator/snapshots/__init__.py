"""The state of an emulator at one moment: taken, restored, and written as JSON."""

from emulator.snapshots.codec import SnapshotError, decode, encode, is_snapshot
from emulator.snapshots.snapshot import Snapshot, Snapshots

__all__ = ["Snapshot", "SnapshotError", "Snapshots", "decode", "encode", "is_snapshot"]
