"""The tasks of the gateways: several assets created by one call, and a liveness check in three calls. Contract §8.

Assets, groups and validations are those of the Actions, created by the same handlers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import evolve, field, frozen

from emulator.domain import assets, checks, generations, groups, lifecycle, validations
from emulator.domain.context import Context, Handler
from emulator.domain.generations import GenerationId, GenerationView
from emulator.domain.jobs import Task, TaskItem, TaskKind, TaskState
from emulator.domain.reasons import Reason, Refusal
from emulator.domain.records import AssetState, Scan
from emulator.domain.verdicts import message_for
from portrait import models
from portrait.gateways import BATCH
from portrait.models import AssetType

_DELETED = "The asset was deleted before its review was read."


@frozen(kw_only=True)
class NewAsset:
    """One asset of a batch.

    Attributes:
        url: Its address.
        name: Its Name.
        place: Where it stands in the request, such as `assets[2].`; "" for one that stands alone.
    """

    url: str = field(repr=False)
    name: str
    place: str = ""


@frozen(kw_only=True)
class AssetsRequest:
    """Create assets, in a group that is there or in a new one.

    Attributes:
        kind: What all of the files are.
        group_id: The group, "" for a new one.
        group_name: Of the new group.
        group_description: Of the new group.
        model: The model that they are for.
    """

    kind: AssetType
    files: tuple[NewAsset, ...]
    group_id: str = ""
    group_name: str = ""
    group_description: str = ""
    project_name: str | None = None
    model: str = ""


@frozen(kw_only=True)
class SessionRequest:
    """Open a liveness check."""

    callback_url: str = field(repr=False)
    project_name: str | None = None


@frozen(kw_only=True)
class PersonRequest:
    """Ask for the result of a liveness check."""

    byted_token: str = field(repr=False)
    project_name: str | None = None


@frozen
class JobRequest:
    """Read a job."""

    id: str


@frozen(kw_only=True)
class ItemView:
    """One asset of a task that has ended: Active, or Failed with the reason."""

    asset_id: str
    name: str
    usable: bool
    code: str = ""
    message: str = ""


@frozen(kw_only=True)
class TaskView:
    """A task as it is at the time of the call.

    Attributes:
        progress: Percent.
        items: Its assets, once the task has ended.
        token: The BytedToken of the liveness check that it opened, "" once it is forgotten.
        link: The link to that check's page, likewise.
        group_id: The group of the person who passed.
    """

    id: str
    kind: TaskKind
    model: str
    state: TaskState
    progress: int
    items: tuple[ItemView, ...] = ()
    token: str = field(default="", repr=False)
    link: str = field(default="", repr=False)
    group_id: str = ""


def create_assets(ctx: Context, request: AssetsRequest) -> TaskView:
    """Create all assets, or none: they exist when the call is answered (contract §8).

    A fault that CreateAsset finds at once refuses the call and names the asset (apimart's library: D, elsewhere I).
    """
    if not 1 <= len(request.files) <= BATCH:
        raise checks.invalid("assets", f"must have between 1 and {BATCH} items")
    group_id = request.group_id or _create_group(ctx, request)
    created = [_create_asset(ctx, request, group_id, file) for file in request.files]
    reviews = [asset.due for asset in map(ctx.tx.asset, created) if asset is not None and asset.due is not None]
    items = (TaskItem(asset_id=asset_id, name=file.name) for asset_id, file in zip(created, request.files, strict=True))
    task = _create(
        ctx,
        TaskKind.ASSETS,
        request.project_name,
        expected=max(reviews, default=ctx.now),
        model=request.model,
        items=tuple(items),
    )
    return _view(ctx, task)


def _create_group(ctx: Context, request: AssetsRequest) -> str:
    return groups.create(
        ctx,
        models.CreateAssetGroupRequest(
            name=request.group_name, description=request.group_description, project_name=request.project_name
        ),
    ).id


def _create_asset(ctx: Context, request: AssetsRequest, group_id: str, file: NewAsset) -> str:
    wanted = models.CreateAssetRequest(
        group_id=group_id,
        url=file.url,
        asset_type=request.kind,
        name=file.name,
        project_name=request.project_name,
    )
    try:
        asset_id = assets.create(ctx, wanted).id
        _check_length(ctx, request, asset_id)
    except Refusal as refusal:
        if refusal.reason in {Reason.INVALID_FIELD, Reason.MEDIA_REJECTED}:
            refusal.field = f"{file.place}{(refusal.field or 'URL').lower()}"
        raise
    return asset_id


def _check_length(ctx: Context, request: AssetsRequest, asset_id: str) -> None:
    """The model that a clip is for limits its length. Contract §8, apimart (D)."""
    asset, model = ctx.tx.asset(asset_id), ctx.config.models.get(request.model)
    if asset is not None and model is not None and (asset.seconds or 0.0) > model.seconds:
        raise Refusal(Reason.MEDIA_REJECTED, detail="DurationTooLong", message=message_for("DurationTooLong"))


def create_session(ctx: Context, request: SessionRequest) -> TaskView:
    """Open a liveness check; the task has ended with it."""
    checks.http_url("callback_url", request.callback_url)
    wanted = models.CreateVisualValidateSessionRequest(
        callback_url=request.callback_url, project_name=request.project_name
    )
    validations.create(ctx, wanted)
    return _view(ctx, _create_for_check(ctx, TaskKind.SESSION, request.project_name, ended=ctx.now))


def create_person(ctx: Context, request: PersonRequest) -> TaskView:
    """Ask for the group of the person who passed; the task waits where the scan is open."""
    try:
        validations.find(ctx, request.byted_token, ctx.project(request.project_name))
    except Refusal as refusal:
        if refusal.reason is not Reason.TOKEN_EXPIRED:
            raise
    return _view(ctx, _advance(ctx, _create_for_check(ctx, TaskKind.PERSON, request.project_name)))


_REAL: Mapping[type, Handler] = MappingProxyType(
    {AssetsRequest: create_assets, SessionRequest: create_session, PersonRequest: create_person}
)


def create_real(ctx: Context, request: AssetsRequest | SessionRequest | PersonRequest) -> TaskView:
    """One of the three calls about a real person, which share an address."""
    view: TaskView = _REAL[type(request)](ctx, request)
    return view


def get(ctx: Context, request: JobRequest) -> TaskView | GenerationView:
    """The task or generation as it is now; a read takes a task further."""
    job = ctx.tx.job(request.id)
    if isinstance(job, Task):
        return _view(ctx, _advance(ctx, job))
    return generations.get(ctx, GenerationId(request.id))


def get_scan(ctx: Context, request: JobRequest) -> TaskView:
    """The task of a liveness check with the state of its scan; it does not use the token up.

    Raises:
        Refusal: There is no such task.
    """
    job = ctx.tx.job(request.id)
    if not isinstance(job, Task):
        raise Refusal(Reason.UNKNOWN_JOB, id=request.id)
    scan = _scan_state(ctx, job)
    return evolve(_view(ctx, job), state=scan, token="", link="")


def _create_for_check(ctx: Context, kind: TaskKind, project: str | None, ended: float | None = None) -> Task:
    """Create a task about the validation of this call."""
    expected = ctx.now + ctx.config.token_life
    return _create(ctx, kind, project, expected=expected, ended=ended, validation=ctx.handle)


def _create(ctx: Context, kind: TaskKind, project: str | None, *, expected: float, **fields: Any) -> Task:
    """Create and store a task."""
    number = ctx.tx.number()
    task = Task(
        number=number,
        id=ctx.config.ids.job("task", ctx.now, number),
        customer=ctx.tx.customer.name,
        project=ctx.project(project),
        kind=kind,
        created=ctx.now,
        expected=expected,
        **fields,
    )
    ctx.tx.save_job(task)
    return task


def _advance(ctx: Context, task: Task) -> Task:
    """The task as it is at this read, which is kept once it has ended."""
    if task.ended is not None:
        return task
    ended = _end_person(ctx, task) if task.kind is TaskKind.PERSON else _end_assets(ctx, task)
    if ended is None:
        ctx.note_unfinished(task.created)
        return task
    ctx.tx.save_job(ended)
    return ended


def _end_assets(ctx: Context, task: Task) -> Task | None:
    """The task with the outcome of each asset; None while a review goes on.

    One failed asset makes the whole task a failed one (contract §8, D).
    """
    items = [_end_item(ctx, item) for item in task.items]
    done = tuple(item for item in items if item is not None)
    if len(done) < len(items):
        return None
    failed = any(item.outcome is not AssetState.ACTIVE for item in done)
    return evolve(task, items=done, ended=ctx.now, failed=failed)


def _end_item(ctx: Context, item: TaskItem) -> TaskItem | None:
    asset = lifecycle.asset_at(ctx.tx, item.asset_id, ctx.now)
    if asset is None:
        return evolve(item, outcome=AssetState.EXPIRED)
    asset = assets.count_read(ctx, asset)
    if asset.status is AssetState.PROCESSING:
        return None
    return evolve(item, outcome=asset.status, code=asset.code)


def _end_person(ctx: Context, task: Task) -> Task | None:
    """The task with the person's group, or failed; None while the scan is open. Contract §8 (I).

    A token that another call has used up gives its group here too: a result can be read from either place.
    """
    validation, state = ctx.tx.validation_by_handle(task.validation), _scan_state(ctx, task)
    if state is TaskState.PROCESSING:
        return None
    if validation is None or state is TaskState.FAILED:
        return evolve(task, ended=ctx.now, failed=True)
    passed = validation if validation.scan is Scan.SPENT else validations.redeem(ctx, validation)
    return evolve(task, group_id=passed.group_id, ended=ctx.now)


def _scan_state(ctx: Context, task: Task) -> TaskState:
    """The state of the scan that a task is about: one that passed is usable for as long as its token is valid."""
    validation = ctx.tx.validation_by_handle(task.validation)
    if validation is None:
        return TaskState.FAILED
    if validation.scan is Scan.SPENT:
        return TaskState.COMPLETED
    if lifecycle.expired(validation, ctx.now) or validation.scan in lifecycle.ENDED - {Scan.PASSED}:
        return TaskState.FAILED
    return TaskState.COMPLETED if validation.scan is Scan.PASSED else TaskState.PROCESSING


def _view(ctx: Context, task: Task) -> TaskView:
    validation = ctx.tx.validation_by_handle(task.validation) if task.kind is TaskKind.SESSION else None
    return TaskView(
        id=task.id,
        kind=task.kind,
        model=task.model,
        state=task.state,
        progress=task.progress(ctx.now),
        items=() if task.ended is None else tuple(map(_view_item, task.items)),
        token="" if validation is None else validation.token,
        link="" if validation is None else validations.page_link(ctx, validation),
        group_id=task.group_id,
    )


def _view_item(item: TaskItem) -> ItemView:
    usable = item.outcome is AssetState.ACTIVE
    reason = "" if usable else (message_for(item.code) if item.code else _DELETED)
    return ItemView(asset_id=item.asset_id, name=item.name, usable=usable, code=item.code, message=reason)
