"""What every store has to do; a further one joins by a further parameter."""

import itertools
from contextlib import contextmanager, suppress

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from sortedcontainers import SortedList

from emulator.domain import lifecycle
from emulator.domain.jobs import Task, TaskKind
from emulator.domain.ports import AssetQuery, GroupQuery, StoredFile, Unfinished
from emulator.domain.records import Asset, AssetState, Customer, Group, Scan, Validation
from emulator.domain.verdicts import Verdict, review
from emulator.store.locations import store_factory
from emulator.store.memory import lists
from emulator.store.memory.lists import page, split_ranks
from emulator.store.memory.store import MemoryStore
from portrait.models import AssetStatus, AssetType, GroupType, SortBy
from tests.hypothesis_profiles import searching

STORES = ("memory", "sqlite", "postgresql")
AIGC, FACE = GroupType.AIGC, GroupType.LIVENESS_FACE
STATUSES = tuple(AssetStatus)


def new_customer(name, number):
    """A customer with the default limits."""
    return Customer(name=name, number=number)


@pytest.fixture(params=STORES)
def store(request):
    """An empty store."""
    location = "memory" if request.param == "memory" else request.getfixturevalue(request.param)
    store = store_factory(location)(new_customer)
    yield store
    store.close()


@contextmanager
def transaction(store, customer, now):
    """A transaction as the pipeline begins it: reviews that are due end first."""
    with store.transaction(customer) as tx:
        lifecycle.settle(tx, now)
        yield tx


def add_group(tx, name="g", kind=AIGC, project="default", now=0.0):
    """Keeps a new group."""
    number = tx.number()
    group = Group(
        number=number, id=f"group-{number}", customer=tx.customer.name, project=project, kind=kind, name=name,
        created=now, updated=now,
    )  # fmt: skip
    tx.add_group(group)
    return group


def add_asset(tx, group, name="a", now=0.0, **fields):
    """Keeps a new asset."""
    number = tx.number()
    asset = Asset(
        number=number, id=f"asset-{number}", customer=tx.customer.name, project=group.project, group_id=group.id,
        group_kind=group.kind, name=name, kind=AssetType.IMAGE, url="https://a.example/", created=now, updated=now,
        **fields,
    )  # fmt: skip
    tx.add_asset(asset)
    return asset


def add_job(tx, now=0.0, **fields):
    """Keeps a new task."""
    number = tx.number()
    job = Task(
        number=number, id=f"task-{number}", customer=tx.customer.name, project="default", kind=TaskKind.ASSETS,
        created=now, **fields,
    )  # fmt: skip
    tx.save_job(job)
    return job


def add_validation(tx, customer, expires):
    """Keeps a new validation."""
    number = tx.next_validation_number()
    validation = Validation(
        number=number, token=f"T{number}", customer=customer, owner="k", project="default",
        callback_url="https://a.example/", created=expires - 120.0, expires=expires,
    )  # fmt: skip
    tx.save_validation(validation)
    return validation


def everything(store, customer="acme", now=0.0):
    """All that a customer can see, in every order."""
    with transaction(store, customer, now) as tx:
        groups = [tx.groups(GroupQuery(project="default", kind=kind, limit=100)) for kind in GroupType]
        assets = [
            tx.assets(AssetQuery(project="default", kind=kind, sort=sort, limit=100, statuses=statuses))
            for kind in GroupType
            for sort in SortBy
            for statuses in ((), *((status,) for status in AssetStatus))
        ]
        held = [tx.count_assets(group.id) for _, found in groups for group in found]
        counts = tx.count_groups(), tx.count_assets(), tx.count_by_status()
        return groups, assets, held, counts, tx.customer, tx.jobs()


def test_nothing_of_one_customer_reaches_another(store):
    """Ids of others are as unknown as ids that never were."""
    with transaction(store, "acme", 0) as tx:
        asset = add_asset(tx, add_group(tx))
    with transaction(store, "zenith", 0) as tx:
        assert tx.asset(asset.id) is None
        assert tx.group(asset.group_id) is None
        query = AssetQuery(project="default", kind=AIGC, group_ids=(asset.group_id,))
        assert tx.assets(query) == (0, [])
        assert (tx.count_groups(), tx.count_assets()) == (0, 0)
    assert store.find_asset(asset.id) == asset
    assert list(store.customers()) == ["acme", "zenith"]


