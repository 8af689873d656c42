"""What a pool may do with its slots, decided by values alone."""

from math import inf

import pytest

from portrait.errors import NoFreeSlot
from portrait.models import Asset, AssetStatus
from portrait.pool.rules import Listing, Wish, decide, evictable, no_free_slot
from portrait.state import Create, Key, Lease, PooledAsset, PoolView


def asset(item, status=AssetStatus.ACTIVE, created="2026-01-01T00:00:00Z", used=None):
    """An asset whose content is `item`."""
    return Asset(id=f"asset-{item}", status=status, create_time=created, last_inference_time=used)


def listing(*items, age=0.0, **assets):
    """A list of Active assets, and of others by their contents."""
    by_digest = {item: [asset(item)] for item in items} | {item: [each] for item, each in assets.items()}
    return Listing(by_digest, age)


def wish(*items, slots=2, is_full=False):
    """What the holder `me` wants."""
    return Wish(holder="me", items=items, slots=slots, is_full=is_full)


def lease(item, holder="other", asset_id=None):
    """A lease, or a reservation."""
    return Lease(item=item, holder=holder, asset_id=asset_id, seconds=9)


def create(item, age, *, result_id=None):
    """A create that was begun or answered so long ago."""
    answered = None if result_id is None else 1.0
    return Create(
        id=item, key=Key("account", "group", item), begun_at=0, answered_at=answered, result_id=result_id, age=age
    )


def test_what_is_there_is_leased_and_what_is_missing_reserved():
    """With the assets' ids, and None for what is to be created."""
    assert decide(wish("a", "b"), listing("a"), PoolView()).leases == {"a": "asset-a", "b": None}


def test_a_failed_asset_is_not_leased_and_needs_no_other_slot():
    """Whoever creates it anew deletes it first."""
    change = decide(wish("a", slots=1), listing(a=asset("a", AssetStatus.FAILED)), PoolView())
    assert change.leases == {"a": None}


def test_a_reservation_counts_before_its_asset_is_there():
    """The last slot is not given twice."""
    view = PoolView(leases=(lease("b"),))
    assert decide(wish("a", slots=1), listing(), view).waits
    assert decide(wish("b", slots=1), listing(), view).leases == {"b": None}


def test_what_others_lease_is_shared_only_if_there_is_a_slot_for_it():
    """They may have leased what was known and is there no longer: whoever creates it needs room first."""
    view = PoolView(leases=(lease("b", asset_id="asset-b"),))
    assert decide(wish("b", slots=1), listing("a"), view).victims == {"asset-a": "a"}
    assert decide(wish("a", slots=1), listing("a"), view).leases == {"a": "asset-a"}


def test_a_leased_asset_that_a_list_does_not_show_counts():
    """It may be there all the same."""
    assert decide(wish("a", slots=1), listing(), PoolView(leases=(lease("b", asset_id="asset-b"),))).waits


@pytest.mark.parametrize(
    ("age", "result_id", "counts"),
    [(12.9, "asset-b", True), (13.1, "asset-b", False), (72.9, None, True), (73.1, None, False)],
)
def test_a_create_counts_as_long_as_a_list_may_lack_its_asset(age, result_id, counts):
    """Eleven seconds from its answer to the begin of the list; without an answer a minute more."""
    view = PoolView(creates=(create("b", age, result_id=result_id),))
    assert decide(wish("a", slots=1), listing(age=2.0), view).waits is counts


@pytest.mark.parametrize(("deleted", "counts"), [(12.9, False), (13.1, True)])
def test_a_deleted_asset_is_not_believed_as_long_as_a_list_may_show_it(deleted, counts):
    """It takes no slot and is leased by nobody; another one of its content is."""
    deleted_asset = PooledAsset(item="b", asset_id="asset-b", used_at=1.0, deleted=deleted)
    view = PoolView(assets=(deleted_asset,), leases=(lease("c"),))
    assert decide(wish("a"), listing("b", age=2.0), view).victims == ({"asset-b": "b"} if counts else {})
    again = decide(wish("b", slots=3), listing("b", age=2.0), view)
    assert again.leases == {"b": "asset-b" if counts else None}


def test_what_is_being_deleted_is_leased_by_nobody():
    """Nor is it deleted twice; its slot is in use until it is gone."""
    view = PoolView(assets=(PooledAsset(item="a", asset_id="asset-a", used_at=1.0, is_evicting=True),))
    assert decide(wish("a"), listing("a"), view).waits
    assert decide(wish("b", slots=1), listing("a"), view).victims == {}


