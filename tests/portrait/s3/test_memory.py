"""What a store remembers of unfinished uploads, and how threads and processes take turns at a file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portrait.clock import ManualClock
from portrait.errors import Interrupted, StateError
from portrait.flow import CancelToken
from portrait.memory import LazyState
from portrait.s3 import Stage, UploadProgress, memory
from portrait.s3.concurrency import Context, KeyedLocks
from portrait.s3.memory import POLL, TTL, UploadMemory
from portrait.state import Upload, open_state
from portrait.state.state import State
from tests.portrait.s3.conftest import LARGE, count_uploads, only_object
from tests.portrait.s3.test_resume import break_off
from tests.s3_stub import S3Stub

pytestmark = pytest.mark.rotate("make_store")  # the asynchronous store runs the other one in threads

Make = Callable[..., Any]

UPLOAD = Upload(size=25, fingerprint="f", part_size=10, sha256="ab", parts=("a", "b", "c"), key="k", etags={1: "x"})
PATH = Path("/a")


@pytest.fixture
def clock() -> ManualClock:
    """Of the state and of its users."""
    return ManualClock()


@pytest.fixture
def saved(state: Path, clock: ManualClock) -> Iterator[State]:
    """A state."""
    with open_state(state, clock) as saved:
        yield saved


@pytest.fixture(params=["state", "process"])
def uploads(request: pytest.FixtureRequest, saved: State, clock: ManualClock) -> UploadMemory:
    """A memory with a state, and one without."""
    return UploadMemory(LazyState(saved if request.param == "state" else None, clock), "destination")


def context(clock: ManualClock, cancel: CancelToken | None = None) -> Context:
    """Of a call whose pauses cost no time."""
    return Context(cancel or CancelToken(), clock)


def free() -> None:
    """Called where somebody else has the turn, and nobody has it."""
    pytest.fail("nobody had it")


def test_what_is_remembered_is_found(uploads: UploadMemory, clock: ManualClock) -> None:
    """An upload, its id and its parts come back in a later turn; after clearing nothing does."""
    with uploads.turn(PATH, context(clock), free) as turn:
        assert turn.uploads.find(turn.source) is None
        turn.uploads.begin(turn.source, UPLOAD)
        turn.uploads.record_part(turn.source, 2, "y")
    with uploads.turn(PATH, context(clock), free) as turn:
        found = turn.uploads.find(turn.source)
        assert found is not None
        assert (found.etags, found.parts) == ({1: "x", 2: "y"}, UPLOAD.parts)
        turn.uploads.set_upload_id(turn.source, "u", foreign=True)
        found = turn.uploads.find(turn.source)
        assert found is not None
        assert (found.upload_id, found.foreign, found.etags) == ("u", True, {})
        turn.uploads.clear(turn.source)
        turn.uploads.clear(turn.source)
        assert turn.uploads.find(turn.source) is None


def test_forgetting(uploads: UploadMemory, clock: ManualClock) -> None:
    """Only the named uploads are dropped."""
    with uploads.turn(PATH, context(clock), free) as turn:
        turn.uploads.begin(turn.source, UPLOAD)
        turn.uploads.set_upload_id(turn.source, "u")
        uploads.forget({"other"})
        assert turn.uploads.find(turn.source) is not None
        uploads.forget({"u"})
        assert turn.uploads.find(turn.source) is None


def test_each_file_destination_and_machine_has_its_own(saved: State, clock: ManualClock) -> None:
    """Neither two files, nor two places, nor the same path on two machines are one."""
    sources = set()
    for saved.machine in ("", "one"):
        for destination in ("one", "two"):
            for path in ("/a", "/b", "relative"):
                with UploadMemory(LazyState(saved, clock), destination).turn(Path(path), context(clock), free) as turn:
                    sources.add(turn.source)
    assert len(sources) == 12


def test_a_turn_is_waited_for(uploads: UploadMemory, clock: ManualClock) -> None:
    """Whoever comes second waits until it is over, and another file is free all the while."""
    order: list[str] = []

    def second() -> None:
        with uploads.turn(PATH, Context(CancelToken(), ManualClock()), lambda: None):
            order.append("second")

    thread = threading.Thread(target=second)
    with uploads.turn(PATH, context(clock), free):
        thread.start()
        with uploads.turn(Path("/b"), context(clock), free):
            thread.join(0.02)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_wait_is_told_once_and_ends_with_the_claim(saved: State, clock: ManualClock) -> None:
    """A process that was killed holds the next one up for as long as its claim, and no longer."""
    uploads, waits = UploadMemory(LazyState(saved, clock), "destination"), []
    dead = uploads.turn(PATH, context(clock), free)
    dead.__enter__()
    start = clock.monotonic()
    with uploads.turn(PATH, context(clock), lambda: waits.append(1)):
        assert TTL <= clock.monotonic() - start <= TTL + POLL
    assert waits == [1]
    dead.__exit__(None, None, None)


def test_whoever_waits_for_another_process_is_told(stub: S3Stub, open_store: Make, large: Path) -> None:
    """With the file and its size; and the wait can be cancelled."""
    waits: list[object] = []
    cancel = CancelToken()

    def listen(event: object) -> None:
        waits.append(event)
        cancel.set()

    def meet() -> None:
        with pytest.raises(Interrupted):
            open_store(on_event=listen).put(large, cancel=cancel)

    stub.fault("UploadPart", "call", part=1, hook=meet)
    open_store(concurrency=1).put(large)
    assert waits == [UploadProgress(stage=Stage.WAITING, file=large, bytes_done=0, bytes_total=LARGE)]


def test_a_claim_is_renewed_while_it_is_used(saved: State, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload may take any time; even where the state fails once."""
    monkeypatch.setattr(memory, "RENEW", 0.001)
    renewed, failed = threading.Event(), threading.Event()
    renew = type(saved.claims).renew

    def failing_once(*args: Any) -> bool:
        if not failed.is_set():
            failed.set()
            raise StateError("The disk is full.")
        done = renew(*args)
        renewed.set()
        return done

    monkeypatch.setattr(type(saved.claims), "renew", failing_once)
    uploads, cancel = UploadMemory(LazyState(saved, clock), "destination"), CancelToken()
    with uploads.turn(PATH, context(clock), free):
        for _ in range(3):
            clock.advance(TTL - 1)
            for _ in range(2):  # the first may have start before
                renewed.clear()
                assert renewed.wait(10)
        with pytest.raises(Interrupted), uploads.turn(PATH, context(ManualClock(), cancel), cancel.set):
            pass
    assert not [thread for thread in threading.enumerate() if thread.name == "portrait-store-claim"]