def turn_over(store, group, assets):
    """Changes something of every kind, and fails."""
    with transaction(store, "acme", 5) as tx:
        new = add_group(tx, "new", now=5)
        add_asset(tx, new, now=5, due=9.0)
        tx.save_asset(evolve(assets[1], name="renamed", updated=5.0))
        tx.save_asset(evolve(assets[2], status=AssetState.FAILED, code="FaceMismatch", updated=5.0))
        tx.save_asset(evolve(assets[3], status=AssetState.EXPIRED, updated=5.0))
        tx.remove_asset(assets[0])
        tx.save_group(evolve(group, name="renamed", updated=5.0))
        tx.remove_group(evolve(group, name="renamed", updated=5.0))
        tx.save_customer(evolve(tx.customer, groups=1))
        tx.add_file("f9", StoredFile(content=b"y", content_type="image/png"))
        add_job(tx, now=5)
        tx.save_job(evolve(tx.jobs()[-1], ended=5.0))
        tx.save_validation(Validation(
            number=tx.next_validation_number(), token="T", customer="acme", owner="k", project="default",
            callback_url="https://a.example/", created=5.0, expires=125.0,
        ))  # fmt: skip
        raise ZeroDivisionError


def test_an_exception_undoes_everything(store):
    """After any mixture of changes and an exception, nothing has changed."""
    with transaction(store, "acme", 0) as tx:
        group = add_group(tx, "kept")
        assets = [add_asset(tx, group, f"a{n}", file=f"f{n}") for n in range(5)]
        tx.add_file("f0", StoredFile(content=b"x", content_type="image/png"))
        add_job(tx)
    before = everything(store)

    with pytest.raises(ZeroDivisionError):
        turn_over(store, group, assets)

    assert everything(store, now=5) == before
    assert store.file("f0") is not None
    assert store.file("f9") is None
    assert store.find_validation("T") is store.find_validation("val-1") is None


def test_a_copy_in_memory_shares_the_records():
    """Records never change, so a snapshot costs none of them."""
    store = MemoryStore(new_customer)
    with transaction(store, "acme", 0) as tx:
        asset = add_asset(tx, add_group(tx))
    store.restore(store.copy())
    assert store.find_asset(asset.id) is asset


def test_a_copy_is_of_one_moment(store):
    """What happens afterwards is no part of it."""
    with transaction(store, "acme", 0) as tx:
        group = add_group(tx)
        asset = add_asset(tx, group, file="f0")
        tx.add_file("f0", StoredFile(content=b"x", content_type="image/png"))
    before, file, copied = everything(store), store.file("f0"), store.copy()
    with transaction(store, "acme", 0) as tx:
        tx.save_asset(evolve(asset, name="renamed"))
        tx.remove_group(group)
    for _ in range(2):
        store.restore(copied)
        assert everything(store) == before
        assert store.find_asset(asset.id) == asset
        assert store.file("f0") == file
        with transaction(store, "acme", 0) as tx:
            assert tx.group(group.id) == group
            tx.remove_group(group)


def test_a_copy_leaves_out_what_a_deleted_group_has_left(store):
    """Assets that are not freed yet are in no list and have no file, also after a restore."""
    with transaction(store, "acme", 0) as tx:
        group = add_group(tx)
        for n in range(3):
            add_asset(tx, group, file=f"f{n}", due=9.0)
            tx.add_file(f"f{n}", StoredFile(content=b"x", content_type="image/png"))
        tx.remove_group(group)
        assert tx.drop_deleted(1) == 1
    store.restore(store.copy())
    with transaction(store, "acme", 10) as tx:
        assert (tx.count_assets(), tx.due_assets(10, 9), tx.drop_deleted(9)) == (0, [], 0)
    assert [store.file(f"f{n}") for n in range(3)] == [None] * 3


