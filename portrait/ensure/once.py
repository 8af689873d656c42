"""A create is carried out once, whatever gets lost: single flight, a log, and a look before it is sent again.

It is sent under single flight, is recorded before it is sent, and is looked for if its answer is lost. Contract §4,
*What is safe to send again*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from portrait.clock import Clock
from portrait.ensure.create_log import CreateLog
from portrait.ensure.outcomes import RUN_AGAIN
from portrait.errors import PortraitError, UnknownOutcome
from portrait.flow import Await, Flow, RunBlocking, Sleep
from portrait.single_flight import Key, LeaderCancelled, SingleFlight

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

T = TypeVar("T")

# Seconds before each look after a lost answer. Together they exceed the 10 s by which reads may lag (contract §3).
VERIFY_DELAYS = (3.0, 4.0, 4.0)
LAG = sum(VERIFY_DELAYS)
MAX_CREATES = 3  # each after it was seen that the one before was not carried out


def settle_delay(created_at: float | None, now: float) -> float:
    """Seconds until a list that lacks what was created then can be believed; both on the same scale of seconds."""
    return 0.0 if created_at is None else min(max(0.0, created_at + LAG - now), LAG)


def create_single_flight(
    single_flight: SingleFlight,
    key: Key,
    since: float,
    *,
    clock: Clock,
    create: Callable[[], Flow[tuple[str, T]]],
    find: Callable[[], Flow[str | None]],
) -> Flow[tuple[str, T | None]]:
    """Create a thing, or take it from the flow of this process that creates it.

    Returns its id, and the other value of `create`; None where another flow has created it.

    Args:
        single_flight: Of this process.
        key: Where and what.
        since: Results that are younger than that, in monotonic seconds, are taken.
        clock: Of the client.
        create: Creates it.
        find: Looks for it after a leader was cancelled, whose create may have been carried out.

    Raises:
        PortraitError: The create failed, here or there.
    """
    while True:
        future, is_leader = single_flight.join(key, since)
        if is_leader:
            try:
                created_id, value = yield from create()
            except BaseException as error:
                single_flight.complete(key, clock.monotonic(), error)
                raise
            single_flight.complete(key, clock.monotonic(), created_id)
            return created_id, value
        try:
            return (yield Await(future)), None
        except LeaderCancelled:
            yield Sleep(LAG)
        since = clock.monotonic() - LAG
        found = yield from find()
        if found is not None:
            return found, None


def create_exactly_once(
    create: Callable[[], Flow[T]], find: Callable[[], Flow[T | None]], what: str
) -> Flow[tuple[T, bool]]:
    """Create a thing exactly once; returns it, and whether its answer was lost and it had to be found.

    Raises:
        UnknownOutcome: Answers were lost, and looking did not tell what was done.
        PortraitError: The create was refused.
    """
    lost: PortraitError | None = None
    for _ in range(MAX_CREATES):
        try:
            return (yield from create()), False
        except PortraitError as error:
            if not error.may_have_executed:
                raise
            lost = error
        found = yield from _verify(find, what, lost)
        if found is not None:
            return found, True
    raise UnknownOutcome(f"{what}: {MAX_CREATES} answers were lost.", advice=RUN_AGAIN) from lost


def _verify(find: Callable[[], Flow[T | None]], what: str, lost: PortraitError) -> Flow[T | None]:
    """Look until reads can no longer lag. A look that failed, for whatever reason, does not mean "not there"."""
    failed: PortraitError | None = None
    for delay in VERIFY_DELAYS:
        try:
            yield Sleep(delay)
            found = yield from find()
        except PortraitError as error:
            failed = error
        else:
            failed = None
            if found is not None:
                return found
    if failed is not None:
        message = f"{what}: the answer was lost, and looking for it failed: {failed}"
        raise UnknownOutcome(message, advice=RUN_AGAIN) from lost
    return None


def logged(
    create_log: CreateLog | None, clock: Clock, group_id: str, digest: str, create: Callable[[], Flow[T]]
) -> Flow[T]:
    """Run a create that is recorded in the log until its outcome is known.

    Raises:
        UsageError: The log cannot be written; nothing was sent.
        PortraitError: The create failed.
    """
    if create_log is None:
        return (yield from create())
    now = clock.now()
    yield RunBlocking(lambda: create_log.record(group_id, digest, now))
    try:
        created = yield from create()
    except PortraitError as error:
        if not error.may_have_executed:
            yield RunBlocking(lambda: create_log.resolve(group_id, digest))
        raise
    yield RunBlocking(lambda: create_log.resolve(group_id, digest))
    return created


def visibility_lag(
    endpoint: Endpoint,
    single_flight: SingleFlight,
    create_log: CreateLog | None,
    group_id: str,
    digests: Iterable[tuple[str, str]],
) -> Flow[float]:
    """Seconds for which creates of this process, or of one that was killed, may be missing from a list.

    Args:
        endpoint: Of the client.
        single_flight: Of this process.
        create_log: Remembers creates across processes.
        group_id: Where, as the log has it.
        digests: What is missing: its name in single flight, and in the log.
    """
    pending = {} if create_log is None else (yield RunBlocking(lambda: create_log.pending(group_id)))
    now, monotonic = endpoint.clock.now(), endpoint.clock.monotonic()
    return max(
        (
            max(
                settle_delay(single_flight.completed_at((group_id, name)), monotonic),
                settle_delay(pending.get(digest), now),
            )
            for name, digest in digests
        ),
        default=0.0,
    )
