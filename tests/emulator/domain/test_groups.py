"""The group Actions: what is kept, changed and shown, and in which order."""

import pytest
from attrs import evolve

from emulator.domain import assets, groups
from emulator.domain.reasons import Reason
from portrait import models
from portrait.models import GroupType, SortBy, SortOrder
from tests.emulator.domain.helpers import NOW, asset, group, refused


def test_a_group_is_kept_as_it_was_asked_for(ctx):
    """What is kept and shown of a new group: the Title fills an absent Name, both times are now."""
    first = group(ctx, "brand", description="hosts")
    second = group(ctx, None, title="by title", project_name="p")
    third = group(ctx, None)
    records = [ctx.tx.group(id_) for id_ in (first, second, third)]
    assert [g.name for g in records] == ["brand", "by title", ""]
    assert [g.description for g in records] == ["hosts", "", ""]
    assert [g.project for g in records] == ["default", "p", "default"]
    assert {(g.customer, g.kind, g.created, g.updated, g.subject) for g in records} == {
        ("acme", GroupType.AIGC, NOW, NOW, "")
    }
    assert [g.number for g in records] == [1, 2, 3]
    ctx.tx.save_group(evolve(records[0], updated=NOW + 5))
    assert groups.get(ctx, models.GetAssetGroupRequest(id=first)) == evolve(records[0], updated=NOW + 5)


@pytest.mark.parametrize(
    ("change", "name", "description", "updated"),
    [
        ({"name": "new"}, "new", "hosts", 1060.0),
        ({"description": "new"}, "brand", "new", 1060.0),
        ({"description": ""}, "brand", "", 1060.0),
        ({"name": "new", "description": "newer"}, "new", "newer", 1060.0),
        ({"name": ""}, "brand", "hosts", NOW),
        ({"name": "brand"}, "brand", "hosts", NOW),
        ({"description": "hosts"}, "brand", "hosts", NOW),
        ({}, "brand", "hosts", NOW),
    ],
    ids=str,
)
def test_a_change_of_a_group_keeps_the_rest(ctx, change, name, description, updated):
    """What is left out stays, as does a Name that is to become empty; UpdateTime moves only where something changes."""
    group_id = group(ctx, "brand", description="hosts")
    ctx.now = 1060.0
    assert groups.update(ctx, models.UpdateAssetGroupRequest(id=group_id, **change)) == models.Updated(id=group_id)
    stored = ctx.tx.group(group_id)
    assert (stored.name, stored.description, stored.created, stored.updated) == (name, description, NOW, updated)


def test_a_page_of_groups_says_which_it_is(ctx):
    """Newest first unless asked otherwise; the page carries its number, its size and the count of all."""
    ids = []
    for second in range(5):
        ctx.now = NOW + second
        ids.append(group(ctx, f"Brand {second}"))
    ctx.now = NOW + 9
    groups.update(ctx, models.UpdateAssetGroupRequest(id=ids[1], name="last"))

    def page(**fields):
        found = groups.list_(ctx, models.ListAssetGroupsRequest(**fields))
        return [item.id for item in found.items], found.total_count, found.page_number, found.page_size

    newest = ids[::-1]
    assert page() == (newest, 5, 1, 10)
    assert page(page_number=2, page_size=2) == (newest[2:4], 5, 2, 2)
    assert page(page_number=4, page_size=2) == ([], 5, 4, 2)
    assert page(sort_order=SortOrder.ASC) == (ids, 5, 1, 10)
    assert page(sort_order=SortOrder.DESC, sort_by=SortBy.UPDATE_TIME)[0][0] == ids[1]
    assert page(filter=models.GroupFilter(name="BRAND"), page_size=1) == ([ids[4]], 4, 1, 1)
    assert page(filter=models.GroupFilter(group_ids=(ids[0], ids[2]))) == ([ids[2], ids[0]], 2, 1, 10)
    assert page(filter=models.GroupFilter(group_type="LivenessFace")) == ([], 0, 1, 10)
    ctx.lag = 6.5  # reads see up to second 2.5
    assert page() == (newest[2:], 3, 1, 10)


def test_reads_that_lag_see_what_was_there(ctx):
    """A group or asset of the very moment that reads are behind is seen, a younger one is unknown."""
    group_id = group(ctx)
    asset_id = asset(ctx, group_id)
    ctx.lag, ctx.now = 3.0, NOW + 3
    assert ctx.visible_until == NOW
    assert groups.get(ctx, models.GetAssetGroupRequest(id=group_id)).id == group_id
    assert assets.get(ctx, models.GetAssetRequest(id=asset_id)).asset.id == asset_id
    assert assets.list_(ctx, models.ListAssetsRequest()).total_count == 1
    ctx.now = NOW + 2.5
    assert assets.list_(ctx, models.ListAssetsRequest()).total_count == 0
    assert refused(groups.get, ctx, models.GetAssetGroupRequest(id=group_id)) == (
        Reason.UNKNOWN_GROUP, "", group_id, "", "",
    )  # fmt: skip
    assert refused(assets.get, ctx, models.GetAssetRequest(id=asset_id)) == (Reason.UNKNOWN_ASSET, "", asset_id, "", "")
