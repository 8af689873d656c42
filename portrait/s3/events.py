"""What the object store tells while it works: frozen values, handed to the caller's `on_event`.

It owns the event classes and the rule that no secret is in them. It must never know who listens, nor let two threads
talk at once: `Announcer` takes turns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from attrs import frozen


class Stage(StrEnum):
    """What is being done with a file."""

    HASHING = "hashing"
    WAITING = "waiting"
    """Another process is uploading the same file."""
    RESUMED = "resumed"
    """An earlier upload goes on; `bytes_done` is what the storage had already."""
    UPLOADING = "uploading"
    STORED = "stored"
    EXISTED = "existed"
    """The bucket had it already: nothing was sent."""


@frozen(kw_only=True)
class UploadProgress:
    """How far one file has come.

    Attributes:
        stage: What is being done.
        file: The file.
        bytes_done: Bytes of this stage that are done; never falls within a stage.
        bytes_total: Bytes of the file.
        key: The object's key, "" until the content is known.
    """

    stage: Stage
    file: Path
    bytes_done: int
    bytes_total: int
    key: str = ""


@frozen(kw_only=True)
class StorageWarning:
    """Something works, but not as it should in production.

    Attributes:
        message: What, and what to do about it.
    """

    message: str


OnEvent = Callable[[UploadProgress | StorageWarning], object]


class Announcer:
    """Calls the listener, one event at a time whatever thread it comes from."""

    def __init__(self, listener: OnEvent | None) -> None:
        self._listener = listener
        self._turn = threading.Lock()

    def __call__(self, event: UploadProgress | StorageWarning) -> None:
        """Hand an event over; what the listener raises goes to whoever does the work."""
        if self._listener is not None:
            with self._turn:
                self._listener(event)


def without_query(url: str) -> str:
    """The address without its query, which may hold a signature."""
    head, mark, _ = url.partition("?")
    return f"{head}?…" if mark else head
