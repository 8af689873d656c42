"""Remembers erasures: which objects of a group are still to be deleted, also after the group is gone.

It holds ids, and keys made of content; no name: a record is found by a digest of what the group is called.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from portrait.errors import UsageError


@frozen
class ErasureRecord:
    """What is known of the erasure of one group.

    Attributes:
        group_id: The group's id.
        objects: Addresses `s3://bucket/key` of what is still to be deleted.
    """

    group_id: str
    objects: tuple[str, ...]


class ErasureLog:
    """Erasures of one service and project.

    Args:
        folder: Where they are; created when the first one is written.
        base_url: The service.
        project: The project.
    """

    def __init__(self, folder: str | os.PathLike[str], base_url: str, project: str) -> None:
        self._folder = Path(folder) / "erasures"
        service = base_url.rstrip("/")
        self._scope = service if project == "default" else f"{service}\n{project}"

    def read(self, group: str) -> ErasureRecord | None:
        """The record of the group of that id or name; None if there is none."""
        return _read(self._path(group))

    def write(self, group_id: str, name: str, objects: Iterable[str]) -> None:
        """Record what is still to be deleted, under the group's id, its name, and every name that it had before.

        Raises:
            UsageError: It cannot be written.
        """
        content = json.dumps({"group_id": group_id, "objects": list(objects)})
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            paths = {path for path in self._folder.glob("*.json") if getattr(_read(path), "group_id", "") == group_id}
            for path in paths | {self._path(group_id), self._path(name or group_id)}:
                temporary = path.with_suffix(".new")
                with temporary.open("w", encoding="utf-8") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
        except OSError as error:
            raise UsageError(
                f"The state folder {self._folder} cannot be written: {error.strerror}.",
                advice="Free some space, or name a writable folder by state_dir= (--state-dir).",
            ) from error

    def _path(self, group: str) -> Path:
        digest = hashlib.sha256(f"{self._scope}\n{group}".encode()).hexdigest()
        return self._folder / f"{digest[:32]}.json"


def _read(path: Path) -> ErasureRecord | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        row = json.loads(path.read_bytes())
        return ErasureRecord(str(row["group_id"]), tuple(map(str, row["objects"])))
    return None
