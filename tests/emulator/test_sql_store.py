"""What a store in SQL has beyond the suite of all stores: it outlives its process, and several share it."""

import contextlib
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import psycopg
import pytest

import portrait.sql.sqlite as sqlite_engines
from emulator.clocks import ScaledClock
from emulator.domain.ports import AssetQuery, GroupQuery, Position
from emulator.server import EmulatorServer
from emulator.settings import Settings
from emulator.store.locations import StoreError, store_factory
from emulator.testing import Emulator
from portrait import InvalidToken, NotAccessible, QuotaExceeded
from portrait.clock import ManualClock
from portrait.models import AssetStatus, GroupType, SortBy
from tests.emulator.test_store import add_asset, add_group, new_customer

URL = "https://cdn.example/host.jpg"


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request):
    """Where a store is that holds nothing yet."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def start(location):
    """Starts emulators on one store, each with a clock of its own."""
    with ExitStack() as stack:
        yield lambda **changes: stack.enter_context(Emulator(Settings(store=location, **changes)))


def asset_of(client, group, name="host"):
    """A new asset's id."""
    return client.create_asset(group_id=group, url=URL, asset_type="Image", name=name).id


# --- after a restart -------------------------------------------------------------------------------------------------


def test_an_emulator_goes_on_where_it_was(start):
    """Records, the time, tokens and signed links: all is as it was before the restart."""
    first = start()
    client = first.client()
    group = client.create_asset_group(name="hosts").id
    asset = asset_of(client, group)
    session = client.create_visual_validate_session(callback_url="https://app.example/done")
    first.clock.advance(60)
    url = client.get_asset(id=asset).url
    first.close()

    second = start()
    client = second.client()
    assert second.clock.now() == first.clock.now()
    assert client.get_asset(id=asset).status is AssetStatus.ACTIVE
    query = dict(part.split("=") for part in url.partition("?")[2].split("&"))
    assert second.service.link(asset, query) == URL
    second.validations.finish(session)
    assert client.get_visual_validate_result(byted_token=session.byted_token).group_id != group
    with pytest.raises(InvalidToken):
        client.get_visual_validate_result(byted_token=session.byted_token)


def test_ids_are_new_after_a_restart(start):
    """In the same second and with the same seed, another process makes other ids, tokens and keys."""
    ids, tokens = set(), set()
    for _ in range(3):
        emulator = start(seed=7)
        client = emulator.client()
        group = client.create_asset_group(name="hosts").id
        ids |= {group, asset_of(client, group)}
        tokens.add(client.create_visual_validate_session(callback_url="https://app.example/done").byted_token)
    assert (len(ids), len(tokens)) == (6, 3)


def test_a_running_clock_does_not_go_back(location):
    """A scaled clock goes on from the last moment that was stored."""
    machine = ManualClock(1_000_000.0)
    stores = [store_factory(location)(new_customer) for _ in range(2)]
    clock = ScaledClock(100, machine)
    stores[0].share(clock)
    machine.advance(60)
    with stores[0].transaction("acme"):
        pass
    again = ScaledClock(100, machine)
    stores[1].share(again)
    assert again.now() == pytest.approx(1_000_000 + 6000)
    for store in stores:
        store.close()


# --- several on one store --------------------------------------------------------------------------------------------


def test_a_clock_that_is_moved_moves_for_all(start):
    """By the control plane of one process, by a client that waits, and back by a snapshot."""
    one, two = start(), start()
    client = two.client()
    asset = asset_of(one.client(), one.client().create_asset_group(name="hosts").id)
    one.service.control.snapshots.save("early")
    one.service.control.set_clock(advance=5)
    assert client.get_asset(id=asset).status is AssetStatus.ACTIVE
    two.clock.sleep(100)
    client.list_asset_groups()
    assert one.service.control.clock()["seconds"] == two.clock.now()
    one.service.control.snapshots.load("early")
    assert client.get_asset(id=asset).status is AssetStatus.PROCESSING
    assert two.clock.now() == one.clock.now()


