"""The asset Actions and the upload: what is kept, changed and shown, and what is refused at once."""

import pytest
from attrs import evolve

from emulator.domain import HANDLERS, assets, lifecycle
from emulator.domain.context import Measured, NeedsMedia
from emulator.domain.pages import AssetItem
from emulator.domain.ports import AssetQuery
from emulator.domain.reasons import Reason
from emulator.domain.records import AssetState
from emulator.domain.uploads import UploadRequest, upload_asset
from emulator.domain.verdicts import ReviewChange, Verdict, review
from portrait import models
from portrait.models import AssetStatus, AssetType, GroupType, SortBy, SortOrder
from tests.emulator.domain.helpers import BASE, FILE, NOW, URL, asset, group, refused


def test_an_asset_is_kept_as_it_was_asked_for(ctx):
    """What is kept of a new asset, where it says nothing and where it says all."""
    group_id = group(ctx, project_name="p")
    plain = ctx.tx.asset(asset(ctx, group_id, project_name="p"))
    assert plain == type(plain)(
        number=2,
        id="asset-2@1000",
        customer="acme",
        project="p",
        group_id=group_id,
        group_kind=GroupType.AIGC,
        name="",
        kind=AssetType.IMAGE,
        url=URL,
        created=NOW,
        updated=NOW,
        due=NOW + 4,
    )
    full = asset(
        ctx,
        group_id,
        "https://magic.test/a.mp4?status=Failed&code=FpsTooLow&subject=bob",
        "Video",
        name="host",
        project_name="p",
        moderation=models.Moderation(strategy="Skip"),
    )
    stored = ctx.tx.asset(full)
    assert (stored.name, stored.kind, stored.moderation, stored.subject) == ("host", AssetType.VIDEO, "Skip", "bob")
    assert (stored.due, stored.verdict.code, stored.verdict.status) == (NOW + 20, "FpsTooLow", AssetStatus.FAILED)


def test_a_rule_changes_what_it_names_of_a_review(ctx):
    """emulator-rules: what a rule does not name stays as the address says; a review by reads has no due time."""
    ctx.review = ReviewChange(reads=1)
    asset_id = asset(ctx, url="https://magic.test/a.jpg?after=30")
    assert (ctx.tx.asset(asset_id).verdict, ctx.tx.asset(asset_id).due) == (Verdict(reads=1), None)
    states = [assets.get(ctx, models.GetAssetRequest(id=asset_id)).asset.status for _ in range(3)]
    assert states == [AssetStatus.PROCESSING, AssetStatus.ACTIVE, AssetStatus.ACTIVE]
    ctx.review = None
    assert ctx.tx.asset(asset(ctx, url="https://magic.test/a.jpg?after=30")).due == NOW + 30


@pytest.mark.parametrize(
    ("query", "change", "expected"),
    [
        ("status=Failed&code=FaceMismatch", {"after": 2.0}, ("Failed", "FaceMismatch", 2.0, "")),
        ("after=30&subject=bob", {"verdict": review("Failed")}, ("Failed", "InternalError", 30.0, "bob")),
        ("code=FaceMismatch", {"verdict": review("Failed")}, ("Failed", "FaceMismatch", None, "")),
        ("code=FaceMismatch", {"verdict": review("Active")}, ("Active", "", None, "")),
        (
            "code=FaceMismatch",
            {"verdict": review("Failed", "FpsTooLow"), "code_named": True},
            ("Failed", "FpsTooLow", None, ""),
        ),
    ],
)
def test_a_rule_and_a_magic_address_merge(ctx, query, change, expected):
    """emulator-rules: each part of a verdict is the rule's where it names it, else the address's."""
    ctx.review = ReviewChange(**change)
    verdict = ctx.tx.asset(asset(ctx, url=f"https://magic.test/a.jpg?{query}")).verdict
    assert (verdict.status, verdict.code, verdict.after, verdict.subject) == expected


def test_a_rule_about_reviews_leaves_a_rejected_address_rejected(ctx):
    """emulator-rules: CreateAsset refuses `?reject=` whatever a rule says about the review."""
    ctx.review = ReviewChange(after=1.0)
    request = models.CreateAssetRequest(
        group_id=group(ctx), url="https://magic.test/?reject=WidthTooSmall", asset_type="Image"
    )
    assert refused(assets.create, ctx, request)[3] == "WidthTooSmall"


