"""Clients while answers are lost: nothing is done twice, nothing gets lost, and errors tell the truth about it."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.settings import Settings
from emulator.testing import Emulator
from emulator.transports import AsyncInProcessTransport
from portrait.ensure import FileState
from portrait.errors import AssetFailed, PortraitError, UnknownOutcome, WaitTimeout
from tests.hypothesis_profiles import searching
from tests.wire.media import png

READS = ("GetAsset", "ListAssets", "GetAssetGroup", "ListAssetGroups")
WRITES = ("CreateAssetGroup", "CreateAsset", "UpdateAsset", "DeleteAsset", "DeleteAssetGroup", "UpdateAssetGroup")
FAULTS = (
    {"close": "after-commit"},
    {"close": "before"},
    {"truncate": 40},
    {"truncate": 0},
    {"http": {"status": 502, "body": "html"}},
    {"http": {"status": 200, "body": "empty"}},
    {"error": "UpstreamUnavailable"},
    {"error": "Throttled"},
    {"error": "Internal"},
)
whens = st.one_of(
    st.sampled_from([0.1, 0.3, 0.5]).map(lambda p: {"chance": p}),
    st.integers(2, 4).map(lambda n: {"every": n}),
    st.integers(1, 4).map(lambda n: {"first": n}),
    st.sets(st.integers(1, 8), min_size=1, max_size=4).map(lambda numbers: {"nth": sorted(numbers)}),
)
faults = st.builds(
    lambda action, do, when: {"match": {"action": action}, "do": do, "when": when},
    st.sampled_from(READS + WRITES),
    st.sampled_from(FAULTS),
    whens,
)
lags = st.builds(
    lambda action, seconds, when: {"match": {"action": action}, "do": {"lag": seconds}, "when": when},
    st.sampled_from(READS),
    st.sampled_from([1, 5, 10]),
    whens,
)
plans = st.lists(st.one_of(faults, faults, lags), min_size=1, max_size=5)
seeds = st.integers(0, 1000)


def troubled(plan, seed):
    """An emulator on which the plan's rules fire; they come after what `given` has made."""
    emulator = Emulator(Settings(seed=seed))
    return emulator, lambda: [emulator.rules.add(rule) for rule in plan]


def attempted(colour, method, **fields):
    """What became of a call: None, or its error."""
    try:
        colour.run(method, **fields)
    except PortraitError as error:
        return error
    return None


def allowed(error):
    """How often a thing may have been done, by what the client said about it."""
    return {1} if error is None else {0, 1} if error.may_have_executed else {0}


def groups_by_name(emulator):
    """Every group of the default customer, counted by its Name, whatever rules there were."""
    emulator.rules.clear()
    return Counter(group.name for group in emulator.client().iter_asset_groups())


def assets_of(emulator, group_id):
    """Every asset of a group."""
    emulator.rules.clear()
    return list(emulator.client().iter_assets(group_ids=[group_id]))


# --- single calls ----------------------------------------------------------------------------------------------------


@given(plan=plans, seed=seeds)
@searching(10)
def test_a_create_is_done_once_or_said_to_be_in_doubt(colour, plan, seed):
    """A create that answers was done once; one that fails without doubt was not done; none is ever done twice."""
    emulator, break_ = troubled(plan, seed)
    client = colour.client(emulator)
    home = emulator.client().create_asset_group(name="home").id
    break_()

    results = {}
    for number in range(6):
        results[f"group {number}"] = attempted(colour, client.create_asset_group, name=f"group {number}")
        results[f"asset {number}"] = attempted(
            colour, client.create_asset, group_id=home, url="https://cdn.example/a.jpg", asset_type="Image",
            name=f"asset {number}",
        )  # fmt: skip

    done = groups_by_name(emulator) + Counter(asset.name for asset in assets_of(emulator, home))
    for name, error in results.items():
        assert done[name] in allowed(error), (name, error)


@given(plan=plans, seed=seeds)
@searching(10)
def test_a_delete_and_an_update_are_done_or_said_to_be_in_doubt(colour, plan, seed):
    """What is said to be deleted is gone, what is said to be renamed has its name; a sure failure changed nothing."""
    emulator, break_ = troubled(plan, seed)
    client, plain = colour.client(emulator), emulator.client()
    home = plain.create_asset_group(name="home").id
    groups = [plain.create_asset_group(name=f"group {n}").id for n in range(4)]
    new = {"group_id": home, "url": "https://cdn.example/a.jpg", "asset_type": "Image"}
    to_delete, renamed = ([plain.create_asset(**new, name="old").id for _ in range(4)] for _ in range(2))
    break_()

    deleted = {id_: attempted(colour, client.delete_asset_group, id=id_) for id_ in groups}
    deleted |= {id_: attempted(colour, client.delete_asset, id=id_) for id_ in to_delete}
    updated = {id_: attempted(colour, client.update_asset, id=id_, name="new") for id_ in renamed}

    emulator.rules.clear()
    names = {asset.id: asset.name for asset in plain.iter_assets(group_ids=[home])}
    there = names.keys() | {group.id for group in plain.iter_asset_groups()}
    for id_, error in deleted.items():
        assert int(id_ not in there) in allowed(error), error
    for id_, error in updated.items():
        assert int(names[id_] == "new") in allowed(error), error


