"""After a lost answer: look until reads can no longer lag, then decide. And who wins when two made the same thing.

Flows over given steps; what is created and how it is found again is the caller's. Contract §4, *What is safe to send
again*.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from portrait.clock import Clock
from portrait.errors import PortraitError, Retry, UnknownOutcome
from portrait.flow import Await, Flow, Sleep
from portrait.models import Asset, AssetStatus
from portrait.single_flight import Key, LeaderCancelled, SingleFlight

T = TypeVar("T")

# Seconds before each look. Together they exceed the 10 s by which reads may lag; three looks are cheap (design §3).
PAUSES = (3.0, 4.0, 4.0)
SETTLE = sum(PAUSES)
TRIES = 3  # creates in all, each after it was seen that the one before was not carried out


def unsettled(landed: float | None, now: float) -> float:
    """Seconds until a list that lacks what was created then can be believed; both on the same scale of seconds."""
    return 0.0 if landed is None else min(max(0.0, landed + SETTLE - now), SETTLE)


def shared(
    single_flight: SingleFlight,
    key: Key,
    listed: float,
    *,
    clock: Clock,
    create: Callable[[], Flow[tuple[str, T]]],
    find: Callable[[], Flow[str | None]],
) -> Flow[tuple[str, T | None]]:
    """Create a thing, or take it from whoever in this process is at it; returns its id, and what `create` says of it.

    Args:
        single_flight: Of this process.
        key: Where and what.
        listed: When it was seen not to be there, in monotonic seconds.
        clock: Of the client.
        create: Makes it.
        find: Looks for it, where whoever was at it was cancelled and may have made it.

    Raises:
        PortraitError: The create failed, here or there.
    """
    while True:
        # A list may lag: what landed shortly before it was read may be missing from it as well.
        call, leads = single_flight.join(key, listed - SETTLE)
        if leads:
            try:
                made, said = yield from create()
            except BaseException as error:
                single_flight.complete(key, clock.monotonic(), error)
                raise
            single_flight.complete(key, clock.monotonic(), made)
            return made, said
        try:
            return (yield Await(call)), None
        except LeaderCancelled:
            yield Sleep(SETTLE)
        listed = clock.monotonic()
        found = yield from find()
        if found is not None:
            return found, None


def once(create: Callable[[], Flow[T]], find: Callable[[], Flow[T | None]], what: str) -> Flow[tuple[T, bool]]:
    """Create a thing exactly once; returns it, and whether it had to be found again.

    Raises:
        UnknownOutcome: Answers were lost, and looking did not say what was done.
        PortraitError: The create was refused.
    """
    lost: PortraitError | None = None
    for _ in range(TRIES):
        try:
            return (yield from create()), False
        except PortraitError as error:
            if not error.may_have_executed:
                raise
            lost = error
        found = yield from _look(find, what, lost)
        if found is not None:
            return found, True
    raise UnknownOutcome(f"{what}: {TRIES} answers were lost.") from lost


def _look(find: Callable[[], Flow[T | None]], what: str, lost: PortraitError) -> Flow[T | None]:
    blind: PortraitError | None = None
    for pause in PAUSES:
        yield Sleep(pause)
        try:
            found = yield from find()
        except PortraitError as error:
            if error.retry is not Retry.BACKOFF:
                raise
            blind = error
        else:
            blind = None
            if found is not None:
                return found
    if blind is not None:
        raise UnknownOutcome(f"{what}: the answer was lost, and looking for it failed: {blind}") from lost
    return None


def usable(assets: Sequence[Asset]) -> list[Asset]:
    """Those that are or may become Active, the oldest first: everybody who looks agrees on the first.

    They come oldest first from the list, which knows the order of creation; CreateTime has whole seconds only. Going by
    Id within a second would let a later create win over one that its own process has settled on already.
    """
    alive = [asset for asset in assets if asset.status != AssetStatus.FAILED]
    return sorted(alive, key=lambda asset: asset.create_time)