def test_reviews_end_before_anything_else_and_stay_ended(store):
    """A due review has ended for whoever looks, at its own time, also where the transaction is undone."""
    with transaction(store, "acme", 0) as tx:
        group = add_group(tx)
        asset = add_asset(tx, group, due=4.0, verdict=review("Failed", "FaceMismatch"))
        later = add_asset(tx, group, due=50.0)
    with transaction(store, "acme", 3.9) as tx:
        assert tx.asset(asset.id).status is AssetState.PROCESSING
    with pytest.raises(ZeroDivisionError), transaction(store, "acme", 10):
        raise ZeroDivisionError
    ended = store.find_asset(asset.id)
    assert (ended.status, ended.code, ended.updated) == (AssetState.FAILED, "FaceMismatch", 4.0)
    assert store.find_asset(later.id).status is AssetState.PROCESSING


def test_a_review_that_was_decided_or_deleted_does_not_end_again(store):
    """What is due no more leaves its asset alone."""
    with transaction(store, "acme", 0) as tx:
        group = add_group(tx)
        decided, deleted, moved = (add_asset(tx, group, due=4.0) for _ in range(3))
    with transaction(store, "acme", 1) as tx:
        tx.save_asset(evolve(decided, status=AssetState.FAILED, due=None, updated=1.0))
        tx.remove_asset(deleted)
        tx.save_asset(evolve(moved, due=8.0))
    with transaction(store, "acme", 5) as tx:
        assert tx.asset(decided.id).status is AssetState.FAILED
        assert tx.asset(deleted.id) is None
        assert tx.asset(moved.id).status is AssetState.PROCESSING
    with transaction(store, "acme", 8) as tx:
        assert tx.asset(moved.id).updated == 8.0


def test_deleting_a_group_takes_everything_in_it(store):
    """Assets, expired ones too, and files are gone, and the counts with them."""
    with transaction(store, "acme", 0) as tx:
        group, other = add_group(tx), add_group(tx)
        stays = add_asset(tx, other)
        assets = [add_asset(tx, group, file=f"f{n}") for n in range(3)]
        tx.save_asset(evolve(assets[2], status=AssetState.EXPIRED))
        tx.add_file("f0", StoredFile(content=b"x", content_type="image/png"))
        assert (tx.count_assets(group.id), tx.count_assets()) == (2, 3)
        tx.remove_group(group)
        assert all(tx.asset(asset.id) is None for asset in assets)
        assert (tx.count_groups(), tx.count_assets(), tx.asset(stays.id)) == (1, 1, stays)
        assert [store.find_asset(asset.id) for asset in assets] == [None] * 3
        assert [tx.drop_deleted(2) for _ in range(3)] == [2, 1, 0]
        assert sum(tx.count_by_status().values()) == 1
    assert store.file("f0") is None


def test_what_has_expired_is_known_but_stands_in_no_list(store):
    """An expired asset is still told apart from one that never was."""
    with transaction(store, "acme", 0) as tx:
        asset = add_asset(tx, add_group(tx))
        tx.save_asset(evolve(asset, status=AssetState.EXPIRED))
        assert tx.asset(asset.id).status is AssetState.EXPIRED
        assert tx.assets(AssetQuery(project="default", kind=AIGC)) == (0, [])
        tx.remove_asset(tx.asset(asset.id))
        assert tx.asset(asset.id) is None


def test_validations_are_found_by_token_and_by_handle(store):
    """A change is seen by both names, and handles count across customers."""
    for number, customer in ((1, "acme"), (2, "zenith")):
        with transaction(store, customer, 0) as tx:
            validation = Validation(
                number=tx.next_validation_number(), token=f"T{number}", customer=customer, owner="k", project="default",
                callback_url="https://a.example/", created=0, expires=120,
            )  # fmt: skip
            tx.save_validation(validation)
            tx.save_validation(evolve(validation, scan=Scan.PASSED))
        assert store.find_validation(f"val-{number}") == store.find_validation(f"T{number}")
    assert [each.scan for each in store.validations()] == [Scan.PASSED, Scan.PASSED]
    store.clear()
    assert (store.find_validation("T1"), list(store.customers())) == (None, [])


