"""Carries out a plan: files are stored and created, agreed upon with other processes, and their reviews are awaited.

Every source of the plan ends in exactly one `FileOutcome`, which is emitted as soon as it is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, evolve, field

from portrait.ensure.backend import Backend, NewContent, Target, usable, without
from portrait.ensure.batch import EnsureOptions, FileOutcome, FileState, Origin, rejection, state_of_error
from portrait.ensure.content import Content
from portrait.ensure.create import Creating, create_assets
from portrait.ensure.once import VERIFY_DELAYS
from portrait.ensure.plan import AssetPlan, PlanEntry, Verdict, plan_assets
from portrait.ensure.sources import Sources
from portrait.errors import PortraitError, UsageError
from portrait.events import FileProgress, GroupFound
from portrait.flow import CancelToken, Emit, Flow, Gather, Notify, RunBlocking, Sleep
from portrait.models import Asset, AssetStatus
from portrait.pace import CreatePacer
from portrait.s3 import PartialFailure, StoredObject
from portrait.watch import AssetOutcome, OutcomeState

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
        created_id: What the asset is followed by, once there is one: its id, where the provider answers with that.
        origin: How the asset came to be.
        stored: Where the file is, if it went to object storage.
        duplicates: Ids of further assets with the same content.
        asset: As it was read after it was created; None where it was not.
    """

    content: Content
    entry: PlanEntry
    sources: list[str]
    created_id: str = ""
    origin: Origin | None = None
    stored: StoredObject | None = None
    duplicates: tuple[str, ...] = ()
    asset: Asset | None = None


