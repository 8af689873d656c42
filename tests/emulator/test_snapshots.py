"""The state of an emulator is kept, read, restored and carried to another emulator, time included, secrets left out."""

import weakref
from threading import Thread

import orjson
import pytest
from attrs import evolve, fields

from emulator.auth import key_handle
from emulator.clocks import ScaledClock
from emulator.control import ControlError
from emulator.control import snapshots as named
from emulator.domain.jobs import Generation, Task, TaskItem, TaskKind, UsedAsset
from emulator.domain.ports import StoredFile
from emulator.domain.records import Asset, AssetState, Customer, Group, Scan, Validation
from emulator.domain.verdicts import Verdict
from emulator.service import Service
from emulator.settings import Settings
from emulator.snapshots import Snapshot, SnapshotError, codec, decode, encode
from emulator.snapshots.snapshot import MOMENTS
from emulator.store.base import Contents
from portrait.clock import ManualClock
from portrait.enums import VideoStatus
from portrait.models import AssetStatus, AssetType, GroupType
from tests.emulator.conftest import Endpoint

NOW = 1_773_792_000.25
# A record of each kind, without a field that has its default.
CONTENTS = Contents(
    customers=(
        Customer(
            name="acme", number=1, aigc=False, subscription=False, balance=0.5, groups=2, assets=3,
            assets_per="customer",
            tier="entry", creates_per_minute=3, creates_burst=False, minute=NOW - 1, created=2,
            calls={"GetAsset": (1_773_792_000, 2)}, listed=(NOW - 2, 100), persons=1, hidden_until=NOW + 9,
        ),
    ),
    groups=(
        Group(
            number=3, id="group-3", customer="acme", project="film", kind=GroupType.LIVENESS_FACE, name="名 😀",
            description="d", created=NOW - 9, updated=NOW - 8, visible_from=NOW + 9, subject="alice", stranger=True,
        ),
    ),
    assets=(
        Asset(
            number=4, id="asset-4", customer="acme", project="film", group_id="group-3", moderation="Skip",
            group_kind=GroupType.LIVENESS_FACE, name="n", kind=AssetType.VIDEO, url="https://h/a.jpg", file="k",
            created=NOW - 7, updated=NOW - 6, visible_from=NOW + 8, status=AssetState.FAILED, due=NOW + 3,
            verdict=Verdict(
                status=AssetStatus.FAILED, code="FaceMismatch", after=3.5, reads=2, reject="WidthTooSmall",
                subject="bob",
            ),
            reads=1, code="FaceMismatch", subject="bob", used=NOW - 1, seconds=2.5,
        ),
    ),
    validations=(
        Validation(
            number=5, token="T0KEN", customer="acme", owner=key_handle("K3Y"), project="film", stranger=True,
            code=10000,
            callback_url="https://app.example/done", created=NOW - 5, expires=NOW + 115, scan=Scan.PASSED,
            group_id="group-3", subject="alice",
        ),
    ),
    jobs=(
        Task(
            number=6, id="task-6", customer="acme", project="film", kind=TaskKind.ASSETS, model="m", created=NOW - 4,
            expected=NOW + 5, ended=NOW + 6, failed=True, validation="val-5", group_id="group-3",
            items=(TaskItem(asset_id="asset-4", name="n", outcome=AssetState.FAILED, code="FaceMismatch"),),
        ),
        Generation(
            number=7, id="cgt-7", customer="acme", model="m", created=NOW - 3, starts=NOW + 1, due=NOW + 4,
            ended=NOW + 7, outcome=VideoStatus.FAILED, code="InternalError", message="e", seconds=5,
            resolution="720p", ratio="16:9", tokens=9, extension=".mov", last_frame=True,
            options={"seed": 7},
            assets=(UsedAsset(asset_id="asset-4", place="content[0].image_url.url"),),
        ),
    ),
    files={"k": StoredFile(content=b"\x00\xff", content_type="image/png", served_until=NOW + 10)},
    numbers=9,
)  # fmt: skip
WHOLE = Snapshot(now=NOW, contents=CONTENTS)


def new_token(moment, owner):
    """Stands for an emulator's own."""
    return f"new-{moment:.0f}-{owner}"


def document(snapshot=WHOLE):
    """A snapshot as parsed JSON."""
    return orjson.loads(encode(snapshot))


