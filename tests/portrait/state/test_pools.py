"""What a state knows of pools, on both engines: leases, who waits, what was used and deleted."""

from concurrent.futures import ThreadPoolExecutor
from math import inf

from portrait.recent_creates import VISIBILITY_LAG
from portrait.state import Key, KnownLease, PoolChange, PooledAsset, PoolKey, Waiting, pools
from tests.portrait.state.workers import EVICTION, POOL, answer, begin, change, holders, lease


def known(state, holder, *items, ttl=30):
    """Lease what is known."""
    return state.pools.lease_known(POOL, holder, items, ttl)


def test_a_lease_belongs_to_its_holder(state, place):
    """Several may lease one item; the release and the renewal of one change nothing for another."""
    lease(state, "x", 60, a="asset-a", b=None)
    lease(state, "y", 60, a="asset-a")
    place.clock.advance(30)
    assert state.pools.renew(POOL, "x", 60) == 2
    assert holders(state) == [("a", "x", "asset-a", 60), ("a", "y", "asset-a", 30), ("b", "x", None, 60)]
    state.pools.release(POOL, "x")
    assert holders(state) == [("a", "y", "asset-a", 30)]


def test_a_lease_is_of_one_pool(state):
    """Another account and another group have their own."""
    lease(state, "x", a="asset-a")
    for other in (PoolKey("b", POOL.scope), PoolKey(POOL.account, "b")):
        assert not state.pools.view(other).leases
        assert state.pools.lease_known(other, "y", ["a"], 30).ids is None


def test_a_lease_ends_by_itself_and_is_not_renewed_then(state, place):
    """At the end of its time and not before: somebody may have deleted the asset since."""
    lease(state, "x", 60, a="asset-a")
    place.clock.advance(59)
    assert len(holders(state)) == 1
    place.clock.advance(1)
    assert holders(state) == []
    assert state.pools.renew(POOL, "x", 60) == 0
    assert not state.pools.settle(POOL, "x", {"a": "asset-a"}, 60)


def test_a_reservation_becomes_a_lease_of_an_asset(state):
    """From then on the asset is known, and others lease it by its content alone."""
    lease(state, "x", a=None)
    assert known(state, "y", "a") == KnownLease(None, is_next=True)
    assert state.pools.settle(POOL, "x", {"a": "asset-a"}, 30)
    assert known(state, "y", "a").ids == {"a": "asset-a"}


def test_what_is_known_is_leased_all_or_none(state):
    """One content that is not known: nothing is leased."""
    lease(state, "x", a="asset-a")
    state.pools.release(POOL, "x")
    assert known(state, "y", "a", "b").ids is None
    assert holders(state) == []


def test_who_waits_for_a_slot_comes_before_what_nobody_leases(state):
    """What others lease already may be shared at once: it takes nothing from those who wait."""
    lease(state, "x", a="asset-a", b="asset-b")
    state.pools.release(POOL, "x", ["b"])
    change(state, "first", waits=True)
    assert known(state, "y", "a").ids == {"a": "asset-a"}
    assert known(state, "z", "b") == KnownLease(None, is_next=False)
    assert known(state, "first", "b").ids == {"b": "asset-b"}
    assert state.pools.view(POOL).waiters == ()


def test_those_who_wait_are_in_order_and_keep_their_places(state, place):
    """One who was served in vain comes back to its place; one without a sign of life loses its turn, not its place."""
    tickets = [change(state, holder, waits=True) for holder in ("c", "b", "a")]
    assert state.pools.view(POOL).waiters == ("c", "b", "a")
    assert change(state, "c", leases={"item": None}, ticket=tickets[0]) == tickets[0]
    assert state.pools.view(POOL).waiters == ("b", "a")
    change(state, "c", waits=True, ticket=tickets[0])
    assert state.pools.view(POOL).waiters == ("c", "b", "a")
    place.clock.advance(pools.PATIENCE - 1)
    known(state, "b", "item")
    place.clock.advance(1)
    assert state.pools.view(POOL).waiters == ("b",)
    known(state, "c", "item")
    assert state.pools.view(POOL).waiters == ("c", "b")


def test_who_waits_sees_whether_it_is_worth_asking(state, place):
    """Its turn, what it wants becoming known, and a sign of life that is due; looking is no sign of life."""
    lease(state, "x", a="asset-a")
    for holder in ("first", "second"):
        change(state, holder, waits=True)
    assert state.pools.look(POOL, "first", ["b"]) == Waiting(is_next=True, is_known=False, is_overdue=False)
    assert state.pools.look(POOL, "second", ["a"]) == Waiting(is_next=False, is_known=True, is_overdue=False)
    state.pools.release(POOL, "x")
    assert not state.pools.look(POOL, "second", ["a"]).is_known
    place.clock.advance(pools.PATIENCE / 2 + 1)
    assert state.pools.look(POOL, "second", ["a"]).is_overdue
    place.clock.advance(pools.PATIENCE / 2)
    assert state.pools.view(POOL).waiters == ()
    assert state.pools.look(POOL, "second", ["a"]) == Waiting(is_next=True, is_known=True, is_overdue=True)


