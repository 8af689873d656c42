"""Much at once: no call waits for the work of others, no list shows half of it, and nothing is kept for ever."""

import gc
from contextlib import suppress

import orjson
import pytest
from attrs import evolve

from emulator.auth import key_handle
from emulator.domain import lifecycle
from emulator.domain.ports import AssetQuery, Unfinished
from emulator.domain.records import Asset, Customer, Group
from emulator.gc_policy import _MAX_REPLACEMENTS
from emulator.messages import Call
from emulator.store.memory import lists, tables
from emulator.store.memory.store import MemoryStore
from portrait.flow import Sleep
from portrait.models import AssetStatus, AssetType, GroupType, SortBy
from tests.emulator.conftest import Endpoint

MANY = lifecycle.SLICE * 3 + 1
AIGC = {"Filter": {"GroupType": "AIGC"}}


@pytest.fixture
def crowd(start, clock):
    """A customer with many assets whose reviews are due; the endpoint, the group and the ids."""
    alice = start(assets=10**6)
    group = alice.group()
    ids = [alice.asset(group, Name=f"host {n}") for n in range(MANY)]
    clock.advance(10)
    return alice, group, ids


def begin(endpoint, action, body):
    """A call's flow, not yet begun."""
    return endpoint.service.pipelines[0].answer(
        Call(action=action, version="2024-01-01", key=endpoint.key, body=orjson.dumps(body))
    )


def finish(flow):
    """The result of a flow, and in how many slices it came."""
    slices = 1
    while True:
        try:
            assert flow.send(None) == Sleep(0)
        except StopIteration as stop:
            return orjson.loads(stop.value.body)["Result"], slices
        slices += 1


def with_status(status):
    """A list's body."""
    return {"Filter": {"GroupType": "AIGC", "Statuses": [status]}}


def test_a_call_about_one_asset_does_not_wait_for_the_others(crowd):
    """emulator-burst: the asset is as it is now, in one slice, while most reviews have not been settled."""
    alice, _, ids = crowd
    asset, slices = finish(begin(alice, "GetAsset", {"Id": ids[-1]}))
    assert (asset["Status"], slices) == ("Active", 1)
    with alice.service.store.transaction(key_handle(alice.key)) as tx:
        assert tx.count_by_status()["Processing"] > lifecycle.SLICE


def test_lists_never_show_half_of_a_settlement(crowd):
    """emulator-burst: two lists in turns, each slice short; both see every asset as it is now."""
    alice, _, _ = crowd
    lists = [begin(alice, "ListAssets", with_status(status)) for status in ("Active", "Processing")]
    for flow in lists:
        assert next(flow) == Sleep(0)
    (active, slices), (processing, _) = map(finish, lists)
    assert (active["TotalCount"], processing["TotalCount"]) == (MANY, 0)
    assert slices > 1


def test_another_customer_is_answered_between_two_slices(crowd):
    """emulator-burst: while a list settles its customer's reviews, others are answered at once."""
    alice, _, _ = crowd
    flow = begin(alice, "ListAssets", AIGC)
    next(flow)
    bob = Endpoint(alice.service, key="sk-bob")
    assert bob.call("ListAssets", AIGC)["TotalCount"] == 0
    assert bob.effects == []
    assert finish(flow)[0]["TotalCount"] == MANY


def test_a_large_group_is_gone_at_once_and_freed_in_slices(crowd):
    """emulator-burst: after the first slice nothing of the group can be had; the rest frees its records."""
    alice, group, ids = crowd
    flow = begin(alice, "DeleteAssetGroup", {"Id": group})
    assert next(flow) == Sleep(0)
    assert alice.error("GetAsset", {"Id": ids[-1]}) == "Forbidden"
    with alice.service.store.transaction(key_handle(alice.key)) as tx:
        assert (tx.count_assets(), tx.count_groups()) == (0, 0)
    assert alice.call("ListAssets", AIGC)["TotalCount"] == 0
    assert finish(flow)[0] == {}
    assert not alice.service.store._tables.assets.records


def test_a_small_group_is_deleted_in_one_slice(alice):
    """emulator-burst: the usual deletion asks its runner for nothing."""
    group = alice.group()
    alice.asset(group)
    assert alice.call("DeleteAssetGroup", {"Id": group}) == {}
    assert alice.effects == []
    assert not alice.service.store._tables.assets.records


def test_counts_of_the_control_plane_are_settled(crowd):
    """emulator-burst: the state counts every asset as it is now, and so after a deletion that was not finished."""
    alice, group, _ = crowd
    (customer,) = alice.service.control.state()["customers"]
    assert customer["assets"] == {"Processing": 0, "Active": MANY, "Failed": 0}
    next(begin(alice, "DeleteAssetGroup", {"Id": group}))
    (customer,) = alice.service.control.state()["customers"]
    assert (customer["groups"], sum(customer["assets"].values())) == (0, 0)


