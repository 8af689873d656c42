"""Leases of a pool, on both engines of the state and in both colours."""

from math import inf

import pytest
from sqlalchemy import delete

from portrait import events
from portrait.errors import MediaRejected, NoFreeSlot, PortraitError, Throttled, UsageError
from portrait.pool.operations import PIN_TTL
from portrait.state import PoolChange
from portrait.state.database import Database
from portrait.state.pools import PATIENCE, Pools
from portrait.state.schema import LEASES
from tests.portrait.pool.conftest import URLS

pytestmark = pytest.mark.rotate("place")  # what the engines do is tested with the state


def held(worker):
    """Who leases what."""
    return [(lease.item, lease.holder) for lease in worker.run("status").leases]


def test_present_assets_are_used_and_missing_ones_created(workers):
    """The addresses come in the order of the sources, and nothing is created twice."""
    worker = workers(slots=4)
    first, _ = worker.enter(URLS[:2])
    second, _ = workers(slots=4).enter([URLS[1], URLS[2], URLS[1]])
    assert second.uris[0] == second.uris[2] == first.uris[1]
    assert workers.count("CreateAsset") == 3
    assert len(held(worker)) == 4


def test_a_lease_is_of_its_holder_alone(workers):
    """Two hold one asset: the end of one lease leaves it to the other; a renewal renews all of its own."""
    worker, other = workers(slots=1), workers(slots=1)
    first, end_first = worker.enter(URLS[:1], ttl=60)
    second, end_second = other.enter(URLS[:1], ttl=60)
    assert first.holder != second.holder
    end_first()
    assert [holder for _, holder in held(worker)] == [second.holder]
    workers.emulator.clock.advance(50)
    assert worker.wait(second.renew())
    workers.emulator.clock.advance(50)
    assert [holder for _, holder in held(worker)] == [second.holder]
    end_second()
    assert held(worker) == []


def test_a_known_asset_costs_one_read(workers):
    """No list is read for what was leased before, however much the group holds."""
    worker = workers(slots=50)
    worker.use(URLS[:2])
    lists = workers.count("ListAssets")
    workers(slots=50).use(URLS[1::-1])
    assert workers.count("ListAssets") == lists
    assert workers.count("GetAsset") == 2


def test_a_known_asset_costs_two_transactions(workers, monkeypatch):
    """One to lease it, and one to give it back."""
    worker, transactions, run = workers(slots=50), [], Database._run
    worker.use(URLS[:3])
    monkeypatch.setattr(Database, "_run", lambda *args: transactions.append(args) or run(*args))
    _, end = worker.enter(URLS[:3])
    assert len(transactions) == 1
    end()
    assert len(transactions) == 2


def test_assets_that_others_made_are_used_and_those_that_they_deleted_made_anew(workers):
    """The service is asked, and not the memory."""
    client = workers.emulator.client()
    (outcome,) = client.ensure_assets(URLS[0], group_id=workers.group())
    worker = workers(slots=2)
    assert worker.use(URLS[0]) == [outcome.asset_id]
    client.delete_asset(id=outcome.asset_id)
    workers.emulator.clock.advance(200)
    (anew,) = worker.use(URLS[0])
    assert anew != outcome.asset_id
    assert workers.ids() == {anew}
    lists = workers.count("ListAssets")
    assert worker.use(URLS[0]) == [anew]
    assert workers.count("ListAssets") == lists  # the one that is gone is forgotten


def test_the_least_recently_used_makes_room(workers):
    """A leased asset stays, and so does one of somebody else; of the idle ones the pool knows which was used last."""
    worker = workers(slots=4)
    leased, _ = worker.enter(URLS[:1])
    foreign = workers.emulator.client().create_asset(
        group_id=workers.group(), url=URLS[7], asset_type="Image", name="mine"
    )
    (old,), (older,) = worker.use(URLS[1]), worker.use(URLS[2])
    workers.emulator.clock.advance(60)
    worker.use(URLS[1])
    (new,) = worker.use(URLS[3])
    assert workers.ids() == {leased.uris[0][8:], foreign.id, old, new}
    assert older not in workers.ids()


def test_a_use_that_the_service_tells_of_counts(workers):
    """`LastInferenceTime`, which Ark sends, wins over the pool's own record."""
    emulator = workers.emulator
    signed = {"provider": "volcengine", "api_key": None, **emulator.signed_options(emulator.url)}
    signed = {name: value for name, value in signed.items() if name in {"access_key", "secret_key", "base_url"}}
    worker = workers(client={"provider": "volcengine", "api_key": None, **signed}, slots=2)
    (first,), (second,) = worker.use(URLS[0]), worker.use(URLS[1])
    for asset_id in (second, first):
        emulator.clock.advance(60)
        emulator.assets.use(asset_id)
    worker.use(URLS[1])
    (third,) = worker.use(URLS[2])
    status = worker.run("status")
    assert {asset.id for asset in status.assets} == {first, third}


