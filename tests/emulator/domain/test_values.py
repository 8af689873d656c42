"""The values of requests: which are refused, by which field and in which words, and which just pass."""

import pytest

from emulator.domain import assets, checks, groups, validations
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.uploads import UploadRequest, upload_asset
from portrait import models
from portrait.models import SortBy
from tests.emulator.domain.helpers import FILE, URL, asset, fields_of, group, refused

NAMELESS = "must have at most 50 characters"
NO_ADDRESS = "must be an absolute http or https address"


WRONG = {
    "a group's Name": (groups.create, models.CreateAssetGroupRequest(name="n" * 51), "Name", NAMELESS),
    "a group's Title": (groups.create, models.CreateAssetGroupRequest(title="n" * 51), "Name", NAMELESS),
    "a group's Description": (
        groups.create,
        models.CreateAssetGroupRequest(name="n", description="d" * 10),
        "Description",
        "must have at most 9 characters",
    ),
    "a group's kind": (
        groups.create,
        models.CreateAssetGroupRequest(name="n", group_type="LivenessFace"),
        "GroupType",
        "must be AIGC: LivenessFace groups come from a passed validation",
    ),
    "a group's new Name": (groups.update, models.UpdateAssetGroupRequest(id="g", name="n" * 51), "Name", NAMELESS),
    "a group's new Description": (
        groups.update,
        models.UpdateAssetGroupRequest(id="g", description="d" * 10),
        "Description",
        "must have at most 9 characters",
    ),
    "an asset's Name": (
        assets.create,
        models.CreateAssetRequest(group_id="g", url=URL, asset_type="Image", name="n" * 51),
        "Name",
        NAMELESS,
    ),
    "an asset's URL": (
        assets.create,
        models.CreateAssetRequest(group_id="g", url="data:,a", asset_type="Image"),
        "URL",
        NO_ADDRESS,
    ),
    "an asset's long URL": (
        assets.create,
        models.CreateAssetRequest(group_id="g", url="https://a/" + "a" * 8183, asset_type="Image"),
        "URL",
        "must have at most 8192 characters",
    ),
    "an asset's magic": (
        assets.create,
        models.CreateAssetRequest(group_id="g", url="https://magic.test/?after=soon", asset_type="Image"),
        "URL",
        "is a magic address whose query is not understood: after must be a number of seconds, 0 or more",
    ),
    "an asset's new Name": (assets.update, models.UpdateAssetRequest(id="a", name="n" * 51), "Name", NAMELESS),
    "an upload's Name": (
        upload_asset,
        UploadRequest(group_id="g", file=FILE, extension=".png", name="n" * 51),
        "Name",
        NAMELESS,
    ),
    "an upload's kind": (
        upload_asset,
        UploadRequest(group_id="g", file=FILE, extension=".png", asset_type="Video"),
        "AssetType",
        "must be Image",
    ),
    "an upload's file": (
        upload_asset,
        UploadRequest(group_id="g", file=FILE, extension=""),
        "file",
        "must be a JPEG, PNG or WebP image",
    ),
    "a callback": (
        validations.create,
        models.CreateVisualValidateSessionRequest(callback_url="/back"),
        "CallbackURL",
        NO_ADDRESS,
    ),
    "a list of groups by GroupId": (
        groups.list_,
        models.ListAssetGroupsRequest(sort_by=SortBy.GROUP_ID),
        "SortBy",
        "must be one of CreateTime, UpdateTime",
    ),
    **{
        f"{field} {value} of {handler.__module__}": (handler, cls(**{attribute: value}), field, why)
        for handler, cls in (
            (groups.list_, models.ListAssetGroupsRequest),
            (assets.list_, models.ListAssetsRequest),
        )
        for field, attribute, value, why in (
            ("PageNumber", "page_number", 0, "must be 1 or more"),
            ("PageSize", "page_size", 0, "must be between 1 and 100"),
            ("PageSize", "page_size", 101, "must be between 1 and 100"),
        )
    },
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_refused_by_its_field(ctx, name):
    """Values come before ownership, and the refusal names the wire field and says what would do."""
    handler, request, field, why = WRONG[name]
    assert refused(handler, ctx, request) == (Reason.INVALID_FIELD, field, "", "", why)


def test_values_at_their_limits_are_taken(ctx):
    """Fifty characters, nine, 8192, and pages of one and of a hundred are within the limits."""
    group_id = group(ctx, "n" * 50, description="d" * 9)
    groups.update(ctx, models.UpdateAssetGroupRequest(id=group_id, name="m" * 50, description="e" * 9))
    asset_id = asset(ctx, group_id, url="https://a/" + "a" * 8182, name="n" * 50)
    assets.update(ctx, models.UpdateAssetRequest(id=asset_id, name="m" * 50))
    assert checks.page(1, 1) == (1, 1)
    assert checks.page(7, 100) == (7, 100)
    assert checks.page(None, None) == (1, 10)
    checks.length("Name", "n" * 1000, None)


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("http://a", True),
        ("HTTPS://a:1/b?c#d", True),
        ("https://[::1]:8443/", True),
        ("https://", False),
        ("https:///a.jpg", False),
        ("//a/b", False),
        ("ftp://a/b", False),
        ("https://a:0/", False),
        ("https://a:65536/", False),
        ("https://a:b/", False),
        ("https://[::1/", False),
        ("https://a/b c", False),
        ("https://a/\x7f", False),
        ("https://a/\n", False),
        ("", False),
    ],
)
def test_an_address_is_absolute_and_has_a_host(address, good):
    """Only http and https, with a host, a port that exists, and no spaces or control characters."""
    if good:
        checks.http_url("URL", address)
        return
    with pytest.raises(Refusal) as caught:
        checks.http_url("URL", address)
    assert fields_of(caught.value) == (Reason.INVALID_FIELD, "URL", "", "", NO_ADDRESS)
