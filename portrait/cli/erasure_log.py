"""The journal of erasures: what was about to be erased, so that a run that was killed is taken up, and that it was, so
that asking again is answered. Owns the files; must not know what is erased. It holds ids and keys made of content, and
no name: the file is called by a digest of what the group was called.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from attrs import frozen

from portrait.errors import UsageError


@frozen
class Erasure:
    """What is noted of one group.

    Attributes:
        path: The file.
        group_id: The group's id; "" if nothing is noted.
        objects: Addresses of what is still to be deleted.
    """

    path: Path
    group_id: str = ""
    objects: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: str, base_url: str, project: str, wanted: str) -> Self:
        """What is noted of the group that somebody calls so there."""
        where = base_url if project == "default" else f"{base_url}\n{project}"
        name = hashlib.sha256(f"{where}\n{wanted}".encode()).hexdigest()[:32]
        path = Path(folder) / "erasures" / f"{name}.json"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            noted = json.loads(path.read_bytes())
            return cls(path, str(noted["group_id"]), tuple(map(str, noted["objects"])))
        return cls(path)

    def write(self, group_id: str, objects: Iterable[str]) -> None:
        """This is to be erased; with no objects, all that remains to be known is that there was such a group.

        Raises:
            UsageError: It cannot be noted.
        """
        noted = {"group_id": group_id, "objects": list(objects)}
        beside = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with beside.open("w", encoding="utf-8") as file:
                json.dump(noted, file)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError as error:
            raise UsageError(
                f"The state folder {self.path.parent} cannot be written: {error.strerror}.",
                advice="Free some space, or name a writable folder by --state-dir.",
            ) from error