def test_an_asset_shows_what_is_known_of_it(ctx):
    """No link while it is Processing; then a link made now, the fault in the service's words, and both times."""
    asset_id = asset(ctx, name="host", moderation=models.Moderation(strategy="Skip"))
    before = assets.get(ctx, models.GetAssetRequest(id=asset_id))
    assert (before.asset.status, before.url) == (AssetStatus.PROCESSING, None)
    failed = lifecycle.force_status(ctx.tx.asset(asset_id), AssetState.FAILED, "FpsTooLow", NOW + 7)
    ctx.tx.save_asset(failed)
    ctx.now = NOW + 9
    assert assets.get(ctx, models.GetAssetRequest(id=asset_id)) == AssetItem(failed, f"{BASE}/files/{asset_id}?at=1009")


def test_a_page_of_assets_says_which_it_is(ctx):
    """Newest first unless asked otherwise, by every filter; the page carries its number, its size and the count."""
    one, two = group(ctx, "one"), group(ctx, "two")
    ids = []
    for second, where in enumerate((one, two, one, two, one)):
        ctx.now = NOW + second
        ids.append(asset(ctx, where, kind="Video", name=f"Host {second}"))
    ctx.now = NOW + 9
    assets.update(ctx, models.UpdateAssetRequest(id=ids[1], name="last"))

    def page(**fields):
        found = assets.list_(ctx, models.ListAssetsRequest(**fields))
        return [item.asset.id for item in found.items], found.total_count, found.page_number, found.page_size

    newest = ids[::-1]
    assert page() == (newest, 5, 1, 10)
    assert page(page_number=2, page_size=2) == (newest[2:4], 5, 2, 2)
    assert page(sort_order=SortOrder.ASC) == (ids, 5, 1, 10)
    assert page(sort_by=SortBy.UPDATE_TIME)[0][0] == ids[1]
    assert page(filter=models.AssetFilter(name="HOST"), page_size=1) == ([ids[4]], 4, 1, 1)
    assert page(filter=models.AssetFilter(group_ids=(two,))) == ([ids[3], ids[1]], 2, 1, 10)
    assert page(filter=models.AssetFilter(statuses=("Active",))) == ([], 0, 1, 10)
    assert page(filter=models.AssetFilter(group_type="LivenessFace")) == ([], 0, 1, 10)
    ctx.lag = 6.5  # reads see up to second 2.5
    assert page() == (newest[2:], 3, 1, 10)


@pytest.mark.parametrize(
    ("change", "name", "updated"),
    [
        ({"name": "new"}, "new", 1060.0),
        ({"name": ""}, "", 1060.0),
        ({"name": "host"}, "host", 1004.0),
        ({}, "host", 1004.0),
    ],
    ids=str,
)
def test_an_asset_is_renamed(ctx, change, name, updated):
    """Left out, the Name stays; it may become empty; UpdateTime is when the review ended, or the Name changed."""
    asset_id = asset(ctx, name="host")
    ctx.now = 1060.0
    assert assets.update(ctx, models.UpdateAssetRequest(id=asset_id, **change)) == models.Updated(id=asset_id)
    stored = ctx.tx.asset(asset_id)
    assert (stored.name, stored.created, stored.updated) == (name, NOW, updated)


def test_an_upload_is_an_image_like_any_other(ctx):
    """The upload stores the file under a new key, and answers with all that there is to know of the new asset."""
    group_id = group(ctx, project_name="p")
    request = UploadRequest(group_id=group_id, file=FILE, extension=".png", project_name="p")
    uploaded = upload_asset(ctx, request)
    assert uploaded == models.UploadedAsset(
        id="asset-3@1000",
        group_id=group_id,
        name="uploaded-1000",
        asset_type=AssetType.IMAGE,
        status=AssetStatus.PROCESSING,
        uploaded_url=f"{BASE}/r2/portrait-uploads/1/key-2.png",
        r2_key="portrait-uploads/1/key-2.png",
    )
    stored = ctx.tx.asset(uploaded.id)
    assert (stored.file, stored.url, stored.due) == (uploaded.r2_key, uploaded.uploaded_url, NOW + 4)
    assert (stored.moderation, stored.subject) == ("", "")
    ctx.review = ReviewChange(after=1.0)
    named = upload_asset(ctx, evolve(request, name="host", asset_type="Image"))
    assert (named.name, ctx.tx.asset(named.id).due) == ("host", NOW + 1)


