"""What a state remembers, on both engines."""

import gc
import sqlite3

import psycopg
import pytest

from portrait.state import (
    Claim,
    Erasure,
    Holder,
    Key,
    Upload,
    claims,
    creates,
    erasures,
    open_state,
    pace,
    pools,
    schema,
    uploads,
)
from tests.portrait.state.workers import answer, begin, change, find, lease, pending, replacement_age, take_turn

KEY = Key("account", "group-1", "digest")


# --- claims ---------------------------------------------------------------------------------------------------------


def test_a_claim_has_one_owner_until_it_ends(place):
    """Others hear for how long; once the time is over another gets it, and not a moment before."""
    first, second = place.open(), place.open()
    assert isinstance(first.claims.acquire(KEY, 30), Claim)
    assert second.claims.acquire(KEY, 30) == Holder(seconds=30)
    place.clock.advance(29.5)
    assert second.claims.acquire(KEY, 30) == Holder(seconds=0.5)
    place.clock.advance(0.5)
    assert isinstance(second.claims.acquire(KEY, 30), Claim)
    assert isinstance(first.claims.acquire(KEY, 30), Holder)


@pytest.mark.parametrize("hours", [1, 24 * 365])
def test_a_claim_from_before_the_clock_was_set_back_is_none(state, place, hours):
    """once-kill: whoever was killed with it would keep everybody waiting until the clock has caught up."""
    state.claims.acquire(KEY, 15)
    place.clock.set(place.clock.now() - 3600 * hours)
    assert isinstance(state.claims.acquire(KEY, 15), Claim)
    assert isinstance(state.claims.acquire(KEY, 15), Holder)


@pytest.mark.parametrize("other", [KEY._replace(account="b"), KEY._replace(scope="b"), KEY._replace(item="b")])
def test_a_claim_is_of_one_key(state, other):
    """Another account, another scope and another item are claimed apart."""
    state.claims.acquire(KEY, 30)
    assert isinstance(state.claims.acquire(other, 30), Claim)


def test_a_claim_that_is_renewed_holds_from_then(state, place):
    """Its owner may work for longer than it first asked for."""
    claim = state.claims.acquire(KEY, 30)
    place.clock.advance(20)
    assert state.claims.renew(claim, 30)
    place.clock.advance(20)
    assert state.claims.acquire(KEY, 30) == Holder(seconds=10)


def test_a_released_claim_is_free_at_once(state):
    """Whoever asks next gets it."""
    state.claims.release(state.claims.acquire(KEY, 30))
    assert isinstance(state.claims.acquire(KEY, 30), Claim)


def test_a_claim_that_was_lost_changes_nothing_for_its_new_owner(state, place):
    """Neither a renewal nor a release by who had it before; the renewal says so."""
    lost = state.claims.acquire(KEY, 30)
    place.clock.advance(31)
    mine = state.claims.acquire(KEY, 30)
    assert not state.claims.renew(lost, 300)
    state.claims.release(lost)
    assert state.claims.acquire(KEY, 30) == Holder(seconds=30)
    assert state.claims.renew(mine, 30)


# --- creates --------------------------------------------------------------------------------------------------------


def test_a_create_is_pending_until_it_is_answered(state, place):
    """Then its id is known, with the seconds since the answer."""
    claimed = begin(state, KEY)
    place.clock.advance(5)
    assert find(state, KEY) is None
    assert (pending(state, KEY).id, pending(state, KEY).age) == (claimed.create.id, 5)
    state.creates.finish(claimed, "asset-1")
    place.clock.advance(7)
    assert pending(state, KEY) is None
    found = find(state, KEY)
    assert (found.key, found.result_id, found.age) == (KEY, "asset-1", 7)
    assert found.answered_at - found.begun_at == 5


def test_another_process_knows_the_id_of_a_create(place):
    """Case once-restart: although no list shows it yet."""
    first = place.open()
    answer(first, KEY, "group-7")
    first.close()
    assert find(place.open(), KEY).result_id == "group-7"


def test_the_newest_create_counts(state, place):
    """One that was made anew, after the first was deleted, takes its place; an older answer changes nothing."""
    old = begin(state, KEY)
    state.creates.finish(old, "asset-1")
    place.clock.advance(1)
    answer(state, KEY, "asset-2")
    state.creates.finish(old, "asset-1")
    assert find(state, KEY).result_id == "asset-2"


def test_what_was_deleted_is_forgotten_by_its_id(state):
    """For that account alone."""
    other = KEY._replace(account="b")
    for key in (KEY, other):
        answer(state, key, "asset-1")
    state.creates.forget("account", "asset-1")
    assert find(state, KEY) is None
    assert find(state, other) is not None


