"""Going on where an earlier run stopped, and what is not trusted on the way."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portrait.errors import Interrupted
from portrait.s3 import (
    AsyncObjectStore,
    CancelToken,
    NoSuchUpload,
    SourceChanged,
    SourceUnreadable,
    Stage,
    StorageUnavailable,
    StorageUnreachable,
    UploadProgress,
)
from portrait.s3.files import stat_file
from portrait.s3.parts import MIN_PART_BYTES
from portrait.state import open_state
from tests.portrait.s3.conftest import LARGE, count_uploads, defaults, only_object
from tests.s3_stub import S3Stub

pytestmark = pytest.mark.rotate("make_store")  # the asynchronous store runs the other one in threads

Make = Callable[..., Any]


def break_off(stub: S3Stub, store: Any, path: Path, part: int = 2) -> None:
    """Let all attempts at one part fail, so that the others stay behind."""
    fault = stub.fault("UploadPart", "cut", part=part, times=99)
    with pytest.raises(StorageUnreachable) as caught:
        store.put(path)
    assert caught.value.resumable
    assert len(stub.bucket.uploads) == 1
    stub.faults.remove(fault)


@pytest.mark.parametrize("etags", ["md5", "opaque"])
def test_listed_parts_are_not_sent_again(stub: S3Stub, make_store: Make, large: Path, etags: str) -> None:
    """After a failure the same call sends only what the storage does not list, whatever its ETags are."""
    stub.bucket.etags = etags
    break_off(stub, make_store(concurrency=1), large)
    before = len(stub.bucket.parts_received)
    assert before == 1
    stub.calls.clear()
    make_store().put(large)
    assert only_object(stub)[1] == large.read_bytes()
    assert stub.count("UploadPart") == 1
    assert (stub.count("ListParts"), stub.count("CreateMultipartUpload")) == (1, 0)
    assert set(Counter(stub.bucket.parts_received).values()) == {1}


def test_resuming_is_told(stub: S3Stub, open_store: Make, large: Path) -> None:
    """The next run hashes nothing again and says how much was there already."""
    break_off(stub, open_store(concurrency=1), large)
    seen: list[UploadProgress] = []
    open_store(on_event=seen.append).put(large)
    assert (seen[0].stage, seen[0].bytes_done) == (Stage.RESUMED, MIN_PART_BYTES)
    assert Stage.HASHING not in {event.stage for event in seen}


def test_parts_are_listed_page_by_page(stub: S3Stub, open_store: Make, larger: Path) -> None:
    """A list of parts that comes in pages is read to its end."""
    break_off(stub, open_store(concurrency=1), larger, part=3)
    stub.page = 1
    open_store().put(larger)
    assert len(stub.bucket.parts_received) == 3


@pytest.mark.parametrize("etags", ["md5", "opaque"])
def test_lost_state(stub: S3Stub, open_store: Make, tmp_path: Path, large: Path, etags: str) -> None:
    """Without the memory of it the upload is found by its key; its parts count only where their MD5 proves them."""
    stub.bucket.etags = etags
    break_off(stub, open_store(concurrency=1), large)
    open_store(state=tmp_path / "other.db").put(large)
    assert only_object(stub)[1] == large.read_bytes()
    assert len(stub.bucket.parts_received) == (2 if etags == "md5" else 3)


@pytest.mark.parametrize("own", [False, True], ids=["none of its own", "one of its own"])
def test_state_of_a_client(stub: S3Stub, open_store: Make, larger: Path, tmp_path: Path, own: bool) -> None:
    """A store without a state remembers uploads in that of the client; its own goes before it."""
    mine, clients = tmp_path / "own.db", tmp_path / "client.db"
    fault = stub.fault("UploadPart", "cut", part=3, times=99)
    with open_state(clients) as state:
        with pytest.raises(StorageUnreachable):
            open_store(state=mine if own else None, concurrency=1).put_many([larger], state=state)
        stub.faults.remove(fault)
        assert count_uploads(mine if own else clients) == len(stub.bucket.uploads) == 1
        assert count_uploads(clients if own else mine) == 0
        open_store(state=mine if own else None).put_many([larger], state=state)
    assert only_object(stub)[1] == larger.read_bytes()
    assert count_uploads(mine if own else clients) == 0
    assert len(stub.bucket.parts_received) == 3


def test_foreign_parts_are_not_trusted(stub: S3Stub, open_store: Make, larger: Path) -> None:
    """Wrong bytes that somebody put into an upload of the right key are overwritten, never published."""
    store = open_store(concurrency=1)
    break_off(stub, store, larger, part=3)
    (upload,) = stub.bucket.uploads.values()
    upload.parts[1].content = bytes(MIN_PART_BYTES)
    upload.parts[1].etag = "0" * 32
    upload.parts[2].size -= 1
    upload.parts[9] = upload.parts[1]
    store.put(larger)
    assert only_object(stub)[1] == larger.read_bytes()


def test_upload_that_the_storage_dropped(stub: S3Stub, make_store: Make, large: Path) -> None:
    """An upload that no longer exists (R2 aborts them after 7 days) is begun anew."""
    break_off(stub, make_store(concurrency=1), large)
    stub.bucket.uploads.clear()
    make_store().put(large)
    assert only_object(stub)[1] == large.read_bytes()


def test_upload_that_vanishes_under_way(stub: S3Stub, open_store: Make, larger: Path) -> None:
    """An upload that is aborted by somebody while its parts are sent is begun anew as well."""
    stub.fault("UploadPart", "call", part=3, hook=stub.bucket.uploads.clear)
    open_store(concurrency=1).put(larger)
    assert only_object(stub)[1] == larger.read_bytes()


def test_object_made_by_somebody_else_meanwhile(stub: S3Stub, open_store: Make, large: Path, tmp_path: Path) -> None:
    """Where the object has come about by the next run, nothing is sent and the old upload is aborted."""
    break_off(stub, open_store(concurrency=1), large)
    twin = tmp_path / "twin.bin"
    twin.write_bytes(large.read_bytes())
    uploads = dict(stub.bucket.uploads)
    open_store(state=tmp_path / "other.db").put(twin)
    stub.bucket.uploads.update(uploads)
    assert open_store().put(large).existed
    only_object(stub)


def test_changed_between_runs(stub: S3Stub, make_store: Make, make_file: Make, large: Path, state: Path) -> None:
    """Other content than the upload began with: an error once, the old upload aborted; then it is stored."""
    store = make_store(concurrency=1)
    break_off(stub, store, large)
    make_file("clip.bin", LARGE, seed=2)
    with pytest.raises(SourceChanged):
        store.put(large)
    assert (stub.bucket.uploads, stub.bucket.objects) == ({}, {})
    assert count_uploads(state) == 0
    store.put(large)
    assert only_object(stub)[1] == large.read_bytes()


def test_merely_touched_between_runs(stub: S3Stub, make_store: Make, large: Path) -> None:
    """A new mtime with the same content is no change: it is hashed again, and the upload goes on."""
    store = make_store(concurrency=1)
    break_off(stub, store, large)
    os.utime(large, (1, 1))
    store.put(large)
    assert only_object(stub)[1] == large.read_bytes()
    assert len(stub.bucket.parts_received) == 2


@pytest.mark.parametrize("size", [2_000_000, LARGE])
@pytest.mark.parametrize("change", ["shorter", "other bytes"])
def test_changed_while_it_is_hashed(stub: S3Stub, open_store: Make, make_file: Make, *, change: str, size: int) -> None:
    """What was hashed is not what is there now: nothing of it is published, and no upload is begun."""
    path = make_file("clip.bin", size)

    def edit(event: object) -> None:
        assert isinstance(event, UploadProgress)
        if event.stage is Stage.HASHING and change == "shorter":
            os.truncate(path, 1_000_000)
        elif event.stage is Stage.HASHING:
            path.write_bytes(bytes(size))

    with pytest.raises(SourceChanged, match=r"clip\.bin"):
        open_store(on_event=edit).put(path)
    assert (stub.bucket.objects, stub.bucket.uploads) == ({}, {})


def test_an_upload_that_vanishes_each_time_is_given_up(stub: S3Stub, open_store: Make, large: Path) -> None:
    """After three; the next call begins anew."""
    fault = stub.fault("UploadPart", "call", part=1, times=99, hook=stub.bucket.uploads.clear)
    with pytest.raises(NoSuchUpload, match="vanished 3 times") as caught:
        open_store(concurrency=1).put(large)
    assert caught.value.resumable
    assert stub.count("CreateMultipartUpload") == 3
    stub.faults.remove(fault)
    open_store().put(large)
    assert only_object(stub)[1] == large.read_bytes()


@pytest.mark.parametrize("size", [LARGE, LARGE + 1])
def test_changed_before_its_upload_exists(
    stub: S3Stub, open_store: Make, make_file: Make, large: Path, state: Path, *, size: int
) -> None:
    """What is remembered of an upload that could not be begun is dropped; there is nothing to abort."""
    stub.fault("CreateMultipartUpload", "status-before", times=5)
    with pytest.raises(StorageUnavailable):
        open_store().put(large)
    assert count_uploads(state) == 1
    make_file("clip.bin", size, seed=2)
    with pytest.raises(SourceChanged, match="since its upload began"):
        open_store().put(large)
    assert (count_uploads(state), stub.count("AbortMultipartUpload")) == (0, 0)
    open_store().put(large)
    assert only_object(stub)[1] == large.read_bytes()


@pytest.mark.parametrize("change", ["other bytes", "mtime kept", "shorter", "longer", "gone"])
def test_changed_during_the_upload(stub: S3Stub, make_store: Make, large: Path, change: str) -> None:
    """Whatever happens to the file under way, nothing is published, and no upload of a changed file stays behind."""
    was = large.stat()

    def edit() -> None:
        match change:
            case "shorter":
                os.truncate(large, MIN_PART_BYTES + 1)
            case "longer":
                os.truncate(large, LARGE + 1)
            case "gone":
                large.unlink()
            case _:
                with large.open("r+b") as file:
                    file.seek(MIN_PART_BYTES + 5)
                    file.write(b"changed")
                if change == "mtime kept":
                    os.utime(large, ns=(was.st_atime_ns, was.st_mtime_ns))

    stub.fault("UploadPart", "call", part=1, hook=edit)
    with pytest.raises(SourceUnreadable if change == "gone" else SourceChanged):
        make_store(concurrency=1).put(large)
    assert stub.bucket.objects == {}
    assert len(stub.bucket.uploads) == (1 if change == "gone" else 0)


def test_change_that_the_file_system_does_not_show(
    stub: S3Stub, open_store: Make, larger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if size and times show nothing, a part that is not what was hashed is refused: its known hash is signed."""
    seen = stat_file(larger)
    monkeypatch.setattr("portrait.s3.uploader.stat_file", lambda _: seen)

    def edit() -> None:
        with larger.open("r+b") as file:
            file.seek(-5, os.SEEK_END)
            file.write(b"wrong")

    stub.fault("UploadPart", "call", part=1, hook=edit)
    with pytest.raises(SourceChanged):
        open_store(concurrency=1).put(larger)
    assert (stub.bucket.objects, stub.bucket.uploads) == ({}, {})
    assert [part for _, part in stub.bucket.parts_received] == [1, 2]