# --- lists against a naive model -------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "rename", "settle", "remove", "expire", "list"]), st.integers(0, 10_000)),
    max_size=40,
)
QUERIES = st.lists(
    st.tuples(
        st.lists(st.integers(0, 5), max_size=4),
        st.lists(st.sampled_from(STATUSES), max_size=3),
        st.sampled_from(["", "A", "a1", "zz"]),
        st.sampled_from(list(SortBy)),
        st.booleans(),
        st.integers(0, 12),
        st.integers(1, 8),
        st.one_of(st.none(), st.integers(0, 40)),
    ),
    min_size=1,
    max_size=6,
)


def naive(assets, query):
    """A list read from beginning to end."""
    keys = {
        SortBy.CREATE_TIME: lambda a: (int(a.created), a.number),
        SortBy.UPDATE_TIME: lambda a: (int(a.updated), a.number),
        SortBy.GROUP_ID: lambda a: (a.group_id, int(a.created), a.number),
    }
    found = [
        a
        for a in assets
        if (a.project, a.group_kind) == (query.project, query.kind)
        and (not query.group_ids or a.group_id in query.group_ids)
        and (a.status in (query.statuses or STATUSES))
        and query.name.lower() in a.name.lower()
        and (query.before is None or a.created <= query.before)
    ]
    found.sort(key=keys[query.sort], reverse=query.descending)
    return len(found), found[query.offset : query.offset + query.limit]


def change(tx, story, assets, groups, now):
    """One step of a story: what happens to an asset."""
    transition, choice = story
    if transition == "add":
        asset = add_asset(tx, groups[choice % len(groups)], f"a{choice % 20}", now=now)
        assets[asset.id] = asset
    elif assets:
        old = list(assets.values())[choice % len(assets)]
        if transition == "remove":
            tx.remove_asset(old)
            del assets[old.id]
            return
        status = {"settle": STATUSES[choice % 3], "expire": AssetState.EXPIRED}.get(transition, old.status)
        name = f"A{choice % 20}" if transition == "rename" else old.name
        assets[old.id] = evolve(old, status=status, name=name, updated=now)
        tx.save_asset(assets[old.id])


@searching(40)
@given(steps=STEPS, queries=QUERIES)
def test_lists_are_what_a_naive_reading_gives(steps, queries):
    """After any story, every page of every list is the slice of all that matches, sorted."""
    compare_with_naive(MemoryStore(new_customer), steps, queries)


@searching(40)
@given(steps=STEPS, queries=QUERIES)
def test_lists_in_slices_are_what_a_naive_reading_gives(monkeypatch, steps, queries):
    """The same where orders, states and searches are prepared two records at a time, with changes in between."""
    monkeypatch.setattr(lists, "SLICE", 2)
    compare_with_naive(MemoryStore(new_customer), steps, queries)


@searching(3)
@given(steps=STEPS, queries=QUERIES)
def test_lists_of_every_store_are_what_a_naive_reading_gives(store, steps, queries):
    """The same of each store, with fewer stories."""
    store.clear()
    compare_with_naive(store, steps, queries)


