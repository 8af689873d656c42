"""Videos without HTTP: what is checked when one is created, what time does to it, and which asset was used when."""

import pytest
from attrs import evolve

from emulator.domain import generations, lifecycle
from emulator.domain.generations import GenerationId, GenerationRequest, ListRequest
from emulator.domain.reasons import Reason
from emulator.domain.records import AssetState
from emulator.domain.references import Reference
from emulator.domain.verdicts import ReviewChange, review
from portrait.enums import VideoStatus
from portrait.models import AssetType
from portrait.video_models import VideoModel
from tests.emulator.domain.helpers import NOW, asset, refused

MODEL = VideoModel(name="m", seconds=15.2)


@pytest.fixture
def ctx(ctx):
    """A context that generates videos."""
    ctx.config = evolve(
        ctx.config,
        models={"m": MODEL},
        job_form="vgen",
        video_link=lambda name, base, moment: f"{base}/videos/{name}?at={moment:.0f}",
    )
    return ctx


def active(ctx, kind=AssetType.IMAGE, **fields):
    """The id of an Active asset."""
    found = ctx.tx.asset(asset(ctx, kind=kind.value))
    ctx.tx.save_asset(evolve(found, status=AssetState.ACTIVE, due=None, **fields))
    return found.id


def reference(asset_id, kind=AssetType.IMAGE, role="reference_image", place="p"):
    """A reference to an asset."""
    return Reference(url=f"asset://{asset_id}", kind=kind, role=role, place=place)


def request(**fields):
    """A request that succeeds unless its fields do not."""
    return GenerationRequest(**{"model": "m", "prompt": "x"} | fields)


def create(ctx, **fields):
    """A new generation."""
    return generations.create(ctx, request(**fields))


def refusal(ctx, **fields):
    """What creating one says when it refuses."""
    return refused(generations.create, ctx, request(**fields))


def test_the_lengths_of_clips_are_summed_up(ctx):
    """Lengths that are known count, 15.2 s in all; those that are not known count nothing."""
    clips = [active(ctx, AssetType.VIDEO, seconds=seconds) for seconds in (7.6, 7.6, None)]
    references = tuple(reference(clip, AssetType.VIDEO, "reference_video", f"p{n}") for n, clip in enumerate(clips))
    assert create(ctx, references=references).state is VideoStatus.QUEUED
    longer = active(ctx, AssetType.VIDEO, seconds=7.7)
    references = (*references[:1], reference(longer, AssetType.VIDEO, "reference_video", "p1"))
    assert refusal(ctx, references=references)[0] is Reason.INVALID_FIELD


def test_a_used_asset_knows_when(ctx):
    """Each asset that a generation refers to, and nothing about it but that."""
    used, other = active(ctx), active(ctx)
    before = ctx.tx.asset(used)
    create(ctx, references=(reference(used),))
    assert ctx.tx.asset(used) == evolve(before, used=NOW)
    assert ctx.tx.asset(other).used is None


def test_a_role_belongs_to_a_kind(ctx):
    """A picture is no reference video."""
    reason, field, *_ = refusal(ctx, references=(reference(active(ctx), role="reference_video"),))
    assert (reason, field) == (Reason.INVALID_FIELD, "p")


def test_a_generation_needs_something_to_go_by(ctx):
    """A prompt or a reference."""
    assert refusal(ctx, prompt="")[0] is Reason.MISSING_FIELD
    assert create(ctx, prompt="", references=(reference(active(ctx)),)).tokens == 0  # before the end


@pytest.mark.parametrize(("seconds", "length"), [(0, 5), (-1, 5), (4, 4), (15, 15)])
def test_a_length_has_a_default(ctx, seconds, length):
    """0 and -1 are 5 here; the ends of the range are taken."""
    assert create(ctx, seconds=seconds).seconds == length


@pytest.mark.parametrize("seconds", [3, 16, -2])
def test_a_length_outside_of_the_range_is_refused(ctx, seconds):
    """4 to 15, or -1."""
    assert refusal(ctx, seconds=seconds)[0] is Reason.INVALID_FIELD


def test_time_takes_a_generation_further(ctx):
    """A fifth of its time in the queue, then running with a growing progress, then at its own end."""
    created = create(ctx)
    seen = []
    for after in (0, 5.9, 6, 18, 29.9, 30, 99):
        ctx.now = NOW + after
        found = generations.get(ctx, GenerationId(created.id))
        seen.append((found.state.value, found.progress))
    assert seen == [
        ("queued", 0), ("queued", 0), ("running", 10), ("running", 54), ("running", 98), ("succeeded", 100),
        ("succeeded", 100),
    ]  # fmt: skip
    assert (found.ended, found.expires, found.total) == (NOW + 30, NOW + 30 + 86_400, 30)
    assert found.url.endswith(f"/videos/{created.id}.mp4?at={NOW + 30:.0f}")
    assert (found.tokens, found.last_frame_url) == (1280 * 720 * 24 * 5 // 1024, "")


def test_what_is_settled_first_decides(ctx):
    """An asset that is deleted after the end changes nothing; one that goes before it makes it a failed one."""
    first, second = active(ctx), active(ctx)
    ids = [create(ctx, references=(reference(each),)).id for each in (first, second)]
    ctx.tx.remove_asset(ctx.tx.asset(second))
    ctx.now = NOW + 31
    assert lifecycle.settle(ctx.tx, ctx.now)
    ctx.tx.remove_asset(ctx.tx.asset(first))
    found = [generations.get(ctx, GenerationId(each)) for each in ids]
    assert [each.state for each in found] == [VideoStatus.SUCCEEDED, VideoStatus.FAILED]
    assert found[1].message == (
        f"The parameter `p` specified in the request is not valid: The specified asset {second} is not found."
    )


def test_a_review_changes_outcome_and_time(ctx):
    """As a rule sets it."""
    ctx.review = ReviewChange(verdict=review("Failed", "InternalError"), code_named=True, after=2.0)
    created = create(ctx)
    ctx.now = NOW + 2
    found = generations.get(ctx, GenerationId(created.id))
    assert (found.state, found.code, found.url) == (VideoStatus.FAILED, "InternalError", "")


def test_what_can_be_done_in_each_state(ctx):
    """Cancelled until it ends; deleted in the queue and after the end; a cancelled one can be neither."""
    queued, running, ended = (create(ctx).id for _ in range(3))
    assert generations.cancel(ctx, GenerationId(queued)).state is VideoStatus.CANCELLED
    assert refused(generations.cancel, ctx, GenerationId(queued))[0] is Reason.JOB_ENDED
    assert refused(generations.delete, ctx, GenerationId(queued))[0] is Reason.JOB_RUNNING
    ctx.now = NOW + 6
    assert refused(generations.delete, ctx, GenerationId(running))[0] is Reason.JOB_RUNNING
    assert generations.cancel(ctx, GenerationId(running)).state is VideoStatus.CANCELLED
    ctx.now = NOW + 30
    generations.delete(ctx, GenerationId(ended))
    assert refused(generations.get, ctx, GenerationId(ended))[0] is Reason.UNKNOWN_JOB
    assert lifecycle.settle(ctx.tx, ctx.now)
    assert generations.list_(ctx, ListRequest(states=(VideoStatus.CANCELLED,))).total == 2


def test_a_deletion_in_the_queue_is_a_cancellation(ctx):
    """It ends at once, and stays so."""
    created = create(ctx)
    generations.delete(ctx, GenerationId(created.id))
    ctx.now = NOW + 99
    found = generations.get(ctx, GenerationId(created.id))
    assert (found.state, found.ended) == (VideoStatus.CANCELLED, NOW)
