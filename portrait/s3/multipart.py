"""A large file into the bucket, part by part, so that a run that stops anywhere can be gone on with by the next.

It owns the order of things: remember, begin, ask what is there, send what is missing, see that the file is still the
same, complete. The storage's list of parts is the truth; the journal only says which upload is ours and which ETags it
answered. It must never decide keys, addresses or what exists already.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path

from attrs import frozen

from portrait.s3.calls import Body, Calls, ListedPart
from portrait.s3.content import Kind
from portrait.s3.errors import SourceChanged, StorageError, UploadGone
from portrait.s3.events import Announcer, Stage, UploadProgress
from portrait.s3.journal import Entry, Journal
from portrait.s3.parallel import in_parallel
from portrait.s3.plan import Part
from portrait.s3.slices import Slice, slice_md5
from portrait.s3.source import digest, fingerprint
from portrait.s3.stopping import StopFlag

_RESTARTS = 3
"""How often an upload may vanish under our hands before we give up."""
_HEX = frozenset("0123456789abcdef")


@frozen(kw_only=True)
class Sender:
    """What sending a large file needs; one for each file.

    Attributes:
        calls: The bucket.
        journal: Held by the caller for as long as this works.
        path: The file.
        kind: What it is served as.
        concurrency: Parts under way at once.
        check_slices: Hash again what is sent, because the client does not sign it with the known hash.
        announce: Told of progress.
        stop: Ends it soon.
    """

    calls: Calls
    journal: Journal
    path: Path
    kind: Kind
    concurrency: int
    check_slices: bool
    announce: Announcer
    stop: StopFlag

    def send(self, entry: Entry) -> None:
        """Bring the object about.

        Raises:
            SourceChanged: The file is no longer what was hashed; the upload was aborted.
            StorageError: Anything else; where it is `resumable` the upload is kept, else it was aborted.
        """
        for _ in range(_RESTARTS):
            try:
                entry, listed = self._begin(entry)
                with self._abort_if_final(entry):
                    etags = self._fill(entry, listed)
                    self._same_file(entry)
                    self.calls.complete(entry.key, str(entry.upload_id), etags, self.stop)
            except UploadGone:
                # Completed or aborted: by an attempt of ours whose answer was lost, another process, or the storage.
                if not self._exists(entry):
                    entry = self.journal.note_upload(entry, None)
                    continue
            self.journal.clear()
            return
        raise UploadGone(f"The upload of {self.path} vanished {_RESTARTS} times.")

    def _begin(self, entry: Entry) -> tuple[Entry, list[ListedPart]]:
        """Have an upload, and the storage's list of its parts."""
        # Before an upload exists it is remembered that it may: a run that dies right after leaves one on the storage.
        self.journal.begin(entry)
        if entry.upload_id is not None:
            return entry, self.calls.parts(entry.key, entry.upload_id, self.stop)
        found = self.calls.begun(entry.key, self.stop)
        if found is not None:
            listed = self.calls.parts(entry.key, found, self.stop)
            return self.journal.note_upload(entry, found, foreign=bool(listed)), listed
        made = self.calls.create(entry.key, entry.digest.sha256, self.kind.content_type, self.stop)
        return self.journal.note_upload(entry, made), []

    @contextlib.contextmanager
    def _abort_if_final(self, entry: Entry) -> Iterator[None]:
        try:
            yield
        except StorageError as error:
            if not error.resumable:
                self.drop(entry)
            raise

    def drop(self, entry: Entry) -> None:
        """Abort the upload and forget it; if the storage cannot be told now, it stays remembered for a clean-up."""
        with contextlib.suppress(StorageError):
            if entry.upload_id is not None:
                self.calls.abort(entry.key, entry.upload_id, self.stop)
            self.journal.clear()

    def _fill(self, entry: Entry, listed: list[ListedPart]) -> dict[int, str]:
        """Send every part that the storage does not have, and return the ETags of all."""
        etags = {part.number: part.etag for part in listed if self._trusted(entry, part)}
        done = sum(entry.plan.part(number).size for number in etags)
        if etags:
            self._tell(Stage.RESUMED, done, entry)
        turn = threading.Lock()
        upload_id = str(entry.upload_id)

        def send(part: Part) -> None:
            nonlocal done
            etag = self.calls.send_part(entry.key, upload_id, part, self._bodies(entry, part), self.stop)
            with turn:
                etags[part.number] = etag
                self.journal.note_part(part.number, etag)
                done += part.size
                self._tell(Stage.UPLOADING, done, entry)

        missing = [part for part in entry.plan.parts() if part.number not in etags]
        futures = in_parallel(send, missing, workers=self.concurrency, stop=self.stop, give_up=lambda _: True)
        for failure in filter(None, (future.exception() for future in futures)):
            if not isinstance(failure, CancelledError):
                raise failure
        return etags

    def _trusted(self, entry: Entry, listed: ListedPart) -> bool:
        """Whether a listed part is the one we would send."""
        if not 1 <= listed.number <= entry.plan.count:
            return False
        part = entry.plan.part(listed.number)
        if listed.size != part.size:
            return False
        if entry.etags.get(part.number) == listed.etag:
            return True
        if len(listed.etag) == 32 and _HEX.issuperset(listed.etag):
            return slice_md5(self.path, part, stop=self.stop) == listed.etag
        # R2's ETags of parts are not MD5. In an upload of our own, each part was signed with the hash of its content.
        return not entry.foreign

    def _bodies(self, entry: Entry, part: Part) -> Callable[[bool], Body]:
        sha256 = entry.digest.parts[part.number - 1]
        return lambda again: Slice(self.path, part, sha256=sha256, stop=self.stop, check=again or self.check_slices)

    def _same_file(self, entry: Entry) -> None:
        """See that the file is still what was hashed; one that was merely touched is hashed again to know."""
        seen = fingerprint(self.path)
        if seen == entry.seen:
            return
        if seen.size == entry.seen.size:
            again = digest(self.path, entry.plan, stop=self.stop, report=lambda _: None)
            if again == entry.digest and fingerprint(self.path) == seen:
                return
        raise SourceChanged(f"{self.path} changed while it was sent.")

    def _exists(self, entry: Entry) -> bool:
        return (entry.key, entry.plan.size) in self.calls.objects(entry.key, self.stop)

    def _tell(self, stage: Stage, done: int, entry: Entry) -> None:
        self.announce(
            UploadProgress(stage=stage, file=self.path, bytes_done=done, bytes_total=entry.plan.size, key=entry.key)
        )