def test_what_somebody_else_has_deleted_is_forgotten(state):
    """What was deleted here, or is being deleted, stays known as such."""
    lease(state, "x", a="asset-a", b="asset-b", c="asset-c")
    change(state, "x", waits=True, victims={"asset-b": "b", "asset-c": "c"})
    state.pools.end_eviction(POOL, "asset-c", is_deleted=True)
    for asset_id in ("asset-a", "asset-b", "asset-c"):
        state.pools.forget(POOL, asset_id)
    assert [each.asset_id for each in state.pools.view(POOL).assets] == ["asset-b", "asset-c"]


def test_deletions_are_seen_for_as_long_as_lists_may_lag(state, place):
    """Counted from the begin of the list that they are compared with; a pool's history costs nothing."""
    lease(state, "x", a="asset-a")
    change(state, "x", waits=True, victims={"asset-a": "a"})
    state.pools.end_eviction(POOL, "asset-a", is_deleted=True)
    place.clock.advance(VISIBILITY_LAG)
    assert state.pools.view(POOL).assets == ()
    assert len(state.pools.view(POOL, age=1.0).assets) == 1


def test_what_is_being_deleted_is_leased_by_nobody(state, place):
    """Until it is known not to be deleted, or the time for that is over; what was deleted is never leased."""
    lease(state, "x", a="asset-a", b="asset-b", c="asset-c")
    state.pools.release(POOL, "x")
    change(state, "y", waits=True, victims={"asset-a": "a", "asset-b": "b", "asset-c": "c"})
    state.pools.end_eviction(POOL, "asset-a", is_deleted=False)
    state.pools.end_eviction(POOL, "asset-b", is_deleted=True)
    state.pools.release(POOL, "y")
    assert known(state, "z", "a").ids == {"a": "asset-a"}
    assert known(state, "z", "b").ids is None
    assert known(state, "z", "c").ids is None
    place.clock.advance(EVICTION - 1)
    assert [each.is_evicting for each in state.pools.view(POOL).assets] == [False, False, True]
    place.clock.advance(1)
    assert [each.is_evicting for each in state.pools.view(POOL).assets] == [False, False, False]
    assert state.pools.view(POOL).assets[1].deleted == EVICTION


def test_the_last_use_is_remembered(state, place):
    """It is that of the lease, and then that of its end; for another process as well."""
    lease(state, "x", a="asset-a")
    started_at = place.clock.now()
    assert state.pools.view(POOL).assets == (PooledAsset(item="a", asset_id="asset-a", used_at=started_at),)
    place.clock.advance(10)
    state.pools.release(POOL, "x")
    assert place.open().pools.view(POOL).assets[0].used_at == started_at + 10
    place.clock.advance(10)
    known(state, "y", "a")
    assert state.pools.view(POOL).assets[0].used_at == started_at + 20


def test_a_pin_never_ends_and_belongs_to_its_owner(state, place):
    """Neither time nor a renewal nor another's release ends it."""
    for holder, owner in (("x", "brand"), ("y", "shop")):
        lease(state, holder, a="asset-a")
        assert state.pools.pin(POOL, holder, owner, {"a": "asset-a"})
    place.clock.advance(10 * pools.KEEP_USES)
    assert state.pools.renew(POOL, "brand", 30) == 0
    state.pools.release(POOL, "brand")
    assert holders(state) == [("a", "shop", "asset-a", inf)]


def test_a_lease_that_has_ended_is_not_pinned(state, place):
    """Somebody may have deleted the asset since."""
    lease(state, "x", a="asset-a", b="asset-b")
    place.clock.advance(600)
    assert not state.pools.pin(POOL, "x", "brand", {"a": "asset-a", "b": "asset-b"})
    assert holders(state) == []


def test_creates_of_the_group_are_seen_with_the_pool(state):
    """Those that were answered, and those under way; of another group none."""
    answer(state, Key(*POOL, "a"), "asset-a")
    begin(state, Key(*POOL, "b"))
    begin(state, Key(POOL.account, "group-2", "c"))
    assert [(each.key.item, each.result_id) for each in state.pools.view(POOL).creates] == [
        ("a", "asset-a"),
        ("b", None),
    ]


def test_a_pool_is_closed_only_while_nobody_uses_it(state, place):
    """Then nobody leases from it, until it is opened or the time is over."""
    lease(state, "x", a="asset-a")
    assert not state.pools.close(POOL, 60)
    state.pools.release(POOL, "x")
    change(state, "x", waits=True)
    assert not state.pools.close(POOL, 60)
    state.pools.release(POOL, "x")
    assert state.pools.close(POOL, 60)
    assert known(state, "y", "a").ids is None
    assert state.pools.view(POOL).is_closed
    assert state.pools.close(POOL, 0)
    assert known(state, "y", "a").ids == {"a": "asset-a"}
    state.pools.release(POOL, "y")
    assert state.pools.close(POOL, 60)
    place.clock.advance(60)
    assert not state.pools.view(POOL).is_closed


def test_how_long_a_pool_is_idle(state, place):
    """Of one that nobody has used nothing is known."""
    lease(state, "x", a="asset-a")
    place.clock.advance(50)
    assert state.pools.idle(POOL) == 50
    assert state.pools.idle(PoolKey(POOL.account, "another")) is None


def test_the_last_slot_goes_to_exactly_one(state):
    """Sixteen threads decide by what they see: one of them sees room."""

    def reserve(number):
        def decide(view):
            result = PoolChange(waits=True) if view.leases else PoolChange(leases={"item": None})
            return result, bool(result.leases)

        return state.pools.update(POOL, str(number), decide, ttl=30, eviction=EVICTION)[0]

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(reserve, range(16))) == 1
