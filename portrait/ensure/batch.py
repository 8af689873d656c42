"""Many files to Active assets: identify, compare with the group, store, create, agree, watch. A flow of flows.

`conduct` emits outcomes. Every source ends in exactly one.
"""

from __future__ import annotations

from collections.abc import Iterable

from portrait.ensure import apply, plan
from portrait.ensure.outcomes import FileState
from portrait.ensure.sources import Source, expand
from portrait.ensure.state import Batch, Job, drop, or_raise
from portrait.errors import Interrupted
from portrait.flow import Flow, RunBlocking
from portrait.watch import AssetOutcome, OutcomeState, Watch, look

_ENDS = {
    OutcomeState.ACTIVE: FileState.ACTIVE,
    OutcomeState.FAILED: FileState.FAILED,
    OutcomeState.VANISHED: FileState.VANISHED,
    OutcomeState.TIMED_OUT: FileState.TIMED_OUT,
}


def _expanded(sources: Source | Iterable[Source]) -> Flow[list[Source]]:
    return (yield RunBlocking(lambda: expand(sources)))  # type: ignore[no-any-return]


def conduct(batch: Batch, sources: Source | Iterable[Source]) -> Flow[None]:
    """Bring every source to its outcome.

    Raises:
        PortraitError: The group cannot be read, or the key is refused: nothing was created then.
    """
    files = or_raise((yield batch.gather([_expanded(sources)])))[0]
    yield from plan.identify(batch, files)
    yield from plan.compare(batch)
    yield from apply.store(batch)
    yield from apply.create(batch)
    yield from apply.agree(batch)
    yield from _watch(batch)


def _watch(batch: Batch) -> Flow[None]:
    by_id: dict[str, Job] = {job.asset_id: job for job in batch.jobs.values()}
    if not batch.options.wait:
        for job in list(by_id.values()):
            yield from drop(batch, job, FileState.TIMED_OUT)
        return
    watch = Watch.over(
        list(by_id),
        batch.endpoint.clock.now(),
        group_ids=[batch.options.group_id],
        group_type=batch.options.group_type,
        timeout=batch.options.timeout,
    )
    while watch.open and not batch.cancel.is_set:
        ended: list[AssetOutcome] = or_raise((yield batch.gather([look(batch.endpoint, watch, batch.options.poll)])))[0]
        for end in ended:
            yield from drop(batch, by_id[end.id], _ENDS[end.state], asset=end.asset, error=end.error)
    for job in list(batch.jobs.values()):
        yield from drop(batch, job, FileState.TIMED_OUT, error=Interrupted())