def test_the_sample_leaves_no_field_out():
    """Each field has another value than its default, and each that is a time is known as one."""
    samples = {
        Customer: CONTENTS.customers, Group: CONTENTS.groups, Asset: CONTENTS.assets, Task: CONTENTS.tasks,
        Generation: CONTENTS.generations, Validation: CONTENTS.validations,
        StoredFile: (*CONTENTS.files.values(),),
    }  # fmt: skip
    for kind, (record, *_) in samples.items():
        values = {field.name: getattr(record, field.name) for field in fields(kind)}
        assert [field.name for field in fields(kind) if values[field.name] == field.default] == []
        assert {name for name, value in values.items() if type(value) is float and value > 1e6} == set(MOMENTS[kind])


def test_every_field_comes_back_but_the_token():
    """What is written is read: each field of each record, with its time to the microsecond."""
    found = decode(document(), new_token)
    (validation,) = CONTENTS.validations
    expected = evolve(validation, token=new_token(validation.created, validation.owner))
    assert found == evolve(WHOLE, contents=evolve(CONTENTS, validations=(expected,)))
    assert encode(found) == encode(WHOLE)
    assert b"T0KEN" not in encode(WHOLE)
    assert b"\n" in encode(WHOLE)[:200]


def test_an_address_stands_without_its_query():
    """It may be presigned; what the callback knows a person by is left out too."""
    (asset,), (validation,) = CONTENTS.assets, CONTENTS.validations
    contents = evolve(
        CONTENTS,
        assets=(evolve(asset, url="https://u:pw@h/a.jpg?X-Sig=sesame"),),
        validations=(evolve(validation, callback_url="https://app.example/done?nonce=sesame#sesame"),),
    )
    written = encode(evolve(WHOLE, contents=contents))
    assert b"sesame" not in written
    assert b"pw" not in written
    assert b'"https://app.example/done?***"' in written


@pytest.fixture
def person(alice):
    """An asset in review and an open validation; the token."""
    alice.asset(alice.group())
    alice.service.control.patch_customer(alice.key, groups=7)
    alice.group("second")
    return alice.token()


@pytest.mark.parametrize("times", [1, 2])
def test_a_state_comes_back_with_its_time(alice, clock, person, times):
    """Records, limits, the clock and, in this process, tokens; calls, rules and snapshots are no part of it."""
    control = alice.service.control
    assert control.snapshots.save("base")["assets"] == 1
    before = control.state()
    for _ in range(times):
        clock.advance(50)
        control.patch_customer(alice.key, groups=1)
        if times == 1:
            control.add_rule({"do": {"delay": 0}})
            control.finish_validation("val-1", result="pass")
        else:
            control.reset()
        assert control.snapshots.load("base")["clock"] == "2026-03-18T00:00:00Z"
        assert {**control.state(), "rules": []} == before
    assert len(control.rules()["rules"]) == (1 if times == 1 else 0)
    assert alice.error("GetVisualValidateResult", {"BytedToken": person}) == "ValidatePending"
    clock.advance(4)
    assert control.state()["customers"][0]["assets"]["Active"] == 1


def test_another_emulator_goes_on_from_there(alice, clock, person):
    """The same key finds its groups; reviews end when they would have; new ids are new, though the seed is the same."""
    control = alice.service.control
    clock.advance(3)
    control.snapshots.save("base")
    other = Endpoint(Service(Settings(), ManualClock(0)))
    other.service.control.snapshots.load_document(orjson.loads(control.snapshots.read("base")))
    assert other.service.control.state() == control.state()
    groups = {group["Id"] for group in other.call("ListAssetGroups", {"Filter": {"GroupType": "AIGC"}})["Items"]}
    assert other.group("new") not in groups
    assert len(groups) == 2
    other.service.clock.advance(1)
    (asset,) = other.call("ListAssets", {"Filter": {"GroupType": "AIGC"}})["Items"]
    assert asset["Status"] == "Active"
    # The old token is nobody's: it is in no snapshot. Its validation is reached by the handle.
    assert other.error("GetVisualValidateResult", {"BytedToken": person}) == "InvalidToken"
    assert other.service.control.finish_validation("val-1", result="pass")["state"] == "passed"
    assert other.service.store.find_validation("val-1").token != person
    other.service.control.snapshots.save("again")
    assert other.service.control.snapshots.delete("again") == {"snapshots": []}


