"""Uploads one file: it exists already, it goes by one request, or it goes in parts that a later run can resume.

The storage's list of parts is the truth; the memory says which upload is ours and which ETags were answered.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path

from attrs import evolve, field, frozen

from portrait.errors import PortraitError
from portrait.media import HEAD_BYTES
from portrait.s3.concurrency import Context, KeyedLocks, run_parallel
from portrait.s3.errors import NoSuchUpload, SourceChanged, StorageError
from portrait.s3.files import Digest, FilePart, FileStat, digest, part_md5, read_head, read_whole, stat_file
from portrait.s3.keys import MediaKind, detect, key_for
from portrait.s3.memory import Turn, UploadMemory
from portrait.s3.models import EventEmitter, Stage, StoredObject, UploadProgress
from portrait.s3.operations import Body, ListedPart, Operations
from portrait.s3.parts import MIB, Part, Plan, plan_parts
from portrait.state import Upload

IN_MEMORY = MIB
"""Files up to this many bytes are read once, whole; larger ones in blocks, whatever their size."""
SINGLE_PUT = 16 * MIB
"""Files up to this many bytes, and no more than a part has, go by one request."""


@frozen
class _Item:
    """A file whose content is known, and so its key."""

    path: Path
    size: int
    sha256: str
    kind: MediaKind
    key: str


@frozen(kw_only=True)
class Uploader:
    """Stores files at one place; safe for use by many threads.

    Attributes:
        operations: The bucket.
        prefix: What keys begin with, "" for nothing.
        memory: Of unfinished uploads.
        concurrency: Parts of one file under way at once.
        part_size: Bytes that a part should have.
        verify_parts: As in `MultipartUpload`.
        emit: Called with progress.
    """

    operations: Operations
    prefix: str
    memory: UploadMemory
    concurrency: int
    part_size: int
    verify_parts: bool
    emit: EventEmitter
    _one_writer: KeyedLocks = field(factory=KeyedLocks)

    def store(self, path: Path, existing_sizes: dict[str, int] | None, context: Context) -> StoredObject:
        """Store one file.

        Args:
            path: The file.
            existing_sizes: Sizes by key of what the bucket holds, if it was listed already; what is stored is added.
            context: Ends it soon.
        """
        size = stat_file(path).size
        if size <= IN_MEMORY:
            content = read_whole(path, size)
            item = self._item(path, size, hashlib.sha256(content).hexdigest(), detect(content[:HEAD_BYTES], path.name))
            return self._put(item, lambda _: content, existing_sizes, context)
        kind = detect(read_head(path, HEAD_BYTES), path.name)
        if self.in_parts(size):
            return self._in_parts(path, kind, existing_sizes, context)
        whole = Plan(size, size)
        sha256 = digest(path, whole, cancel=context.cancel, report=self._hashing(path, size)).sha256

        def body(again: bool) -> FilePart:  # noqa: FBT001 - the form that `Operations` asks for
            return FilePart(path, whole.part(1), sha256=sha256, cancel=context.cancel, check=again or self.verify_parts)

        return self._put(self._item(path, size, sha256, kind), body, existing_sizes, context)

    def in_parts(self, size: int) -> bool:
        """Whether a file of that many bytes goes in parts."""
        return size > min(SINGLE_PUT, self.part_size)

    def _item(self, path: Path, size: int, sha256: str, kind: MediaKind) -> _Item:
        return _Item(path, size, sha256, kind, key_for(self.prefix, sha256, kind.extension))

    def _put(
        self, item: _Item, body: Callable[[bool], Body], existing_sizes: dict[str, int] | None, context: Context
    ) -> StoredObject:
        with self._one_writer.hold(item.key):
            existed = self._has(item, existing_sizes, context)
            if not existed:
                self._progress(Stage.UPLOADING, item.path, 0, item.size, item.key)
                self.operations.put(item.key, body, item.sha256, item.kind.content_type, context)
            return self._stored(item, existing_sizes, existed=existed)

    def _in_parts(
        self, path: Path, kind: MediaKind, existing_sizes: dict[str, int] | None, context: Context
    ) -> StoredObject:
        with self.memory.turn(
            path, context, lambda: self._progress(Stage.WAITING, path, 0, stat_file(path).size)
        ) as turn:
            sender = MultipartUpload(
                operations=self.operations,
                turn=turn,
                path=path,
                kind=kind,
                concurrency=self.concurrency,
                verify_parts=self.verify_parts,
                emit=self.emit,
                context=context,
            )
            upload, remembered = self._upload(sender, path, kind, context)
            item = _Item(path, upload.size, upload.sha256, kind, upload.key)
            with self._one_writer.hold(item.key):
                existed = self._has(item, existing_sizes, context)
                if not existed:
                    sender.send(upload)
                elif remembered:
                    sender.drop(upload)
                return self._stored(item, existing_sizes, existed=existed)

    def _upload(self, sender: MultipartUpload, path: Path, kind: MediaKind, context: Context) -> tuple[Upload, bool]:
        """What to send, and whether an earlier run remembered it; its hashes hold while the file looks the same."""
        remembered, stat = sender.turn.uploads.find(sender.turn.source), stat_file(path)
        if remembered is not None and remembered.fingerprint == stat.fingerprint:
            return remembered, True
        if remembered is not None and remembered.size == stat.size:
            plan = _plan(remembered)
        else:
            plan = plan_parts(stat.size, self.part_size)
        hashes = digest(path, plan, cancel=context.cancel, report=self._hashing(path, stat.size))
        if stat_file(path) != stat:
            raise SourceChanged(f"{path} changed while it was read.")
        if remembered is None:
            key = key_for(self.prefix, hashes.sha256, kind.extension)
            return _new_upload(stat, plan, hashes, key), False
        if hashes == _digest(remembered):
            return evolve(remembered, fingerprint=stat.fingerprint), True
        sender.drop(remembered)
        raise SourceChanged(f"{path} changed since its upload began; that upload was aborted.")

    def _has(self, item: _Item, existing_sizes: dict[str, int] | None, context: Context) -> bool:
        """Whether the object is there, whole: by the listing made before, else by one of exactly this key."""
        if existing_sizes is not None:
            return existing_sizes.get(item.key) == item.size
        return self.operations.exists(item.key, item.size, context)

    def _stored(self, item: _Item, existing_sizes: dict[str, int] | None, *, existed: bool) -> StoredObject:
        if existing_sizes is not None:
            existing_sizes[item.key] = item.size
        self._progress(Stage.EXISTED if existed else Stage.STORED, item.path, item.size, item.size, item.key)
        return StoredObject(
            path=item.path,
            key=item.key,
            sha256=item.sha256,
            size=item.size,
            content_type=item.kind.content_type,
            existed=existed,
        )

    def _hashing(self, path: Path, size: int) -> Callable[[int], None]:
        return lambda done: self._progress(Stage.HASHING, path, done, size)

    def _progress(self, stage: Stage, path: Path, done: int, total: int, key: str = "") -> None:
        self.emit(UploadProgress(stage=stage, file=path, bytes_done=done, bytes_total=total, key=key))


_MAX_RESTARTS = 3
"""How often an upload may vanish under our hands before we give up."""
_HEX = frozenset("0123456789abcdef")


@frozen(kw_only=True)
class MultipartUpload:
    """The multipart upload of one large file.

    Attributes:
        operations: The bucket.
        turn: Held by the caller for as long as this works.
        path: The file.
        kind: What it is served as.
        concurrency: Parts under way at once.
        verify_parts: Hash again what is sent, because the client does not sign it with the known hash.
        emit: Called with progress.
        context: Ends it soon.
    """

    operations: Operations
    turn: Turn
    path: Path
    kind: MediaKind
    concurrency: int
    verify_parts: bool
    emit: EventEmitter
    context: Context

    def send(self, upload: Upload) -> None:
        """Bring the object about.

        Raises:
            SourceChanged: The file is no longer what was hashed; the upload was aborted.
            StorageError: Anything else; where it is `resumable` the upload is kept, else it was aborted.
        """
        for _ in range(_MAX_RESTARTS):
            try:
                upload, listed = self._begin(upload)
                with self._abort_if_final(upload):
                    etags = self._fill(upload, listed)
                    self._same_file(upload)
                    self.operations.complete(upload.key, upload.size, str(upload.upload_id), etags, self.context)
            except NoSuchUpload:
                # Completed or aborted: by an attempt of ours whose answer was lost, another process, or the storage.
                if not self.operations.exists(upload.key, upload.size, self.context):
                    upload = self._set_upload_id(upload, None)
                    continue
            self.turn.uploads.clear(self.turn.source)
            return
        raise NoSuchUpload(f"The upload of {self.path} vanished {_MAX_RESTARTS} times.")

    def _begin(self, upload: Upload) -> tuple[Upload, list[ListedPart]]:
        """Have an upload, and the storage's list of its parts."""
        # Before an upload exists it is remembered that it may: a run that dies right after leaves one on the storage.
        self.turn.uploads.begin(self.turn.source, upload)
        if upload.upload_id is not None:
            return upload, self.operations.list_parts(upload.key, upload.upload_id, self.context)
        found = self.operations.find_upload(upload.key, self.context)
        if found is not None:
            listed = self.operations.list_parts(upload.key, found, self.context)
            return self._set_upload_id(upload, found, foreign=bool(listed)), listed
        upload_id = self.operations.create(upload.key, upload.sha256, self.kind.content_type, self.context)
        return self._set_upload_id(upload, upload_id), []

    def _set_upload_id(self, upload: Upload, upload_id: str | None, *, foreign: bool = False) -> Upload:
        self.turn.uploads.set_upload_id(self.turn.source, upload_id, foreign=foreign)
        return evolve(upload, upload_id=upload_id, foreign=foreign, etags={})

    @contextlib.contextmanager
    def _abort_if_final(self, upload: Upload) -> Iterator[None]:
        try:
            yield
        except StorageError as error:
            if not error.resumable:
                self.drop(upload)
            raise

    def drop(self, upload: Upload) -> None:
        """Abort the upload and forget it; if the storage cannot be reached, it stays remembered for a clean-up."""
        with contextlib.suppress(PortraitError):
            if upload.upload_id is not None:
                self.operations.abort(upload.key, upload.upload_id, self.context)
            self.turn.uploads.clear(self.turn.source)

    def _fill(self, upload: Upload, listed: list[ListedPart]) -> dict[int, str]:
        """Send every part that the storage does not have, and return the ETags of all."""
        etags = {part.number: part.etag for part in listed if self._trusted(upload, part)}
        done = sum(_plan(upload).part(number).size for number in etags)
        if etags:
            self._progress(Stage.RESUMED, done, upload)
        lock = threading.Lock()
        upload_id = str(upload.upload_id)

        def send(part: Part) -> None:
            nonlocal done
            etag = self.operations.upload_part(upload.key, upload_id, part, self._bodies(upload, part), self.context)
            with lock:
                etags[part.number] = etag
                self.turn.uploads.record_part(self.turn.source, part.number, etag)
                done += part.size
                self._progress(Stage.UPLOADING, done, upload)

        missing = [part for part in _plan(upload).parts() if part.number not in etags]
        futures = run_parallel(
            send, missing, workers=self.concurrency, cancel=self.context.cancel, give_up=lambda _: True
        )
        for failure in filter(None, (future.exception() for future in futures)):
            if not isinstance(failure, CancelledError):
                raise failure
        return etags

    def _trusted(self, upload: Upload, listed: ListedPart) -> bool:
        """Whether a listed part is the one we would send."""
        if not 1 <= listed.number <= _plan(upload).count:
            return False
        part = _plan(upload).part(listed.number)
        if listed.size != part.size:
            return False
        if upload.etags.get(part.number) == listed.etag:
            return True
        if len(listed.etag) == 32 and _HEX.issuperset(listed.etag):
            return part_md5(self.path, part, cancel=self.context.cancel) == listed.etag
        # R2's ETags of parts are not MD5. In an upload of our own, each part was signed with the hash of its content.
        return not upload.foreign

    def _bodies(self, upload: Upload, part: Part) -> Callable[[bool], Body]:
        sha256 = upload.parts[part.number - 1]
        return lambda again: FilePart(
            self.path, part, sha256=sha256, cancel=self.context.cancel, check=again or self.verify_parts
        )

    def _same_file(self, upload: Upload) -> None:
        """See that the file is still what was hashed; one that was merely touched is hashed again to know."""
        stat = stat_file(self.path)
        if stat.fingerprint == upload.fingerprint:
            return
        if stat.size == upload.size:
            again = digest(self.path, _plan(upload), cancel=self.context.cancel, report=lambda _: None)
            if again == _digest(upload) and stat_file(self.path) == stat:
                return
        raise SourceChanged(f"{self.path} changed while it was sent.")

    def _progress(self, stage: Stage, done: int, upload: Upload) -> None:
        self.emit(UploadProgress(stage=stage, file=self.path, bytes_done=done, bytes_total=upload.size, key=upload.key))


def _new_upload(stat: FileStat, plan: Plan, hashes: Digest, key: str) -> Upload:
    return Upload(
        size=stat.size,
        fingerprint=stat.fingerprint,
        part_size=plan.part_size,
        sha256=hashes.sha256,
        parts=hashes.parts,
        key=key,
    )


def _plan(upload: Upload) -> Plan:
    return Plan(upload.size, upload.part_size)


def _digest(upload: Upload) -> Digest:
    return Digest(upload.sha256, upload.parts)
