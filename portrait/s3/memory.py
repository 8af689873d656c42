"""The memory of a store: unfinished uploads, and whose turn it is to upload a file.

In a state this outlasts the process, and processes take turns; without one it lasts as long as the store. Which parts
exist is known from the storage's own list, never from here.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from portrait.errors import PortraitError
from portrait.memory import LazyState
from portrait.s3.concurrency import Context, KeyedLocks
from portrait.state import Holder, Key, Upload, short_digest

if TYPE_CHECKING:
    from portrait.state import Claim
    from portrait.state.claims import Claims
    from portrait.state.uploads import Uploads

TTL = 15.0
"""Seconds for which a claim outlasts its owner: a process that was killed holds the next one up for no longer. To lose
one does no harm: keys are made of content, so two processes that upload the same file store the same object."""
RENEW = 5.0  # seconds between two renewals
POLL = 0.5  # seconds between two looks at a claim that somebody else has


@frozen
class Turn:
    """The right to upload one file now, and what is remembered of its upload.

    Attributes:
        source: Names the file and its destination in `uploads`.
        uploads: Where unfinished uploads are remembered.
    """

    source: str
    uploads: Uploads | ProcessUploads


class UploadMemory:
    """The memory of one store. Safe across threads.

    Args:
        state: None inside is no state.
        destination: Names the storage, the bucket and the prefix.
    """

    def __init__(self, state: LazyState, destination: str) -> None:
        self._state = state
        self._destination = destination
        self._in_process = ProcessUploads()
        self._locks = KeyedLocks()

    def with_state(self, state: LazyState) -> UploadMemory:
        """This memory; where it has no state of its own, one in that state, if it is any."""
        return self if state.is_none or not self._state.is_none else UploadMemory(state, self._destination)

    @contextlib.contextmanager
    def turn(self, path: Path, context: Context, waiting: Callable[[], object]) -> Iterator[Turn]:
        """Keep other threads, and processes with the same state, from uploading this file.

        Args:
            path: The file.
            context: Ends the waiting.
            waiting: Called once if another process uploads it now.

        Raises:
            StateError: The state cannot be used; nothing was sent.
            Interrupted: Somebody asked to stop while it waited.
        """
        state = self._state.open()
        machine = "" if state is None else state.machine
        source = short_digest(self._destination, machine, str(path.absolute()))
        if state is None:
            with self._locks.hold(source):
                yield Turn(source, self._in_process)
        else:
            key = Key(short_digest(self._destination), "upload", source)
            with _claimed(state.claims, key, context, waiting):
                yield Turn(source, state.uploads)

    def forget(self, upload_ids: Collection[str]) -> None:
        """Drop what is remembered of uploads that no longer exist.

        Raises:
            StateError: The state cannot be written.
        """
        state = self._state.open()
        uploads = self._in_process if state is None else state.uploads
        uploads.forget(upload_ids)

    def close(self) -> None:
        """Close a state that was opened here."""
        self._state.close()


class ProcessUploads:
    """As `portrait.state.uploads.Uploads`, in the memory of this process."""

    def __init__(self) -> None:
        self._uploads: dict[str, Upload] = {}
        self._etags: dict[str, dict[int, str]] = {}

    def find(self, source: str) -> Upload | None:
        """The upload that is remembered for a file; None without one."""
        upload = self._uploads.get(source)
        return None if upload is None else evolve(upload, etags=dict(self._etags.get(source, {})))

    def begin(self, source: str, upload: Upload) -> None:
        """Remember an upload in place of another of the same source."""
        self._etags[source] = dict(upload.etags)
        self._uploads[source] = upload

    def set_upload_id(self, source: str, upload_id: str | None, *, foreign: bool = False) -> None:
        """Remember the storage's id; ETags of another upload are forgotten."""
        if (upload := self._uploads.get(source)) is not None:  # another thread may have forgotten it
            self.begin(source, evolve(upload, upload_id=upload_id, foreign=foreign, etags={}))

    def record_part(self, source: str, number: int, etag: str) -> None:
        """Remember one part."""
        if (etags := self._etags.get(source)) is not None:
            etags[number] = etag

    def clear(self, source: str) -> None:
        """Forget an upload."""
        self._uploads.pop(source, None)
        self._etags.pop(source, None)

    def forget(self, upload_ids: Collection[str]) -> None:
        """Forget uploads by the storage's ids."""
        for source, upload in list(self._uploads.items()):
            if upload.upload_id in upload_ids:
                self.clear(source)


@contextlib.contextmanager
def _claimed(claims: Claims, key: Key, context: Context, waiting: Callable[[], object]) -> Iterator[None]:
    """Have the claim, renewed by a thread: one request of an upload may take minutes."""
    claim = _acquire(claims, key, context, waiting)
    finished = threading.Event()
    renewer = threading.Thread(target=_renew, args=(claims, claim, finished), name="portrait-store-claim", daemon=True)
    renewer.start()
    try:
        yield
    finally:
        finished.set()
        renewer.join()
        with contextlib.suppress(PortraitError):  # it ends by itself
            claims.release(claim)


def _acquire(claims: Claims, key: Key, context: Context, waiting: Callable[[], object]) -> Claim:
    notified = False
    while isinstance(answer := claims.acquire(key, TTL), Holder):
        if not notified:
            waiting()
            notified = True
        context.sleep(min(POLL, answer.seconds))
    return answer


def _renew(claims: Claims, claim: Claim, finished: threading.Event) -> None:
    while not finished.wait(RENEW):
        with contextlib.suppress(PortraitError):  # what the upload itself writes there tells of it
            claims.renew(claim, TTL)
