"""Carries out a plan: files are stored and created, agreed upon with other processes, and their reviews are awaited.

Every source of the plan ends in exactly one `FileOutcome`, which is emitted as soon as it is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field

from portrait.actions import CREATE_ASSET
from portrait.ensure.content import Content
from portrait.ensure.create import create_asset, list_by_digest, usable
from portrait.ensure.once import VERIFY_DELAYS
from portrait.ensure.options import EnsureOptions
from portrait.ensure.outcomes import FATAL, FileOutcome, FileState, Origin, rejection, state_of_error
from portrait.ensure.pace import CreatePacer
from portrait.ensure.plan import AssetPlan, PlanEntry, Sources, Verdict, plan_assets
from portrait.errors import Interrupted, PortraitError, UsageError
from portrait.events import FileProgress
from portrait.flow import CancelToken, Emit, Flow, Gather, Notify, RunBlocking, Sleep
from portrait.models import Asset, AssetStatus
from portrait.poll import poll_watch
from portrait.s3 import PartialFailure, StoredObject, check_public
from portrait.watch import OutcomeState, Watch

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

# Verdicts that are outcomes already.
_FINAL = {
    Verdict.REJECTED: FileState.REJECTED,
    Verdict.FAILED: FileState.FAILED,
    Verdict.NO_ROOM: FileState.NO_ROOM,
}
_ENDS = {
    OutcomeState.ACTIVE: FileState.ACTIVE,
    OutcomeState.FAILED: FileState.FAILED,
    OutcomeState.VANISHED: FileState.VANISHED,
    OutcomeState.TIMED_OUT: FileState.TIMED_OUT,
}

_Stored = tuple[dict[str, StoredObject], dict[str, PortraitError]]


@define
class _Job:
    """One content on its way, and every source that has it.

    Attributes:
        content: What is ensured.
        entry: What the plan says about it.
        sources: The sources, as given.
        asset_id: Once there is an asset.
        origin: How the asset came to be.
        stored: Where the file is, if it went to object storage.
        duplicates: Ids of further assets with the same content.
    """

    content: Content
    entry: PlanEntry
    sources: list[str]
    asset_id: str = ""
    origin: Origin | None = None
    stored: StoredObject | None = None
    duplicates: tuple[str, ...] = ()


@define
class _Batch:
    """What the steps of one run share.

    Attributes:
        jobs: By digest: the contents that have no outcome yet.
        outcomes: What was emitted so far.
        fatal_error: The first error that every further create would meet, such as `QuotaExceeded`: nothing more is
            created, what was created is still waited for.
    """

    endpoint: Endpoint
    options: EnsureOptions
    plan: AssetPlan
    group_id: str
    pace: CreatePacer
    jobs: dict[str, _Job] = field(factory=dict)
    outcomes: list[FileOutcome] = field(factory=list)
    fatal_error: PortraitError | None = None

    def missing(self) -> list[_Job]:
        """Contents without an asset."""
        return [job for job in self.jobs.values() if not job.asset_id]

    def finish(self, job: _Job, state: FileState, **fields: Any) -> Flow[None]:
        """The same outcome for every source of one content."""
        del self.jobs[job.content.digest]
        for source in job.sources:
            outcome = FileOutcome(
                source=source,
                state=state,
                asset_id=job.asset_id,
                origin=job.origin,
                sha256=job.content.sha256,
                group_id=self.group_id,
                name=job.content.name,
                duplicates=job.duplicates,
                stored_key=job.stored.key if job.stored else "",
                **fields,
            )
            yield from self.emit(outcome)

    def emit(self, outcome: FileOutcome) -> Flow[None]:
        """Hand an outcome on."""
        self.outcomes.append(outcome)
        yield Emit(outcome)


def ensure_assets(endpoint: Endpoint, sources: Sources | AssetPlan, options: EnsureOptions) -> Flow[list[FileOutcome]]:
    """Plan, unless that was done before, and apply; emits a `FileOutcome` for each source, and returns all of them.

    Raises:
        PortraitError: The group cannot be read, or the key is refused: nothing was created then.
    """
    if isinstance(sources, AssetPlan):
        plan = sources
    else:
        plan = yield from plan_assets(endpoint, sources, options)
    pace = CreatePacer.start(endpoint, CREATE_ASSET, options.deadline)
    batch = _Batch(endpoint, options, plan, options.group_id or plan.group_id or "", pace)
    yield from _begin(batch)
    yield from _store(batch)
    yield from _create(batch)
    yield from _resolve_duplicates(batch)
    yield from _watch(batch)
    return batch.outcomes


def _begin(batch: _Batch) -> Flow[None]:
    """What the plan has decided already is emitted; the rest becomes a job for each content."""
    for entry in batch.plan.entries:
        if entry.verdict is Verdict.REJECTED and entry.error is not None:
            yield from batch.emit(rejection(entry.source, entry.error, entry.content, batch.group_id))
        elif entry.content is None:
            continue
        elif entry.content.digest in batch.jobs:
            batch.jobs[entry.content.digest].sources.append(entry.source)
        else:
            job = batch.jobs[entry.content.digest] = _Job(entry.content, entry, [entry.source])
            job.duplicates = entry.duplicates
            if entry.asset is not None and entry.verdict is not Verdict.REPLACE:
                job.asset_id, job.origin = entry.asset.id, Origin.EXISTING
    for job in list(batch.jobs.values()):
        asset, verdict = job.entry.asset, job.entry.verdict
        if verdict in _FINAL:
            yield from batch.finish(job, _FINAL[verdict], asset=asset, error=job.entry.error)
        elif verdict is Verdict.EXISTING and asset is not None and asset.status == AssetStatus.ACTIVE:
            yield from batch.finish(job, FileState.ACTIVE, asset=asset)


def _store(batch: _Batch) -> Flow[None]:
    """Give files a public address, where object storage is to do that."""
    jobs = {str(job.content.path): job for job in batch.missing() if job.content.path is not None}
    if batch.options.store is None or not jobs:
        return
    try:
        stored, failures = yield from _put(batch, list(jobs))
    except PortraitError as error:
        stored, failures = {}, dict.fromkeys(jobs, error)
    for path, job in jobs.items():
        if path in failures:
            yield from batch.finish(job, state_of_error(failures[path]), error=failures[path])
        elif path not in stored:
            yield from batch.finish(job, FileState.STOPPED, error=Interrupted())
        elif stored[path].sha256 != job.content.sha256:
            changed = UsageError(f"{path} changed while it was being uploaded.", advice="Run again.")
            yield from batch.finish(job, FileState.REJECTED, error=changed)
        else:
            job.stored = stored[path]


def _put(batch: _Batch, paths: list[str]) -> Flow[_Stored]:
    store = batch.options.store
    assert store is not None  # noqa: S101  (the caller has checked it)
    cancel = CancelToken()

    def work() -> _Stored:
        try:
            return dict(zip(paths, store.put_many(paths, cancel=cancel), strict=True)), {}
        except PartialFailure as error:
            return error.stored, error.failures

    try:
        stored, failures = yield RunBlocking(work)
    except BaseException:  # a cancelled task leaves the work in its thread
        cancel.set()
        raise
    for path in stored:
        yield Notify(FileProgress(source=path, stage="stored"))
    return stored, failures


def _create(batch: _Batch) -> Flow[None]:
    """Create what is missing."""
    waiting = batch.missing()
    while waiting:
        # A few first, and few at once, until it is known how many creates the service takes in a minute.
        at_once = yield from batch.pace.concurrency(len(waiting))
        jobs, waiting = waiting[:at_once], waiting[at_once:]
        results = yield Gather([_create_one(batch, job) for job in jobs], batch.options.concurrency)
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, PortraitError):
                yield from batch.finish(job, state_of_error(result), error=result)
            else:
                job.asset_id, job.origin = result


def _create_one(batch: _Batch, job: _Job) -> Flow[tuple[str, Origin] | PortraitError]:
    if batch.fatal_error is not None:
        return batch.fatal_error
    store, stored = batch.options.store, job.stored
    if batch.options.check_public and store is not None and stored is not None:
        yield RunBlocking(lambda: store.check_public(stored))
    elif batch.options.check_public and (url := job.content.url) is not None:
        yield RunBlocking(lambda: check_public(url))
    try:
        asset_id, origin = yield from create_asset(
            batch.endpoint,
            batch.options,
            (batch.group_id, batch.plan.group_type),
            job.content,
            stored,
            pace=batch.pace,
            listed_at=batch.plan.listed_at,
            replaces=job.entry.asset if job.entry.verdict is Verdict.REPLACE else None,
        )
    except FATAL as error:
        batch.fatal_error = error
        raise
    yield Notify(FileProgress(source=job.content.source, stage="created", asset_id=asset_id))
    return asset_id, origin


def _resolve_duplicates(batch: _Batch) -> Flow[None]:
    """Two processes may have created the same content: both take the oldest, and report the other."""
    created = {job.content.digest: job for job in batch.jobs.values() if job.origin not in {None, Origin.EXISTING}}
    if not created:
        return
    try:
        assets = yield from _list_until_visible(batch, {job.asset_id for job in created.values()})
    except PortraitError:  # a look that fails takes nothing from what was created
        return
    for digest, job in created.items():
        alive = usable(assets.get(digest, []))
        if alive and alive[0].id != job.asset_id:
            job.asset_id, job.origin = alive[0].id, Origin.EXISTING
        job.duplicates = tuple(asset.id for asset in alive if asset.id != job.asset_id)


def _list_until_visible(batch: _Batch, created: set[str]) -> Flow[dict[str, list[Asset]]]:
    """List until our own assets are seen: then every older one is seen as well, and a younger one yields to ours."""
    assets: dict[str, list[Asset]] = {}
    for delay in (0.0, *VERIFY_DELAYS):
        if delay:
            yield Sleep(delay)
        assets = yield from list_by_digest(
            batch.endpoint, batch.group_id, batch.plan.group_type, ignored=batch.options.ignored
        )
        if created <= {asset.id for same in assets.values() for asset in same}:
            break
    return assets


def _watch(batch: _Batch) -> Flow[None]:
    """Await the reviews, which ends every job that is left."""
    by_id = {job.asset_id: job for job in batch.jobs.values()}
    if not batch.options.wait:
        for job in list(by_id.values()):
            yield from batch.finish(job, FileState.TIMED_OUT)
        return
    watch = Watch.start(
        list(by_id),
        batch.endpoint.clock.now(),
        group_ids=[batch.group_id],
        group_type=batch.plan.group_type,
        timeout=batch.options.timeout,
    )
    while watch.open:
        for end in (yield from poll_watch(batch.endpoint, watch, batch.options.poll)):
            yield from batch.finish(by_id[end.id], _ENDS[end.state], asset=end.asset, error=end.error)