@pytest.mark.parametrize("kind", ["manual", "scaled", "real"])
def test_what_had_three_seconds_left_has_three_seconds_left(kind):
    """A clock that can be set is set, back too; on the machine's the times of the records move."""
    machine = ManualClock(2_000_000_000.5)
    clock = {"manual": ManualClock, "scaled": lambda: ScaledClock(2, machine), "real": lambda: _Unsettable(machine)}[
        kind
    ]()
    service = Service(Settings(), clock)
    service.snapshots.restore(WHOLE)
    asset, validation = service.store.find_asset("asset-4"), service.store.find_validation("val-5")
    assert clock.now() == pytest.approx(2_000_000_000.5 if kind == "real" else NOW)
    assert asset.due - clock.now() == pytest.approx(3, abs=0.5)
    assert (asset.due - asset.created, validation.expires - validation.created) == (10, 120)
    assert service.store.find_validation("T0KEN") is validation
    with service.store.transaction("acme") as tx:
        assert bool(tx.customer.calls) is (kind != "real")
        assert tx.customer.hidden_until == asset.due + 6


class _Unsettable:
    """The machine's clock, as far as a snapshot can see."""

    def __init__(self, clock):
        self.now, self.monotonic = clock.now, clock.monotonic


def test_a_state_that_has_no_times_stays_without():
    """Zero and none are no times, and do not move."""
    (group,) = CONTENTS.groups
    (asset,) = CONTENTS.assets
    contents = evolve(CONTENTS, groups=(evolve(group, visible_from=0.0),), assets=(evolve(asset, due=None),))
    moved = evolve(WHOLE, contents=contents).moved_to(NOW + 100.4).contents
    assert (moved.groups[0].visible_from, moved.assets[0].due) == (0.0, None)
    assert moved.groups[0].created == group.created + 100
    assert moved.files["k"].served_until == NOW + 110


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": "x"}, "is no snapshot"),
        ({"version": 2}, "version 2 and this emulator reads up to 1: use a newer emulator"),
        ({"version": "1"}, "version is no number"),
        ({"version": True}, "version is no number"),
        ({"colour": 1}, "unknown key 'colour'"),
        ({"clock": "soon"}, "damaged"),
        ({"clock": 5}, "damaged"),
        ({"clock": "9999-12-31T23:00:00Z"}, "between the years"),
        ({"ids": -1}, "ids is out of range"),
        ({"ids": 1.5}, "1.5 is not int"),
        ({"groups": {}}, "groups is no array"),
        ({"groups": [1]}, "groups is no array"),
        ({"groups": []}, "asset-4 is in no group"),
        ({"customers": []}, "no customer 'acme'"),
        ({"files": [{"key": "k", "content_type": "x", "content": "*"}]}, "damaged"),
        *(({name: "twice"}, "comes twice") for name in ("customers", "groups", "assets", "validations")),
        ({"customers": {"number": 0}}, "a number is not from 1"),
        ({"customers": {"number": 1 << 40}}, "a number is not from 1"),
        ({"customers": {"groups": "2"}}, "'2' is not int"),
        ({"customers": {"aigc": 1}}, "1 is not bool"),
        ({"customers": {"secret": 1}}, "unknown key 'secret'"),
        ({"groups": {"kind": "Cats"}}, "damaged"),
        ({"groups": {"name": 5}}, "5 is not str"),
        ({"assets": {"project": "other"}}, "in no group"),
        ({"assets": {"number": 3}}, "a number comes twice"),
        ({"assets": {"due": "never"}}, "damaged"),
        ({"assets": {"status": None}}, "damaged"),
        ({"validations": {"token": "T"}}, "damaged"),
        ({"validations": {"owner": 5}}, "5 is not str"),
        ({"validations": {"created": "1969-12-31T23:59:59Z"}}, "between the years"),
    ],
)
def test_what_is_damaged_or_newer_is_refused_with_a_sentence(change, why):
    """Nothing of it is loaded."""
    written = document()
    for name, value in change.items():
        if value == "twice":
            written[name] *= 2
        elif isinstance(value, dict) and value:
            written[name][0] |= value
        else:
            written[name] = value
    service = Service(Settings(), ManualClock())
    with pytest.raises(ControlError, match=why) as refused:
        service.control.snapshots.load_document(written)
    assert refused.value.status == 400
    assert service.control.state()["customers"] == []