def test_a_quota_holds_under_concurrent_creates(start):
    """Creates through two emulators at once: exactly the quota of them succeed."""
    emulators = start(assets=5), start(assets=5)
    clients = [emulator.client() for emulator in emulators]
    group = clients[0].create_asset_group(name="hosts").id
    barrier = threading.Barrier(12)

    def create(client):
        barrier.wait()
        try:
            return asset_of(client, group)
        except QuotaExceeded:
            return None

    with ThreadPoolExecutor(12) as threads:
        found = list(threads.map(create, clients * 6))
    assert len(set(found) - {None}) == 5
    assert found.count(None) == 7
    assert clients[1].list_assets().total_count == 5


def test_a_token_is_used_up_once(start):
    """Whoever asks first through any of two emulators gets the group, and nobody after."""
    emulators = start(), start()
    clients = [emulator.client() for emulator in emulators]
    session = clients[0].create_visual_validate_session(callback_url="https://app.example/done")
    emulators[1].validations.finish(session)
    barrier = threading.Barrier(8)

    def read(client):
        barrier.wait()
        try:
            return client.get_visual_validate_result(byted_token=session.byted_token).group_id
        except InvalidToken:
            return None

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(read, clients * 4))
    assert found.count(None) == 7


def test_a_customer_is_changed_in_turn(location):
    """Whoever comes second waits, and sees what the first one has done; so nothing is decided by what is over."""
    one, two = (store_factory(location)(new_customer) for _ in range(2))
    entered = threading.Event()

    def count():
        with two.transaction("acme") as tx:
            entered.set()
            return tx.count_groups()

    with ThreadPoolExecutor(1) as threads:
        with one.transaction("acme") as tx:
            counted = threads.submit(count)
            assert not entered.wait(0.05)
            add_group(tx)
        assert counted.result() == 1
    for store in (one, two):
        store.close()


def test_a_reset_is_for_all(start):
    """What one process forgets, all have forgotten; numbers go on."""
    one, two = start(), start()
    asset = asset_of(one.client(), one.client().create_asset_group(name="hosts").id)
    two.service.control.reset()
    with pytest.raises(NotAccessible):
        one.client().get_asset(id=asset)
    assert one.client().list_asset_groups().total_count == 0
    assert asset_of(one.client(), one.client().create_asset_group(name="hosts").id) != asset


def test_a_server_that_was_restarted_is_asked_again(postgres, postgresql):
    """A connection that was lost between two calls is nobody's trouble."""
    with Emulator(Settings(store=postgresql)) as emulator:
        client = emulator.client()
        group = client.create_asset_group(name="hosts").id
        with psycopg.connect(postgres, autocommit=True) as connection:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            connection.execute(ended + " AND backend_type = 'client backend'")
        assert client.get_asset_group(id=group).name == "hosts"
        assert [call["outcome"] for call in emulator.calls.all("GetAssetGroup")] == ["ok"]


# --- what it costs ---------------------------------------------------------------------------------------------------


def traced(store, work):
    """The statements that SQLite runs while some work is done, with their values."""
    found = []
    with contextlib.closing(store._engine.raw_connection()) as pooled:  # the only one, which the work takes as well
        driver = pooled.driver_connection
    driver.set_trace_callback(found.append)
    work()
    driver.set_trace_callback(None)
    return found


def plans(store, statements):
    """SQLite's plans of statements."""
    with store._engine.connect() as connection:
        return [
            row[3]
            for statement in statements
            if statement.startswith(("SELECT", "DELETE"))
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
        ]


STATUSES = [(), (AssetStatus.FAILED,), (AssetStatus.ACTIVE, AssetStatus.FAILED)]


