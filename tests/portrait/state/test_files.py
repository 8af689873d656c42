"""A state in a file: its modes and durability, damage, full and locked disks, and places where it cannot be."""

import errno
import os
import re
import sqlite3
import stat
from contextlib import closing as close_after

import pytest
from sqlalchemy import event

from portrait.errors import StateError, UsageError
from portrait.sql import location
from portrait.state import Claim, Holder, Key, Upload, account_digest, open_state, schema
from portrait.state.sqlite import SqliteBackend
from tests.portrait.state.workers import (
    KEYS,
    POOL,
    answer,
    begin,
    change,
    find,
    lease,
    open_together,
    pending,
    replacement_age,
    run_all,
    take_turn,
    use_pool,
)

KEY = KEYS[0]
posix = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")


def on_connect(state, *statements):
    """Let each new connection run some SQL; returns what undoes that."""
    state.close()
    backend = state._database._backend
    genuine = backend._open_engine

    def open_engine():
        engine = genuine()
        engine.dispose()
        event.listen(engine, "connect", lambda connection, _: [connection.execute(one) for one in statements])
        return engine

    backend._open_engine = open_engine
    return lambda: (state.close(), setattr(backend, "_open_engine", genuine))


def raw(place):
    """The file, as any program may open it."""
    return close_after(sqlite3.connect(place.location, isolation_level=None))


# --- the file -------------------------------------------------------------------------------------------------------


@posix
def test_only_its_owner_reads_it(file_place):
    """The file and those beside it have mode 0600, the folder 0700, whatever the umask."""
    old = os.umask(0)
    try:
        begin(file_place.open(), KEY)
    finally:
        os.umask(old)
    folder = file_place.location.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == dict.fromkeys(["state.db", "state.db-wal", "state.db-shm", "state.db-lock"], 0o600)


@posix
def test_a_file_that_others_may_read_is_told(file_place):
    """By `check`; the file may be one that the user made."""
    state = file_place.open()
    state.check()
    file_place.location.chmod(0o644)
    (note,) = state.report().notes
    assert "mode 644" in note


def test_nothing_is_opened_before_it_is_used(file_place):
    """To make a client costs no file."""
    file_place.open()
    assert not file_place.location.parent.exists()


def test_once_closed_it_is_one_file(file_place):
    """All is in it; the empty lock file is nobody's business."""
    state = file_place.open()
    begin(state, KEY)
    state.close()
    assert {path.name for path in file_place.location.parent.iterdir()} == {"state.db", "state.db-lock"}
    assert (file_place.location.parent / "state.db-lock").stat().st_size == 0


@pytest.mark.parametrize(
    ("write", "level"),
    [
        (lambda state: begin(state, KEY), "FULL"),
        (lambda state: state.uploads.set_upload_id("source", "upload"), "FULL"),
        (lambda state: state.erasures.record([KEY], "group-1", ["s3://b/1"]), "FULL"),
        (lambda state: state.claims.acquire(KEY, 30), "NORMAL"),
        (lambda state: change(state, "x", victims={"asset-a": "a"}), "FULL"),
        (lambda state: state.pools.pin(POOL, "x", "owner", {}), "FULL"),
        (lambda state: state.pools.close(POOL, 60), "FULL"),
        (lambda state: state.pools.lease_known(POOL, "x", ["a"], 30), "NORMAL"),
        (lambda state: state.pools.renew(POOL, "x", 30), "NORMAL"),
        (lambda state: state.pools.release(POOL, "x"), "NORMAL"),
    ],
)
def test_what_must_not_be_forgotten_is_synced(file_place, write, level, synced, monkeypatch):
    """A create, a deletion and a pin are on the disk before anything follows; claims and leases need not be."""
    synced(monkeypatch)
    state = file_place.open()
    state.check()
    levels = []
    engine = state._database._open.engine

    def look(connection):
        levels.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())

    event.listen(engine, "commit", look)
    write(state)
    assert levels == [{"FULL": 2, "NORMAL": 1}[level]]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_file_that_was_deleted_is_begun_anew(file_place):
    """Somebody cleaned up while a process had it open."""
    state = file_place.open()
    begin(state, KEY)
    for path in file_place.location.parent.iterdir():
        path.unlink()
    assert pending(state, KEY) is None
    begin(state, KEY)
    assert pending(file_place.open(), KEY) is not None