def test_a_lease_that_the_state_has_lost_is_told_at_the_next_renewal(workers):
    """A database that failed may have lost the last second; the holder hears of it, and another lease is granted."""
    seen = []
    worker = workers(client={"on_event": seen.append}, slots=1)
    lease, end = worker.enter(URLS[:1])
    assert worker.wait(lease.renew())
    with workers.place.open() as state:
        state._database.write(lambda transaction: transaction.execute(delete(LEASES)))
    assert not worker.wait(lease.renew())
    assert seen[-1] == events.LeaseLost(group_id=workers.group(), holder=lease.holder)
    end()
    assert worker.use(URLS[:1]) == [lease.uris[0][8:]]


def test_a_full_pool_says_who_holds_what(workers):
    """Nothing is deleted and nothing created; once the holder has died and its ttl is over, there is room."""
    held, _ = workers(slots=1).enter(URLS[:1], ttl=40)
    worker = workers(slots=1)
    with pytest.raises(NoFreeSlot) as caught:
        worker.enter(URLS[1:2], timeout=5)
    assert [lease.holder for lease in caught.value.leases] == [held.holder]
    assert held.holder in str(caught.value)
    assert workers.count("DeleteAsset") == 0
    with pytest.raises(NoFreeSlot):  # never before
        worker.enter(URLS[1:2], timeout=20)
    assert workers.count("DeleteAsset") == 0
    worker.use(URLS[1:2], timeout=60)
    assert workers.count("DeleteAsset") == 1


def test_what_does_not_fit_is_refused_at_once(workers):
    """More contents than slots, no group or two, no slot, no state, and times that are none."""
    worker = workers(slots=1)
    for sources, options in (
        (URLS[:2], {}),
        (URLS[0], {"ttl": 0}),
        (URLS[0], {"ttl": inf}),
        (URLS[0], {"timeout": -1}),
    ):
        with pytest.raises(UsageError):
            worker.enter(sources, **options)
    for options in ({"slots": 0}, {"group_id": "group-1"}, {"group": None}):
        with pytest.raises(UsageError):
            workers(**options)
    client = workers.emulator.client()
    with pytest.raises(UsageError, match="state"), client.pool(group="set").lease(URLS[0]):
        pass
    assert workers.count("CreateAsset") == 0


def test_a_pool_may_have_a_state_of_its_own(workers):
    """It is shared with pools of clients that have it."""
    worker = workers(slots=1)
    lease, _ = worker.enter(URLS[0])
    with workers.emulator.client() as client:
        pool = client.pool(group="set", slots=1, state=workers.place.open())
        assert [each.holder for each in pool.status().leases] == [lease.holder]
        with pool.lease(URLS[0]) as other:
            assert other.uris == lease.uris


def test_throttled_never_evicts(workers):
    """A create that is throttled waits for its turn."""
    worker = workers(slots=3)
    worker.use(URLS[0])
    workers.emulator.rules.add(match={"action": "CreateAsset"}, when={"first": 2}, do={"error": "Throttled"})
    worker.use(URLS[1])
    assert workers.count("DeleteAsset") == 0


def test_a_turn_that_comes_too_late_is_said(workers):
    """The service limits creates: nothing is deleted for it, and the reservation is given back."""
    worker = workers(client={"pace": None}, slots=3)
    workers.emulator.rules.add(match={"action": "CreateAsset"}, when={"first": 99}, do={"error": "Throttled"})
    with pytest.raises((NoFreeSlot, Throttled), match="limits creates"):
        worker.enter(URLS[0], timeout=100)
    assert held(worker) == []


def test_full_by_surprise_is_looked_at_anew(workers):
    """The service refuses although the list shows room: an idle asset of the pool's own makes room, and one only."""
    worker = workers(slots=5)
    worker.use(URLS[:3])
    workers.emulator.rules.add(match={"action": "CreateAsset"}, when={"first": 1}, do={"error": "QuotaExceeded"})
    worker.use(URLS[3])
    assert workers.count("DeleteAsset") == 1


def test_full_by_surprise_without_anything_idle_waits(workers):
    """Nothing that is leased is deleted."""
    worker = workers(slots=5)
    worker.enter(URLS[:2])
    workers.emulator.rules.add(match={"action": "CreateAsset"}, do={"error": "QuotaExceeded"})
    with pytest.raises(NoFreeSlot):
        worker.enter(URLS[2], timeout=10)
    assert workers.count("DeleteAsset") == 0
    assert len(held(worker)) == 2