def compare_with_naive(store, steps, queries):
    """Play a story, and compare every query."""
    assets = {}
    with transaction(store, "acme", 0) as tx:
        groups = [add_group(tx, kind=kind, project=project) for kind in GroupType for project in ("default", "film")]
        groups += [add_group(tx) for _ in range(2)]
    for moment, (transition, choice) in enumerate(steps):
        with transaction(store, "acme", moment // 3) as tx:
            if transition == "list":  # orders and states are prepared early, or begun to be
                states = STATUSES[choice % 3 : choice % 5]
                with suppress(Unfinished):
                    tx.assets(AssetQuery(project="default", kind=AIGC, sort=list(SortBy)[choice % 3], statuses=states))
            else:
                change(tx, (transition, choice), assets, groups, moment / 3)
    with transaction(store, "acme", 100) as tx:
        for numbers, statuses, name, sort, descending, offset, limit, before in queries:
            query = AssetQuery(
                project="default", kind=AIGC, group_ids=tuple(groups[n].id for n in numbers), statuses=tuple(statuses),
                name=name, sort=sort, descending=descending, offset=offset, limit=limit, before=before,
            )  # fmt: skip
            assert whole_page(tx, query) == naive(assets.values(), query)


def whole_page(tx, query):
    """The page of a query, however many slices it takes."""
    while True:
        with suppress(Unfinished):
            return tx.assets(query)


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", [SortBy.CREATE_TIME, SortBy.UPDATE_TIME])
def test_groups_are_listed_like_assets(store, sort, descending):
    """Order, page, ids, part of a name and lag hold for groups as well."""
    with transaction(store, "acme", 0) as tx:
        groups = [add_group(tx, f"Brand-{n}", now=float(n)) for n in range(6)]
        groups[0] = evolve(groups[0], updated=99.0)
        tx.groups(GroupQuery(project="default", kind=AIGC, sort=sort))
        tx.save_group(groups[0])
        add_group(tx, "face", kind=FACE)
        add_group(tx, "film", project="film")
        by = sorted(groups, key=lambda g: g.created if sort is SortBy.CREATE_TIME else g.updated, reverse=descending)
        query = GroupQuery(project="default", kind=AIGC, sort=sort, descending=descending, offset=1, limit=3)
        assert tx.groups(query) == (6, by[1:4])
        assert tx.groups(evolve(query, offset=9)) == (6, [])
        assert tx.groups(evolve(query, name="bRAND-3", offset=0)) == (1, [groups[3]])
        ids = (groups[4].id, "group-none", groups[1].id, groups[4].id)
        assert tx.groups(evolve(query, group_ids=ids, offset=0)) == (2, [g for g in by if g.id in ids])
        assert tx.groups(evolve(query, before=2.0, offset=0))[0] == 3


# --- one page out of many lists --------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 5), min_size=0, max_size=300),
    st.integers(0, 310),
)
def test_cuts_leave_the_smallest_before_them(owners, rank):
    """The cuts of several lists sum up to the rank and part smaller from larger."""
    lists = [SortedList(value for value, owner in enumerate(owners) if owner == n) for n in range(6)]
    rank = min(rank, len(owners))
    places = split_ranks(lists, rank)
    before = [value for each, place in zip(lists, places, strict=True) for value in each[:place]]
    assert sorted(before) == list(range(rank))


def test_a_page_of_large_lists_is_read_by_rank():
    """Where reading all would be long, pages are still the slices of the whole, both ways."""
    lists = [SortedList(range(n, 3000, 3)) for n in range(3)]
    for offset, descending in itertools.product((0, 7, 1500, 2995, 3000), (False, True)):
        whole = sorted(range(3000), reverse=descending)
        assert page(lists, offset, 10, descending=descending) == whole[offset : offset + 10]
    assert page([], 0, 10, descending=True) == []


def test_a_page_does_not_read_what_stands_before_it():
    """Whatever the length of the lists, a page asks each of them for few entries."""

    class Counting(SortedList):
        read = 0

        def __getitem__(self, index):
            type(self).read += 1
            return super().__getitem__(index)

        def __iter__(self):
            raise AssertionError("the whole list is read")

    lists = [Counting(range(n, 60_000, 2)) for n in range(2)]
    assert page(lists, 59_990, 10, descending=False) == list(range(59_990, 60_000))
    assert page(lists, 30_000, 10, descending=True) == list(range(29_999, 29_989, -1))
    assert Counting.read < 200


def test_an_unknown_verdict_of_reads_waits(store):
    """A review that waits for reads is never due."""
    with transaction(store, "acme", 0) as tx:
        asset = add_asset(tx, add_group(tx), verdict=Verdict(reads=1))
    with transaction(store, "acme", 1e9) as tx:
        assert tx.asset(asset.id).status is AssetState.PROCESSING


def test_the_latest_records_are_of_all_customers_and_newest_first(store):
    """At most as many as asked for, with what customers use, the sizes of groups, and how many there are in all."""
    for customer in ("acme", "zenith"):
        with transaction(store, customer, 0) as tx:
            group = add_group(tx)
            newest = [add_asset(tx, group) for _ in range(3)]
    latest = store.latest(2)
    assert [(usage.customer.name, usage.groups, usage.assets) for usage in latest.customers] == [
        ("zenith", 1, 3), ("acme", 1, 3),
    ]  # fmt: skip
    assert latest.groups[0] == (group, 3)
    assert list(latest.assets) == [newest[2], newest[1]]
    assert latest.totals == {"customers": 2, "groups": 2, "assets": 6, "validations": 0}


