"""Erasing a group: what goes, what is kept for others, and what is taken up by the next run."""

import hashlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.testing import Emulator
from portrait import pagination
from portrait.ensure.content import asset_name, parse_digest, sha256_prefix, short_digest
from portrait.errors import BadResponse, NotAccessible, UsageError
from portrait.events import CallFinished
from portrait.s3 import AccessDenied
from portrait.s3.keys import Location, key_for
from tests.hypothesis_profiles import searching


class Store:
    """Object storage of a few objects, by their contents."""

    def __init__(self, *contents):
        self.location = Location("bucket", "people")
        self.keys = {key_for("people", sha256(content), "jpg") for content in contents}
        self.failing = {}

    def list_objects(self):
        """Sizes by key."""
        return dict.fromkeys(self.keys, 1)

    def delete(self, key):
        """Delete one, unless it is to fail."""
        if key in self.failing:
            raise self.failing[key]
        self.keys.discard(key)


def sha256(content):
    """Of a content, which is a number."""
    return hashlib.sha256(str(content).encode()).hexdigest()


def address(content):
    """Where a content is stored."""
    return f"s3://bucket/{key_for('people', sha256(content), 'jpg')}"


def create(client, group, content, name=None):
    """An asset with that content, of the usual name or another."""
    name = name or asset_name("photo", short_digest(sha256(content)))
    return client.create_asset(group_id=group, url="https://cdn.example/a.jpg", asset_type="Image", name=name).id


def prefixes(assets):
    """The contents that the Names of assets name."""
    return {sha256_prefix(parse_digest(asset.name)) for asset in assets}


def test_a_person_is_erased_and_what_others_use_is_kept(colour, portrait_emulator, tmp_path):
    """The plan changes nothing and says what the erasure does: objects, the group with its assets, and what stays."""
    plain = portrait_emulator.client()
    alice, bob = (plain.create_asset_group(name=name).id for name in ("alice", "bob"))
    mine = [create(plain, alice, content) for content in (1, 2)]
    shared = create(plain, bob, 2)
    renamed = create(plain, bob, 3, name="somebody")
    store, client = Store(1, 2, 3, 4, 5), colour.client(portrait_emulator, state=tmp_path / "state.db")
    options = {
        "stores": [store],
        "known_objects": [address(3), address(4), "s3://other/key.jpg"],
        "known_contents": {renamed: sha256(3)},
    }
    plan = colour.run(client.plan_erasure, alice, **options)
    assert (plan.group_id, plan.name, plan.exists, set(plan.assets)) == (alice, "alice", True, set(mine))
    assert set(plan.objects) == {address(1), address(4)}
    assert plan.in_use == {address(2): (shared,), address(3): (renamed,)}
    assert plan.elsewhere == ("s3://other/key.jpg",)
    assert len(store.keys) == 5
    assert plain.get_asset_group(id=alice).name == "alice"

    outcome = colour.run(client.erase_group, plan, **options)
    assert outcome.group_erased
    assert set(outcome.objects) == set(plan.objects)
    assert store.keys == Store(2, 3, 5).keys
    assert not outcome.complete, "an object is elsewhere"
    with pytest.raises(NotAccessible):
        plain.get_asset_group(id=alice)

    # The group is gone; what is elsewhere is still known.
    again = colour.run(client.plan_erasure, alice, stores=[store])
    assert (again.exists, again.objects, again.elsewhere) == (False, (), ("s3://other/key.jpg",))
    assert again.is_empty


def test_what_somebody_begins_to_use_after_the_plan_is_kept(portrait_emulator, portrait_client):
    """Between the plan and its execution another person's asset with the same content was created."""
    alice, bob = (portrait_client.create_asset_group(name=name).id for name in ("alice", "bob"))
    create(portrait_client, alice, 1)
    store = Store(1)
    plan = portrait_client.plan_erasure(alice, stores=[store])
    assert plan.objects == (address(1),)
    user = create(portrait_client, bob, 1)
    outcome = portrait_client.erase_group(plan, stores=[store])
    assert outcome.plan.in_use == {address(1): (user,)}
    assert store.keys == Store(1).keys
    assert outcome.group_erased
    assert outcome.complete


def test_an_object_that_cannot_be_deleted_is_taken_up_later(portrait_emulator, tmp_path):
    """Its error is in the outcome, the group goes all the same, and the next run knows the object."""
    portrait_client = portrait_emulator.client(state=tmp_path / "state.db")
    alice = portrait_client.create_asset_group(name="alice").id
    create(portrait_client, alice, 1)
    store = Store(1)
    store.failing = dict.fromkeys(store.keys, AccessDenied("No."))
    outcome = portrait_client.erase_group(alice, stores=[store])
    assert (outcome.group_erased, list(outcome.errors), outcome.complete) == (True, [address(1)], False)
    with pytest.raises(AccessDenied):
        outcome.check()
    store.failing = {}
    outcome = portrait_client.erase_group(alice, stores=[store])
    assert (outcome.objects, outcome.complete, store.keys) == ((address(1),), True, set())
    portrait_client.close()
    assert b"alice" not in (tmp_path / "state.db").read_bytes()


