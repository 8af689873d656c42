"""A create is carried out once, whatever gets lost: single flight, a claim, and a look before it is sent again.

It is sent by one flow of this process, by one process of those that share a state, and is looked for if its answer is
lost. Contract §4, *What is safe to send again*.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from portrait.ensure.claims import LAG, Sending, create_claimed
from portrait.ensure.outcomes import RUN_AGAIN
from portrait.errors import PortraitError, UnknownOutcome
from portrait.flow import Await, Flow, Sleep
from portrait.single_flight import Key, LeaderCancelled

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.memory import Memory

T = TypeVar("T")

# Seconds before each look after a lost answer. Together they are as long as `LAG`.
VERIFY_DELAYS = (3.0, 4.0, 4.0)
MAX_CREATES = 3  # each after it was seen that the one before was not carried out


def create_once(
    endpoint: Endpoint,
    memory: Memory,
    where: Key,
    since: float,
    *,
    create: Callable[[Sending[Any]], Flow[tuple[str, T]]],
    find: Callable[[], Flow[str | None]],
) -> Flow[tuple[str, T | None]]:
    """Create a thing, or take it from the flow of this process, or the process, that creates it.

    Returns its id, and the other value of `create`; None where somebody else has created it.

    Args:
        endpoint: Of the client.
        memory: Of the client.
        where: Scope and content.
        since: What was created after that, in monotonic seconds, is taken.
        create: Creates it; sends each create by the function that it gets.
        find: Looks for it where a create was sent and nobody knows what came of it.

    Raises:
        StateError: The state cannot be used; nothing was sent.
        PortraitError: The create failed, here or there.
    """
    single_flight, clock = memory.single_flight, endpoint.clock
    while True:
        future, is_leader = single_flight.join(where, since)
        if is_leader:
            try:
                created_id, value = yield from create_claimed(endpoint, memory, where, since, create=create, find=find)
            except BaseException as error:
                single_flight.complete(where, clock.monotonic(), error)
                raise
            single_flight.complete(where, clock.monotonic(), created_id)
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
    """List until reads can no longer lag. A list that failed, for whatever reason, does not mean "not there"."""
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
