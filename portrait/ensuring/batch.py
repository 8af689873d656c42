"""Many files to Active assets: identify, compare with the group, store, create, agree, watch. A flow of flows.

`conduct` yields `Each` (run these flows beside each other and give me what became of them) and `Give` (an outcome for
the caller). Every source ends in exactly one outcome. How flows run beside each other is in `conducting`; the steps for
one file are in `creating`.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from portrait.actions import GET_ASSET_GROUP
from portrait.ensuring.creating import create_asset, list_group
from portrait.ensuring.options import EnsureOptions
from portrait.ensuring.outcomes import FileOutcome, FileState, How
from portrait.ensuring.settling import PAUSES, unsettled, usable
from portrait.ensuring.sources import Content, Source, identify, label, limits_of
from portrait.errors import (
    AccountError,
    AssetFailed,
    AuthError,
    ConnectFailed,
    MediaRejected,
    PortraitError,
    QuotaExceeded,
    TransportError,
    UnknownOutcome,
    UsageError,
)
from portrait.events import FileMoved
from portrait.flow import Do, Flow, Report, Wait
from portrait.models import Asset, AssetStatus, GetAssetGroupRequest, GroupType
from portrait.s3 import (
    SomeNotStored,
    SourceChanged,
    SourceUnreadable,
    StopFlag,
    StorageUnreachable,
    StoredObject,
    UploadInterrupted,
)
from portrait.waiting import asset_failed
from portrait.watching import AssetOutcome, OutcomeState, Watch, look

if TYPE_CHECKING:
    from portrait.calling import Caller


@frozen
class Each:
    """Run these flows beside each other; answered by their results, a `PortraitError` for a flow that failed."""

    flows: Sequence[Flow[Any]]


@frozen
class Give:
    """An outcome for the caller."""

    outcome: FileOutcome


Conducting = Generator[Each | Give, Any, None]

_ENDS = {
    OutcomeState.ACTIVE: FileState.ACTIVE,
    OutcomeState.FAILED: FileState.FAILED,
    OutcomeState.VANISHED: FileState.VANISHED,
    OutcomeState.LATE: FileState.LATE,
}


# What every further call would meet as well.
HOPELESS = (QuotaExceeded, AuthError, AccountError, ConnectFailed)


# The nearest class in an error's ancestry decides; anything else is a refusal.
_STATES: Mapping[type[BaseException], FileState] = MappingProxyType(
    {
        QuotaExceeded: FileState.NO_ROOM,
        UnknownOutcome: FileState.UNKNOWN,
        TransportError: FileState.STOPPED,
        StorageUnreachable: FileState.STOPPED,
        UploadInterrupted: FileState.STOPPED,
        UsageError: FileState.REJECTED,
        SourceUnreadable: FileState.REJECTED,
        SourceChanged: FileState.REJECTED,
    }
)


@define
class _Job:
    """One content, and every source that has it."""

    content: Content
    sources: list[str]
    existing: list[Asset] = field(factory=list)
    asset_id: str = ""
    how: How | None = None
    replaces: Asset | None = None
    stored: StoredObject | None = None
    duplicates: tuple[str, ...] = ()


@define
class Batch:
    """What is shared by the steps of one run.

    Attributes:
        stopping: Set by `stop`.
        listed: When the group was looked at, in monotonic seconds.
        uploads: Ends uploads to object storage.
        over: Set by the first error that every further create would meet, such as `QuotaExceeded`: nothing more is
            created, what was created is still waited for.
    """

    caller: Caller
    options: EnsureOptions
    jobs: dict[str, _Job] = field(factory=dict)
    over: PortraitError | None = None
    listed: float = 0.0
    uploads: StopFlag | None = None
    stopping: threading.Event = field(factory=threading.Event)

    @property
    def stopped(self) -> bool:
        """The user has interrupted: nothing new is begun."""
        return self.stopping.is_set()

    def stop(self) -> None:
        """Begin nothing new, and end uploads soon: they are resumed by the next run."""
        self.stopping.set()
        if self.uploads is not None:
            self.uploads.set()


def conduct(batch: Batch, sources: Sequence[Source]) -> Conducting:
    """Bring every source to its outcome.

    Raises:
        PortraitError: The group cannot be read, or the key is refused: nothing was created then.
    """
    yield from _identify(batch, sources)
    yield from _compare(batch)
    yield from _store(batch)
    yield from _create(batch)
    yield from _agree(batch)
    yield from _watch(batch)


def _give(job: _Job, state: FileState, **facts: Any) -> Conducting:
    """The same outcome for every source of one content."""
    for source in job.sources:
        yield Give(
            FileOutcome(
                source=source,
                state=state,
                asset_id=job.asset_id,
                how=job.how,
                sha256=job.content.sha256,
                name=job.content.name,
                duplicates=job.duplicates,
                stored_key=job.stored.key if job.stored else "",
                **facts,
            )
        )


def _drop(batch: Batch, job: _Job, state: FileState, **facts: Any) -> Conducting:
    """This content is done with."""
    del batch.jobs[job.content.digest]
    yield from _give(job, state, group_id=batch.options.group_id, **facts)


# --- what is there, and what is to be done -------------------------------------------------------------------------


def _identify(batch: Batch, sources: Sequence[Source]) -> Conducting:
    group_id = batch.options.group_id
    flows = [_look_at(batch, source) for source in sources]
    for source, found in zip(sources, (yield Each(flows)), strict=True):
        if isinstance(found, PortraitError):
            yield Give(FileOutcome(source=label(source), state=FileState.REJECTED, group_id=group_id, error=found))
        elif found is None:
            yield Give(FileOutcome(source=label(source), state=FileState.STOPPED, group_id=group_id, error=stopped()))
        elif found.faults:
            yield Give(rejected(found, group_id))
        elif found.digest in batch.jobs:
            batch.jobs[found.digest].sources.append(found.source)
        else:
            batch.jobs[found.digest] = _Job(found, [found.source])


def _look_at(batch: Batch, source: Source) -> Flow[Content | None]:
    if batch.stopped:
        return None
    if isinstance(source, Content):
        return source
    limits = limits_of(source, batch.caller.provider.name, stored=batch.options.store is not None)
    content = yield Do(lambda: identify(source, limits, batch.options.asset_type))
    yield Report(FileMoved(source=content.source, stage="checked"))
    return content  # type: ignore[no-any-return]


def rejected(content: Content, group_id: str = "") -> FileOutcome:
    """The outcome of a file with faults."""
    first = content.faults[0]
    error = MediaRejected(
        f"{content.source}: {' '.join(fault.message for fault in content.faults)}",
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


def _compare(batch: Batch) -> Conducting:
    """Hold the contents against what the group has; tell at once what has no room."""
    if not batch.jobs:
        return
    found = _or_raise((yield Each([_existing(batch)])))[0]
    for job in list(batch.jobs.values()):
        yield from _place(batch, job, found.get(job.content.digest, []))
    quota, taken = batch.options.quota, sum(len(assets) for assets in found.values())
    if quota is None:
        return
    fresh = [job for job in batch.jobs.values() if not job.asset_id and job.replaces is None]
    for job in fresh[max(0, quota - taken) :]:
        message = f"The group holds {taken} of {quota} assets, and {len(fresh)} more are wanted."
        yield from _drop(batch, job, FileState.NO_ROOM, error=QuotaExceeded(message))


def _existing(batch: Batch) -> Flow[dict[str, list[Asset]]]:
    """The group's assets, once no create of a killed process can be hidden from the list any more."""
    caller, options = batch.caller, batch.options
    if options.group_type is None:
        group = yield from caller.call(GET_ASSET_GROUP, GetAssetGroupRequest(id=options.group_id))
        kind = GroupType.LIVENESS_FACE if group.group_type == GroupType.LIVENESS_FACE else GroupType.AIGC
        batch.options = options = evolve(options, group_type=kind)
    batch.listed = caller.clock.monotonic()
    found = yield from list_group(caller, options)
    left = yield from _hidden(batch, [digest for digest in batch.jobs if digest not in found])
    if left > 0:
        yield Wait(left)
        batch.listed = caller.clock.monotonic()
        found = yield from list_group(caller, options)
    return found