def test_touched_during_the_upload(stub: S3Stub, make_store: Make, large: Path) -> None:
    """A file that is merely touched under way is hashed again and published."""
    stub.fault("UploadPart", "call", part=1, hook=lambda: os.utime(large, (1, 1)))
    make_store(concurrency=1).put(large)
    assert only_object(stub)[1] == large.read_bytes()


@pytest.mark.parametrize("size", [1000, 2_000_000])
def test_small_file_changed_after_hashing(stub: S3Stub, open_store: Make, make_file: Make, size: int) -> None:
    """Bytes that are not the ones that were hashed are refused for one-request files too."""
    path = make_file(size=size)
    other = bytes(size)
    stub.fault("ListObjectsV2", "status-after", status=500, hook=lambda: path.write_bytes(other))
    store = open_store()
    if size == 1000:  # read once, so what is sent is what was hashed
        store.put(path)
        assert only_object(stub)[1] != other
    else:
        with pytest.raises(SourceChanged):
            store.put(path)
        assert stub.bucket.objects == {}


def test_stop_flag(stub: S3Stub, open_store: Make, larger: Path) -> None:
    """Setting the flag from another thread ends the call within a block; the next call goes on."""
    cancel = CancelToken()
    stub.fault("UploadPart", "call", part=2, hook=cancel.set)
    store = open_store(concurrency=1)
    with pytest.raises(Interrupted) as caught:
        store.put(larger, cancel=cancel)
    assert caught.value.may_have_executed
    assert len(stub.bucket.uploads) == 1
    store.put(larger)
    assert only_object(stub)[1] == larger.read_bytes()
    assert set(Counter(stub.bucket.parts_received).values()) == {1}