@define(kw_only=True)
class _Batch(Creating):
    """What the steps of one run share.

    Attributes:
        plan: What is carried out.
        jobs: By digest: the contents that have no outcome yet.
        outcomes: What was emitted so far.
    """

    plan: AssetPlan
    jobs: dict[str, _Job] = field(factory=dict)
    outcomes: list[FileOutcome] = field(factory=list)

    def missing(self) -> list[_Job]:
        """Contents without an asset."""
        return [job for job in self.jobs.values() if not job.created_id]

    def finish(self, job: _Job, state: FileState, asset: Asset | None = None, **fields: Any) -> Flow[None]:
        """The same outcome for every source of one content."""
        del self.jobs[job.content.digest]
        asset_id = asset.id if asset is not None else ""
        for source in job.sources:
            outcome = FileOutcome(
                source=source,
                state=state,
                asset_id=asset_id or self.backend.asset_id(job.created_id),
                asset=asset,
                origin=job.origin,
                sha256=job.content.sha256,
                group_id=self.target.group_id or "",
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


def ensure_assets(backend: Backend, sources: Sources | AssetPlan, options: EnsureOptions) -> Flow[list[FileOutcome]]:
    """Plan, unless that was done before, and apply; emits a `FileOutcome` for each source, and returns all of them.

    Raises:
        PortraitError: The group cannot be read, or the key is refused: nothing was created then.
    """
    group_id, name, found = options.group_id, options.group, None
    if isinstance(sources, AssetPlan):
        group_id, name = group_id or sources.group_id, name or sources.group
    if group_id is None and name is not None:
        found = yield from backend.find_group(name, create=True)
    if found is not None and name is not None:
        group_id = found.group.id
        yield Notify(GroupFound(name=name, group_id=group_id, is_new=found.is_new))
    if isinstance(sources, AssetPlan):
        plan = sources
    else:
        located = options if group_id is None else evolve(options, group_id=group_id, group=None)
        plan = yield from plan_assets(backend, sources, located, found)
    pace = CreatePacer.start(backend.endpoint, backend.action, options.deadline)
    target = Target(group_id=group_id, group=name, group_type=plan.group_type)
    batch = _Batch(backend=backend, options=options, target=target, pace=pace, listed_at=plan.listed_at, plan=plan)
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
            yield from batch.emit(rejection(entry.source, entry.error, entry.content, batch.target.group_id or ""))
        elif entry.content is None:
            continue
        elif (digest := entry.content.digest) in batch.jobs:
            batch.jobs[digest].sources.append(entry.source)
        else:
            job = batch.jobs[digest] = _Job(entry.content, entry, [entry.source])
            job.duplicates = entry.duplicates
            if entry.asset is not None and entry.verdict is not Verdict.REPLACE:
                job.created_id, job.origin = entry.asset.id, Origin.EXISTING
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
        elif stored[path].sha256 != job.content.sha256:
            changed = UsageError(f"{path} changed while it was being uploaded.", advice="Run again.")
            yield from batch.finish(job, FileState.REJECTED, error=changed)
        else:
            job.stored = stored[path]


def _put(batch: _Batch, paths: list[str]) -> Flow[_Stored]:
    store, memory = batch.options.store, batch.options.memory
    assert store is not None  # noqa: S101  (the caller has checked it)
    cancel = CancelToken()

    def work() -> _Stored:
        try:
            return dict(zip(paths, store.put_many(paths, cancel=cancel, state=memory.open_state()), strict=True)), {}
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
    waiting = list(_requests(batch))
    while waiting:
        # A few first, and few at once, until it is known how many creates the service takes in a minute.
        at_once = yield from batch.pace.concurrency(len(waiting))
        requests, waiting = waiting[:at_once], waiting[at_once:]
        results = yield Gather([create_assets(batch, new) for new in requests], batch.options.concurrency)
        for new, result in zip(requests, results, strict=True):
            for one in new:
                job = batch.jobs[one.content.digest]
                end = result if isinstance(result, PortraitError) else result[one.content.digest]
                if isinstance(end, PortraitError):
                    yield from batch.finish(job, state_of_error(end), error=end)
                else:
                    job.created_id, job.origin = end


def _requests(batch: _Batch) -> Iterator[list[NewContent]]:
    """What is missing, as many at a time as one create takes; all of one type."""
    by_type: dict[Any, list[NewContent]] = {}
    for job in batch.missing():
        new = NewContent(
            content=job.content,
            stored=job.stored,
            store=batch.options.store,
            replaces=job.entry.asset if job.entry.verdict is Verdict.REPLACE else None,
        )
        by_type.setdefault(job.content.asset_type, []).append(new)
    size = batch.backend.batch_size
    for same in by_type.values():
        yield from (same[start : start + size] for start in range(0, len(same), size))


def _resolve_duplicates(batch: _Batch) -> Flow[None]:
    """Two processes may have created the same content: both take the oldest, and report the other."""
    created = {job.content.digest: job for job in batch.jobs.values() if job.origin not in {None, Origin.EXISTING}}
    if not created or not batch.backend.knows_ids:
        return
    try:
        assets = yield from _list_until_visible(batch, {job.created_id for job in created.values()})
    except PortraitError:  # a look that fails takes nothing from what was created
        return
    for digest, job in created.items():
        alive = usable(assets.get(digest, []))
        if alive and alive[0].id != job.created_id:
            job.created_id, job.origin = alive[0].id, Origin.EXISTING
        job.asset = alive[0] if alive else None
        job.duplicates = tuple(asset.id for asset in alive if asset.id != job.created_id)


def _list_until_visible(batch: _Batch, created: set[str]) -> Flow[dict[str, list[Asset]]]:
    """List until our own assets are seen: then every older one is seen as well, and a younger one yields to ours."""
    assets: dict[str, list[Asset]] = {}
    for delay in (0.0, *VERIFY_DELAYS):
        if delay:
            yield Sleep(delay)
        assets = without((yield from batch.backend.find(batch.target)), batch.options.ignored)
        if created <= {asset.id for same in assets.values() for asset in same}:
            break
    return assets


def _watch(batch: _Batch) -> Flow[None]:
    """Await the reviews, which ends every job that is left."""
    options = batch.options
    for job in list(batch.jobs.values()):
        if job.asset is not None and job.asset.status == AssetStatus.ACTIVE:
            yield from batch.finish(job, FileState.ACTIVE, asset=job.asset)
        elif not options.wait:
            yield from batch.finish(job, FileState.TIMED_OUT, asset=job.asset)
    if not options.wait:
        return
    by_id = {job.created_id: job for job in batch.jobs.values()}

    def finish(end: AssetOutcome) -> Flow[None]:
        return batch.finish(by_id[end.id], _ENDS[end.state], asset=end.asset, error=end.error)

    created = {created_id: job.content for created_id, job in by_id.items()}
    read = {created_id: job.asset for created_id, job in by_id.items() if job.asset is not None}
    yield from batch.backend.follow(created, read, batch.target, options.timeout, options.poll, finish)