def test_a_claim_that_cannot_be_released_is_no_failure(
    saved: State, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object is there; the claim ends by itself."""
    attempts: list[object] = []

    def full(*claim: object) -> None:
        attempts.append(claim)
        raise StateError("The disk is full.")

    monkeypatch.setattr(type(saved.claims), "release", full)
    with UploadMemory(LazyState(saved, clock), "destination").turn(PATH, context(clock), free):
        pass
    assert len(attempts) == 1


@pytest.mark.parametrize("damage", [b"", b"SQLite format 3\0" + b"and no more of it" * 1000])
def test_damaged_state(stub: S3Stub, make_store: Make, large: Path, state: Path, damage: bytes) -> None:
    """It is set aside, the upload is found on the storage, and nothing is left behind."""
    break_off(stub, make_store(concurrency=1), large)
    for path in state.parent.iterdir():
        path.unlink()
    state.write_bytes(damage)
    make_store().put(large)
    assert only_object(stub)[1] == large.read_bytes()
    assert len(stub.bucket.parts_received) == 2
    assert count_uploads(state) == 0


def test_without_a_state_a_store_remembers_for_itself(stub: S3Stub, make_store: Make, large: Path) -> None:
    """The same store goes on by what it knows; the next one by the storage's list, and with what its MD5 proves."""
    stub.bucket.etags = "opaque"
    store = make_store(concurrency=1, state=None)
    break_off(stub, store, large)
    store.put(large)
    assert len(stub.bucket.parts_received) == 2
    stub.bucket.objects.clear()
    break_off(stub, make_store(concurrency=1, state=None), large)
    make_store(state=None).put(large)
    assert len(stub.bucket.parts_received) == 5
    assert only_object(stub)[1] == large.read_bytes()


def test_clean_up_without_a_state(stub: S3Stub, make_store: Make, large: Path) -> None:
    """What was aborted is not gone on with."""
    store = make_store(concurrency=1, state=None)
    break_off(stub, store, large)
    assert len(store.abort_incomplete(timedelta(0))) == 1
    stub.calls.clear()
    store.put(large)
    assert stub.count("CreateMultipartUpload") == 1


@pytest.mark.parametrize("shared", [True, False])
def test_clean_up_under_way(stub: S3Stub, open_store: Make, larger: Path, state: Path, *, shared: bool) -> None:
    """An upload that another thread aborts while its parts are sent is start anew, with a state and without one."""
    store = open_store(concurrency=1, state=state if shared else None)
    stub.fault("UploadPart", "call", part=2, hook=lambda: store.abort_incomplete(timedelta(0)))
    store.put(larger)
    assert only_object(stub)[1] == larger.read_bytes()


def test_keyed_locks_are_kept_only_while_used() -> None:
    """A name costs nothing once nobody holds it."""
    locks = KeyedLocks()
    with locks.hold("a"), locks.hold("b"):
        assert set(locks._locks) == {"a", "b"}
    assert locks._locks == {}
