"""Reads, and creates into a fresh group, that lag behind own creates: they are waited for (contract §3)."""

import pytest

from portrait.errors import NotAccessible
from tests.media_samples import image

LAG = 12
READS = ("GetAsset", "ListAssets", "GetAssetGroup", "ListAssetGroups")


@pytest.fixture
def emulator(portrait_emulator):
    """An emulator whose reads do not see what is younger than some seconds."""
    for action in READS:
        portrait_emulator.rules.add(match={"action": action}, do={"lag": LAG})
    return portrait_emulator


def test_a_group_that_reads_do_not_show_yet_is_waited_for(colour, emulator):
    """visible-group: three runs in a group that was created a moment ago leave one group and one asset."""
    client = colour.client(emulator)
    group = colour.run(client.ensure_group, "brand").id
    for _ in range(3):
        (outcome,) = colour.run(client.ensure_assets, [image()], group_id=group)
        assert outcome.state == "Active"
    emulator.clock.advance(LAG)
    assert len(list(emulator.client().iter_asset_groups())) == 1
    assert len(list(emulator.client().iter_assets())) == 1


@pytest.mark.parametrize("action", ["GetAssetGroup", "ListAssets"])
def test_a_fresh_group_that_is_said_to_be_unknown_is_waited_for(colour, portrait_emulator, action):
    """visible-group: Forbidden for a group of one's own create is "not yet", in plans, batches and erasures."""
    client = colour.client(portrait_emulator)
    group = colour.run(client.create_asset_group, name="brand").id
    for start in (client.plan_assets, client.ensure_assets):
        portrait_emulator.rules.add(match={"action": action}, when={"first": 2}, do={"error": "UnknownGroup"})
        colour.run(start, ["https://cdn.example/a.jpg"], group_id=group)
    portrait_emulator.rules.add(match={"action": action}, when={"first": 2}, do={"error": "UnknownGroup"})
    plan = colour.run(client.plan_erasure, group)
    assert (plan.exists, len(plan.assets)) == (True, 1)


def test_a_create_into_a_fresh_group_is_tried_again(colour, portrait_emulator):
    """visible-create: the service does not know the group yet; every file ends Active, once."""
    client = colour.client(portrait_emulator)
    group = colour.run(client.ensure_group, "brand").id
    portrait_emulator.rules.add(match={"action": "CreateAsset"}, when={"first": 2}, do={"error": "UnknownGroup"})
    sources = [image(), *(f"https://cdn.example/{number}.jpg" for number in range(3))]
    outcomes = colour.run(client.ensure_assets, sources, group_id=group)
    assert [outcome.state for outcome in outcomes] == ["Active"] * 4
    assert len(list(portrait_emulator.client().iter_assets())) == 4


def test_a_group_of_somebody_else_is_not_waited_for(colour, portrait_emulator):
    """visible-group, visible-create: what this client has not created, or has deleted, is refused at once."""
    client = colour.client(portrait_emulator)
    other = portrait_emulator.client().create_asset_group(name="brand").id
    portrait_emulator.rules.add(match={"action": "CreateAsset"}, do={"error": "UnknownGroup"})
    (outcome,) = colour.run(client.ensure_assets, ["https://cdn.example/a.jpg"], group_id=other)
    assert outcome.state == "Refused"
    own = colour.run(client.create_asset_group, name="own").id
    colour.run(client.delete_asset_group, id=own)
    before = portrait_emulator.clock.monotonic()
    for group in (own, "group-20260318000000-never"):
        with pytest.raises(NotAccessible):
            colour.run(client.plan_assets, ["https://cdn.example/a.jpg"], group_id=group)
    assert portrait_emulator.clock.monotonic() == before


def test_a_fresh_group_that_stays_unknown_ends_in_the_refusal(colour, portrait_emulator):
    """visible-create: three minutes are the longest lag that was seen."""
    client = colour.client(portrait_emulator)
    group = colour.run(client.create_asset_group, name="brand").id
    portrait_emulator.rules.add(match={"action": "CreateAsset"}, do={"error": "UnknownGroup"})
    started = portrait_emulator.clock.monotonic()
    (outcome,) = colour.run(client.ensure_assets, ["https://cdn.example/a.jpg"], group_id=group)
    assert outcome.state == "Refused"
    assert 180 <= portrait_emulator.clock.monotonic() - started <= 184