def test_stopped_batch(stub: S3Stub, open_store: Make, make_file: Make) -> None:
    """A batch that is stopped says so itself; the next run sends only the rest."""
    cancel = CancelToken()
    stub.fault("PutObject", "call", after=3, hook=cancel.set)
    store = open_store(concurrency=1)
    files = [make_file(f"{n}.jpg", seed=n) for n in range(8)]
    with pytest.raises(Interrupted):
        store.put_many(files, cancel=cancel)
    there = len(stub.bucket.objects)
    assert 3 <= there <= 4
    assert sum(stored.existed for stored in store.put_many(files)) == there
    assert stub.count("PutObject") == 8


def test_a_batch_that_is_interrupted(stub: S3Stub, open_store: Make, make_file: Make) -> None:
    """Ctrl-C ends it as itself; the next run sends only the rest."""

    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.02)  # until the main thread has noticed it

    stub.fault("PutObject", "call", hook=interrupt)
    store, files = open_store(concurrency=1), [make_file(f"{n}.jpg", seed=n) for n in range(20)]
    with pytest.raises(KeyboardInterrupt):
        store.put_many(files)
    there = len(stub.bucket.objects)
    assert there < len(files)
    assert [stored.existed for stored in store.put_many(files)] == [True] * there + [False] * (len(files) - there)


