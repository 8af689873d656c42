"""Many assets followed to their end: few calls, one true outcome for each, resumable anywhere, never an exception."""

import functools
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.settings import Settings
from emulator.testing import Emulator
from portrait.errors import AuthError
from portrait.watch import OutcomeState
from tests.hypothesis_profiles import searching
from tests.system.test_lost_answers import FAULTS, READS, plans, seeds

MANY = 50


def registered(emulator, *queries, group=None):
    """Assets of magic addresses with these queries; their ids in order."""
    client = emulator.client()
    group = group or client.create_asset_group(name="home").id
    assets = [
        client.create_asset(group_id=group, url=f"https://magic.test/a.jpg?{query}", asset_type="Image")
        for query in queries
    ]
    return [asset.id for asset in assets]


def states(outcomes):
    """Outcomes by asset."""
    return {outcome.id: outcome.state for outcome in outcomes}


def test_watching_fifty_takes_a_tenth_of_the_calls(colour):
    """Fifty assets are followed with at most a tenth of the calls that polling each of them takes."""
    emulator = Emulator()
    ids = registered(emulator, *["after=30"] * MANY)
    before = emulator.calls.count()
    watched = colour.run(colour.client(emulator).watch_assets, ids)
    watching = emulator.calls.count() - before
    assert states(watched) == dict.fromkeys(ids, OutcomeState.ACTIVE)

    emulator = Emulator()  # beside each other they would share the clock that sleeping moves
    (alone,) = registered(emulator, "after=30")
    colour.run(colour.client(emulator).wait_until_active, alone)
    polling = emulator.calls.count("GetAsset") * MANY
    assert polling >= 10 * MANY
    assert watching <= 0.1 * polling


@pytest.mark.parametrize("count", [0, 1, 7, 20, 49, 50])
def test_another_client_goes_on_where_one_stopped(colour, count):
    """A watch that is stored as JSON at any moment and resumed elsewhere gives every asset once, and no second time."""
    emulator = Emulator()
    ids = registered(emulator, *[f"after={3 + 5 * (number % 5)}" for number in range(MANY)])
    watch = colour.client(emulator).watch_assets(ids)
    first = colour.run(take, watch, count)
    state = json.loads(json.dumps(watch.state))
    rest = colour.run(colour.client(emulator).watch_assets, state)
    assert Counter(outcome.id for outcome in [*first, *rest]) == Counter(ids)
    assert {outcome.state for outcome in [*first, *rest]} == {OutcomeState.ACTIVE}
    assert len(first) == count


def take(watch, count):
    """The first outcomes, in the manner of the watch's colour."""
    if hasattr(watch, "__anext__"):
        return take_async(watch, count)
    return [next(watch) for _ in range(count)]


async def take_async(watch, count):
    """The same for asyncio."""
    return [await anext(watch) for _ in range(count)]


def test_a_resumed_watch_keeps_its_deadline(colour):
    """The seconds that passed before the resumption count: 60 in all, not 60 again."""
    emulator = Emulator()
    ids = registered(emulator, "after=3", "after=1000")
    watch = colour.client(emulator).watch_assets(ids)
    started = emulator.clock.monotonic()
    (first,) = colour.run(take, watch, 1)
    state = json.loads(json.dumps(watch.state))
    emulator.clock.advance(40)
    (late,) = colour.run(colour.client(emulator).watch_assets, state)
    assert (first.state, late.state) == (OutcomeState.ACTIVE, OutcomeState.TIMED_OUT)
    assert 60 <= emulator.clock.monotonic() - started <= 63


def test_each_asset_ends_as_it_is(colour):
    """Active, Failed with its code, Vanished and Late, each told once, with the error that a wait would have raised."""
    emulator = Emulator()
    active, failed, deleted, late = registered(emulator, "", "code=FaceMismatch", "after=30", "after=1000")
    never = "asset-20260318000000-never"
    emulator.client().delete_asset(id=deleted)
    outcomes = colour.run(colour.client(emulator).watch_assets, [active, failed, deleted, late, never])
    assert states(outcomes) == {
        active: OutcomeState.ACTIVE, failed: OutcomeState.FAILED, deleted: OutcomeState.VANISHED,
        late: OutcomeState.TIMED_OUT, never: OutcomeState.VANISHED,
    }  # fmt: skip
    assert len(outcomes) == 5
    by_id = {outcome.id: outcome for outcome in outcomes}
    assert by_id[active].check().id == active
    assert by_id[failed].error.code == "FaceMismatch"
    assert by_id[deleted].error.asset_id == deleted
    assert by_id[late].error.last.status == "Processing"


def test_an_asset_that_reads_do_not_show_yet_has_not_vanished(colour):
    """Reads that lag up to ten seconds hide new assets, and none of them is said to have vanished."""
    emulator = Emulator()
    for action in READS:
        emulator.rules.add(match={"action": action}, do={"lag": 10})
    ids = registered(emulator, *[""] * 10)
    outcomes = colour.run(colour.client(emulator).watch_assets, ids)
    assert states(outcomes) == dict.fromkeys(ids, OutcomeState.ACTIVE)


