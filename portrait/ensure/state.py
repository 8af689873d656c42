"""What the steps of a batch share: the contents that are still under way.

A content leaves the batch by `drop`, which gives the same outcome to every source that has it. What the steps do is in
`comparing`, `making` and `batch`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import define, field

from portrait.ensure.options import EnsureOptions
from portrait.ensure.outcomes import FileOutcome, FileState, Origin
from portrait.ensure.sources import Content
from portrait.errors import (
    AccountError,
    AuthError,
    ConnectFailed,
    Interrupted,
    PortraitError,
    QuotaExceeded,
    TransportError,
    UnknownOutcome,
    UsageError,
)
from portrait.flow import CancelToken, Emit, Flow, Gather
from portrait.models import Asset
from portrait.s3 import (
    SourceChanged,
    SourceUnreadable,
    StorageThrottled,
    StorageUnavailable,
    StorageUnreachable,
    StoredObject,
    UploadInterrupted,
)

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint


# What every further call would meet as well.
HOPELESS = (QuotaExceeded, AuthError, AccountError, ConnectFailed)


# The nearest class in an error's ancestry decides; anything else is a refusal.
_STATES: Mapping[type[BaseException], FileState] = MappingProxyType(
    {
        QuotaExceeded: FileState.NO_ROOM,
        UnknownOutcome: FileState.UNKNOWN,
        TransportError: FileState.STOPPED,
        StorageUnreachable: FileState.STOPPED,
        StorageUnavailable: FileState.STOPPED,
        StorageThrottled: FileState.STOPPED,
        UploadInterrupted: FileState.STOPPED,
        Interrupted: FileState.STOPPED,
        UsageError: FileState.REJECTED,
        SourceUnreadable: FileState.REJECTED,
        SourceChanged: FileState.REJECTED,
    }
)


@define
class Job:
    """One content, and every source that has it."""

    content: Content
    sources: list[str]
    existing: list[Asset] = field(factory=list)
    asset_id: str = ""
    origin: Origin | None = None
    replaces: Asset | None = None
    stored: StoredObject | None = None
    duplicates: tuple[str, ...] = ()


@define
class Batch:
    """What is shared by the steps of one run.

    Attributes:
        cancel: Set when the user interrupts: nothing new is begun, uploads and pauses end soon.
        listed: When the group was looked at, in monotonic seconds.
        over: Set by the first error that every further create would meet, such as `QuotaExceeded`: nothing more is
            created, what was created is still waited for.
    """

    endpoint: Endpoint
    options: EnsureOptions
    jobs: dict[str, Job] = field(factory=dict)
    over: PortraitError | None = None
    listed: float = 0.0
    cancel: CancelToken = field(factory=CancelToken)

    def gather(self, flows: Sequence[Flow[Any]]) -> Gather:
        """These flows beside each other, within the batch's limit."""
        return Gather(flows, self.options.concurrency, self.cancel)


def give(job: Job, state: FileState, **facts: Any) -> Flow[None]:
    """The same outcome for every source of one content."""
    for source in job.sources:
        yield Emit(
            FileOutcome(
                source=source,
                state=state,
                asset_id=job.asset_id,
                origin=job.origin,
                sha256=job.content.sha256,
                name=job.content.name,
                duplicates=job.duplicates,
                stored_key=job.stored.key if job.stored else "",
                **facts,
            )
        )


def drop(batch: Batch, job: Job, state: FileState, **facts: Any) -> Flow[None]:
    """This content is done with."""
    del batch.jobs[job.content.digest]
    yield from give(job, state, group_id=batch.options.group_id, **facts)


def state_of(error: PortraitError) -> FileState:
    """What an error says of a file that was to be sent."""
    if isinstance(error, TransportError) and error.may_have_executed:
        return FileState.UNKNOWN
    return next((_STATES[kind] for kind in type(error).__mro__ if kind in _STATES), FileState.REFUSED)


def or_raise(results: list[Any]) -> list[Any]:
    """The results of flows whose failure ends the batch."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
