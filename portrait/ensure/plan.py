"""What is there, and what is to be done: sources become contents, and contents are held against the group.

Steps of a batch. Nothing is stored or created here; a file with faults, a failed asset that is not worth another try
and what has no room end here.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from portrait.actions import GET_ASSET_GROUP
from portrait.ensure.create import list_group
from portrait.ensure.outcomes import FileOutcome, FileState, Origin
from portrait.ensure.reconcile import unsettled, usable
from portrait.ensure.sources import Content, Source, label, limits_of
from portrait.ensure.sources import identify as read_source
from portrait.ensure.state import Batch, Job, drop, or_raise
from portrait.errors import AssetFailed, Interrupted, MediaRejected, PortraitError, QuotaExceeded
from portrait.events import FileProgress
from portrait.flow import Emit, Flow, Notify, RunBlocking, Sleep
from portrait.models import Asset, AssetStatus, GetAssetGroupRequest, GroupType
from portrait.wait import asset_failed


def identify(batch: Batch, sources: Sequence[Source]) -> Flow[None]:
    """Read every source; one content is one job, however many sources have it."""
    group_id = batch.options.group_id
    flows = [_look_at(batch, source) for source in sources]
    for source, found in zip(sources, (yield batch.gather(flows)), strict=True):
        if isinstance(found, PortraitError):
            state = FileState.STOPPED if isinstance(found, Interrupted) else FileState.REJECTED
            yield Emit(FileOutcome(source=label(source), state=state, group_id=group_id, error=found))
        elif found.faults:
            yield Emit(rejected(found, group_id))
        elif found.digest in batch.jobs:
            batch.jobs[found.digest].sources.append(found.source)
        else:
            batch.jobs[found.digest] = Job(found, [found.source])


def _look_at(batch: Batch, source: Source) -> Flow[Content]:
    if isinstance(source, Content):
        return source
    limits = limits_of(source, batch.endpoint.provider.name, stored=batch.options.store is not None)
    content = yield RunBlocking(lambda: read_source(source, limits, batch.options.asset_type))
    yield Notify(FileProgress(source=content.source, stage="checked"))
    return content  # type: ignore[no-any-return]


def rejected(content: Content, group_id: str = "") -> FileOutcome:
    """The outcome of a file with faults."""
    first = content.faults[0]
    error = MediaRejected(
        f"{content.source}: {' '.join(fault.message for fault in content.faults)}",
        code=f"InvalidParameter.{first.code}",
        detail=first.code,
    )
    return FileOutcome(
        source=content.source,
        state=FileState.REJECTED,
        sha256=content.sha256,
        group_id=group_id,
        name=content.name,
        faults=content.faults,
        error=error,
    )


def compare(batch: Batch) -> Flow[None]:
    """Hold the contents against what the group has; tell at once what has no room."""
    if not batch.jobs:
        return
    found = or_raise((yield batch.gather([_existing(batch)])))[0]
    for job in list(batch.jobs.values()):
        yield from _place(batch, job, found.get(job.content.digest, []))
    quota, taken = batch.options.quota, sum(len(assets) for assets in found.values())
    if quota is None:
        return
    fresh = [job for job in batch.jobs.values() if not job.asset_id and job.replaces is None]
    for job in fresh[max(0, quota - taken) :]:
        message = f"The group holds {taken} of {quota} assets, and {len(fresh)} more are wanted."
        yield from drop(batch, job, FileState.NO_ROOM, error=QuotaExceeded(message))


def _existing(batch: Batch) -> Flow[dict[str, list[Asset]]]:
    """The group's assets, once no create of a killed process can be hidden from the list any more."""
    endpoint, options = batch.endpoint, batch.options
    if options.group_type is None:
        group = yield from endpoint.call(GET_ASSET_GROUP, GetAssetGroupRequest(id=options.group_id))
        kind = GroupType.LIVENESS_FACE if group.group_type == GroupType.LIVENESS_FACE else GroupType.AIGC
        batch.options = options = evolve(options, group_type=kind)
    batch.listed = endpoint.clock.monotonic()
    found = yield from list_group(endpoint, options)
    left = yield from _hidden(batch, [digest for digest in batch.jobs if digest not in found])
    if left > 0:
        yield Sleep(left)
        batch.listed = endpoint.clock.monotonic()
        found = yield from list_group(endpoint, options)
    return found


def _hidden(batch: Batch, unseen: list[str]) -> Flow[float]:
    """Seconds for which creates of this process, or of one that was killed, may be hidden from the list."""
    endpoint, options = batch.endpoint, batch.options
    create_log, now = options.create_log, endpoint.clock.monotonic()
    left = [unsettled(options.single_flight.completed_at((options.group_id, digest)), now) for digest in unseen]
    if create_log is not None:
        begun = yield RunBlocking(lambda: create_log.unanswered(options.group_id))
        left += [unsettled(begun.get(digest), endpoint.clock.now()) for digest in unseen]
    return max(left, default=0.0)


def _place(batch: Batch, job: Job, existing: list[Asset]) -> Flow[None]:
    """An Active asset is the outcome, one in review is used; a failed one is replaced only if its code is worth it."""
    alive = usable(existing)
    if alive:
        job.asset_id, job.origin = alive[0].id, Origin.EXISTING
        job.duplicates = tuple(asset.id for asset in alive[1:])
        if alive[0].status == AssetStatus.ACTIVE:
            yield from drop(batch, job, FileState.ACTIVE, asset=alive[0])
    elif existing:
        failed = min(existing, key=lambda asset: (asset.create_time, asset.id))
        error: AssetFailed = asset_failed(failed)
        if error.retryable:
            job.replaces = failed
        else:
            job.asset_id, job.origin = failed.id, Origin.EXISTING
            yield from drop(batch, job, FileState.FAILED, asset=failed, error=error)