def _hidden(batch: Batch, unseen: list[str]) -> Flow[float]:
    """Seconds for which creates of this process, or of one that was killed, may be hidden from the list."""
    caller, options = batch.caller, batch.options
    intents, now = options.intents, caller.clock.monotonic()
    left = [unsettled(options.flights.landed((options.group_id, digest)), now) for digest in unseen]
    if intents is not None:
        begun = yield Do(lambda: intents.unanswered(options.group_id))
        left += [unsettled(begun.get(digest), caller.clock.now()) for digest in unseen]
    return max(left, default=0.0)


def _place(batch: Batch, job: _Job, existing: list[Asset]) -> Conducting:
    """An Active asset is the outcome, one in review is used; a failed one is replaced only if its code is worth it."""
    alive = usable(existing)
    if alive:
        job.asset_id, job.how = alive[0].id, How.EXISTING
        job.duplicates = tuple(asset.id for asset in alive[1:])
        if alive[0].status == AssetStatus.ACTIVE:
            yield from _drop(batch, job, FileState.ACTIVE, asset=alive[0])
    elif existing:
        failed = min(existing, key=lambda asset: (asset.create_time, asset.id))
        error: AssetFailed = asset_failed(failed)
        if error.worth_another_try:
            job.replaces = failed
        else:
            job.asset_id, job.how = failed.id, How.EXISTING
            yield from _drop(batch, job, FileState.FAILED, asset=failed, error=error)


# --- making it so --------------------------------------------------------------------------------------------------


def _missing(batch: Batch) -> list[_Job]:
    return [job for job in batch.jobs.values() if not job.asset_id]


