"""Batches of assets without HTTP: what the model says of a clip's length, and a group that is new or is there."""

import pytest
from attrs import evolve

from emulator.domain import tasks
from emulator.domain.context import Measured, NeedsMedia
from emulator.domain.jobs import TaskState
from emulator.domain.reasons import Reason
from emulator.domain.tasks import AssetsRequest, JobRequest, NewAsset
from portrait.models import AssetType
from portrait.video_models import VideoModel
from tests.emulator.domain.helpers import NOW, group, refused


def batch(*urls, **fields):
    """A request for clips."""
    files = tuple(NewAsset(url=url, name=f"n{n}", place=f"assets[{n}].") for n, url in enumerate(urls))
    return AssetsRequest(**{"kind": AssetType.VIDEO, "files": files, "group_name": "g", "model": "m"} | fields)


@pytest.mark.parametrize(("seconds", "taken_by"), [(15.0, {"short", "long"}), (20.0, {"long"})])
def test_a_model_limits_the_length_of_a_clip(ctx, seconds, taken_by):
    """A clip that is measured; a model that is not known limits nothing."""
    models = {"short": VideoModel(name="short", seconds=15.2), "long": VideoModel(name="long", seconds=30)}
    ctx.config = evolve(ctx.config, models=models)
    ctx.measured = {"http://near/a.mp4": Measured(seconds=seconds)}
    for model in ctx.config.models:
        request = batch("http://near/a.mp4", model=model)
        if model in taken_by:
            assert tasks.create_assets(ctx, request).state is TaskState.PROCESSING
        else:
            assert refused(tasks.create_assets, ctx, request)[:4] == (
                Reason.MEDIA_REJECTED, "assets[0].url", "", "DurationTooLong"
            )  # fmt: skip
    assert tasks.create_assets(ctx, batch("http://near/a.mp4", model="other")).state is TaskState.PROCESSING


def test_every_near_file_is_measured(ctx):
    """One after the other, each once."""
    request = batch("http://near/a.mp4", "http://near/b.mp4")
    for url in ("http://near/a.mp4", "http://near/b.mp4"):
        with pytest.raises(NeedsMedia) as wanted:
            tasks.create_assets(ctx, request)
        assert (wanted.value.url, wanted.value.kind) == (url, AssetType.VIDEO)
        ctx.measured = {**ctx.measured, url: Measured()}
    assert tasks.create_assets(ctx, request).progress == 10


@pytest.mark.parametrize("count", [0, 21])
def test_a_batch_has_one_to_twenty(ctx, count):
    """No more and no fewer."""
    request = batch(*["https://a.example/a.mp4"] * count)
    assert refused(tasks.create_assets, ctx, request)[:2] == (Reason.INVALID_FIELD, "assets")


def test_progress_goes_with_the_slowest_review(ctx):
    """From 10 percent at the start to 99 just before the end."""
    task = tasks.create_assets(
        ctx, batch("https://a.example/a.mp4", "https://magic.test/b.mp4?after=40", group_id=group(ctx))
    )
    progress = []
    for after in (0, 20, 39.99, 40):
        ctx.now = NOW + after
        progress.append(tasks.get(ctx, JobRequest(task.id)).progress)
    assert progress == [10, 54, 98, 100]


def test_a_review_that_waits_for_reads_is_read_by_the_task(ctx):
    """A read of the task counts as one of its assets."""
    task = tasks.create_assets(ctx, batch("https://a.example/a.mp4"))
    (item,) = ctx.tx.job(task.id).items
    asset = ctx.tx.asset(item.asset_id)
    ctx.tx.save_asset(evolve(asset, due=None, verdict=evolve(asset.verdict, reads=2)))
    assert [tasks.get(ctx, JobRequest(task.id)).state.value for _ in range(3)] == [
        "processing",
        "processing",
        "completed",
    ]
