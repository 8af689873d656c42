"""Making it so: contents that the group lacks are stored, created, and agreed upon with other processes.

Steps of a batch; how one content becomes one asset is in `creating`.
"""

from __future__ import annotations

from portrait.ensure.create import create_asset, list_group
from portrait.ensure.outcomes import FileState, Origin
from portrait.ensure.reconcile import PAUSES, usable
from portrait.ensure.state import HOPELESS, Batch, Job, drop, state_of
from portrait.errors import Interrupted, PortraitError, UsageError
from portrait.events import FileProgress
from portrait.flow import Flow, Notify, RunBlocking, Sleep
from portrait.models import Asset
from portrait.s3 import PartialFailure, StoredObject


def _missing(batch: Batch) -> list[Job]:
    return [job for job in batch.jobs.values() if not job.asset_id]


def store(batch: Batch) -> Flow[None]:
    """Give files a public address, where object storage is to do that."""
    store = batch.options.store
    jobs = {str(job.content.path): job for job in _missing(batch) if job.content.path is not None}
    if store is None or not jobs:
        return
    put = (yield batch.gather([_put(batch, list(jobs))]))[0]
    stored, failures = ({}, dict.fromkeys(jobs, put)) if isinstance(put, PortraitError) else put
    for path, job in jobs.items():
        if path in failures:
            yield from drop(batch, job, state_of(failures[path]), error=failures[path])
        elif path in stored and stored[path].sha256 != job.content.sha256:
            error = UsageError(f"{path} changed while it was being uploaded.", advice="Run again.")
            yield from drop(batch, job, FileState.REJECTED, error=error)
        elif path in stored:
            job.stored = stored[path]
        else:
            yield from drop(batch, job, FileState.STOPPED, error=Interrupted())


def _put(batch: Batch, paths: list[str]) -> Flow[tuple[dict[str, StoredObject], dict[str, PortraitError]]]:
    store = batch.options.store
    assert store is not None  # noqa: S101  (asked before)
    cancel = store.cancel_token()
    batch.cancel.on_set(cancel.set)

    def work() -> tuple[dict[str, StoredObject], dict[str, PortraitError]]:
        try:
            return dict(zip(paths, store.put_many(paths, cancel=cancel), strict=True)), {}
        except PartialFailure as some:
            return some.stored, some.failures

    stored, failures = yield RunBlocking(work)
    for path in stored:
        yield Notify(FileProgress(source=path, stage="stored"))
    return stored, failures


def create(batch: Batch) -> Flow[None]:
    """Create what is still missing."""
    jobs = _missing(batch)
    results = yield batch.gather([_make(batch, job) for job in jobs])
    for job, result in zip(jobs, results, strict=True):
        if isinstance(result, PortraitError):
            yield from drop(batch, job, state_of(result), error=result)
        else:
            job.asset_id, job.origin = result


def _make(batch: Batch, job: Job) -> Flow[tuple[str, Origin] | PortraitError]:
    if batch.over is not None:
        return batch.over
    store, stored = batch.options.store, job.stored
    if batch.options.check_public and store is not None and stored is not None:
        yield RunBlocking(lambda: store.check_public(stored))
    try:
        made = yield from create_asset(
            batch.endpoint, batch.options, job.content, job.stored, listed=batch.listed, replaces=job.replaces
        )
    except HOPELESS as over:
        batch.over = over
        raise
    yield Notify(FileProgress(source=job.content.source, stage="created", asset_id=made[0]))
    return made


def agree(batch: Batch) -> Flow[None]:
    """Two processes may have created the same content: both take the oldest, and report the other."""
    made = {job.content.digest: job for job in batch.jobs.values() if job.origin not in {None, Origin.EXISTING}}
    if not made or batch.cancel.is_set:
        return
    found = (yield batch.gather([_settled(batch, made)]))[0]
    if isinstance(found, Exception):  # the list failed: what was made is still what we wait for
        return
    for digest, job in made.items():
        alive = usable(found.get(digest, []))
        if alive and alive[0].id != job.asset_id:
            job.asset_id, job.origin = alive[0].id, Origin.EXISTING
        job.duplicates = tuple(asset.id for asset in alive if asset.id != job.asset_id)


def _settled(batch: Batch, made: dict[str, Job]) -> Flow[dict[str, list[Asset]]]:
    """List until our own assets are seen: then every older one is seen as well, and a younger one yields to ours."""
    found: dict[str, list[Asset]] = {}
    for pause in (0.0, *PAUSES):
        if pause:
            yield Sleep(pause)
        found = yield from list_group(batch.endpoint, batch.options)
        seen = {asset.id for assets in found.values() for asset in assets}
        if all(job.asset_id in seen for job in made.values()):
            break
    return found