def _store(batch: Batch) -> Conducting:
    """Give files a public address, where object storage is to do that."""
    store = batch.options.store
    jobs = {str(job.content.path): job for job in _missing(batch) if job.content.path is not None}
    if store is None or not jobs:
        return
    stored, failures = _or_raise((yield Each([_put(batch, list(jobs))])))[0]
    for path, job in jobs.items():
        if path in failures:
            yield from _drop(batch, job, state_of(failures[path]), error=failures[path])
        elif path in stored and stored[path].sha256 != job.content.sha256:
            error = UsageError(f"{path} changed while it was being uploaded.", advice="Run again.")
            yield from _drop(batch, job, FileState.REJECTED, error=error)
        elif path in stored:
            job.stored = stored[path]


def _put(batch: Batch, paths: list[str]) -> Flow[tuple[dict[str, StoredObject], dict[str, PortraitError]]]:
    store = batch.options.store
    assert store is not None  # noqa: S101  (asked before)
    stop = batch.uploads = store.new_stop()

    def work() -> tuple[dict[str, StoredObject], dict[str, PortraitError]]:
        try:
            return dict(zip(paths, store.put_many(paths, stop=stop), strict=True)), {}
        except SomeNotStored as some:
            return some.stored, some.failures

    stored, failures = yield Do(work)
    for path in stored:
        yield Report(FileMoved(source=path, stage="stored"))
    return stored, failures


def _create(batch: Batch) -> Conducting:
    jobs = _missing(batch)
    results = yield Each([_make(batch, job) for job in jobs])
    for job, result in zip(jobs, results, strict=True):
        if isinstance(result, PortraitError):
            yield from _drop(batch, job, state_of(result), error=result)
        elif result is None:
            yield from _drop(batch, job, FileState.STOPPED, error=stopped())
        else:
            job.asset_id, job.how = result


def _make(batch: Batch, job: _Job) -> Flow[tuple[str, How] | None]:
    if batch.stopped:
        return None
    if batch.over is not None:
        raise batch.over
    store, stored = batch.options.store, job.stored
    if batch.options.check_public and store is not None and stored is not None:
        yield Do(lambda: store.check_public(stored))
    try:
        made = yield from create_asset(
            batch.caller, batch.options, job.content, job.stored, listed=batch.listed, replaces=job.replaces
        )
    except HOPELESS as over:
        batch.over = over
        raise
    yield Report(FileMoved(source=job.content.source, stage="created", asset_id=made[0]))
    return made


def _agree(batch: Batch) -> Conducting:
    """Two processes may have created the same content: both take the oldest, and report the other."""
    made = {job.content.digest: job for job in batch.jobs.values() if job.how not in {None, How.EXISTING}}
    if not made or batch.stopped:
        return
    found = (yield Each([_settled(batch, made)]))[0]
    if isinstance(found, Exception):  # the list failed: what was made is still what we wait for
        return
    for digest, job in made.items():
        alive = usable(found.get(digest, []))
        if alive and alive[0].id != job.asset_id:
            job.asset_id, job.how = alive[0].id, How.EXISTING
        job.duplicates = tuple(asset.id for asset in alive if asset.id != job.asset_id)


def _settled(batch: Batch, made: dict[str, _Job]) -> Flow[dict[str, list[Asset]]]:
    """List until our own assets are seen: then every older one is seen as well, and a younger one yields to ours."""
    found: dict[str, list[Asset]] = {}
    for pause in (0.0, *PAUSES):
        if pause:
            yield Wait(pause)
        found = yield from list_group(batch.caller, batch.options)
        seen = {asset.id for assets in found.values() for asset in assets}
        if all(job.asset_id in seen for job in made.values()):
            break
    return found


def _watch(batch: Batch) -> Conducting:
    by_id: dict[str, _Job] = {job.asset_id: job for job in batch.jobs.values()}
    if not batch.options.wait:
        for job in list(by_id.values()):
            yield from _drop(batch, job, FileState.LATE)
        return
    watch = Watch.over(
        list(by_id),
        batch.caller.clock.now(),
        group_ids=[batch.options.group_id],
        group_type=batch.options.group_type,
        timeout=batch.options.timeout,
    )
    while watch.open and not batch.stopped:
        ended: list[AssetOutcome] = _or_raise((yield Each([look(batch.caller, watch, batch.options.poll)])))[0]
        for end in ended:
            yield from _drop(batch, by_id[end.id], _ENDS[end.state], asset=end.asset, error=end.error)
    for job in list(batch.jobs.values()):
        yield from _drop(batch, job, FileState.LATE, error=stopped())


def state_of(error: PortraitError) -> FileState:
    """What an error says of a file that was to be sent."""
    if isinstance(error, TransportError) and error.may_have_executed:
        return FileState.UNKNOWN
    return next((_STATES[kind] for kind in type(error).__mro__ if kind in _STATES), FileState.REFUSED)


def stopped() -> PortraitError:
    """The error of what an interrupt left undone."""
    return UsageError("Stopped before it was done.", advice="Run again: it goes on where it stopped.")


def _or_raise(results: list[Any]) -> list[Any]:
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