@pytest.mark.parametrize("name", [*document(), *document()["customers"][0]])
def test_what_is_missing_is_named_or_has_its_default(name):
    """A document without one of its keys, and a customer without one of its fields."""
    written = document()
    if name in {"format", "version", "clock", "ids", "customers", "groups", "assets", "validations", "files"}:
        del written[name]
        with pytest.raises(SnapshotError):
            decode(written, new_token)
    elif name in {"tasks", "generations"}:  # of a later date than the format
        del written[name]
        assert getattr(decode(written, new_token).contents, name) == ()
    else:
        del written["customers"][0][name]
        if name in {"name", "number"}:
            with pytest.raises(SnapshotError, match=f"damaged: .*{name}"):
                decode(written, new_token)
        else:
            assert decode(written, new_token).contents.groups == CONTENTS.groups


@pytest.mark.parametrize("name", ["", ".x", "a/b", "x" * 65, "ü", "a b"])
def test_a_name_is_short_and_plain(alice, name):
    """It stands in an address and in a list."""
    with pytest.raises(ControlError, match="1 to 64 letters"):
        alice.service.control.snapshots.save(name)


@pytest.mark.parametrize(
    ("bound", "value", "why"),
    [
        ("MAX_SNAPSHOTS", 1, "1 snapshots already"),
        ("MAX_RECORDS", 9, "9 records"),
        ("MAX_FILE_BYTES", 3, "3 bytes of files"),
    ],
)
def test_snapshots_are_bounded(monkeypatch, bound, value, why):
    """Their number, and what they have together; one that is saved again takes no further room."""
    monkeypatch.setattr(named, bound, value)
    service = Service(Settings(), ManualClock(NOW))
    service.snapshots.restore(WHOLE)
    snapshots = service.control.snapshots
    for _ in range(2):
        snapshots.save("one")
    with pytest.raises(ControlError, match=f"{why}.*: delete one first") as refused:
        snapshots.save("two")
    assert refused.value.status == 409
    snapshots.delete("one")
    assert [each["name"] for each in (snapshots.save("two"), *snapshots.all()["snapshots"])] == ["two", "two"]


@pytest.mark.parametrize("drop", ["delete", "save"])
def test_the_assets_of_a_snapshot_are_freed_one_by_one(alice, monkeypatch, drop):
    """Nothing else holds them by then; a million in one step would stop every thread."""
    control, group, alive = alice.service.control, alice.group(), []
    for _ in range(3):
        alice.asset(group)
    records = [weakref.ref(asset) for asset in alice.service.store.copy().assets]

    def free(assets):
        while assets:
            assets.popleft()
            alive.append(sum(record() is not None for record in records))

    monkeypatch.setattr(named, "_free", free)
    control.snapshots.save("base")
    control.reset()
    getattr(control.snapshots, drop)("base")
    assert alive == [2, 1, 0]


def test_a_document_is_bounded(alice, monkeypatch):
    """What is too large to be read in one piece can still be loaded."""
    alice.group()
    snapshots = alice.service.control.snapshots
    snapshots.save("large")
    monkeypatch.setattr(codec, "MAX_BYTES", 200)
    with pytest.raises(ControlError, match="more than 200 bytes") as refused:
        snapshots.read("large")
    assert refused.value.status == 413
    assert snapshots.load("large")["groups"] == 1


def test_what_is_not_there_is_said(alice):
    """Loading, reading and deleting."""
    snapshots = alice.service.control.snapshots
    for method in (snapshots.load, snapshots.read, snapshots.delete):
        with pytest.raises(ControlError, match="there is no snapshot x") as refused:
            method("x")
        assert refused.value.status == 404


def test_calls_are_answered_while_a_state_is_restored(alice):
    """The records are put in order without the lock: in between a call from another thread is answered."""
    answered = []

    class Records(tuple):
        __slots__ = ()

        def __iter__(self):
            thread = Thread(target=lambda: answered.append(alice.group()))
            thread.start()
            thread.join(5)
            return super().__iter__()

    contents = evolve(CONTENTS, assets=Records(CONTENTS.assets))
    alice.service.store.restore(contents)
    assert len(answered) == 1
    assert alice.service.store.find_asset("asset-4") is CONTENTS.assets[0]
