"""Whose things are whose, which projects there are, and who may create."""

import pytest
from attrs import evolve

from emulator.domain import assets, groups, lifecycle, validations
from emulator.domain.reasons import Reason
from emulator.domain.records import AssetState
from emulator.domain.uploads import UploadRequest, upload_asset
from portrait import models
from tests.emulator.domain.helpers import FILE, NOW, URL, asset, group, refused, session


@pytest.mark.parametrize(
    ("handler", "request_"),
    [
        (groups.create, models.CreateAssetGroupRequest(name="n", project_name="q")),
        (groups.get, models.GetAssetGroupRequest(id="g", project_name="q")),
        (groups.list_, models.ListAssetGroupsRequest(project_name="q")),
        (groups.update, models.UpdateAssetGroupRequest(id="g", project_name="q")),
        (groups.delete, models.DeleteAssetGroupRequest(id="g", project_name="q")),
        (assets.create, models.CreateAssetRequest(group_id="g", url=URL, asset_type="Image", project_name="q")),
        (upload_asset, UploadRequest(group_id="g", file=FILE, extension=".png", project_name="q")),
        (assets.get, models.GetAssetRequest(id="a", project_name="q")),
        (assets.list_, models.ListAssetsRequest(project_name="q")),
        (assets.update, models.UpdateAssetRequest(id="a", project_name="q")),
        (assets.delete, models.DeleteAssetRequest(id="a", project_name="q")),
        (
            validations.create,
            models.CreateVisualValidateSessionRequest(callback_url="https://app.example/", project_name="q"),
        ),
        (validations.result, models.GetVisualValidateResultRequest(byted_token="T", project_name="q")),
    ],
    ids=lambda part: type(part).__name__ if not callable(part) else None,
)
def test_a_project_that_does_not_exist_is_told_so(ctx, handler, request_):
    """Every Action that is given a project looks whether there is one."""
    assert refused(handler, ctx, request_) == (Reason.UNKNOWN_PROJECT, "ProjectName", "q", "", "")


def test_what_lives_in_one_project_is_foreign_in_another(ctx):
    """A group, asset or token is found in its own project only; elsewhere its id is one that never was."""
    group_id = group(ctx, project_name="p")
    asset_id = asset(ctx, group_id, project_name="p")
    token = session(ctx, project_name="p")
    for handler, request, reason, id_ in (
        (groups.get, models.GetAssetGroupRequest(id=group_id), Reason.UNKNOWN_GROUP, group_id),
        (groups.update, models.UpdateAssetGroupRequest(id=group_id, name="new"), Reason.UNKNOWN_GROUP, group_id),
        (groups.delete, models.DeleteAssetGroupRequest(id=group_id), Reason.UNKNOWN_GROUP, group_id),
        (
            assets.create,
            models.CreateAssetRequest(group_id=group_id, url=URL, asset_type="Image"),
            Reason.UNKNOWN_GROUP,
            group_id,
        ),
        (upload_asset, UploadRequest(group_id=group_id, file=FILE, extension=".png"), Reason.UNKNOWN_GROUP, group_id),
        (assets.get, models.GetAssetRequest(id=asset_id), Reason.UNKNOWN_ASSET, asset_id),
        (assets.update, models.UpdateAssetRequest(id=asset_id, name="new"), Reason.UNKNOWN_ASSET, asset_id),
        (assets.delete, models.DeleteAssetRequest(id=asset_id), Reason.UNKNOWN_ASSET, asset_id),
        (validations.result, models.GetVisualValidateResultRequest(byted_token=token), Reason.TOKEN_UNKNOWN, token),
    ):
        assert refused(handler, ctx, request) == (reason, "", id_, "", "")
    assert groups.list_(ctx, models.ListAssetGroupsRequest()).total_count == 0
    assert assets.list_(ctx, models.ListAssetsRequest()).total_count == 0
    assert groups.get(ctx, models.GetAssetGroupRequest(id=group_id, project_name="p")).project == "p"
    assert assets.get(ctx, models.GetAssetRequest(id=asset_id, project_name="p")).asset.project == "p"
    upload_asset(ctx, UploadRequest(group_id=group_id, file=FILE, extension=".png", project_name="p"))
    assert groups.update(ctx, models.UpdateAssetGroupRequest(id=group_id, project_name="p")).id == group_id
    assert assets.update(ctx, models.UpdateAssetRequest(id=asset_id, project_name="p")).id == asset_id
    assets.delete(ctx, models.DeleteAssetRequest(id=asset_id, project_name="p"))
    groups.delete(ctx, models.DeleteAssetGroupRequest(id=group_id, project_name="p"))
    assert ctx.tx.count_groups() == 0


def test_the_default_project_is_named_or_not(ctx):
    """No name, an empty one and `default` are the same project, which exists whatever others do."""
    assert [ctx.project(name) for name in (None, "", "default", "p")] == ["default", "default", "default", "p"]
    ctx.config = evolve(ctx.config, projects=frozenset())
    assert ctx.project("any") == "any"


def test_an_id_that_never_was_is_told_by_itself(ctx):
    """Unknown groups and assets are refused by their id; so is an asset that has expired, in its own way."""
    assert refused(groups.get, ctx, models.GetAssetGroupRequest(id="g")) == (Reason.UNKNOWN_GROUP, "", "g", "", "")
    assert refused(assets.get, ctx, models.GetAssetRequest(id="a")) == (Reason.UNKNOWN_ASSET, "", "a", "", "")
    asset_id = asset(ctx)
    ctx.tx.save_asset(lifecycle.force_status(ctx.tx.asset(asset_id), AssetState.EXPIRED, "", NOW))
    assert refused(assets.get, ctx, models.GetAssetRequest(id=asset_id)) == (Reason.ASSET_EXPIRED, "", asset_id, "", "")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"balance": 0.0}, Reason.BALANCE_EMPTY),
        ({"balance": -1.0}, Reason.BALANCE_EMPTY),
        ({"balance": 0.5}, None),
        ({"subscription": False}, Reason.SUBSCRIPTION_REQUIRED),
        ({"groups": 0}, Reason.GROUP_QUOTA_FULL),
        ({"aigc": False}, Reason.AIGC_NOT_AVAILABLE),
    ],
    ids=str,
)
def test_an_account_decides_who_may_create(ctx, limits, reason):
    """An empty balance, a missing plan, a full quota or a feature that is off each has its own reason."""
    ctx.tx.save_customer(evolve(ctx.tx.customer, **limits))
    request = models.CreateAssetGroupRequest(name="n")
    if reason is None:
        assert groups.create(ctx, request).id == "group-1@1000"
    else:
        assert refused(groups.create, ctx, request)[0] is reason
