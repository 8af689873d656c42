"""What ensure_* does where something stands in the way: other processes, the storage, an interrupt."""

import hashlib
import socket
from pathlib import Path

import pytest

from emulator.settings import Settings
from emulator.testing import Emulator
from portrait import FileState, OutcomeError
from portrait.ensure import FileOutcome, Origin, parse_digest, short_digest, stops_other_groups
from portrait.errors import AuthError, ConnectFailed, Interrupted, QuotaExceeded, Throttled, UnknownOutcome, UsageError
from portrait.events import FileProgress
from portrait.models import AssetType
from portrait.s3 import AccessDenied, SourceUnreadable, StorageUnreachable, StoredObject
from portrait.state import open_state
from portrait.wait import parse_timestamp
from tests.media_samples import image


class BrokenStore:
    """Object storage that refuses everything."""

    def __init__(self, error):
        self._error = error

    def put_many(self, paths, *, cancel=None, state=None):
        """Refuse."""
        raise self._error


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (AccessDenied("The token may not write to this bucket."), FileState.REFUSED),
        (StorageUnreachable("The storage cannot be reached."), FileState.STOPPED),
    ],
    ids=["refused", "unreachable"],
)
def test_a_storage_that_fails_ends_no_batch(portrait_client, tmp_path, error, state):
    """Every file still ends in an outcome: one that was to be stored in the storage's error, an address as ever."""
    path = tmp_path / "a.jpg"
    path.write_bytes(image())
    group = portrait_client.ensure_group("hosts")
    sources = [path, "https://cdn.example.com/b.jpg"]
    outcomes = {
        o.source: o for o in portrait_client.ensure_assets(sources, group_id=group.id, store=BrokenStore(error))
    }
    assert outcomes[str(path)].state is state
    assert outcomes[str(path)].error is error
    assert outcomes["https://cdn.example.com/b.jpg"].state is FileState.ACTIVE


def test_what_an_interrupt_left_undone_is_no_mistake_of_the_user(portrait_client):
    """A stopped file has an outcome's error: `UsageError` promises that nothing was sent."""
    assert isinstance(Interrupted(), OutcomeError)