# --- ensure ----------------------------------------------------------------------------------------------------------


@given(plan=plans, seed=seeds)
@searching(10)
def test_ensure_group_never_makes_a_second_one(colour, plan, seed):
    """However often answers get lost, a name has one group at most; what is returned exists, a sure "no" is true."""
    emulator, break_ = troubled(plan, seed)
    client = colour.client(emulator)
    break_()
    results = {}
    for name in ("one", "two", "one", "three"):
        try:
            group = colour.run(client.ensure_group, name)
        except PortraitError as error:
            results.setdefault(name, error)
        else:
            results[name] = None
            assert group.name == name
    done = groups_by_name(emulator)
    assert set(done.values()) <= {1}
    for name, error in results.items():
        assert done[name] in allowed(error), (name, error)


SOURCES = (
    *(f"https://cdn.example/portraits/{name}.jpg" for name in ("ann", "bea", "cid", "dan")),
    "https://cdn.example/portraits/ann.jpg",
    png(400, 400),
    png(400, 401),
)
CONTENTS = 6  # the first address comes twice


@given(plan=plans, seed=seeds)
@searching(10)
def test_ensure_assets_makes_each_content_once(colour, plan, seed):
    """Each outcome is true, no content has two assets, none gets lost, and a second run completes what is missing."""
    emulator, break_ = troubled(plan, seed)
    client = colour.client(emulator)
    group = emulator.client().create_asset_group(name="home").id
    break_()
    try:
        outcomes = colour.run(client.ensure_assets, SOURCES, group_id=group, concurrency=1)
    except PortraitError:
        outcomes = None  # the group could not be read: then nothing was begun

    existing = assets_of(emulator, group)
    names = Counter(asset.name for asset in existing)
    assert set(names.values()) <= {1}, "a duplicate"
    if outcomes is None:
        assert existing == []
    else:
        assert len(outcomes) == len(SOURCES)
        check_truth(outcomes, {asset.id: asset for asset in existing}, names)

    again = colour.run(client.ensure_assets, SOURCES, group_id=group, concurrency=1)
    assert [outcome.state for outcome in again] == [FileState.ACTIVE] * len(SOURCES)
    assert len(assets_of(emulator, group)) == CONTENTS
    assert {asset.id for asset in existing} <= {outcome.asset_id for outcome in again}, "an asset got lost"


def check_truth(outcomes, existing, names):
    """Each outcome against what the emulator has."""
    for outcome in outcomes:
        if outcome.state is FileState.ACTIVE:
            assert existing[outcome.asset_id].status == "Active"
            assert existing[outcome.asset_id].name == outcome.name
        elif outcome.state is FileState.TIMED_OUT:
            assert outcome.asset_id in existing
        else:
            assert outcome.state in {FileState.UNKNOWN, FileState.REFUSED}, outcome
            assert outcome.error is not None
            assert names[outcome.name] in allowed(outcome.error), outcome
            assert (outcome.state is FileState.UNKNOWN) == outcome.error.may_have_executed


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_one_fault_does_not_hinder_ensure_asset(colour, fault):
    """Whatever happens to the first create, and to a lagging look for it, one Active asset is the outcome."""
    emulator = Emulator()
    client = colour.client(emulator)
    group = emulator.client().create_asset_group(name="home").id
    emulator.rules.add(match={"action": "CreateAsset"}, when={"first": 1}, do=fault)
    emulator.rules.add(match={"action": "ListAssets"}, do={"lag": 10})
    outcome = colour.run(client.ensure_asset, "https://cdn.example/ann.jpg", group_id=group)
    assert [(asset.id, str(asset.status)) for asset in assets_of(emulator, group)] == [(outcome.asset_id, "Active")]


def test_three_lost_answers_are_not_followed_by_a_fourth_create(colour):
    """Where every answer is lost and nothing was done, the outcome is unknown and says so, after three creates."""
    emulator = Emulator()
    emulator.rules.add(match={"action": "CreateAssetGroup"}, do={"close": "before"})
    with pytest.raises(UnknownOutcome) as caught:
        colour.run(colour.client(emulator).ensure_group, "one")
    assert caught.value.may_have_executed
    assert emulator.calls.count("CreateAssetGroup") == 3