def test_the_latest_assets_have_a_group(store):
    """Those of a deleted group are skipped before they are freed; where they are too many, fewer are given."""
    with transaction(store, "acme", 0) as tx:
        group, other = add_group(tx), add_group(tx)
        visible = add_asset(tx, group)
        for _ in range(10):
            add_asset(tx, other)
        tx.remove_group(other)
    assert list(store.latest(5).assets) == [visible]


def test_jobs_are_listed_newest_first_and_belong_to_one_customer(store):
    """A changed job keeps its place; nobody else reads it, and only the whole store finds it."""
    with transaction(store, "acme", 0) as tx:
        jobs = [add_job(tx, now=float(n)) for n in range(3)]
        ended = evolve(jobs[0], ended=9.0)
        tx.save_job(ended)
        assert [job.id for job in tx.jobs()] == [job.id for job in reversed(jobs)]
        assert tx.job(jobs[0].id) == ended
    with transaction(store, "zenith", 0) as tx:
        assert (tx.jobs(), tx.job(jobs[0].id)) == ((), None)
    assert store.find_job(jobs[0].id) == ended
    assert store.find_job("task-0") is None


def test_old_jobs_are_dropped_up_to_a_limit(store):
    """The oldest first, up to the moment that is named; a copy has what is left."""
    with transaction(store, "acme", 0) as tx:
        jobs = [add_job(tx, now=float(n)) for n in range(4)]
        assert tx.drop_jobs(2.0, 2) == 2
        assert tx.drop_jobs(2.0, 9) == 1
        assert tx.drop_jobs(2.0, 9) == 0
        assert tx.jobs() == (jobs[3],)
    copied = store.copy()
    store.clear()
    assert store.find_job(jobs[3].id) is None
    store.restore(copied)
    assert store.find_job(jobs[3].id) == jobs[3]
    with transaction(store, "acme", 0) as tx:
        assert tx.number() > jobs[3].number


def test_a_validation_is_found_by_its_handle(store):
    """By `val-1`, and not by its token."""
    with transaction(store, "acme", 0) as tx:
        validation = add_validation(tx, "acme", 120.0)
        assert tx.validation_by_handle(validation.handle) == validation
        assert tx.validation_by_handle(validation.token) is None
        assert tx.validation_by_handle("") is None


def test_files_whose_addresses_died_are_dropped(store):
    """Of any customer; those that are still served, or for ever, stay."""
    until = {"gone": 10.0, "served": 11.0, "kept": None}
    with transaction(store, "acme", 0) as tx:
        for key, moment in until.items():
            tx.add_file(key, StoredFile(content=b"x", content_type="image/png", served_until=moment))
    with transaction(store, "other", 0) as tx:
        tx.drop_files(10.0)
    assert [key for key in until if store.file(key) is not None] == ["served", "kept"]


def test_old_validations_are_dropped_up_to_a_limit(store):
    """Those of any customer that had expired by the moment that is named, the oldest first."""
    with store.transaction("acme") as tx:
        validations = [add_validation(tx, "acme", 120.0 + n) for n in range(3)]
    with store.transaction("zenith") as tx:
        validations.append(add_validation(tx, "zenith", 123.0))
    with store.transaction("zenith") as tx:
        assert tx.drop_validations(119.9, 9) == 0
        assert tx.drop_validations(122.0, 2) == 2
        assert [tx.validation(each.token) for each in validations] == [None, None, *validations[2:]]
        assert tx.validation_by_handle(validations[0].handle) is None
        assert tx.drop_validations(122.0, 2) == 1
        assert tx.drop_validations(122.0, 2) == 0
    assert store.validations() == (validations[3],)
    copied = store.copy()
    store.clear()
    store.restore(copied)
    assert store.find_validation(validations[2].token) is None
    with store.transaction("acme") as tx:
        assert tx.drop_validations(123.0, 2) == 1
    assert store.validations() == ()