def test_only_the_next_in_turn_makes_room():
    """Others wait, even where there is room; what somebody leases is shared at once."""
    view = PoolView(waiters=("first", "me"), leases=(lease("a", asset_id="asset-a"),))
    assert decide(wish("b", slots=9), listing("a", "b"), view).waits
    assert decide(wish("a", slots=9), listing("a", "b"), view).leases == {"a": "asset-a"}
    assert decide(wish("a", "b", slots=9), listing("a", "b"), view).waits
    assert decide(Wish(holder="first", items=("b",), slots=9), listing("a", "b"), view).leases == {"b": "asset-b"}


def test_the_least_recently_used_asset_makes_room():
    """By the service's time where it tells one, whatever its offset; else by the pool's; else by its creation."""
    assets = {
        "service": asset("service", used="2026-01-01T08:00:02+08:00"),
        "created": asset("created", created="2026-01-01T00:00:01Z"),
        "pool": asset("pool"),
        "failed": asset("failed", AssetStatus.FAILED, created="2026-06-01T00:00:00Z"),
    }
    begin = 1767225600.0  # of 2026
    view = PoolView(
        assets=(
            PooledAsset(item="pool", asset_id="asset-pool", used_at=begin + 3),
            PooledAsset(item="service", asset_id="asset-service", used_at=begin + 9),
        )
    )
    order = [digest for _, digest in evictable({item: [each] for item, each in assets.items()}, (), view)]
    assert order == ["failed", "created", "service", "pool"]


@pytest.mark.parametrize(
    ("assets", "view"),
    [
        ({"": asset("of somebody else")}, PoolView()),
        ({"b": asset("b", AssetStatus.PROCESSING)}, PoolView()),
        ({"leased": asset("leased")}, PoolView(leases=(lease("leased"),))),
        ({"new": asset("new")}, PoolView(creates=(create("new", 1.0, result_id="asset-new"),))),
    ],
)
def test_some_assets_make_no_room(assets, view):
    """Those of others, in review, leased, and created a moment ago."""
    change = decide(wish("a", slots=1), listing(**assets), view)
    assert change.waits
    assert not change.victims


def test_as_many_make_room_as_are_needed_or_none():
    """Where the idle ones are too few, none is deleted in vain."""
    view = PoolView(leases=(lease("x", asset_id="asset-x"),))
    assert decide(wish("a", "b", slots=3), listing("x", "y", "z"), view).victims == {"asset-y": "y", "asset-z": "z"}
    assert decide(wish("a", "b", slots=3), listing("x", "y"), view).victims == {"asset-y": "y"}
    assert not decide(wish("a", "b", "c", slots=3), listing("x", "y", "z"), view).victims


def test_a_service_that_was_full_against_its_list_gets_room_by_one_deletion():
    """What is there already needs none."""
    assert decide(wish("a", slots=9, is_full=True), listing("b"), PoolView()).victims == {"asset-b": "b"}
    assert decide(wish("b", slots=9, is_full=True), listing("b"), PoolView()).leases == {"b": "asset-b"}


def test_the_error_says_who_holds_what_until_when():
    """The next to end first; a pin has no end; how many wait is said as well."""
    leases = (
        Lease(item="b", holder="host-1-b", asset_id="asset-b", seconds=90),
        Lease(item="a", holder="host-1-a", asset_id="asset-a", seconds=30),
        Lease(item="p", holder="pin of shop", asset_id="asset-p", seconds=inf),
    )
    error = no_free_slot(wish("c"), PoolView(leases=leases, waiters=("other", "me")), 1767225600.0)
    assert isinstance(error, NoFreeSlot)
    assert [each.item for each in error.leases] == ["a", "b", "p"]
    assert error.message == (
        "None of 2 slots became free in time. host-1-a holds a until 2026-01-01T00:00:30Z (30 s); host-1-b holds b "
        "until 2026-01-01T00:01:30Z (90 s); pin of shop holds p for good. 1 more wait."
    )


def test_the_error_of_a_crowded_pool_stays_short():
    """It names some leases, and carries all."""
    leases = tuple(lease(str(number)) for number in range(50))
    error = no_free_slot(wish("c"), PoolView(leases=leases), 0.0)
    assert "42 more leases" in error.message
    assert len(error.leases) == 50
