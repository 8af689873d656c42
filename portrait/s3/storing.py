"""What is done with one file: it is there already, it goes by one request, or it goes in parts.

It owns that choice, the reuse of what an earlier run remembered, and the rule that one key is written by one thread at
a time. It must never know how addresses are made or how many files there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from attrs import evolve, field, frozen

from portrait.s3.calls import Body, Calls
from portrait.s3.content import HEAD_BYTES, Kind, key_for, kind_of
from portrait.s3.errors import SourceChanged
from portrait.s3.events import Announcer, Stage, UploadProgress
from portrait.s3.journal import Entry, Journal
from portrait.s3.locking import KeyedLocks
from portrait.s3.multipart import Sender
from portrait.s3.plan import MIB, Plan, plan_parts
from portrait.s3.results import StoredObject
from portrait.s3.slices import Slice
from portrait.s3.source import digest, fingerprint, read_head, read_whole
from portrait.s3.stopping import StopFlag

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
    kind: Kind
    key: str


@frozen(kw_only=True)
class Storer:
    """Stores files at one place; safe for use by many threads.

    Attributes:
        calls: The bucket.
        prefix: What keys begin with, "" for nothing.
        destination: Names the place in the journal.
        state: The state folder.
        concurrency: Parts of one file under way at once.
        part_size: Bytes that a part should have.
        check_slices: As in `Sender`.
        address: Makes the address of a key.
        announce: Told of progress.
    """

    calls: Calls
    prefix: str
    destination: str
    state: Path
    concurrency: int
    part_size: int
    check_slices: bool
    address: Callable[[str], str]
    announce: Announcer
    _one_writer: KeyedLocks = field(factory=KeyedLocks)

    def store(self, path: Path, known: dict[str, int] | None, stop: StopFlag) -> StoredObject:
        """Store one file.

        Args:
            path: The file.
            known: Sizes by key of what the bucket holds, if it was listed already; what is stored is added.
            stop: Ends it soon.
        """
        size = fingerprint(path).size
        if size <= IN_MEMORY:
            content = read_whole(path, size)
            item = self._item(path, size, hashlib.sha256(content).hexdigest(), kind_of(content[:HEAD_BYTES], path.name))
            return self._put(item, lambda _: content, known, stop)
        kind = kind_of(read_head(path, HEAD_BYTES), path.name)
        if self.in_parts(size):
            return self._in_parts(path, kind, known, stop)
        whole = Plan(size, size)
        sha256 = digest(path, whole, stop=stop, report=self._hashing(path, size)).sha256

        def body(again: bool) -> Slice:  # noqa: FBT001 - the form that `Calls` asks for
            return Slice(path, whole.part(1), sha256=sha256, stop=stop, check=again or self.check_slices)

        return self._put(self._item(path, size, sha256, kind), body, known, stop)

    def in_parts(self, size: int) -> bool:
        """Whether a file of that many bytes goes in parts."""
        return size > min(SINGLE_PUT, self.part_size)

    def _item(self, path: Path, size: int, sha256: str, kind: Kind) -> _Item:
        return _Item(path, size, sha256, kind, key_for(self.prefix, sha256, kind.extension))

    def _put(
        self, item: _Item, body: Callable[[bool], Body], known: dict[str, int] | None, stop: StopFlag
    ) -> StoredObject:
        with self._one_writer.hold(item.key):
            existed = self._has(item, known, stop)
            if not existed:
                self._tell(Stage.UPLOADING, item.path, 0, item.size, item.key)
                self.calls.put(item.key, body, item.sha256, item.kind.content_type, stop)
            return self._stored(item, known, existed=existed)

    def _in_parts(self, path: Path, kind: Kind, known: dict[str, int] | None, stop: StopFlag) -> StoredObject:
        journal = Journal(self.state, self.destination, path)
        with journal.hold(stop, lambda: self._tell(Stage.WAITING, path, 0, fingerprint(path).size)):
            sender = Sender(
                calls=self.calls,
                journal=journal,
                path=path,
                kind=kind,
                concurrency=self.concurrency,
                check_slices=self.check_slices,
                announce=self.announce,
                stop=stop,
            )
            entry, remembered = self._entry(sender, path, kind, stop)
            item = _Item(path, entry.plan.size, entry.digest.sha256, kind, entry.key)
            with self._one_writer.hold(item.key):
                existed = self._has(item, known, stop)
                if not existed:
                    sender.send(entry)
                elif remembered:
                    sender.drop(entry)
                return self._stored(item, known, existed=existed)

    def _entry(self, sender: Sender, path: Path, kind: Kind, stop: StopFlag) -> tuple[Entry, bool]:
        """What to send, and whether an earlier run remembered it; its hashes hold while the file looks the same."""
        left, seen = sender.journal.read(), fingerprint(path)
        if left is not None and left.seen == seen:
            return left, True
        plan = left.plan if left is not None and left.plan.size == seen.size else plan_parts(seen.size, self.part_size)
        found = digest(path, plan, stop=stop, report=self._hashing(path, seen.size))
        if fingerprint(path) != seen:
            raise SourceChanged(f"{path} changed while it was read.")
        if left is None:
            key = key_for(self.prefix, found.sha256, kind.extension)
            return Entry(source=str(path), seen=seen, plan=plan, digest=found, key=key), False
        if found == left.digest:
            return evolve(left, seen=seen), True
        sender.drop(left)
        raise SourceChanged(f"{path} changed since its upload began; that upload was aborted.")

    def _has(self, item: _Item, known: dict[str, int] | None, stop: StopFlag) -> bool:
        """Whether the object is there, whole: by the listing made before, else by one of exactly this key."""
        if known is not None:
            return known.get(item.key) == item.size
        return (item.key, item.size) in self.calls.objects(item.key, stop)

    def _stored(self, item: _Item, known: dict[str, int] | None, *, existed: bool) -> StoredObject:
        if known is not None:
            known[item.key] = item.size
        self._tell(Stage.EXISTED if existed else Stage.STORED, item.path, item.size, item.size, item.key)
        return StoredObject(
            path=item.path,
            key=item.key,
            url=self.address(item.key),
            sha256=item.sha256,
            size=item.size,
            content_type=item.kind.content_type,
            existed=existed,
        )

    def _hashing(self, path: Path, size: int) -> Callable[[int], None]:
        return lambda done: self._tell(Stage.HASHING, path, done, size)

    def _tell(self, stage: Stage, path: Path, done: int, total: int, key: str = "") -> None:
        self.announce(UploadProgress(stage=stage, file=path, bytes_done=done, bytes_total=total, key=key))