def test_what_a_look_at_the_file_has_found_is_told(ctx):
    """Near files are asked for once; the first of their faults refuses the create and the upload."""
    group_id = group(ctx)
    near = models.CreateAssetRequest(group_id=group_id, url="http://near/a.jpg", asset_type="Image")
    with pytest.raises(NeedsMedia) as wanted:
        assets.create(ctx, near)
    assert wanted.value.url == "http://near/a.jpg"
    assert wanted.value.kind == "Image"
    wrong = Measured((("FpsTooLow", "Too slow."), ("WidthTooSmall", "Too small.")))
    ctx.measured = {"http://near/a.jpg": wrong, "": wrong}
    fault = (Reason.MEDIA_REJECTED, "", "", "FpsTooLow", "Too slow.")
    assert refused(assets.create, ctx, near) == fault
    assert refused(upload_asset, ctx, UploadRequest(group_id=group_id, file=FILE, extension=".png")) == fault
    ctx.measured = {"http://near/a.jpg": Measured()}
    assert ctx.tx.asset(assets.create(ctx, near).id).url == "http://near/a.jpg"


def test_a_rejecting_address_is_refused_in_the_services_words(ctx):
    """`?reject=` names the fault, with the service's text where it is known."""
    group_id = group(ctx)
    for code, words in (
        ("WidthTooSmall", "Width must be between 300px and 6000px."),
        ("FpsTooHigh", "The file was refused: FpsTooHigh."),
    ):
        url = f"https://magic.test/?reject={code}"
        request = models.CreateAssetRequest(group_id=group_id, url=url, asset_type="Image")
        assert refused(assets.create, ctx, request) == (Reason.MEDIA_REJECTED, "", "", code, words)


def test_creates_and_uploads_share_one_quota(ctx):
    """A full group is full for a registered address and for a file, and a tier counts both."""
    ctx.tx.save_customer(evolve(ctx.tx.customer, assets=2, creates_per_minute=5))
    group_id = group(ctx)
    asset(ctx, group_id)
    upload_asset(ctx, UploadRequest(group_id=group_id, file=FILE, extension=".png"))
    assert ctx.tx.customer.created == 2
    file_request = UploadRequest(group_id=group_id, file=FILE, extension=".png")
    assert refused(upload_asset, ctx, file_request)[0] is Reason.ASSET_QUOTA_FULL
    request = models.CreateAssetRequest(group_id=group_id, url=URL, asset_type="Image")
    assert refused(assets.create, ctx, request)[0] is Reason.ASSET_QUOTA_FULL
    assert ctx.tx.count_assets() == 2
    asset(ctx)  # another group has room
    ctx.tx.save_customer(evolve(ctx.tx.customer, assets_per="customer", assets=3))
    assert refused(assets.create, ctx, evolve(request, group_id=group(ctx)))[0] is Reason.ASSET_QUOTA_FULL


@pytest.mark.parametrize("status", [AssetStatus.ACTIVE, AssetStatus.FAILED, AssetState.EXPIRED])
def test_what_moves_an_asset_says_why(ctx, status):
    """The code that was given is kept, and the review that was due is not."""
    forced = lifecycle.force_status(ctx.tx.asset(asset(ctx)), status, "FpsTooLow", NOW + 3)
    assert (forced.status, forced.code, forced.due, forced.updated) == (
        status,
        "FpsTooLow",
        None,
        NOW + 3,
    )


def test_deleting_frees_what_was_taken(ctx):
    """A deleted asset is gone, as is a group with all that was in it."""
    group_id = group(ctx)
    deleted, other = asset(ctx, group_id), asset(ctx, group_id)
    assert HANDLERS["DeleteAsset"](ctx, models.DeleteAssetRequest(id=deleted)) == models.Empty()
    assert [a.id for a in ctx.tx.assets(AssetQuery(project="default", kind=GroupType.AIGC))[1]] == [other]
    assert HANDLERS["DeleteAssetGroup"](ctx, models.DeleteAssetGroupRequest(id=group_id)) == models.Empty()
    assert (ctx.tx.asset(other), ctx.tx.group(group_id)) == (None, None)