def test_what_is_known_by_one_id_is_known_by_another(state, place):
    """A task has told the id of its asset; nothing else of the create changes, and no other account's."""
    other = KEY._replace(account="b")
    for key in (KEY, other):
        answer(state, key, "task-1")
    place.clock.advance(5)
    state.creates.rename("account", "task-1", "asset-1")
    assert (find(state, KEY).result_id, find(state, other).result_id) == ("asset-1", "task-1")
    assert state.creates.age("account", "asset-1") == 5
    assert (state.creates.age("account", "task-1"), state.creates.age("b", "asset-1")) == (None, None)
    assert [create.key.account for create in state.creates.answered("account", "group-1")] == ["account"]


def test_an_answer_is_kept_although_the_record_was_lost(place):
    """A file may be set aside between the record and the answer."""
    first, second = place.open(), place.open()
    claimed = begin(first, KEY)
    second.creates.finish(claimed, None, withdraw=True)
    first.creates.finish(claimed, "asset-1")
    assert find(second, KEY).result_id == "asset-1"


def test_recent_creates_of_a_scope_are_those_that_a_list_may_lack(state, place):
    """Begun or answered within the lag, the oldest first; of that scope alone."""
    slow = begin(state, KEY._replace(item="slow"))
    answer(state, KEY._replace(item="old"), "asset-1")
    begin(state, KEY._replace(item="killed"))
    place.clock.advance(20)
    state.creates.finish(slow, "asset-2")
    answer(state, KEY, "asset-3")
    begin(state, KEY._replace(scope="group-2"))
    place.clock.advance(5)
    found, _ = state.creates.recent("account", "group-1", 11)
    assert [(create.key.item, create.result_id, create.age) for create in found] == [
        ("slow", "asset-2", 5),
        ("digest", "asset-3", 5),
    ]


# --- a claim and its create -----------------------------------------------------------------------------------------


def test_a_create_begins_with_a_claim_and_a_record(state):
    """Both in one step; with its end the next one takes what came of it, if it is new enough."""
    claimed = state.creates.begin(KEY, 30, lambda: 11)
    assert claimed.is_new
    assert pending(state, KEY).id == claimed.create.id
    assert state.creates.begin(KEY, 30, lambda: 11) == Holder(seconds=30)
    state.creates.finish(claimed, "asset-1")
    assert state.creates.begin(KEY, 30, lambda: 11).result_id == "asset-1"
    again = state.creates.begin(KEY, 30, lambda: 0)
    assert again.is_new
    assert again.create.id != claimed.create.id


def test_what_is_new_enough_is_decided_once_the_claim_is_there(file_place, monkeypatch):
    """To get the lock of the file may take seconds, in which the one who has it creates the thing."""
    state, other, clock = file_place.open(), file_place.open(), file_place.clock
    listed_at = clock.monotonic()
    other.creates.finish(other.creates.begin(KEY, 30, lambda: 0), "asset-1")
    take = type(state.claims).take

    def late(*arguments):
        clock.advance(9)
        return take(*arguments)

    clock.advance(1)
    monkeypatch.setattr(type(state.claims), "take", staticmethod(late))
    assert state.creates.begin(KEY, 30, lambda: clock.monotonic() - listed_at + 1).result_id == "asset-1"


def test_a_create_of_somebody_who_was_killed_comes_with_the_claim(state, place):
    """Nothing new is recorded: it may have been carried out."""
    first = state.creates.begin(KEY, 30, lambda: 11)
    place.clock.advance(30)
    second = state.creates.begin(KEY, 30, lambda: 11)
    assert (second.is_new, second.create.id, second.create.age) == (False, first.create.id, 30)
    assert state.report().rows["portrait_creates"] == 1
    place.clock.advance(5)
    assert state.creates.record_again(second.create).begun_at == place.clock.now()
    assert pending(state, KEY).age == 0


def test_a_create_that_was_not_carried_out_is_withdrawn_with_its_claim(state):
    """One that may have been stays."""
    state.creates.finish(state.creates.begin(KEY, 30, lambda: 11), None, withdraw=True)
    assert pending(state, KEY) is None
    claimed = state.creates.begin(KEY, 30, lambda: 11)
    state.creates.finish(claimed, None)
    assert pending(state, KEY).id == claimed.create.id