# --- damage ---------------------------------------------------------------------------------------------------------


def overwritten(path):
    """Another file altogether."""
    path.write_bytes(b"not a database\n" * 1000)


def zeroed(path):
    """As after a power cut."""
    path.write_bytes(bytes(8192))


def cut(path):
    """The beginning alone."""
    path.write_bytes(path.read_bytes()[:6000])


def scratched(path):
    """Its header is whole, its pages are not."""
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


def altered(statement):
    """Somebody else's SQL."""

    def damage(path):
        with close_after(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(statement)

    return damage


DAMAGE = {
    "overwritten": overwritten,
    "zeroed": zeroed,
    "cut": cut,
    "scratched": scratched,
    "table": altered("DROP TABLE portrait_creates"),
    "column": altered("ALTER TABLE portrait_creates RENAME COLUMN item TO other"),
    "version": altered("UPDATE portrait_state SET version = 'zz'"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_set_aside_with_a_message(file_place, caplog, damage):
    """A new one is begun, which says that it is new; the old one can be looked at."""
    first = file_place.open()
    begin(first, KEY)
    first.close()
    DAMAGE[damage](file_place.location)
    file_place.clock.advance(60)
    second = file_place.open()
    assert pending(second, KEY) is None
    assert replacement_age(second) == 0
    file_place.clock.advance(5)
    assert replacement_age(file_place.open()) == 5
    begin(second, KEY)
    assert pending(second, KEY) is not None
    (aside,) = file_place.location.parent.glob("*.damaged-*Z")
    assert aside.name == "state.db.damaged-20260318T000100Z"
    assert [aside.name in record.getMessage() for record in caplog.records] == [True]
    assert [str(aside) in note for note in second.report().notes] == [True]


@pytest.mark.parametrize("damage", sorted(DAMAGE.keys() - {"table", "column"}))  # which are noticed when they are used
def test_a_damaged_file_is_closed_before_it_is_set_aside(file_place, monkeypatch, damage):
    """Windows moves no file that is open."""
    first = file_place.open()
    first.check()
    first.close()
    DAMAGE[damage](file_place.location)
    connections, connect, set_aside = [], sqlite3.dbapi2.connect, SqliteBackend._set_aside

    def recorded(*values, **options):
        connections.append(connect(*values, **options))
        return connections[-1]

    def checked(backend):
        for connection in connections:
            with pytest.raises(sqlite3.ProgrammingError, match="closed"):
                connection.execute("SELECT 1")
        set_aside(backend)

    monkeypatch.setattr(sqlite3.dbapi2, "connect", recorded)
    monkeypatch.setattr(SqliteBackend, "_set_aside", checked)
    file_place.open().check()
    assert len(connections) > 1


@pytest.mark.parametrize("damage", ["overwritten", "table"])
def test_damage_under_a_process_is_set_aside_once_for_all(file_place, caplog, damage):
    """Each process that has it open goes on with the new one; none sets the new one aside."""
    states = [file_place.open() for _ in range(3)]
    for state in states:
        state.check()
    if damage == "overwritten":
        for state in states:
            state.close()
    DAMAGE[damage](file_place.location)
    assert [pending(state, KEY) for state in states] == [None] * 3
    assert isinstance(states[0].claims.acquire(KEY, 30), Claim)
    assert isinstance(states[1].claims.acquire(KEY, 30), Holder)
    assert len(caplog.records) == 1
    beside = {path.name.rpartition("Z")[2] for path in file_place.location.parent.glob("*.damaged-*Z*")}
    assert beside == ({""} if damage == "overwritten" else {"", "-wal", "-shm"})  # the log of those that use it still


def test_a_sound_file_is_not_set_aside(file_place):
    """A page was misread once: it is looked at again, whole, and what it holds counts."""
    state = file_place.open()
    begin(state, KEY)
    failures = [sqlite3.DatabaseError("database disk image is malformed")]

    def work(transaction):
        if failures:
            raise failures.pop()
        return transaction.now()

    state._database.read(work)
    assert not failures
    assert pending(state, KEY) is not None
    assert list(file_place.location.parent.glob("*.damaged-*")) == []


def test_eight_processes_that_find_damage_set_it_aside_once(file_place):
    """The claims of those that came first are in the new file."""
    first = file_place.open()
    first.check()
    first.close()
    overwritten(file_place.location)
    assert run_all(open_together, file_place.location) == [VERSION] * 8
    assert len(list(file_place.location.parent.glob("*.damaged-*Z"))) == 1


@pytest.mark.parametrize("change", ["answered_at = 'zz'", "result_id = ''", "result_id = X'00ff'"])
def test_a_row_that_cannot_be_understood_is_no_memory(file_place, change):
    """Case answer-state: `zz` where a time should be, and no id where there should be one; the other rows are."""
    state = file_place.open()
    answer(state, KEY, "asset-1")
    answer(state, KEYS[1], "asset-2")
    with raw(file_place) as connection:
        connection.execute(f"UPDATE portrait_creates SET {change} WHERE result_id = 'asset-1'")
    assert find(state, KEY) is None
    assert find(state, KEYS[1]).result_id == "asset-2"


def test_a_claim_that_cannot_be_understood_is_none(file_place):
    """Somebody gets it, and then has it."""
    state = file_place.open()
    state.claims.acquire(KEY, 30)
    with raw(file_place) as connection:
        connection.execute("UPDATE portrait_claims SET expires_at = 'zz'")
    assert isinstance(state.claims.acquire(KEY, 30), Claim)
    assert state.claims.acquire(KEY, 30) == Holder(seconds=30)


def test_an_asset_of_a_pool_that_cannot_be_understood_is_none(file_place):
    """It is looked for in the lists."""
    state = file_place.open()
    lease(state, "x", a="asset-a")
    with raw(file_place) as connection:
        connection.execute("UPDATE portrait_pool_assets SET asset_id = ''")
    assert state.pools.view(POOL).assets == ()
    assert state.pools.lease_known(POOL, "x", ["a"], 30).ids is None


@pytest.mark.parametrize("loss", ["deleted", "emptied", "set aside"])
def test_a_state_that_was_lost_leaves_a_trace(file_place, loss):
    """A file vanished under a process, lost its content, or was set aside by a process that died then."""
    state = file_place.open()
    state.check()
    if loss == "deleted":
        file_place.location.unlink()
    else:
        state.close()
        state = file_place.open()
        content = file_place.location.read_bytes()
        file_place.location.unlink()
        trace = {"emptied": "state.db", "set aside": "state.db.damaged-20260318T000000Z"}[loss]
        file_place.location.with_name(trace).write_bytes(b"" if loss == "emptied" else content)
    file_place.clock.advance(60)
    assert replacement_age(state) == 0


def test_a_moment_that_cannot_be_understood_is_now(file_place):
    """Nothing is believed to be missing because it is not in it."""
    state = file_place.open()
    state.check()
    with raw(file_place) as connection:
        connection.execute("UPDATE portrait_state SET replaced_at = 'zz'")
    file_place.clock.advance(1000)
    assert replacement_age(state) == 0


# --- disks ----------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_before_anything_is_sent(file_place):
    """A create that cannot be recorded; once there is room it can be."""
    state = file_place.open()
    state.check()
    undo = on_connect(state, "PRAGMA max_page_count = 1")
    with pytest.raises(StateError, match="disk is full") as caught:
        [begin(state, KEY._replace(item=str(number))) for number in range(10_000)]
    assert caught.value.advice.startswith("Free some space.")
    assert not caught.value.may_have_executed
    undo()
    begin(state, KEY)


def test_no_room_for_the_file_itself(file_place, monkeypatch):
    """ENOSPC where it is made."""

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(StateError, match="No space left on device"):
        file_place.open().check()


def test_a_file_that_cannot_be_written(file_place):
    """It can be read still."""
    state = file_place.open()
    begin(state, KEY)
    undo = on_connect(state, "PRAGMA query_only = ON")
    assert pending(state, KEY) is not None
    with pytest.raises(StateError, match="cannot be written") as caught:
        begin(state, KEY)
    assert "writable" in caught.value.advice
    with pytest.raises(StateError, match="cannot be written"):
        state.check()
    undo()


def test_a_file_that_another_program_has_locked(file_place):
    """It says so after a bounded wait."""
    state = file_place.open()
    begin(state, KEY)
    undo = on_connect(state, "PRAGMA busy_timeout = 20")
    pending(state, KEY)
    with raw(file_place) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert pending(state, KEY) is not None
        with pytest.raises(StateError, match="is locked by another program"):
            begin(state, KEY)
    begin(state, KEY)
    undo()


def test_a_folder_that_cannot_be_made(tmp_path):
    """A file stands in its way."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=r"file/state.db cannot be used \((File exists|Not a directory)\)"):
        open_state(tmp_path / "file" / "state.db").check()


def test_a_device_is_no_state(tmp_path):
    """Nor anything else that is no regular file; nothing is put beside it."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="no regular file"):
        open_state(tmp_path / "pipe").check()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(100), b"{}"], ids=["longer", "shorter"])
def test_a_file_of_another_program_is_no_state(tmp_path, content):
    """It is refused however often it is named, and stays as it is."""
    (tmp_path / "picture.png").write_bytes(content)
    for _ in range(2):
        with pytest.raises(UsageError, match=r"picture\.png is no SQLite database; it stays as it is"):
            open_state(tmp_path / "picture.png").check()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [content]


def test_an_empty_file_is_a_state(tmp_path):
    """One that `mktemp` made."""
    (tmp_path / "state.db").touch()
    with open_state(tmp_path / "state.db") as state:
        state.check()


def test_a_folder_is_no_state(tmp_path):
    """The advice names a file in it."""
    with pytest.raises(UsageError, match="is a folder") as caught:
        open_state(tmp_path).check()
    assert str(tmp_path / "state.db") in caught.value.advice


# --- cost -----------------------------------------------------------------------------------------------------------


def test_no_statement_reads_a_whole_table(file_place):
    """What is asked for is found by an index with all of its columns, however much is stored."""
    state = file_place.open()
    state.check()
    statements = []
    with close_after(state._database._open.engine.raw_connection()) as connection:
        connection.dbapi_connection.set_trace_callback(statements.append)
    use_everything(state)
    plans = {}
    with raw(file_place) as connection:
        for statement in statements:
            if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                query = re.sub(r"\bInf\b", "9e999", statement)  # SQLite does not read infinity as it writes it
                plans[statement] = [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert len(plans) > 20
    for statement, plan in plans.items():
        for step in plan:
            assert not step.startswith("SCAN") or "portrait_state" in step, (statement, plan)
            assert not step.endswith("(account=?)"), (statement, plan)


def use_everything(state):
    """Every call but `check`."""
    claimed = begin(state, KEY)
    state.creates.record_again(claimed.create)
    state.creates.finish(claimed, "asset-1")
    state.creates.recent("account", "group-1", 11)
    state.creates.forget("account", "asset-1")
    state.creates.finish(begin(state, KEY), None, withdraw=True)
    claim = state.claims.acquire(KEY, 30)
    state.claims.renew(claim, 30)
    state.claims.release(claim)
    state.uploads.begin("source", Upload(size=1, fingerprint="", part_size=1, sha256="", parts=("p",), key="k"))
    state.uploads.set_upload_id("source", "upload")
    state.uploads.record_part("source", 1, "etag")
    state.uploads.find("source")
    state.uploads.clear("source")
    state.uploads.forget(["upload"])
    state.erasures.record([KEY], "group-1", ["s3://b/1"])
    state.erasures.find(KEY)
    use_pool(state)
    take_turn(state)


# --- network file systems -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs"])
def test_a_network_file_system_is_refused(tmp_path, monkeypatch, kind):
    """The advice is PostgreSQL; a local disk that is mounted inside of it is none."""
    share = tmp_path / "a share"
    (share / "local").mkdir(parents=True)
    escaped = str(share).replace(" ", r"\040")
    mounts = tmp_path / "mounts"
    # In a container, the root may stand after what is mounted in it.
    mounts.write_text(f"/dev/b {escaped}/local ext4 rw 0 0\nserver:/x {escaped} {kind} rw 0 0\n/dev/a / ext4 rw 0 0\n")
    monkeypatch.setattr(location, "_MOUNTS", mounts)
    with pytest.raises(UsageError, match=f"network file system .{kind}.") as caught:
        open_state(share / "new" / "state.db").check()
    assert "postgresql://" in caught.value.advice
    assert not (share / "new").exists()
    for path in (share / "local" / "state.db", tmp_path / "a share too.db"):
        with open_state(path) as state:
            state.check()


def test_where_nobody_can_tell_it_is_taken_for_a_disk(tmp_path, monkeypatch):
    """Other systems have no /proc/mounts."""
    monkeypatch.setattr(location, "_MOUNTS", tmp_path / "missing")
    with open_state(tmp_path / "state.db") as state:
        assert state.report().version == VERSION


# --- versions -------------------------------------------------------------------------------------------------------

VERSION = len(schema.STEPS) + 1  # of this library
STEP = ("ALTER TABLE portrait_pace ADD COLUMN note TEXT", "UPDATE portrait_pace SET note = 'moved'")


@pytest.fixture
def newer(monkeypatch):
    """Opens a state as a library that knows one step more."""

    def open_newer(place, *statements):
        with monkeypatch.context() as patch:
            patch.setattr(schema, "STEPS", (*schema.STEPS, statements or STEP))
            state = place.open()
            assert state.report().version == VERSION + 1
            return state

    return open_newer


def test_an_older_state_is_brought_up_to_date_and_keeps_what_it_holds(place, newer):
    """Step by step, once."""
    take_turn(place.open())
    for _ in range(2):
        state = newer(place)
    found = state._database.read(
        lambda transaction: transaction._connection.exec_driver_sql("SELECT note FROM portrait_pace").scalar()
    )
    assert found == "moved"


def test_a_step_that_fails_changes_nothing(place, newer):
    """The whole migration is one transaction."""
    place.open().check()
    with pytest.raises(StateError):
        newer(place, *STEP, "ALTER TABLE portrait_missing ADD COLUMN note TEXT")
    state = place.open()
    take_turn(state)
    assert state.report().version == VERSION


def test_a_newer_state_is_refused_and_left_alone(place, newer):
    """An old program must not write into tables that it does not know, nor set them aside."""
    newer(place)
    with pytest.raises(UsageError, match="newer portrait") as caught:
        place.open().check()
    assert "Upgrade" in caught.value.advice
    newer(place)


def test_tables_that_a_newer_program_changes_under_an_old_one_are_no_damage(file_place):
    """The old one says that it is old."""
    old = file_place.open()
    begin(old, KEY)
    with raw(file_place) as connection:
        connection.execute("ALTER TABLE portrait_creates RENAME COLUMN item TO thing")
        connection.execute("UPDATE portrait_state SET version = version + 1")
    with pytest.raises(UsageError, match="newer portrait"):
        pending(old, KEY)
    assert list(file_place.location.parent.glob("*.damaged-*")) == []


def test_the_state_holds_what_is_given_and_no_more(file_place):
    """The account stands there as a digest: the key is nowhere in the file."""
    state = file_place.open()
    key = Key(account_digest("https://api.example/v1", "sk-very-secret"), "group-1", "digest")
    begin(state, key)
    state.close()
    assert key.account.encode() in file_place.location.read_bytes()
    assert b"sk-very-secret" not in file_place.location.read_bytes()


def test_an_error_of_sqlite_itself_is_explained_as_one_of_the_engine(file_place):
    """The lock beside the file is taken without an engine: what SQLite says there is as telling."""
    backend = file_place.open()._database._backend
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    assert "the disk fails" in str(backend.explain(error))
    assert not backend.may_pass(error)
