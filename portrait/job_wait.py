"""Waiting for what a provider makes in the background, a video or a task: it is read until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

from portrait.errors import NotAccessible, PortraitError, Retry, WaitTimeout
from portrait.events import WaitProgress
from portrait.flow import Flow, Notify, Sleep
from portrait.wait import GRACE, NOT_VISIBLE, check_wait

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint


class _Status(Protocol):
    @property
    def is_final(self) -> bool: ...


class _Job(Protocol):
    @property
    def status(self) -> _Status: ...


J = TypeVar("J", bound=_Job)

# What to do at the deadline; the command has no wait for a task.
_ADVICE: Mapping[str, str] = {
    "video": "It may still come: wait again with the same id (`portrait video wait`).",
    "task": "It may still come: wait again with the same id.",
}


def may_be_invisible(endpoint: Endpoint, job_id: str, waited: float) -> bool:
    """Whether "not there" may be a read that lags behind a create of this client, or of another one (contract §3).

    Args:
        endpoint: Of the client.
        job_id: Of a video or a task.
        waited: Seconds so far.
    """
    return waited < GRACE or endpoint.recent.lag_left(job_id, endpoint.clock.monotonic()) > 0


def pause_after(error: PortraitError, poll: float, *, may_be_invisible: bool) -> float:
    """Seconds until what a read failed with may have passed: a fault of the moment, or "not there" after a create.

    Args:
        error: Of the read.
        poll: Seconds between two looks.
        may_be_invisible: Whether the read may lag behind the create.

    Raises:
        PortraitError: The error, where it does not pass.
    """
    if error.retry is not Retry.BACKOFF and not (isinstance(error, NotAccessible) and may_be_invisible):
        raise error
    return max(poll, getattr(error, "retry_after", None) or 0.0)


def wait_for_end(
    endpoint: Endpoint,
    what: str,
    job_id: str,
    read: Callable[[J | None], Flow[J]],
    *,
    describe: Callable[[J], str] = lambda job: str(job.status),
    timeout: float,
    poll: float,
    last: J | None = None,
) -> Flow[J]:
    """Read a video or a task until it has ended, well or not.

    Args:
        endpoint: Of the client.
        what: `video` or `task`, for messages and events.
        job_id: Its id.
        read: Reads it once, without retries: the looks are the retries. It gets what was read last.
        describe: How far it is, for events.
        timeout: Seconds in all.
        poll: Seconds between two looks.
        last: As it is known already.

    Raises:
        WaitTimeout: It has not ended in time.
        PortraitError: It cannot be read.
    """
    check_wait(timeout, poll)
    clock = endpoint.clock
    started, unread = clock.monotonic(), "unknown"
    while True:
        waited, pause, fault = clock.monotonic() - started, poll, None
        try:
            last = yield from read(last)
        except PortraitError as error:
            pause = pause_after(error, poll, may_be_invisible=may_be_invisible(endpoint, job_id, waited))
            fault = error
            unread = NOT_VISIBLE if isinstance(error, NotAccessible) else "unknown"
        else:
            endpoint.recent.discard(job_id)
            if last.status.is_final:
                return last
        remaining = timeout - (clock.monotonic() - started)
        if remaining <= 0:
            status = "unknown" if last is None else str(last.status)
            message = f"The {what} {job_id} is still {status} after {timeout:.0f} s."
            raise WaitTimeout(message, waited=waited, last=last, advice=_ADVICE[what]) from fault
        progress = unread if last is None else describe(last)
        yield Notify(WaitProgress(what=what, id=job_id, status=progress, waited=waited, deadline=timeout))
        yield Sleep(min(pause, remaining))