def test_who_has_lost_the_claim_withdraws_nothing(state, place):
    """The record is that of the new owner, who may have sent its create; an id that is known is recorded still."""
    lost = state.creates.begin(KEY, 30, lambda: 11)
    place.clock.advance(30)
    state.creates.begin(KEY, 30, lambda: 11)
    state.creates.finish(lost, None, withdraw=True)
    assert pending(state, KEY).id == lost.create.id
    assert isinstance(state.creates.begin(KEY, 30, lambda: 11), Holder)
    state.creates.finish(lost, "asset-1")
    assert find(state, KEY).result_id == "asset-1"


# --- uploads --------------------------------------------------------------------------------------------------------

UPLOAD = Upload(
    size=3 * 2**38, fingerprint="stat", part_size=2**38, sha256="ab", parts=("p1", "p2", "p3"), key="prefix/ab.mp4"
)


def test_an_upload_is_remembered_with_its_parts(place):
    """Its id, its hashes, and the ETags that were answered."""
    first = place.open()
    first.uploads.begin("source", UPLOAD)
    assert first.uploads.find("source") == UPLOAD
    first.uploads.set_upload_id("source", "upload-1", foreign=True)
    first.uploads.record_part("source", 2, "etag-2")
    found = place.open().uploads.find("source")
    assert (found.upload_id, found.foreign, found.etags, found.parts) == ("upload-1", True, {2: "etag-2"}, UPLOAD.parts)
    assert first.uploads.find("another") is None


def test_etags_of_another_upload_are_forgotten(state):
    """They say nothing about the parts of the new one."""
    state.uploads.begin("source", UPLOAD)
    state.uploads.record_part("source", 1, "etag-1")
    state.uploads.set_upload_id("source", "upload-2")
    assert state.uploads.find("source").etags == {}


def test_an_upload_that_is_begun_anew_replaces_the_old_one(state):
    """With fewer parts, too."""
    state.uploads.begin("source", UPLOAD)
    state.uploads.begin("source", Upload(size=1, fingerprint="s", part_size=1, sha256="c", parts=("q",), key="k"))
    assert state.uploads.find("source").parts == ("q",)


def test_uploads_that_are_over_are_forgotten(state):
    """By their source, or by ids that the storage no longer has."""
    for source in ("a", "b", "c"):
        state.uploads.begin(source, UPLOAD)
        state.uploads.set_upload_id(source, f"upload-{source}")
    state.uploads.clear("a")
    state.uploads.forget({"upload-b", *(f"upload-{number}" for number in range(1200))})
    assert [state.uploads.find(source) is None for source in "abc"] == [True, True, False]
    assert state.report().rows["portrait_parts"] == 3


# --- erasures -------------------------------------------------------------------------------------------------------


def test_an_erasure_is_remembered_until_nothing_is_left_and_after(state):
    """What is still to be deleted, and then that there was such a group."""
    assert state.erasures.find(KEY) is None
    state.erasures.record([KEY], "group-1", ["s3://b/2", "s3://b/1", "s3://b/2"])
    assert state.erasures.find(KEY) == Erasure(group_id="group-1", objects=("s3://b/1", "s3://b/2"))
    state.erasures.record([KEY], "group-1", ["s3://b/2"])
    assert state.erasures.find(KEY).objects == ("s3://b/2",)
    state.erasures.record([KEY], "group-1", [])
    assert state.erasures.find(KEY) == Erasure(group_id="group-1")


def test_an_erasure_is_remembered_by_every_name_that_the_group_had(state):
    """What is deleted now is not to be deleted any more, whichever name somebody asks by; other groups stay."""
    old, new, other = KEY, KEY._replace(item="new"), KEY._replace(item="other")
    state.erasures.record([old], "group-1", ["s3://b/1"])
    state.erasures.record([other], "group-2", ["s3://b/2"])
    state.erasures.record([new], "group-1", [])
    assert [state.erasures.find(key).objects for key in (old, new, other)] == [(), (), ("s3://b/2",)]


# --- pace -----------------------------------------------------------------------------------------------------------


def test_turns_come_in_order_and_outlive_a_restart(place):
    """Each is one interval after the one before, whoever takes it; unused time is not saved up."""
    first = place.open()
    assert [take_turn(first, interval=20).delay for _ in range(3)] == [0, 20, 40]
    first.close()
    second = place.open()
    assert take_turn(second, interval=20).delay == 60
    assert take_turn(second, "GetAsset").delay == 0
    assert take_turn(second, account="another").delay == 0
    place.clock.advance(1000)
    assert [take_turn(second, interval=20).delay for _ in range(2)] == [0, 20]


