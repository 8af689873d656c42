"""Videos: created from references, read while they are generated, listed, cancelled and forgotten. Contract §7."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import evolve, field, frozen

from emulator.domain import checks, lifecycle, references
from emulator.domain.context import Context
from emulator.domain.jobs import Generation
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.references import Reference
from emulator.domain.verdicts import PASS, message_for
from portrait.enums import VideoStatus
from portrait.models import AssetStatus
from portrait.video_models import AUTOMATIC_SECONDS, DEFAULT_SECONDS, URL_LIFE, VideoModel

_QUEUE = 0.2  # of the whole time
FRAME_RATE = 24
# Width and height of a wide video. Tokens are pixels by frames; the vendor names no formula here (I).
_SIZES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"480p": (864, 496), "720p": (1280, 720), "1080p": (1920, 1080)}
)
_LIFE = 48 * 3600.0  # seconds until a video that has not ended expires (I)


@frozen(kw_only=True)
class GenerationRequest:
    """Generate a video.

    Attributes:
        seconds: The length; 0 for the default, -1 to leave it to the model.
        resolution: "" for the default.
        extension: Of the file, with its dot.
        last_frame: Whether a picture of the last frame is made, too.
        expires_after: Seconds until it expires unless it has ended; 0 for the default.
        options: Further fields of the request, which change nothing and are repeated by reads.
    """

    model: str
    prompt: str = field(default="", repr=False)
    references: tuple[Reference, ...] = ()
    seconds: int = 0
    resolution: str = ""
    ratio: str = "adaptive"
    extension: str = ".mp4"
    last_frame: bool = False
    expires_after: int = 0
    options: Mapping[str, Any] = field(factory=dict)


@frozen
class GenerationId:
    """Read, cancel or forget a generation."""

    id: str


@frozen(kw_only=True)
class ListRequest:
    """Read a page of generations.

    Attributes:
        states: Only those in these; empty means all.
        models: Only of these; empty means all.
        ids: Only these; empty means all.
        options: Only those that were created with these options.
        offset: How many come before the page.
        limit: How many the page may hold.
    """

    states: tuple[VideoStatus, ...] = ()
    models: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(factory=dict)
    offset: int = 0
    limit: int = 10


@frozen(kw_only=True)
class GenerationView:
    """A generation as it is at the time of the call; times are seconds since 1970.

    Attributes:
        updated: When its state last changed.
        url: Where its file is, "" before the end; it dies at `expires`.
        last_frame_url: Where the picture of its last frame is, "" where none was asked for.
        expires: When the addresses die; None before the end.
        expired: Whether they have.
        total: Seconds from its creation to its end, as planned where it has not ended.
    """

    id: str
    model: str
    state: VideoStatus
    progress: int
    created: float
    updated: float
    ended: float | None
    total: float
    url: str = field(default="", repr=False)
    last_frame_url: str = field(default="", repr=False)
    expires: float | None = None
    expired: bool = False
    tokens: int = 0
    code: str = ""
    message: str = ""
    seconds: int
    resolution: str
    ratio: str
    options: Mapping[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class GenerationPage:
    """A page of generations, newest first, and how many there are."""

    items: tuple[GenerationView, ...]
    total: int


@frozen
class ModelList:
    """The models of videos."""

    models: tuple[VideoModel, ...]


def create(ctx: Context, request: GenerationRequest) -> GenerationView:
    """Checks the references, and starts."""
    model = ctx.config.models.get(request.model)
    if model is None:
        raise Refusal(Reason.UNKNOWN_MODEL, field="model", id=request.model)
    if not request.prompt and not request.references:
        raise Refusal(Reason.MISSING_FIELD, field="prompt")
    seconds = _length(model, request.seconds)
    assets = references.check(ctx, model, request.references, request.ratio)
    customer = ctx.require_account()
    verdict = PASS if ctx.review is None else ctx.review.apply(PASS)
    takes = ctx.config.generation if verdict.after is None else verdict.after
    ends, gives_up = ctx.now + takes, ctx.now + (request.expires_after or _LIFE)
    outcome = VideoStatus.FAILED if verdict.status is AssetStatus.FAILED else VideoStatus.SUCCEEDED
    resolution = request.resolution or ctx.config.resolution
    number = ctx.tx.number()
    generation = Generation(
        number=number,
        id=ctx.config.ids.job(ctx.config.job_form, ctx.now, number),
        customer=customer.name,
        model=model.name,
        created=ctx.now,
        starts=ctx.now + takes * _QUEUE,
        due=min(ends, gives_up),
        outcome=outcome if ends <= gives_up else VideoStatus.EXPIRED,
        code=verdict.code,
        message=message_for(verdict.code) if verdict.code else "",
        assets=assets,
        seconds=seconds,
        resolution=resolution,
        ratio=request.ratio,
        tokens=_tokens(resolution, seconds),
        extension=request.extension,
        last_frame=request.last_frame,
        options=request.options,
    )
    ctx.tx.save_job(generation)
    return view(ctx, generation)


def _length(model: VideoModel, seconds: int) -> int:
    """Contract §7: 0 or absent is 5, and -1 leaves it to the model (D), which here takes 5 as well (I)."""
    if seconds == 0 or (seconds == AUTOMATIC_SECONDS and model.automatic):
        return DEFAULT_SECONDS
    if not model.shortest <= seconds <= model.longest:
        either = f", or {AUTOMATIC_SECONDS}" if model.automatic else ""
        raise checks.invalid("duration", f"must be from {model.shortest} to {model.longest}{either}")
    return seconds


def _tokens(resolution: str, seconds: int) -> int:
    width, height = _SIZES[resolution]
    return width * height * FRAME_RATE * seconds // 1024


def get(ctx: Context, request: GenerationId) -> GenerationView:
    """The generation as it is now."""
    return view(ctx, find(ctx, request.id))


def list_(ctx: Context, request: ListRequest) -> GenerationPage:
    """One page, newest first. Contract §7: the last 7 days (D)."""
    generations = (
        lifecycle.generation_at(ctx.tx, job, ctx.now)
        for job in ctx.tx.jobs()
        if isinstance(job, Generation)
        and (not request.models or job.model in request.models)
        and (not request.ids or job.id in request.ids)
        and request.options.items() <= job.options.items()
    )
    found = [each for each in generations if not request.states or each.state(ctx.now) in request.states]
    page = found[request.offset : request.offset + request.limit]
    return GenerationPage(items=tuple(view(ctx, each) for each in page), total=len(found))


def cancel(ctx: Context, request: GenerationId) -> GenerationView:
    """Stop it, in the queue or later. Contract §7: 409 when finished (D)."""
    generation = find(ctx, request.id)
    if generation.ended is not None:
        raise Refusal(Reason.JOB_ENDED, id=request.id)
    return view(ctx, _cancel(ctx, generation))


def delete(ctx: Context, request: GenerationId) -> None:
    """Cancel it in the queue, refuse while it runs, forget it afterwards. Contract §7 (D)."""
    generation = find(ctx, request.id)
    state = generation.state(ctx.now)
    if state is VideoStatus.QUEUED:
        _cancel(ctx, generation)
    elif state in {VideoStatus.RUNNING, VideoStatus.CANCELLED}:
        raise Refusal(Reason.JOB_RUNNING, id=request.id)
    else:
        ctx.tx.remove_job(generation)


def models(ctx: Context, _: Any) -> ModelList:
    """The models that the caller may name."""
    return ModelList(tuple(ctx.config.models.values()))


def _cancel(ctx: Context, generation: Generation) -> Generation:
    cancelled = evolve(generation, ended=ctx.now, due=None, outcome=VideoStatus.CANCELLED)
    ctx.tx.save_job(cancelled)
    return cancelled


def find(ctx: Context, generation_id: str) -> Generation:
    """The customer's generation as it is now.

    Raises:
        Refusal: There is none of that id.
    """
    job = ctx.tx.job(generation_id)
    if not isinstance(job, Generation):
        raise Refusal(Reason.UNKNOWN_JOB, id=generation_id)
    return lifecycle.generation_at(ctx.tx, job, ctx.now)


def view(ctx: Context, generation: Generation) -> GenerationView:
    """The generation as a read shows it."""
    now, ended = ctx.now, generation.ended
    state = generation.state(now)
    if ended is None:
        ctx.note_unfinished(generation.created)
    playable = ended is not None and state is VideoStatus.SUCCEEDED
    name, moment, link = generation.id, ended or 0.0, ctx.config.video_link
    return GenerationView(
        id=generation.id,
        model=generation.model,
        state=state,
        progress=generation.progress(now),
        created=generation.created,
        updated=ended or (generation.starts if state is VideoStatus.RUNNING else generation.created),
        ended=ended,
        total=(ended or generation.due or 0.0) - generation.created,
        url=link(name + generation.extension, ctx.base, moment) if playable else "",
        last_frame_url=ctx.config.video_link(f"{name}.png", ctx.base, moment)
        if playable and generation.last_frame
        else "",
        expires=moment + URL_LIFE if playable else None,
        expired=playable and now >= moment + URL_LIFE,
        tokens=generation.tokens if playable else 0,
        code=generation.code if state is VideoStatus.FAILED else "",
        message=generation.message if state is VideoStatus.FAILED else "",
        seconds=generation.seconds,
        resolution=generation.resolution,
        ratio=generation.ratio,
        options=generation.options,
    )
