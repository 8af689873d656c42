"""`pool`: what pools hold, and groups whose pools nobody uses."""

import json
from pathlib import Path

import pytest

URLS = [f"https://cdn.example.com/{number}.jpg" for number in range(4)]
DAY = 86_400.0


@pytest.fixture
def worker(emulator, portrait):
    """A client on the state of the command."""
    with emulator.client(state=Path(portrait.environ["XDG_STATE_HOME"]) / "portrait" / "state.db") as client:
        yield client


def test_the_status_is_a_row_for_each_lease(portrait, client, worker, group):
    """And one for what nobody leases; pins have no end, and assets of others are told apart."""
    pool = worker.pool(group="hosts", slots=4)
    pool.prefetch(URLS[1])
    pool.pin(URLS[0], owner="shop")
    client.create_asset(group_id=group, url=URLS[3], asset_type="Image", name="of others")
    with pool.lease(URLS[0]) as lease:
        ran = portrait("pool", "status", "hosts", "--slots", "4")
        rows = [(row["uri"] == lease.uris[0], row["holder"], row["foreign"]) for row in ran.json]
        assert sorted(rows, key=str) == sorted(
            [(True, lease.holder, False), (True, "pin of shop", False), (False, None, False), (False, None, True)],
            key=str,
        )
        assert {row["until"] for row in ran.json if row["holder"] == "pin of shop"} == {"unpinned"}
        table = portrait("pool", "status", "hosts", "--slots", "4", terminal=True)
    assert lease.holder[:8] in table.out
    assert "3 of 4 slots: 1 asset of others, 0 reserved, 0 waiting." in table.err


def test_a_pool_that_holds_nothing_says_so(portrait, group):
    """And one that is not there is exit code 2."""
    assert "The pool is empty." in portrait("pool", "status", group, terminal=True).err
    assert portrait("pool", "status", "nothing").code == 2


@pytest.fixture
def old_groups(emulator, client, worker):
    """Four groups that nobody has used for eight days: a pool's, an empty one, one of others, one of another prefix."""
    worker.pool(group="ci-pool").prefetch(URLS[0])
    ids = {name: client.create_asset_group(name=name).id for name in ("ci-empty", "ci-others", "prod")}
    client.create_asset(group_id=ids["ci-others"], url=URLS[3], asset_type="Image", name="mine")
    emulator.clock.advance(8 * DAY)
    return {**ids, "ci-pool": worker.ensure_group("ci-pool").id}


def names(client):
    """The groups that are there."""
    return {group.name for group in client.iter_asset_groups()}


@pytest.mark.usefixtures("old_groups")
def test_unused_pools_are_listed_and_nothing_is_removed(portrait, client):
    """What one would lose is said: assets, and those of others."""
    ran = portrait("pool", "prune", "--prefix", "ci-", "--dry-run")
    assert ran.code == 0
    assert {(row["name"], row["assets"], row["foreign"], row["idle_days"]) for row in ran.json} == {
        ("ci-pool", 1, 0, 8.0),
        ("ci-empty", 0, 0, 8.0),
        ("ci-others", 1, 1, 8.0),
    }
    assert portrait("pool", "prune", "--prefix", "ci-", "--dry-run", "--unused-for", "9").json == []
    assert names(client) == {"ci-pool", "ci-empty", "ci-others", "prod"}


@pytest.mark.usefixtures("old_groups")
def test_unused_pools_are_removed_when_asked(portrait, client):
    """But for those that hold assets of others."""
    ran = portrait("pool", "prune", "--prefix", "ci-", "--yes")
    assert {row["name"]: row["removed"] for row in ran.json} == {"ci-pool": True, "ci-empty": True, "ci-others": False}
    assert ran.code == 1
    assert names(client) == {"ci-others", "prod"}


@pytest.mark.usefixtures("old_groups")
def test_a_person_is_asked(portrait, client):
    """No is no; without a terminal the option says yes."""
    answer = portrait("pool", "prune", "--prefix", "ci-", terminal=True, interactive=True, stdin="n\n")
    assert answer.code == 1
    assert answer.err.startswith("To be removed, for good:\n")
    assert "(ci-pool) with 1 asset" in answer.err
    assert "Remove? [y/N]" in answer.err
    assert "Nothing was removed." in answer.err
    assert portrait("pool", "prune", "--prefix", "ci-").code == 2
    assert portrait("pool", "prune", "--prefix", "", "--yes").code == 2
    assert len(names(client)) == 4
    portrait("pool", "prune", "--prefix", "ci-", terminal=True, interactive=True, stdin="y\n")
    assert names(client) == {"ci-others", "prod"}


def test_a_pool_in_use_is_not_unused(portrait, worker, emulator, old_groups):
    """Somebody leases from it, or has used an asset of it to generate; a lease in the middle of the removal counts."""
    unused = {pool.group.name: pool for pool in worker.find_unused_pools("ci-", unused_for=DAY)}
    with worker.pool(group="ci-pool").lease(URLS[0]):
        for days in ("7", "0"):  # however short the time
            listed = portrait("pool", "prune", "--prefix", "ci-", "--dry-run", "--unused-for", days).json
            assert {row["name"] for row in listed} == {"ci-empty", "ci-others"}
        assert not worker.remove_unused_pool(unused["ci-pool"])
    worker.create_asset(group_id=old_groups["ci-empty"], url=URLS[1], asset_type="Image", name="new")
    assert not worker.remove_unused_pool(unused["ci-empty"])
    assert names(worker) == {"ci-pool", "ci-empty", "ci-others", "prod"}


def test_who_comes_after_the_removal_gets_a_new_group(worker, old_groups):
    """The pool that was open finds its group gone, and makes it anew."""
    pool = worker.pool(group="ci-pool")
    pool.status()
    (unused,) = (each for each in worker.find_unused_pools("ci-pool", unused_for=DAY))
    assert worker.remove_unused_pool(unused)
    with pool.lease(URLS[2]):
        assert worker.ensure_group("ci-pool").id != old_groups["ci-pool"]


def test_a_removal_that_was_refused_leaves_the_pool_open(emulator, worker, old_groups):
    """Others lease from it as before."""
    (unused,) = worker.find_unused_pools("ci-pool", unused_for=DAY)
    emulator.rules.add(match={"action": "DeleteAssetGroup"}, when={"first": 1}, do={"error": "BalanceEmpty"})
    with pytest.raises(Exception, match="balance"):
        worker.remove_unused_pool(unused)
    with worker.pool(group="ci-pool").lease(URLS[0]):
        assert worker.ensure_group("ci-pool").id == old_groups["ci-pool"]


def test_the_json_is_one_document(portrait, worker):
    """As of every list."""
    worker.pool(group="ci-pool").prefetch(URLS[0])
    assert len(json.loads(portrait("pool", "status", "ci-pool").out)) == 1