def test_what_is_learnt_of_a_limit_holds_for_all_and_outlives_a_restart(place):
    """pace-entry: three creates were accepted in a minute, the next throttled twice; others keep to three a minute."""
    first = place.open()
    for _ in range(3):
        first.paces.update("account", "CreateAsset", lambda pace, now: (pace.accept(now), None))
    for _ in range(2):
        place.clock.advance(0.6)
        first.paces.update("account", "CreateAsset", lambda pace, now: (pace.refuse(now, now, None, (3, 120)), None))
    first.close()
    second = place.open()
    assert [take_turn(second, interval=None).delay for _ in range(2)] == pytest.approx([60.0, 80.4])
    assert take_turn(second, "CreateAssetGroup", interval=None).delay == 0


# --- retention ------------------------------------------------------------------------------------------------------


def rows(state, table):
    """How many rows a table holds."""
    return state.report().rows[f"portrait_{table}"]


def write_old(state):
    """One row into each table; nothing is under way in any of them but the upload."""
    answer(state, KEY, "asset-1")
    state.claims.acquire(KEY, 30)
    state.uploads.begin("source", UPLOAD)
    state.erasures.record([KEY], "group-1", [])
    lease(state, "x", a="asset-a")
    change(state, "old", waits=True)
    take_turn(state)


def write_new(state):
    """Another row into each."""
    other = KEY._replace(item="other")
    begin(state, other)
    state.claims.acquire(other, 30)
    state.uploads.begin("other", UPLOAD)
    state.erasures.record([other], "group-2", [])
    for _ in range(3):  # each write of a pool takes old rows of one table along, in turn
        change(state, "new", waits=True)
        lease(state, "y", b="asset-b")
    take_turn(state, "GetAsset")


TABLES = {
    "creates": creates.KEEP,
    "claims": claims.KEEP + 30,
    "uploads": uploads.KEEP,
    "erasures": erasures.KEEP,
    "leases": pools.KEEP + 30,
    "waiters": pools.KEEP + pools.PATIENCE,
    "pool_assets": pools.KEEP_USES,
    "pace": pace.KEEP + 1,
}


@pytest.mark.parametrize("table", TABLES)
def test_what_is_old_goes_along_with_a_write_and_not_before(place, table):
    """At the end of its time, to the second."""
    new = place.open(new_id=lambda: "new")
    write_old(place.open(new_id=lambda: "old"))
    place.clock.advance(TABLES[table])
    write_new(new)
    assert rows(new, table) == 2
    place.clock.advance(1)
    write_new(new)
    assert rows(new, table) == 1


def test_parts_go_with_their_upload(state, place):
    """Nothing is left behind of it."""
    state.uploads.begin("source", UPLOAD)
    place.clock.advance(uploads.KEEP + 1)
    state.uploads.begin("other", UPLOAD)
    assert rows(state, "parts") == 3


def test_an_erasure_that_is_not_finished_is_kept(state, place):
    """However old it is: somebody asked for it, and it is still to be done."""
    state.erasures.record([KEY], "group-1", ["s3://b/1"])
    place.clock.advance(10 * erasures.KEEP)
    state.erasures.record([KEY._replace(item="other")], "group-2", [])
    assert state.erasures.find(KEY).objects == ("s3://b/1",)


def test_a_write_takes_a_few_old_rows_along_and_not_all(state, place):
    """So that none has to wait for a great cleaning."""
    for number in range(30):
        begin(state, KEY._replace(item=str(number)))
    place.clock.advance(creates.KEEP + 1)
    counts = []
    for number in range(2):
        begin(state, KEY._replace(item=f"new {number}"))
        counts.append(rows(state, "creates"))
    assert counts == [11, 2]


# --- the state itself -----------------------------------------------------------------------------------------------


def test_a_new_state_has_lost_nothing(place):
    """It is as good as none: what a list lacks may be created."""
    state = place.open()
    assert replacement_age(state) is None
    assert state.report().replaced_at is None


def test_a_state_can_be_used_after_it_was_closed(state):
    """It opens again."""
    state.claims.acquire(KEY, 30)
    state.close()
    assert isinstance(state.claims.acquire(KEY, 30), Holder)
    assert state.report().version == len(schema.STEPS) + 1


def test_a_state_that_nobody_closes_closes_itself(place):
    """Whoever drops a client leaves no connection open, and hears no ResourceWarning."""
    state = open_state(place.location, place.clock, server_clock=place.clock)
    state.check()
    connection = state._database._open.engine.raw_connection().dbapi_connection
    connection.execute("SELECT 1").close()
    del state
    gc.collect()
    with pytest.raises((sqlite3.ProgrammingError, psycopg.OperationalError), match="closed"):
        connection.execute("SELECT 1")