def test_an_asset_that_is_deleted_meanwhile_has_vanished_after_the_grace(colour):
    """It takes ten seconds of absence, not one look, to say that an asset has vanished."""
    emulator = Emulator()
    (deleted,) = registered(emulator, "after=50")
    emulator.client().delete_asset(id=deleted)
    started = emulator.clock.monotonic()
    (outcome,) = colour.run(colour.client(emulator).watch_assets, [deleted])
    assert outcome.state is OutcomeState.VANISHED
    assert 10 <= emulator.clock.monotonic() - started <= 20


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_service_that_never_answers_makes_assets_late(colour, fault):
    """Where no read gets an answer, every asset is Late at its deadline; nothing is raised or called Vanished."""
    emulator = Emulator()
    ids = registered(emulator, *[""] * 3)
    for action in READS:
        emulator.rules.add(match={"action": action}, do=fault)
    outcomes = colour.run(colour.client(emulator).watch_assets, ids)
    assert states(outcomes) == dict.fromkeys(ids, OutcomeState.TIMED_OUT)


def test_a_key_that_is_refused_is_raised_and_the_watch_goes_on_later(colour):
    """What concerns all assets is raised, and what was open stays open for another try."""
    emulator = Emulator(Settings(api_keys={"sk-good": "alice"}))
    ids = registered(emulator, "", "")
    watch = colour.client(emulator, api_key="sk-bad").watch_assets(ids)
    with pytest.raises(AuthError):
        colour.run(lambda: watch)
    assert set(watch.state["open"]) == set(ids)
    outcomes = colour.run(colour.client(emulator).watch_assets, watch.state)
    assert states(outcomes) == dict.fromkeys(ids, OutcomeState.ACTIVE)


kinds = st.lists(st.sampled_from(["", "code=TypeMismatch", "after=40", "gone"]), min_size=1, max_size=12)


@given(plan=plans, seed=seeds, queries=kinds)
@searching(8)
def test_every_outcome_is_true(colour, plan, seed, queries):
    """Under any faults and lags each asset has one outcome, and it is what the service says, or Late."""
    emulator = Emulator(Settings(seed=seed))
    ids = registered(emulator, *("" if query == "gone" else query for query in queries))
    to_delete = {id_ for id_, query in zip(ids, queries, strict=True) if query == "gone"}
    for id_ in to_delete:
        emulator.client().delete_asset(id=id_)
    for rule in plan:
        emulator.rules.add(rule)
    outcomes = colour.run(colour.client(emulator).watch_assets, ids)
    assert Counter(outcome.id for outcome in outcomes) == Counter(ids)
    emulator.rules.clear()
    truth = {asset.id: str(asset.status) for asset in emulator.client().iter_assets()}
    for outcome in outcomes:
        assert outcome.state in {OutcomeState.TIMED_OUT, truth.get(outcome.id, OutcomeState.VANISHED)}, outcome
        assert (outcome.error is None) == (outcome.state is OutcomeState.ACTIVE)


def fill(emulator, count):
    """A group of so many Active assets, the oldest first; its key and the ids."""
    key = emulator.customer(assets=count)
    client = emulator.client(api_key=key)
    group = client.create_asset_group(name="crowd").id
    url = "https://cdn.example/a.jpg"
    ids = [client.create_asset(group_id=group, url=url, asset_type="Image").id for _ in range(count)]
    emulator.clock.advance(60)
    return key, group, ids


@pytest.fixture(scope="module")
def crowd():
    """Makes an emulator that is filled, once for each number: watching changes nothing of it."""

    @functools.cache
    def crowd(count):
        emulator = Emulator()
        return emulator, *fill(emulator, count)

    return crowd


@pytest.mark.parametrize(
    ("count", "wanted", "grouped", "calls"),
    [
        (1000, slice(None), False, 12),  # the first asset, its group, ten pages
        (1000, slice(None), True, 11),
        (3000, slice(0, 1000), True, 13),  # the oldest
        (3000, slice(2000, 3000), True, 13),  # the newest
        (3000, slice(1000, 2000), True, 32),  # in the middle
        (3000, slice(1500, 1503), True, 7),
    ],
    ids=["all", "all of a group", "oldest", "newest", "middle", "three"],
)
def test_ended_assets_take_a_call_for_each_page(crowd, count, wanted, grouped, calls):
    """pace-calls, pace-calls-old: ended assets are found on pages from both ends, and are not asked for one by one."""
    emulator, key, group, ids = crowd(count)
    before = emulator.calls.count()
    outcomes = list(emulator.client(api_key=key).watch_assets(ids[wanted], group_ids=[group] if grouped else None))
    assert states(outcomes) == dict.fromkeys(ids[wanted], OutcomeState.ACTIVE)
    assert emulator.calls.count() - before <= calls


def test_assets_of_many_groups_are_found_without_their_names():
    """pace-calls: assets that are asked for one by one tell further groups, whose pages show the rest."""
    emulator = Emulator()
    ids = [id_ for number in range(8) for id_ in registered(emulator, *[""] * 20, group=made_group(emulator, number))]
    before = emulator.calls.count()
    outcomes = list(emulator.client().watch_assets(ids))
    assert states(outcomes) == dict.fromkeys(ids, OutcomeState.ACTIVE)
    assert emulator.calls.count() - before <= 30


def test_assets_that_end_in_a_crowd_are_found_at_once():
    """pace-calls: others have changed more in one pause than was to be read; it is not looked for one by one."""
    emulator = Emulator(Settings(assets=MANY + 500))
    group = made_group(emulator, 1)
    ids = registered(emulator, *["after=30"] * MANY, group=group)
    registered(emulator, *["after=30"] * 500, group=group)
    before, started = emulator.calls.count(), emulator.clock.now()
    outcomes = list(emulator.client().watch_assets(ids))
    assert states(outcomes) == dict.fromkeys(ids, OutcomeState.ACTIVE)
    assert emulator.clock.now() - started <= 33
    assert emulator.calls.count() - before <= 90


def made_group(emulator, number):
    """A group; its id."""
    return emulator.client().create_asset_group(name=f"group {number}").id