@pytest.mark.parametrize(
    ("action", "do"),
    [
        ("ListAssets", {"error": "Internal"}),
        ("CreateAsset", {"error": "MediaRejected.WidthTooSmall"}),
        ("CreateAsset", {"error": "BalanceEmpty"}),
        ("CreateAsset", {"review": {"status": "Failed", "code": "FaceMismatch"}}),
        ("DeleteAsset", {"error": "Internal"}),
    ],
)
def test_every_way_out_gives_back_what_was_held(workers, action, do):
    """Whatever fails: no lease, no reservation and no place among those who wait is left."""
    worker = workers(client={"retry": None}, slots=1)
    worker.use(URLS[0])
    workers.emulator.rules.add(match={"action": action}, do=do)
    with pytest.raises(PortraitError):
        worker.enter(URLS[1])
    workers.emulator.rules.clear()
    status = worker.run("status")
    assert (status.leases, status.waiters) == ((), ())


def test_an_eviction_that_was_refused_is_given_back(workers):
    """The asset is leased by the next who wants it."""
    worker = workers(client={"retry": None}, slots=1)
    (asset_id,) = worker.use(URLS[0])
    workers.emulator.rules.add(match={"action": "DeleteAsset"}, do={"error": "Throttled"})
    with pytest.raises(Throttled):
        worker.enter(URLS[1])
    assert worker.use(URLS[0]) == [asset_id]


def test_an_eviction_whose_answer_was_lost_is_sent_again(workers):
    """It was carried out: what is not there any more is deleted."""
    worker = workers(slots=1)
    worker.use(URLS[0])
    workers.emulator.rules.add(match={"action": "DeleteAsset"}, when={"first": 1}, do={"close": "after-commit"})
    (asset_id,) = worker.use(URLS[1])
    assert workers.ids() == {asset_id}


def test_an_asset_whose_deletion_is_not_known_is_leased_by_nobody(workers):
    """Until the call can no longer be carried out; its slot is in use as long as a list shows it."""
    worker = workers(client={"retry": None}, slots=1)
    worker.use(URLS[0])
    workers.emulator.rules.add(match={"action": "DeleteAsset"}, when={"first": 1}, do={"close": "before"})
    with pytest.raises(PortraitError):
        worker.enter(URLS[1])
    with pytest.raises(NoFreeSlot):
        worker.enter(URLS[0], timeout=10)
    workers.emulator.clock.advance(80)
    assert len(worker.use(URLS[0], timeout=100)) == 1


def test_what_was_evicted_a_moment_ago_is_made_anew(workers):
    """A list that still shows it is not believed, and nor is what is remembered of its create."""
    worker, other = workers(slots=1), workers(slots=1)
    (old,) = worker.use(URLS[0])
    workers.emulator.rules.add(match={"action": "ListAssets"}, do={"lag": 9})
    other.use(URLS[1])
    (new,) = worker.use(URLS[0])
    assert new != old
    workers.emulator.rules.clear()
    assert workers.ids() == {new}


def test_a_group_that_was_deleted_is_made_anew(workers):
    """By the name; one that was given by its id is not there."""
    worker, by_id = workers(slots=1), workers(group=None, group_id=workers.group())
    worker.use(URLS[0])
    by_id.use(URLS[0])
    group = workers.group()
    workers.emulator.client().delete_asset_group(id=group)
    workers.emulator.clock.advance(200)
    with pytest.raises(PortraitError):
        by_id.enter(URLS[0])
    worker.use(URLS[0])
    assert workers.group() != group


def test_a_group_of_a_person_is_a_pool_as_well(workers):
    """Its type is asked for."""
    client = workers.emulator.client()
    session = client.create_visual_validate_session(callback_url="https://a.example/")
    workers.emulator.validations.finish(session, "pass")
    group = client.wait_until_validated(session).group_id
    workers.emulator.clock.advance(30)
    worker = workers(group=None, group_id=group, slots=1)
    worker.use(URLS[0])
    (asset_id,) = worker.use(URLS[1])
    assert [asset.id for asset in worker.run("status").assets] == [asset_id]


def test_those_who_wait_are_served_in_order(workers):
    """Who comes later waits although there is room, until the first is served or gives no sign of life."""
    worker = workers(slots=2)
    state, key = workers.place.open(), worker.key()
    state.pools.update(key, "first", lambda _: (PoolChange(waits=True), None), ttl=9, eviction=9)
    started_at = workers.emulator.clock.now()
    worker.use(URLS[0])
    assert workers.emulator.clock.now() - started_at >= PATIENCE