@pytest.mark.parametrize(
    ("error", "stops"),
    [
        (None, False),
        (QuotaExceeded("Full."), False),
        (Throttled("Slow down."), False),
        (SourceUnreadable("It is gone."), False),
        (AuthError("No."), True),
        (ConnectFailed("Nobody."), True),
        (AccessDenied("The token may not write to this bucket."), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_one_group_meets_others_may_meet_as_well(error, stops):
    """A group that is full, a file or a moment says nothing of another group; a key and a bucket do."""
    assert stops_other_groups(error) is stops


class SigningStore:
    """Object storage that remembers when it signed each address."""

    def __init__(self, clock):
        self._clock = clock
        self.signed_at = []
        self.states = []

    def put_many(self, paths, *, cancel=None, state=None):
        """Store files."""
        self.states.append(state)
        return [
            StoredObject(
                path=Path(path),
                key=Path(path).name,
                sha256=hashlib.sha256(Path(path).read_bytes()).hexdigest(),
                size=Path(path).stat().st_size,
                content_type="image/png",
                existed=False,
            )
            for path in paths
        ]

    def url(self, key):
        """Sign an address now."""
        self.signed_at.append(self._clock.now())
        return f"https://cdn.example.com/{key}?X-Amz-Signature=0"


@pytest.mark.parametrize("answer", ["ok", "lost"])
def test_an_address_is_signed_when_its_create_is_sent(colour, portrait_emulator, tmp_path, answer):
    """pace-presign: the last of six creates, paced to three a minute, has an address that was signed for it; so has one
    that is sent once more because it got lost.
    """
    paths = [tmp_path / f"{number}.png" for number in range(6)]
    for number, path in enumerate(paths):
        path.write_bytes(image("png", 400 + number, 400))
    if answer == "lost":
        portrait_emulator.rules.add(match={"action": "CreateAsset"}, when={"nth": [3]}, do={"close": "before"})
    client = colour.client(portrait_emulator, pace={"CreateAsset": 1 / 20})
    group = colour.run(client.ensure_group, "hosts").id
    store = SigningStore(portrait_emulator.clock)
    outcomes = colour.run(client.ensure_assets, paths, group_id=group, store=store, concurrency=1)
    assert {outcome.state for outcome in outcomes} == {FileState.ACTIVE}
    created_at = [parse_timestamp(call["time"]) for call in portrait_emulator.calls.all("CreateAsset", outcome="ok")]
    assert created_at[-1] - created_at[0] >= 100
    for moment in created_at:
        assert any(moment - 20 <= signed <= moment for signed in store.signed_at)
    assert len(store.signed_at) == (6 if answer == "ok" else 7)


def test_a_store_is_passed_the_state_of_its_client(colour, portrait_emulator, tmp_path):
    """Unfinished uploads are remembered there, unless the store has a state of its own."""
    path = tmp_path / "a.png"
    path.write_bytes(image("png", 400, 400))
    store = SigningStore(portrait_emulator.clock)
    with open_state(tmp_path / "state.db") as state:
        client = colour.client(portrait_emulator, state=state)
        group = colour.run(client.ensure_group, "hosts").id
        colour.run(client.ensure_asset, path, group_id=group, store=store)
        assert store.states == [state]


class MovingStore(SigningStore):
    """Object storage that is handed files which change in that moment."""

    def put_many(self, paths, **options):
        """Store what the first file has become."""
        Path(paths[0]).write_bytes(image("png", 600, 600))
        return super().put_many(paths, **options)


def test_a_file_that_changes_before_it_is_stored_is_rejected(colour, portrait_emulator, tmp_path):
    """answer-sources: what the storage holds is not what was looked at; nothing of it is created, and the other is."""
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for number, path in enumerate(paths):
        path.write_bytes(image("png", 400 + number, 400))
    client, store = colour.client(portrait_emulator), MovingStore(portrait_emulator.clock)
    group = colour.run(client.ensure_group, "hosts").id
    outcomes = {Path(o.source).name: o for o in colour.run(client.ensure_assets, paths, group_id=group, store=store)}
    assert {name: outcome.state for name, outcome in outcomes.items()} == {"a.png": "Rejected", "b.png": "Active"}
    with pytest.raises(UsageError, match="changed while it was being uploaded"):
        outcomes["a.png"].check()
    assert [asset.name for asset in portrait_emulator.client().iter_assets()] == [outcomes["b.png"].name]


def test_an_outcome_says_all_that_is_known(colour, portrait_emulator, tmp_path):
    """Of a file that was stored and created, of one that is there already, and of one that does not fit."""
    good, bad = tmp_path / "a.png", tmp_path / "b.png"
    good.write_bytes(image("png", 400, 400))
    bad.write_bytes(image("png", 40, 40))
    client, store = colour.client(portrait_emulator), SigningStore(portrait_emulator.clock)
    group = colour.run(client.ensure_group, "hosts").id
    runs = [colour.run(client.ensure_assets, [good, bad], group_id=group, store=store) for _ in range(2)]
    by_source = [{outcome.source: outcome for outcome in outcomes} for outcomes in runs]
    (asset,) = portrait_emulator.client().iter_assets()
    known = {"source": str(good), "asset_id": asset.id, "name": asset.name, "asset": asset, "group_id": group}
    known |= {"state": FileState.ACTIVE, "sha256": hashlib.sha256(good.read_bytes()).hexdigest()}
    assert by_source[0][str(good)] == FileOutcome(**known, origin=Origin.CREATED, stored_key="a.png")
    assert by_source[1][str(good)] == FileOutcome(**known, origin=Origin.EXISTING)
    for outcomes in by_source:
        rejected = outcomes[str(bad)]
        assert (rejected.state, rejected.group_id, rejected.uri) == (FileState.REJECTED, group, "")
        assert rejected.sha256 == hashlib.sha256(bad.read_bytes()).hexdigest()
        assert rejected.name == f"b-{short_digest(rejected.sha256)}"
        assert [fault.code for fault in rejected.faults] == ["WidthTooSmall", "HeightTooSmall"]
        assert (rejected.error.detail, rejected.error.code) == ("WidthTooSmall", "InvalidParameter.WidthTooSmall")
        assert all(fault.message in rejected.error.message for fault in rejected.faults)


def test_the_steps_of_each_file_are_reported(colour, portrait_emulator, tmp_path):
    """In their order, the last one with the id of the asset."""
    path, events = tmp_path / "a.png", []
    path.write_bytes(image("png", 400, 400))
    client = colour.client(portrait_emulator, on_event=events.append)
    group = colour.run(client.ensure_group, "hosts").id
    store = SigningStore(portrait_emulator.clock)
    outcome = colour.run(client.ensure_asset, path, group_id=group, store=store)
    steps = [event for event in events if isinstance(event, FileProgress)]
    assert [(step.source, step.stage, step.asset_id) for step in steps] == [
        (str(path), "checked", ""),
        (str(path), "stored", ""),
        (str(path), "created", outcome.asset_id),
    ]


def test_each_stored_file_is_looked_at_from_outside_before_it_is_created(colour, portrait_emulator, tmp_path):
    """`check_public` gets what was stored."""
    path = tmp_path / "a.png"
    path.write_bytes(image("png", 400, 400))
    store, looks = SigningStore(portrait_emulator.clock), []
    store.check_public = looks.append
    client = colour.client(portrait_emulator)
    group = colour.run(client.ensure_group, "hosts").id
    colour.run(client.ensure_asset, path, group_id=group, store=store, check_public=True)
    assert [(type(stored), stored.path) for stored in looks] == [(StoredObject, path)]


def test_an_address_is_looked_at_from_outside_before_it_is_created(colour, portrait_emulator):
    """One that does not answer is refused, and nothing of it is created."""
    client = colour.client(portrait_emulator)
    group = colour.run(client.ensure_group, "hosts").id
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = f"http://127.0.0.1:{server.getsockname()[1]}/a.jpg"
    (outcome,) = colour.run(client.ensure_assets, [source], group_id=group, check_public=True)
    assert (outcome.state, outcome.error.reason) == (FileState.REFUSED, "unreachable")
    assert portrait_emulator.calls.count("CreateAsset") == 0


def test_a_look_for_one_content_lists_that_content_alone(colour, portrait_emulator):
    """A group may hold thousands of others."""
    client = colour.client(portrait_emulator)
    group = colour.run(client.ensure_group, "hosts").id
    portrait_emulator.rules.add(match={"action": "CreateAsset"}, when={"first": 1}, do={"close": "after-commit"})
    (outcome,) = colour.run(client.ensure_assets, ["https://cdn.example.com/a.jpg"], group_id=group, wait=False)
    assert outcome.origin == "recovered"
    filters = [call["request"]["Filter"] for call in portrait_emulator.calls.all("ListAssets")]
    assert parse_digest(outcome.name) in [each.get("Name") for each in filters]


@pytest.mark.parametrize("option", ["asset_type", "group_type"])
def test_a_type_that_is_none_is_refused_before_anything_is_sent(colour, portrait_emulator, option):
    """It is one of those of the service, exactly."""
    client = colour.client(portrait_emulator)
    with pytest.raises(UsageError, match="Picture"):
        colour.run(client.ensure_assets, ["https://cdn.example.com/a"], group="hosts", **{option: "Picture"})
    assert portrait_emulator.calls.all() == []
    plan = colour.run(client.plan_assets, ["https://cdn.example.com/a"], asset_type="Audio")
    assert plan.entries[0].content.asset_type is AssetType.AUDIO


def test_reviews_are_awaited_for_as_long_and_as_often_as_was_asked(colour, portrait_emulator):
    """`timeout=` and `poll=` are those of the wait."""
    client = colour.client(portrait_emulator)
    group = colour.run(client.ensure_group, "hosts").id
    before, started = portrait_emulator.calls.count("ListAssets"), portrait_emulator.clock.monotonic()
    source = "https://magic.test/a.jpg?after=900"
    (outcome,) = colour.run(client.ensure_assets, [source], group_id=group, timeout=20, poll=10)
    assert outcome.state is FileState.TIMED_OUT
    assert portrait_emulator.clock.monotonic() - started == pytest.approx(20, abs=1)
    assert portrait_emulator.calls.count("ListAssets") - before <= 5


def test_a_group_of_the_name_in_another_project_is_another(colour):
    """The name is looked for in the project alone."""
    emulator = Emulator(Settings(projects=frozenset({"film"})))
    client = colour.client(emulator)
    groups = [colour.run(client.ensure_group, "brand", project_name=project).id for project in ("default", "film")]
    again = [colour.run(client.ensure_group, "brand", project_name=project).id for project in ("default", "film")]
    assert groups == again
    assert len(set(groups)) == 2


@pytest.mark.parametrize("do", [{"http": {"status": 307}}, {"error": "KeyUnknown"}], ids=["redirect", "refused"])
@pytest.mark.parametrize("failures", [1, 3])
def test_a_look_that_fails_is_not_an_answer(portrait_emulator, portrait_client, tmp_path, do, failures):
    """once-look: the create was carried out and its answer lost; whatever the look says instead is not "not there"."""
    group = portrait_client.create_asset_group(name="hosts").id
    portrait_emulator.rules.add(match={"action": "CreateAsset"}, when={"first": 1}, do={"close": "after-commit"})
    looks = list(range(2, 2 + failures))  # the plan has listed once
    portrait_emulator.rules.add(match={"action": "ListAssets"}, when={"nth": looks}, do=do)
    sources, options = ["https://cdn.example.com/b.jpg"], {"group_id": group}
    client = portrait_emulator.client(state=tmp_path / "state.db")
    (outcome,) = client.ensure_assets(sources, **options)
    if failures == 1:
        assert outcome.origin == "recovered"
    else:
        assert outcome.state is FileState.UNKNOWN
        assert outcome.error.may_have_executed
        with open_state(tmp_path / "state.db") as state:
            assert state.report().rows["portrait_creates"] == 1, "the next run must look again"
    client.close()
    (again,) = portrait_emulator.client(state=tmp_path / "state.db").ensure_assets(sources, **options)
    assert again.state is FileState.ACTIVE
    assert portrait_emulator.calls.count("CreateAsset") == 1


@pytest.mark.parametrize("thing", ["group", "asset"])
def test_after_an_unknown_outcome_running_again_is_advised(colour, portrait_emulator, thing):
    """advice-lost: a second run looks first, so it is the remedy; it finds what was created."""
    client = colour.client(portrait_emulator)
    group = colour.run(client.create_asset_group, name="hosts").id
    create, look = {"group": ("CreateAssetGroup", "ListAssetGroups"), "asset": ("CreateAsset", "ListAssets")}[thing]
    portrait_emulator.rules.add(match={"action": create}, when={"first": 1}, do={"close": "after-commit"})
    portrait_emulator.rules.add(match={"action": look}, when={"nth": [2, 3, 4]}, do={"http": {"status": 307}})
    if thing == "group":
        with pytest.raises(UnknownOutcome) as caught:
            colour.run(client.ensure_group, "brand")
        error = caught.value
        assert colour.run(client.ensure_group, "brand").name == "brand"
        assert len(list(portrait_emulator.client().iter_asset_groups())) == 2
    else:
        (outcome,) = colour.run(client.ensure_assets, ["https://cdn.example/a.jpg"], group_id=group)
        error = outcome.error
        (again,) = colour.run(client.ensure_assets, ["https://cdn.example/a.jpg"], group_id=group)
        assert (again.state, again.origin) == ("Active", "existing")
    assert "Run again" in error.advice
