"""The journal and its lock: what a crash leaves can be read, and one holder at a time."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest

from portrait.clock import ManualClock
from portrait.errors import Interrupted
from portrait.flow import CancelToken
from portrait.s3.files import Digest, FileStat
from portrait.s3.journal import Entry, Journal, forget_uploads, read_entry, state_folder
from portrait.s3.locks import KeyedLocks, locked
from portrait.s3.parts import Plan
from portrait.s3.pool import Context

ENTRY = Entry(
    source="/a",
    stat=FileStat(25, 1, 2, 3),
    plan=Plan(25, 10),
    digest=Digest("ab" * 32, ("a", "b", "c")),
    key="k",
    upload_id="u",
    etags={1: "x", 3: "z"},
)


def context(cancel: CancelToken | None = None) -> Context:
    """Of a call whose pauses cost no time."""
    return Context(cancel or CancelToken(), ManualClock())


def journal(folder: Path) -> Journal:
    """A journal whose folder exists."""
    uploads = Journal(folder, "destination", Path("/a"))
    uploads.path.parent.mkdir(parents=True, exist_ok=True)
    return uploads


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """An entry, and parts added to it, come back; after clearing nothing does."""
    uploads = journal(tmp_path)
    uploads.begin(ENTRY)
    uploads.record_part(2, "y")
    found = uploads.read()
    assert found is not None
    assert found.etags == {1: "x", 2: "y", 3: "z"}
    assert (found.upload_id, found.digest, found.plan, found.stat) == ("u", ENTRY.digest, ENTRY.plan, ENTRY.stat)
    uploads.clear()
    uploads.clear()
    assert uploads.read() is None


def test_torn_file(tmp_path: Path) -> None:
    """A file cut anywhere gives nothing, or an entry with some of the parts; never a wrong one, never an error."""
    uploads = journal(tmp_path)
    uploads.begin(ENTRY)
    whole = uploads.path.read_bytes()
    for size in range(len(whole)):
        uploads.path.write_bytes(whole[:size])
        found = uploads.read()
        if found is not None:
            assert (found.key, found.digest, found.upload_id in {None, "u"}) == ("k", ENTRY.digest, True)
            assert found.etags.items() <= ENTRY.etags.items()


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"form": 2}', "\x00\x01", '{"form":1,"seen":[1],"part_size":"x"}'])
def test_other_files(tmp_path: Path, text: str) -> None:
    """What is not a journal of this form is no memory, and no error."""
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    assert read_entry(path) is None


def test_each_source_and_destination_has_its_own(tmp_path: Path) -> None:
    """Neither two files nor two places share a journal."""
    paths = {
        Journal(tmp_path, place, Path(source)).path for place in ("one", "two") for source in ("/a", "/b", "relative")
    }
    assert len(paths) == 6


def test_forgetting(tmp_path: Path) -> None:
    """Only the journals of the named uploads are dropped."""
    uploads = journal(tmp_path)
    uploads.begin(ENTRY)
    forget_uploads(tmp_path, {"other"})
    assert uploads.read() is not None
    forget_uploads(tmp_path, {"u"})
    assert uploads.read() is None


def test_state_folder() -> None:
    """XDG_STATE_HOME decides, ~/.local/state by default."""
    assert state_folder({"XDG_STATE_HOME": "/x"}) == Path("/x/portrait")
    assert state_folder({}) == Path.home() / ".local/state/portrait"


def test_lock_is_waited_for(tmp_path: Path) -> None:
    """A second holder waits, is told so once, and gets the lock when it is free; no file is left."""
    path, waiting, order = tmp_path / "x.lock", threading.Event(), []

    def second() -> None:
        with locked(path, context(), waiting.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(path, context(), lambda: pytest.fail("nobody held it")):
        thread.start()
        waiting.wait()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert list(tmp_path.iterdir()) == []


def test_waiting_can_be_stopped(tmp_path: Path) -> None:
    """Waiting for a lock can be cancelled."""
    cancel = CancelToken()
    with (
        locked(tmp_path / "x", context(), lambda: None),
        pytest.raises(Interrupted),
        locked(tmp_path / "x", context(cancel), cancel.set),
    ):
        pass


def test_many_holders_one_at_a_time(tmp_path: Path) -> None:
    """Taking the lock file away never lets two in at once."""
    inside, most = [0], [0]

    def work() -> None:
        for _ in range(30):
            with locked(tmp_path / "x", context(), lambda: None):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_lock_file_that_was_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock on a file whose name leads to another one by now is none: it is tried again."""
    path, real, swapped = tmp_path / "x", fcntl.flock, []

    def flock(handle: int, origin: int) -> None:
        real(handle, origin)
        if not swapped:
            path.unlink()
            path.touch()
            swapped.append(path.stat().st_ino)

    monkeypatch.setattr(fcntl, "flock", flock)
    clock = ManualClock()
    with locked(path, Context(CancelToken(), clock), lambda: None):
        assert path.stat().st_ino == swapped[0]
    assert clock.monotonic() == pytest.approx(0.1)


def test_keyed_locks_are_kept_only_while_used() -> None:
    """A name costs nothing once nobody holds it."""
    locks = KeyedLocks()
    with locks.hold("a"), locks.hold("b"):
        assert set(locks._locks) == {"a", "b"}
    assert locks._locks == {}