# --- searches --------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(monkeypatch):
    """A store whose customer acme has two groups and more assets than a slice of a search reads."""
    monkeypatch.setattr(lists, "SLICE", 50)
    store = MemoryStore(lambda name, number: Customer(name=name, number=number))
    with store.transaction("acme") as tx:
        for _ in range(2):
            add_group(tx)
        for number in range(lists.SLICE * 2 + 5):
            add_asset(tx, "abc"[number % 3], f"g{number % 2 + 1}")
    return store


def add_group(tx):
    """Keeps a group."""
    number = tx.count_groups() + 1
    tx.add_group(
        Group(
            number=number, id=f"g{number}", customer="acme", project="default", kind=GroupType.AIGC, name="", created=0,
            updated=0,
        )
    )  # fmt: skip


def add_asset(tx, name, group="g1"):
    """Keeps an asset."""
    number = tx.number()
    tx.add_asset(
        Asset(
            number=number, id=f"a{number}", customer="acme", project="default", group_id=group, name=name,
            group_kind=GroupType.AIGC, kind=AssetType.IMAGE, url="", created=number, updated=-number,
        )
    )  # fmt: skip
    return f"a{number}"


def search(store, query, between):
    """The page of a search, with something done between its slices."""
    slices = 1
    while True:
        with store.transaction("acme") as tx:
            try:
                total, page = tx.assets(query)
            except Unfinished:
                slices += 1
            else:
                return total, [asset.id for asset in page], slices
        with store.transaction("acme") as tx:
            between(tx)


def rename(tx, asset_id, name):
    """Gives an asset another name."""
    tx.save_asset(evolve(tx.asset(asset_id), name=name))


CHANGES = {
    "nothing": lambda tx: None,
    "renamed to match": lambda tx: rename(tx, "a2", "a"),
    "renamed not to match": lambda tx: rename(tx, "a1", "x"),
    "removed": lambda tx: tx.remove_asset(tx.asset("a4")),
    "added": lambda tx: add_asset(tx, "a"),
    "failed": lambda tx: tx.save_asset(evolve(tx.asset("a1"), status=AssetStatus.FAILED)),
    "updated": lambda tx: tx.save_asset(evolve(tx.asset("a1"), updated=1.0)),
    "updated before its turn": lambda tx: tx.save_asset(evolve(tx.asset("a100"), updated=1.0)),
    "group removed": lambda tx: tx.remove_group(tx.group("g1")) or tx.drop_deleted(10**6),
}


@pytest.mark.rotate("change")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"group_ids": ("g2", "g1")},
        {"statuses": (AssetStatus.PROCESSING,)},
        {"descending": False, "offset": 2, "limit": 5},
        {"sort": SortBy.UPDATE_TIME},
        {"sort": SortBy.GROUP_ID, "limit": 100},
        {"offset": 10**6},
        {"name": "", "sort": SortBy.UPDATE_TIME, "limit": 200},
        {"name": "", "sort": SortBy.GROUP_ID, "limit": 200},
        {"name": "", "sort": SortBy.UPDATE_TIME, "limit": 200, "group_ids": ("g2", "g1")},
    ],
    ids=str,
)
def test_a_search_in_slices_is_as_of_its_end(store, monkeypatch, change, fields):
    """emulator-burst: whatever changes between two slices, the page is what a search in one piece finds at the end.

    The same of an order that a list asks for first: it is prepared in slices.
    """
    query = AssetQuery(**{"project": "default", "kind": GroupType.AIGC, "name": "A"} | fields)
    done = []
    total, page, slices = search(store, query, lambda tx: done or done.append(CHANGES[change](tx)))
    monkeypatch.setattr(lists, "SLICE", 10**6)
    store.restore(store.copy())  # without what the slices have built
    assert (total, page, 1) == search(store, query, None)
    assert slices > 1 or total == 0


class Turns:
    """The store's lock, which lets something be done each time that a slice of a copy has given it back."""

    def __init__(self, lock, changes):
        self.acquire, self.release, self.changes = lock.acquire, lock.release, changes

    def __enter__(self):
        self.acquire()

    def __exit__(self, *_):
        self.release()
        if self.changes:
            self.changes.pop(0)()


def test_a_copy_in_slices_is_as_of_its_end(store):
    """emulator-burst: what others change between two slices is in the copy, whether or not its turn has come."""
    changes = dict(CHANGES)
    del changes["group removed"]
    found = []

    def transact(change):
        with store.transaction("acme") as tx:
            change(tx)

    def finish():
        found.append(assets_of(store))

    store._tables.lock = Turns(
        store._tables.lock, [lambda: [transact(change) for change in changes.values()], lambda: None, finish]
    )
    copied = store.copy()
    (expected,) = found
    transact(lambda tx: rename(tx, "a5", "later"))
    store.restore(copied)
    assert assets_of(store) == expected