def test_lists_are_read_from_indexes(sqlite):
    """No list looks through a table or sorts one, whatever its order, its states and where its page begins."""
    store = store_factory(sqlite)(new_customer)
    with store.transaction("acme") as tx:
        group = add_group(tx)
        asset = add_asset(tx, group)
    position = Position(created=9.0, updated=9.0, number=9, group_id=group.id)

    def read():
        with store.transaction("acme") as tx:
            for sort, statuses, groups, after in itertools.product(
                SortBy, STATUSES, [(), (group.id,)], [None, position]
            ):
                query = AssetQuery(
                    project="default", kind=GroupType.AIGC, group_ids=groups, statuses=statuses, sort=sort, after=after
                )
                assert tx.assets(query)[0] == (AssetStatus.FAILED not in statuses or len(statuses) == 0)
            for sort in (SortBy.CREATE_TIME, SortBy.UPDATE_TIME):
                tx.groups(GroupQuery(project="default", kind=GroupType.AIGC, sort=sort))
            tx.asset(asset.id)
            tx.due_assets(0.0, 10)
            tx.count_assets(group.id)

    found = plans(store, traced(store, read))
    tables = [plan for plan in found if "emulator_assets" in plan or "emulator_groups" in plan]
    assert tables
    assert all(plan.startswith("SEARCH") for plan in tables), [plan for plan in tables if not plan.startswith("SEARCH")]
    store.close()


def test_a_read_takes_few_statements(sqlite):
    """GetAsset: the customer, what there may be to settle, and the asset."""
    with Emulator(Settings(store=sqlite)) as emulator:
        client = emulator.client()
        asset = asset_of(client, client.create_asset_group(name="hosts").id)
        emulator.clock.advance(60)
        client.get_asset(id=asset)
        statements = traced(emulator.service.store, lambda: client.get_asset(id=asset))
        assert [statement.split()[0] for statement in statements] == ["BEGIN", "SELECT", "SELECT", "SELECT", "COMMIT"]


def test_nobody_waits_for_the_disk_of_another(sqlite):
    """While a call waits for the file, the event loop answers others."""
    with EmulatorServer(Settings(store=sqlite), "manual") as server:
        connection = HTTPConnection(server.url.removeprefix("http://"), timeout=5)
        waiting = HTTPConnection(server.url.removeprefix("http://"), timeout=5)
        with server.service.store._guard:
            headers = {"Authorization": "Bearer me"}
            body = '{"GroupType": "AIGC", "Name": "hosts"}'
            waiting.request("POST", "/v1/portrait/?Action=CreateAssetGroup&Version=2024-01-01", body, headers)
            connection.request("GET", "/")
            assert connection.getresponse().read().startswith(b"This is portrait-emulator")
        assert b"group-" in waiting.getresponse().read()
        connection.close()
        waiting.close()


# --- what cannot be opened -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("emulator.db", "memory, sqlite:///PATH"),
        ("mysql://host/base", "cannot be kept in mysql"),
        ("sqlite://emulator.db", "without options. Write sqlite:///PATH or postgresql://[^ ]*$"),
        ("sqlite:////proc/none/emulator.db", "cannot be opened: .* or name another one"),
        ("postgresql://user:sesame@127.0.0.1:1/base", "postgresql://127.0.0.1:1/base cannot be opened"),
    ],
)
def test_a_store_that_cannot_be_opened_says_so(named, message):
    """With what to name instead, and without the password."""
    with pytest.raises(StoreError, match=message) as caught:
        store_factory(named)(new_customer)
    assert "sesame" not in str(caught.value)


def test_a_damaged_lock_says_so(sqlite):
    """The file beside the store, by which processes open it in turn."""
    Path(f"{sqlite.removeprefix('sqlite:///')}-lock").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match="cannot be opened: file is not a database"):
        store_factory(sqlite)(new_customer)


def test_a_newer_store_is_left_alone(sqlite, monkeypatch):
    """Its version is one that this emulator does not know; no connection to it stays open."""
    store = store_factory(sqlite)(new_customer)
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE emulator_store SET version = 99")
    store.close()
    engines, create = [], sqlite_engines.create_sqlite_engine
    monkeypatch.setattr(sqlite_engines, "create_sqlite_engine", lambda path: engines.append(create(path)) or engines[0])
    with pytest.raises(StoreError, match="made by a newer portrait"):
        store_factory(sqlite)(new_customer)
    assert engines[0].pool.checkedin() == 0
