"""The values of the object store: events while it works, results at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from attrs import frozen


class Stage(StrEnum):
    """The stages of a file."""

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
    """The progress of one file.

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


class EventEmitter:
    """Calls the listener, one event at a time whatever thread it comes from."""

    def __init__(self, listener: OnEvent | None) -> None:
        self._listener = listener
        self._turn = threading.Lock()

    def __call__(self, event: UploadProgress | StorageWarning) -> None:
        """Deliver an event; what the listener raises reaches the caller of the operation."""
        if self._listener is not None:
            with self._turn:
                self._listener(event)


@frozen(kw_only=True)
class StoredObject:
    """A file that is in the bucket; `ObjectStore.url` gives the address of its key.

    Attributes:
        path: The file it was made from.
        key: The object's key: prefix, then the content's SHA-256.
        sha256: The content's SHA-256, 64 hex digits.
        size: Bytes.
        content_type: The media type that it is served with.
        existed: True where the bucket had it already and nothing was sent.
    """

    path: Path
    key: str
    sha256: str
    size: int
    content_type: str
    existed: bool


@frozen(kw_only=True)
class IncompleteUpload:
    """A multipart upload that was begun and neither completed nor aborted; its parts cost money.

    Attributes:
        key: The key it would have made.
        upload_id: The storage's id of the upload.
        started: When it was begun, UTC.
        age: How long ago that is, by the storage's own clock.
    """

    key: str
    upload_id: str
    started: datetime
    age: timedelta