def test_a_copy_reads_a_slice_and_then_lets_others_have_a_turn(store, monkeypatch):
    """emulator-burst: under the lock no more than a slice; and the lock is not taken again at once."""
    reads, steps = [], []

    class Records(dict):
        def get(self, number):
            reads.append(number)
            return super().get(number)

    table = store._tables.assets
    table.records = Records(table.records)
    monkeypatch.setattr(tables, "_OTHERS_TURN", lambda: (steps.append(len(reads)), reads.clear()))
    assert len(store.copy().assets) == 105
    assert (steps, len(reads)) == ([50, 50], 50)


@pytest.mark.parametrize("sort", [SortBy.CREATE_TIME, SortBy.UPDATE_TIME])
def test_the_entries_of_a_deleted_group_are_freed_in_slices(store, sort):
    """emulator-burst: in each order and for each state that a list has asked for, too."""
    query = AssetQuery(
        project="default", kind=GroupType.AIGC, group_ids=("g1",), statuses=(AssetStatus.PROCESSING,), sort=sort
    )
    search(store, query, lambda tx: None)
    records = store._tables.by_customer["acme"]
    with store.transaction("acme") as tx:
        tx.remove_group(tx.group("g1"))
    index = records.deleted[0].sets["g1", None]
    lists = list(index.lists())
    before = [len(entries) for entries in lists]
    assert len(before) == (2 if sort is SortBy.CREATE_TIME else 3)
    with store.transaction("acme") as tx:
        assert tx.drop_deleted(20) == 20
    assert [len(entries) for entries in lists] == [size - 20 for size in before]


def test_the_collector_traverses_records_soon_after_they_took_the_place_of_others(start, clock):
    """emulator-burst: it counts new objects less freed ones, and would traverse a whole settlement at once."""
    alice = start(assets=10**6)
    group = alice.group()
    for _ in range(3 * _MAX_REPLACEMENTS):
        alice.asset(group)
    clock.advance(10)
    gc.collect()
    flow, most = begin(alice, "ListAssets", AIGC), 0
    with suppress(StopIteration):
        while True:
            flow.send(None)
            most = max(most, *(sum(isinstance(each, Asset) for each in gc.get_objects(young)) for young in (0, 1)))
    assert 0 < most <= _MAX_REPLACEMENTS


def assets_of(store):
    """All assets."""
    with store.transaction("acme") as tx:
        return tx.assets(AssetQuery(project="default", kind=GroupType.AIGC, limit=1000))


def test_searches_that_nobody_goes_on_with_are_dropped(store):
    """emulator-growth: of a customer's unfinished searches only the last ones are kept."""
    for number in range(20):
        query = AssetQuery(project="default", kind=GroupType.AIGC, name=f"n{number}")
        with store.transaction("acme") as tx, pytest.raises(Unfinished):
            tx.assets(query)
    assert len(store._tables.by_customer["acme"].scans) == 8


# --- growth ----------------------------------------------------------------------------------------------------------


def stored(service):
    """How many objects a store holds, by table."""
    tables = service.store._tables
    sizes = {name: len(getattr(tables, name)) for name in ("tokens", "handles", "expiring", "files")}
    due = sum(len(records._due) for records in tables.by_customer.values())
    return sizes | {"assets": len(tables.assets.records), "ids": len(tables.assets.numbers), "due": due}


def test_six_hours_leave_nothing_behind(start, clock):
    """emulator-growth: expired validations, and deleted assets whose reviews lie far ahead, are all forgotten."""
    alice = start(assets=10**6)
    group = alice.group()
    before = stored(alice.service)
    for _ in range(6):
        for _ in range(100):
            alice.token()
            asset = alice.asset(group, "https://magic.test/a.jpg?after=900000000")
            alice.call("DeleteAsset", {"Id": asset})
        clock.advance(3600)
    clock.advance(3600)
    for _ in range(4):
        alice.call("ListAssets", AIGC)
    assert stored(alice.service) == before


def test_an_expired_token_stays_one_when_its_validation_is_forgotten(start, clock):
    """emulator-growth: `TokenExpired` for whoever made it, `InvalidToken` for everybody else, and nothing is kept."""
    alice = start()
    bob = evolve(alice, key="sk-bob")
    before = stored(alice.service)
    token = alice.token()
    for seconds in (120, 3600, 10**7):
        clock.advance(seconds)
        alice.call("ListAssets", AIGC)
        assert alice.error("GetVisualValidateResult", {"BytedToken": token}) == "TokenExpired"
        assert bob.error("GetVisualValidateResult", {"BytedToken": token}) == "InvalidToken"
    assert stored(alice.service) == before
    changed = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert alice.error("GetVisualValidateResult", {"BytedToken": changed}) == "InvalidToken"
