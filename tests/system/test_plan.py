"""What a plan says is what the run does, for every state of a group."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.environment import emulator as start_emulator
from emulator.testing import Emulator
from portrait import AssetPlan, AssetStatus, FileState, GroupType, UsageError, Verdict
from portrait.ensure import identify
from portrait.events import GroupFound
from portrait.media import limits_for
from tests.hypothesis_profiles import searching
from tests.media_samples import image

WRITES = ("CreateAsset", "DeleteAsset", "UpdateAsset", "upload")
SMALL = image("jpeg", 100, 100)  # narrower than the service takes
# What a group may hold of one content: each letter is an asset, the oldest first.
ASSETS = {"A": "Active", "P": "Processing", "R": "InternalError", "F": "FaceMismatch"}
contents = st.lists(st.text(alphabet="APRF", max_size=3), max_size=6)
extras = st.lists(st.sampled_from(["missing file", "faulty file", "again"]), max_size=3)
quotas = st.one_of(st.none(), st.integers(0, 12))

OUTCOMES = {
    Verdict.EXISTING: (FileState.ACTIVE, "existing"),
    Verdict.NEW: (FileState.ACTIVE, "created"),
    Verdict.REPLACE: (FileState.ACTIVE, "replaced"),
    Verdict.FAILED: (FileState.FAILED, "existing"),
    Verdict.REJECTED: (FileState.REJECTED, None),
    Verdict.NO_ROOM: (FileState.NO_ROOM, None),
}


def url(number):
    """The address of a content."""
    return f"https://cdn.example/{number:03}.jpg"


def fill(emulator, client, group, states):
    """Bring a group into a state."""
    for number, letters in enumerate(states):
        name = identify(url(number), limits_for("alltoken"), None).name
        for letter in letters:
            asset = client.create_asset(group_id=group, url=url(number), asset_type="Image", name=name).id
            if letter == "A":
                emulator.assets.activate(asset)
            elif letter in "RF":
                emulator.assets.fail(asset, ASSETS[letter])


def writes(emulator):
    """How many calls of each kind changed something."""
    return {action: emulator.calls.count(action) for action in WRITES}


@pytest.mark.parametrize("from_plan", [True, False], ids=["apply the plan", "plan again"])
@given(states=contents, extra=extras, quota=quotas)
@searching(10)
def test_what_the_plan_says_is_what_the_run_does(colour, from_plan, states, extra, quota):
    """once-dry-run: every verdict, each asset that it names, and the number of creates and deletes."""
    emulator = Emulator()
    client = colour.client(emulator)
    group = emulator.client().create_asset_group(name="hosts").id
    fill(emulator, emulator.client(), group, states)
    more = {"missing file": "/nowhere/a.jpg", "faulty file": SMALL, "again": url(0)}
    sources = [url(number) for number in range(len(states) + 1)] + [more[name] for name in extra]
    before = writes(emulator)

    plan = colour.run(client.plan_assets, sources, group_id=group, quota=quota)
    assert writes(emulator) == before, "a plan writes nothing"
    assert [entry.source for entry in plan.entries[: len(states)]] == sources[: len(states)]
    assert plan.asset_count == sum(map(len, states))

    again = {} if from_plan else {"group_id": group, "quota": quota}
    outcomes = colour.run(client.ensure_assets, plan if from_plan else sources, **again)

    first = {}
    for entry in plan.entries:
        first.setdefault(entry.content.sha256 if entry.content else entry.source, entry)
    for outcome in outcomes:
        entry = first[outcome.sha256 or outcome.source]
        assert (outcome.state, outcome.origin) == OUTCOMES[entry.verdict], entry
        assert outcome.duplicates == entry.duplicates
        if entry.verdict in {Verdict.EXISTING, Verdict.FAILED}:
            assert outcome.asset_id == entry.asset.id
        if entry.verdict is Verdict.REPLACE:
            assert outcome.asset_id != entry.asset.id
    assert Counter(outcome.source for outcome in outcomes) == Counter(entry.source for entry in plan.entries)
    done = {action: count - before[action] for action, count in writes(emulator).items()}
    counts = plan.counts
    assert done == {
        "CreateAsset": counts[Verdict.NEW] + counts[Verdict.REPLACE],
        "DeleteAsset": counts[Verdict.REPLACE],
        "UpdateAsset": 0,
        "upload": 0,
    }


def test_a_plan_counts_the_room(colour, portrait_emulator):
    """once-dry-room: 305 fitting files and an empty group of 50: 255 have no room."""
    group = portrait_emulator.client().create_asset_group(name="hosts").id
    plan = colour.run(colour.client(portrait_emulator).plan_assets, [url(n) for n in range(305)], group_id=group)
    assert (plan.quota, plan.asset_count, plan.free) == (50, 0, 50)
    assert plan.counts == {Verdict.NEW: 50, Verdict.NO_ROOM: 255}
    assert all(entry.error is not None for entry in plan.entries_with(Verdict.NO_ROOM))


def test_a_replacement_needs_no_room(portrait_emulator, portrait_client):
    """It takes the room of the failed asset; a new content does not fit beside it."""
    group = portrait_client.create_asset_group(name="hosts").id
    fill(portrait_emulator, portrait_client, group, ["R"])
    plan = portrait_client.plan_assets([url(1), url(0)], group_id=group, quota=1)
    assert [entry.verdict for entry in plan.entries] == [Verdict.NO_ROOM, Verdict.REPLACE]


def test_a_plan_for_a_group_to_come(portrait_client):
    """Without a group it is planned for an empty one, and carried out once there is one."""
    plan = portrait_client.plan_assets([url(0)])
    assert isinstance(plan, AssetPlan)
    assert (plan.group_id, plan.group_type, plan.counts) == (None, GroupType.AIGC, {Verdict.NEW: 1})
    assert portrait_client.plan_assets([], group_type="LivenessFace").group_type == GroupType.LIVENESS_FACE
    with pytest.raises(UsageError, match="group"):
        list(portrait_client.ensure_assets(plan))
    group = portrait_client.ensure_group("hosts").id
    (outcome,) = portrait_client.ensure_assets(plan, group_id=group)
    assert (outcome.state, outcome.group_id) == (FileState.ACTIVE, group)


def test_a_plan_for_a_name_is_one_for_the_group_that_bears_it(colour, portrait_emulator):
    """What that group holds is used, and whoever reads the plan learns its id; nothing is created for a plan."""
    client = colour.client(portrait_emulator)
    nowhere = colour.run(client.plan_assets, [url(0)], group="hosts")
    assert (nowhere.group_id, nowhere.group_type) == (None, GroupType.AIGC)
    assert portrait_emulator.calls.count("ListAssets") == 0
    group = portrait_emulator.client().create_asset_group(name="hosts").id
    fill(portrait_emulator, portrait_emulator.client(), group, ["A"])
    plan = colour.run(client.plan_assets, [url(0)], group="hosts")
    assert (plan.group_id, plan.asset_count, plan.counts) == (group, 1, {Verdict.EXISTING: 1})
    assert portrait_emulator.calls.count("CreateAssetGroup") == 1


@pytest.mark.parametrize("review", [0, 4])
@pytest.mark.parametrize("wait", [True, False])
def test_what_was_listed_after_a_create_is_not_listed_again_at_once(colour, review, wait):
    """The list that shows duplicates shows the state of the new asset as well: the next look comes after a pause."""
    with start_emulator(review_seconds=review) as service:
        client = colour.client(service)
        group = service.client().create_asset_group(name="hosts").id
        (outcome,) = colour.run(client.ensure_assets, [image()], group_id=group, wait=wait)
        lists = [call for call in service.calls.all() if call["action"] == "ListAssets"]
        assert len(lists) == 2 + (2 if review and wait else 0)
        assert outcome.state is (FileState.TIMED_OUT if review and not wait else FileState.ACTIVE)
        assert outcome.asset.status == (AssetStatus.PROCESSING if review and not wait else AssetStatus.ACTIVE)


def test_an_ensure_needs_a_group(portrait_client):
    """Said at once, not when the first outcome is asked for."""
    with pytest.raises(UsageError, match="group_id"):
        portrait_client.ensure_assets([url(0)])


def test_one_source_that_cannot_be_read_ends_no_plan(portrait_client, tmp_path):
    """answer-sources: a name that is too long, and one with a NUL, are rejected; the others are planned."""
    photo = tmp_path / "a.jpg"
    photo.write_bytes(image())
    plan = portrait_client.plan_assets([photo, "y" * 300, "a\0b"])
    assert [entry.verdict for entry in plan.entries] == [Verdict.NEW, Verdict.REJECTED, Verdict.REJECTED]
    assert all(isinstance(entry.error, UsageError) for entry in plan.entries[1:])


def test_what_failed_a_moment_ago_is_replaced_by_the_same_client(portrait_emulator, portrait_client):
    """visible-failed: the client that created it does not take its own failed asset for the answer."""
    group = portrait_client.create_asset_group(name="hosts").id
    (first,) = portrait_client.ensure_assets([url(0)], group_id=group, wait=False)
    portrait_emulator.assets.fail(first.asset_id, "DownloadFailed")
    second = portrait_client.ensure_asset(url(0), group_id=group)
    assert (second.origin, second.asset.status) == ("replaced", AssetStatus.ACTIVE)
    assert second.asset_id != first.asset_id


def test_a_group_that_the_run_has_created_is_not_read_before_its_assets_are(colour, portrait_emulator):
    """Nothing can be in it, and it is an AIGC group; one that another call has created is read."""
    found = []

    def note(event):
        if isinstance(event, GroupFound):
            found.append((event, portrait_emulator.calls.count("ListAssets")))

    client = colour.client(portrait_emulator, on_event=note)
    for number, expected in enumerate([0, 1]):
        before = portrait_emulator.calls.count("ListAssets")
        outcomes = colour.run(client.ensure_assets, [url(number)], group="hosts", wait=False)
        assert [each.origin for each in outcomes] == ["created"]
        # The one look that is always there finds what others may have created in the same moment.
        assert portrait_emulator.calls.count("ListAssets") - before == 1 + expected
    assert portrait_emulator.calls.count("GetAssetGroup") == 0
    group = outcomes[0].group_id
    events = [GroupFound(name="hosts", group_id=group, is_new=is_new) for is_new in (True, False)]
    assert [event for event, _ in found] == events
    assert found[0][1] == 0, "the group is named before anything is sent into it"