@pytest.mark.parametrize("lagging", range(1, 9))
def test_ensuring_again_at_once_is_no_second_create(colour, lagging):
    """The same client, ensuring the same again while any one list does not show it yet, finds what it has made."""
    emulator = Emulator()
    client = colour.client(emulator)
    for action in ("ListAssets", "ListAssetGroups"):
        emulator.rules.add(match={"action": action}, when={"nth": [lagging]}, do={"lag": 10})
    groups = {colour.run(client.ensure_group, "home").id for _ in range(2)}
    (group,) = groups
    ensure = lambda: client.ensure_asset("https://cdn.example/ann.jpg", group_id=group)  # noqa: E731
    assets = {colour.run(ensure).asset_id for _ in range(3)}
    assert len(assets) == 1
    assert [asset.id for asset in assets_of(emulator, group)] == list(assets)
    assert groups_by_name(emulator) == {"home": 1}


def test_ensuring_the_same_at_the_same_time_is_one_create(colour):
    """Flows of one client beside each other share one create, of a group as of an asset."""
    emulator = Emulator()
    client = colour.client(emulator)
    for action in ("ListAssets", "ListAssetGroups"):
        emulator.rules.add(match={"action": action}, do={"lag": 5})
    groups = colour.beside(*[lambda: client.ensure_group("home")] * 6)
    assert len({group.id for group in groups}) == 1
    ensure = lambda: client.ensure_asset("https://cdn.example/ann.jpg", group_id=groups[0].id)  # noqa: E731
    assert len({outcome.asset_id for outcome in colour.beside(*[ensure] * 6)}) == 1
    assert emulator.calls.count("CreateAssetGroup") == emulator.calls.count("CreateAsset") == 1


class Held(AsyncInProcessTransport):
    """A transport that holds the first create back, before or after it was carried out, until somebody cancels it."""

    after = False

    def __init__(self, service):
        super().__init__(service)
        self.held = asyncio.Event()

    async def send(self, request):
        """Sent, or held for ever."""
        if self.held.is_set() or "Action=CreateAsset" not in request.url:
            return await super().send(request)
        self.held.set()
        if self.after:
            await super().send(request)
        return await asyncio.Future()


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("what", ["group", "asset"])
def test_a_cancelled_ensure_does_not_take_others_with_it(after, what):
    """Of two that share a create one is cancelled: the other finds what was made, or makes it, and that once."""
    emulator = Emulator()
    home = emulator.client().create_asset_group(name="home").id
    transport = Held(emulator.service)
    transport.after = after
    client = emulator.async_client(transport=transport)

    def start():
        if what == "group":
            return client.ensure_group("new")
        return client.ensure_asset("https://cdn.example/ann.jpg", group_id=home)

    async def both():
        leader, other = asyncio.create_task(start()), asyncio.create_task(start())
        await transport.held.wait()
        for _ in range(20):  # the other boards
            await asyncio.sleep(0)
        leader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leader
        return await other

    outcome = asyncio.run(both())
    if what == "group":
        assert groups_by_name(emulator) == {"home": 1, "new": 1}
        assert emulator.client().get_asset_group(id=outcome.id).name == "new"
    else:
        assert [asset.id for asset in assets_of(emulator, home)] == [outcome.asset_id]


def test_what_was_deleted_is_made_again(colour):
    """An asset or a group that is gone, and not merely unseen, is made anew by the same client."""
    emulator = Emulator()
    client = colour.client(emulator)
    first = colour.run(client.ensure_group, "home")
    asset = colour.run(client.ensure_asset, "https://cdn.example/ann.jpg", group_id=first.id, wait=False).asset_id
    colour.run(client.delete_asset, id=asset)
    again = colour.run(client.ensure_asset, "https://cdn.example/ann.jpg", group_id=first.id)
    assert again.asset_id != asset
    colour.run(client.delete_asset_group, id=first.id)
    assert colour.run(client.ensure_group, "home").id != first.id


# --- waiting ---------------------------------------------------------------------------------------------------------


@given(plan=st.lists(st.one_of(faults, lags, lags), min_size=1, max_size=5), seed=seeds, fails=st.booleans())
@searching(10)
def test_a_wait_ends_with_the_truth(colour, plan, seed, fails):
    """Faults and lagging reads end no wait early: it gives the state, or says that time is up."""
    emulator, break_ = troubled(plan, seed)
    client, plain = colour.client(emulator), emulator.client()
    group = plain.create_asset_group(name="home").id
    query = "?code=FaceMismatch" if fails else ""
    asset = plain.create_asset(group_id=group, url=f"https://magic.test/a.jpg{query}", asset_type="Image").id
    break_()
    error = attempted(colour, client.wait_until_active, id=asset)
    assert isinstance(error, WaitTimeout | (AssetFailed if fails else type(None))), error
    assert not isinstance(error, WaitTimeout) or error.waited >= 60
    assert not isinstance(error, AssetFailed) or error.code == "FaceMismatch"
    emulator.rules.clear()
    status = plain.get_asset(id=asset).status
    assert isinstance(error, WaitTimeout) or status == ("Failed" if fails else "Active")