def test_prefetch_leases_nothing(workers):
    """What it brings is there, and makes room like any other."""
    worker = workers(slots=2)
    uris = worker.run("prefetch", URLS[:2])
    assert {uri[8:] for uri in uris} == workers.ids()
    assert held(worker) == []


def test_what_is_pinned_is_read_once(workers):
    """Sources may come from an iterator; the lease of the time before is over."""
    worker = workers(slots=2)
    pinned = worker.run("pin", iter([*URLS[:2], URLS[0]]))
    assert pinned[0] == pinned[2] != pinned[1]
    assert {holder for _, holder in held(worker)} == {"pin of default"}


def test_what_ends_before_it_is_pinned_is_leased_anew(workers, monkeypatch):
    """A process that stood still: another worker has made room of its assets meanwhile."""
    worker = workers(slots=2)
    other = workers.emulator.client(state=workers.place.open()).pool(group="set", slots=2)
    pin, lost = Pools.pin, []

    def late(*values):
        if not lost:
            workers.place.clock.advance(PIN_TTL)
            lost.extend(other.prefetch(URLS[2:4]))
        return pin(*values)

    monkeypatch.setattr(Pools, "pin", late)
    pinned = worker.run("pin", URLS[:2])
    assert {uri[8:] for uri in pinned} == workers.ids()
    assert len(held(worker)) == 2


def test_a_pin_stays_until_its_owner_unpins_it(workers):
    """What another has pinned too stays pinned; what nobody pins makes room."""
    worker = workers(slots=2)
    pinned = worker.run("pin", URLS[:2], owner="brand")
    assert worker.run("pin", URLS[0], owner="shop") == pinned[:1]
    workers.emulator.clock.advance(1_000_000)
    with pytest.raises(NoFreeSlot, match="pin of shop holds"):
        worker.enter(URLS[2], timeout=7)
    worker.run("unpin", URLS[0], owner="brand")
    worker.run("unpin", URLS[1], owner="shop")
    with pytest.raises(NoFreeSlot):
        worker.enter(URLS[2], timeout=7)
    worker.run("unpin", owner="shop")
    worker.use(URLS[2])
    assert pinned[1][8:] in workers.ids()
    assert pinned[0][8:] not in workers.ids()


def test_the_status_says_what_is_in_use(workers):
    """Assets, those of others, leases, who waits, and when each was used."""
    worker = workers(slots=3)
    lease, _ = worker.enter(URLS[0])
    workers.emulator.client().create_asset(group_id=workers.group(), url=URLS[7], asset_type="Image", name="mine")
    status = worker.run("status")
    assert (status.slots, status.foreign, len(status.assets), status.waiters) == (3, 1, 2, ())
    assert [(each.holder, f"asset://{each.asset_id}") for each in status.leases] == [(lease.holder, lease.uris[0])]
    assert status.used_at[lease.uris[0][8:]] == pytest.approx(workers.emulator.clock.now(), abs=10)


def test_events_tell_what_a_lease_does(workers):
    """That it waits, what it deletes, and what it gets."""
    seen = []
    client = {"on_event": seen.append}
    first, _ = workers(slots=1).enter(URLS[0], ttl=20)
    worker = workers(client=client, slots=1)
    second, _ = worker.enter(URLS[1])
    waits = [event for event in seen if isinstance(event, events.LeaseWaiting)]
    assert waits
    assert {event.before for event in waits} == {0}
    (evicted,) = [event for event in seen if isinstance(event, events.AssetEvicted)]
    assert evicted.asset_id == first.uris[0][8:]
    (granted,) = [event for event in seen if isinstance(event, events.LeaseGranted)]
    assert (granted.holder, granted.asset_ids) == (second.holder, (second.uris[0][8:],))
    workers.emulator.clock.advance(5000)
    assert not worker.wait(second.renew())
    assert seen[-1] == events.LeaseLost(group_id=granted.group_id, holder=second.holder)


def test_a_lease_ends_with_an_exception_of_the_block_as_well(workers):
    """The exception goes through."""
    worker = workers(slots=1)
    _, end = worker.enter(URLS[0])
    assert end(KeyboardInterrupt()) == [False]
    assert held(worker) == []


def test_a_file_that_does_not_fit_is_refused_before_anything_is_sent(workers, tmp_path):
    """As by `ensure_assets`."""
    path = tmp_path / "small.png"
    path.write_bytes(bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"))
    with pytest.raises((MediaRejected, UsageError)):
        workers().enter(path)
    assert workers.emulator.calls.count("CreateAsset") == 0