def test_cancelled_task(stub: S3Stub, state: Path, larger: Path) -> None:
    """Cancelling the task stops the work, and the cancellation arrives when it has stopped."""
    before = set(threading.enumerate())  # of emulators of other tests

    async def run() -> None:
        loop = asyncio.get_running_loop()
        reached = asyncio.Event()
        cancelled = threading.Event()

        def hold_on() -> None:
            loop.call_soon_threadsafe(reached.set)
            cancelled.wait(5)

        stub.fault("UploadPart", "call", part=2, hook=hold_on)
        async with AsyncObjectStore("s3://portraits/faces", **defaults(stub, state), concurrency=1) as store:
            task = asyncio.create_task(store.put(larger))
            await reached.wait()
            task.cancel()
            loop.call_later(0.02, cancelled.set)
            with pytest.raises(asyncio.CancelledError):
                await task
            assert stub.bucket.objects == {}
            assert not [t for t in set(threading.enumerate()) - before if t.name.startswith("portrait-")]
            await store.put(larger)

    asyncio.run(run())
    assert only_object(stub)[1] == larger.read_bytes()


def test_listener_that_raises(stub: S3Stub, open_store: Make, large: Path) -> None:
    """What the listener raises ends the call, as an interruption: the upload is kept."""

    def listen(event: object) -> None:
        if isinstance(event, UploadProgress) and event.stage is Stage.UPLOADING:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        open_store(on_event=listen).put(large)
    assert len(stub.bucket.uploads) == 1
    open_store().put(large)
    only_object(stub)


def test_clean_up(stub: S3Stub, make_store: Make, large: Path, state: Path) -> None:
    """Old unfinished uploads of this place are listed with their age and aborted on request; others are left."""
    store = make_store(concurrency=1)
    break_off(stub, store, large)
    (young,) = stub.bucket.uploads
    old = [stub.bucket.create(f"faces/{n}", {}, timedelta(days=3)) for n in range(3)]
    old += [stub.bucket.create("faces/0", {}, timedelta(days=3)) for _ in range(3)]  # a page may end among those
    other = stub.bucket.create("elsewhere/x", {}, timedelta(days=3))
    stub.page = 2
    found = {upload.upload_id: upload.age for upload in store.incomplete_uploads()}
    assert set(found) == {young, *old}
    assert found[young] < timedelta(minutes=1) < timedelta(days=2.9) < found[old[0]]
    assert {upload.upload_id for upload in store.abort_incomplete(timedelta(days=2))} == set(old)
    assert set(stub.bucket.uploads) == {young, other}
    assert count_uploads(state) == 1
    store.abort_incomplete(timedelta(0))
    assert set(stub.bucket.uploads) == {other}
    assert count_uploads(state) == 0