def test_what_was_erased_is_not_remembered(colour, portrait_emulator, tmp_path):
    """An object that somebody stores in that place later is nobody's business here, while one that is left is."""
    client = colour.client(portrait_emulator, state=tmp_path / "state.db")
    alice = portrait_emulator.client().create_asset_group(name="alice").id
    for content in (1, 2):
        create(portrait_emulator.client(), alice, content)
    store, whole = Store(1, 2), Store(1, 2)
    store.failing = {key: AccessDenied("No.") for key in Store(2).keys}
    assert colour.run(client.erase_group, alice, stores=[store]).objects == (address(1),)
    assert colour.run(client.plan_erasure, alice, stores=[whole]).objects == (address(2),)


def test_no_project_is_the_one_called_default(colour, portrait_emulator, tmp_path):
    """What is remembered without a project is found with that one, and with no other."""
    alice = portrait_emulator.client().create_asset_group(name="alice").id
    options = {"state": tmp_path / "state.db"}
    clients = [colour.client(portrait_emulator, **options, **more) for more in ({}, {"project": "default"})]
    colour.run(clients[0].erase_group, alice, known_objects=["s3://other/key.jpg"])
    assert [colour.run(client.find_erasure, alice).objects for client in clients] == [("s3://other/key.jpg",)] * 2
    other = colour.client(portrait_emulator, **options, project="film")
    assert colour.run(other.find_erasure, alice) is None


def test_a_plan_needs_the_stores_that_it_was_made_with(portrait_client):
    """Without them nothing is erased, the group neither."""
    alice = portrait_client.create_asset_group(name="alice").id
    create(portrait_client, alice, 1)
    plan = portrait_client.plan_erasure(alice, stores=[Store(1)])
    with pytest.raises(UsageError, match="no store"):
        portrait_client.erase_group(plan)
    assert portrait_client.get_asset_group(id=alice).id == alice


def deleting(emulator, assets, moments):
    """A listener that deletes an asset after the n-th page of a list, for each (n, asset)."""
    pages = iter(range(1, 1000))

    def listen(event):
        if isinstance(event, CallFinished) and event.action == "ListAssets":
            number = next(pages)
            for moment, asset in moments:
                if moment == number:
                    with suppress(NotAccessible):  # deleted before
                        emulator.client().delete_asset(id=assets[-1 - asset % len(assets)])

    return listen


def test_the_oldest_user_of_an_object_is_not_overlooked():
    """once-forget: 101 assets, the other user is the oldest; one asset is deleted between two pages."""
    emulator = Emulator()
    plain = emulator.client(api_key=emulator.customer(assets=200))
    bob, alice = (plain.create_asset_group(name=name).id for name in ("bob", "alice"))
    oldest = create(plain, bob, 1)
    others = [create(plain, bob, number) for number in range(2, 101)]
    create(plain, alice, 1)
    deleted = []

    def listen(event):
        # The first list is of the group alone; the second is of all, and its first page has been read.
        if isinstance(event, CallFinished) and event.action == "ListAssets" and not deleted:
            deleted.append(None)
        elif isinstance(event, CallFinished) and event.action == "ListAssets" and deleted == [None]:
            deleted.append(others[-1])
            plain.delete_asset(id=others[-1])

    plan = plain.with_options(on_event=listen).plan_erasure(alice, stores=[Store(1)])
    assert deleted == [None, others[-1]]
    assert plan.objects == ()
    assert plan.in_use == {address(1): (oldest,)}


@given(
    mine=st.lists(st.integers(0, 7), max_size=8, unique=True),
    theirs=st.lists(st.integers(0, 7), min_size=1, max_size=8, unique=True),
    moments=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 7)), max_size=4),
)
@searching(10)
def test_what_a_surviving_asset_names_is_never_erased(monkeypatch, mine, theirs, moments):
    """Whatever is deleted meanwhile: an object stays as long as an asset of another group names its content."""
    monkeypatch.setattr(pagination, "PAGE_SIZE", 3)
    emulator = Emulator()
    plain = emulator.client()
    alice, bob = (plain.create_asset_group(name=name).id for name in ("alice", "bob"))
    assets = [create(plain, bob, content) for content in theirs]
    for content in mine:
        create(plain, alice, content)
    store = Store(*range(8))
    listener = deleting(emulator, assets, moments)
    try:
        plan = emulator.client(on_event=listener).plan_erasure(alice, stores=[store])
    except BadResponse:  # the lists moved all the time
        return
    surviving = prefixes(plain.iter_assets(group_ids=[bob]))
    assert not {object_.rpartition("/")[2][:32] for object_ in plan.objects} & surviving
    if not moments:
        assert set(plan.objects) == {address(content) for content in set(mine) - set(theirs)}
    plain.erase_group(plan, stores=[store])
    assert surviving <= {key.rpartition("/")[2][:32] for key in store.keys}
