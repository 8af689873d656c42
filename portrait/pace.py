"""The pace of an account: turns that calls take in order, and the limit that is learnt from being throttled.

A `Pace` is a value; a `PaceTable` holds one for each Action, in this process or in a state for all that share it. By
both, a `CreatePacer` sends creates: a throttled one is waited out, not given up. Throttled is never taken for full:
waiting helps, and nothing needs to be deleted (contract §4).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from attrs import define, evolve, field, frozen

from portrait.actions import CREATE_ASSET, Action
from portrait.clock import Clock
from portrait.errors import Interrupted, Throttled
from portrait.events import CreateDelayed
from portrait.flow import Flow, Notify, RunBlocking, Sleep

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

T = TypeVar("T")

MINUTE = 60.0  # seconds
MARGIN = 1.02  # by how much calls are further apart than the limit asks for: two clocks never run alike
WINDOW = MINUTE * MARGIN
SLOWER = 0.7  # what is left of a learnt rate that was still too high, such as where others share the account
SLOWEST = 0.5  # calls per minute
REST = 600.0  # seconds after a refusal for which the learnt rate stays as it is
GROWTH = 1.0  # calls per minute by which the rate rises in each minute after that


class Turn(NamedTuple):
    """When a call may be sent.

    Attributes:
        delay: Seconds until then.
        at: The same as a moment of the table's clock.
    """

    delay: float
    at: float


@frozen
class Pace:
    """What is known of the pace of one Action; a value. All moments are seconds of one clock.

    Nothing is limited until a call is throttled: then as many calls are allowed in a minute as were accepted in the
    last one. Ten minutes after the last refusal the rate begins to rise again, by one call per minute each minute: a
    plan may have been changed, and others may have stopped.

    Attributes:
        next_at: When the next turn is.
        rate: Calls per minute, as they were learnt; None if none was throttled.
        lowered_at: When that was learnt.
        window_at: When the present minute began.
        count: Calls that were accepted in it.
        previous: Calls that were accepted in the minute before.
        accepted: Calls that were accepted in all.
    """

    next_at: float = 0.0
    rate: float | None = None
    lowered_at: float = 0.0
    window_at: float = 0.0
    count: int = 0
    previous: int = 0
    accepted: int = 0

    def reserve(self, now: float, interval: float | None = None) -> tuple[Pace, Turn]:
        """Take the next turn.

        Args:
            now: The present moment.
            interval: Seconds until the turn after it; None goes by the learnt rate.
        """
        pace = self._at(now)
        start = max(now, pace.next_at)
        until_next = WINDOW / pace.rate_at(now) if interval is None else interval
        return evolve(pace, next_at=start + until_next), Turn(start - now, start)

    def accept(self, now: float) -> Pace:
        """A call was carried out."""
        pace = self._at(now)
        if not pace.count and not pace.previous:
            pace = evolve(pace, window_at=now)
        return evolve(pace, count=pace.count + 1, accepted=pace.accepted + 1)

    def refuse(self, now: float, sent_at: float, retry_after: float | None, documented: Sequence[int]) -> Pace:
        """A call was throttled: no turn until one is allowed again, and a distance from then on.

        Args:
            now: The present moment.
            sent_at: When its turn was. One that was under way when the rate was lowered teaches nothing new.
            retry_after: Seconds that the service asked to wait; None if it did not say.
            documented: The limits of the provider's plans, in calls per minute, the lowest first.
        """
        pace, free = self._at(now), now
        if pace.rate is None or sent_at >= pace.lowered_at:
            recent = pace.recent(now)
            rate = _lower(pace.rate_at(now), recent, documented)
            # A minute that began with a burst ends for all of it at once.
            began_with_burst = rate == recent and not pace.previous
            free = pace.window_at + WINDOW if began_with_burst else now + WINDOW / rate
            pace = evolve(pace, rate=rate, lowered_at=now)
        return evolve(pace, next_at=max(pace.next_at, free if retry_after is None else now + retry_after))

    def rate_at(self, now: float) -> float:
        """Calls per minute that are allowed at that moment; infinite if none was throttled."""
        return inf if self.rate is None else self.rate + GROWTH * max(0.0, now - self.lowered_at - REST) / MINUTE

    def recent(self, now: float) -> int:
        """About how many calls were accepted in the last minute."""
        return self.count + round(self.previous * max(0.0, 1 - (now - self.window_at) / WINDOW))

    def concurrency(self, documented: Sequence[int]) -> int | None:
        """How many calls may be under way at once; None for any number, once more than the lowest plan's were accepted.

        Until it is known that there is room, few are sent at once, so that few are refused.
        """
        lowest = documented[0] if documented else 0
        steps = {1: lowest, 2: lowest + 4}
        return next((at_once for at_once, count in steps.items() if lowest and self.accepted < count), None)

    def _at(self, now: float) -> Pace:
        """With the present minute begun; nothing is known if the clock was set back since."""
        if max(self.lowered_at, self.window_at) > now:
            return Pace()
        age = now - self.window_at
        if age < WINDOW:
            return self
        if age < 2 * WINDOW:
            return evolve(self, window_at=self.window_at + WINDOW, count=0, previous=self.count)
        return evolve(self, window_at=now, count=0, previous=0)


def _lower(rate: float, recent: int, documented: Sequence[int]) -> float:
    """The rate after a refusal, in calls per minute.

    Args:
        rate: Before it.
        recent: Calls that were accepted in the last minute.
        documented: The limits of the provider's plans, the lowest first.
    """
    lower = [limit for limit in documented if limit < rate]
    if documented and recent >= documented[0]:
        return min(rate, recent)
    if rate == inf and len(lower) > 1:
        # The plan's limit is used up by others, or it is one that allows no burst: the next lower one but the highest,
        # for which there is no evidence.
        return lower[-2]
    return lower[-1] if lower else max(SLOWEST, (MINUTE if rate == inf else rate) * SLOWER)


Change = Callable[[Pace, float], tuple[Pace, T]]  # of a pace at a moment: the new one, and what is asked for


class PaceTable(Protocol):
    """The paces of an account, by Action; safe across threads."""

    @property
    def blocks(self) -> bool:
        """Whether `update` may wait for a disk or a server."""

    def update(self, action: str, change: Change[T]) -> T:
        """Replace the pace of an Action, alone among all who share it; returns the change's other value.

        Raises:
            StateError: The state cannot be used.
        """


@frozen
class MemoryPaces:
    """The paces of one client and those derived from it, in monotonic seconds."""

    clock: Clock
    blocks: bool = field(default=False, init=False)
    _paces: dict[str, Pace] = field(factory=dict, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def update(self, action: str, change: Change[T]) -> T:
        """As `PaceTable.update`."""
        with self._lock:
            self._paces[action], value = change(self._paces.get(action, Pace()), self.clock.monotonic())
        return value


def update_pace(table: PaceTable, action: str, change: Change[T]) -> Flow[T]:
    """As `PaceTable.update`, as a flow.

    Raises:
        StateError: The state cannot be used.
    """
    if table.blocks:
        value: T = yield RunBlocking(lambda: table.update(action, change))
        return value
    return table.update(action, change)


PATIENCE = 600.0  # seconds without one accepted create, after which a service that throttles is not waited for


@define
class CreatePacer:
    """The creates of one batch, at the pace that was learnt of the account.

    Attributes:
        endpoint: Of the client; throttled creates are not sent again by it.
        action: By which it creates.
        documented: The limits of the provider's plans, in creates per minute, the lowest first.
        deadline: Monotonic seconds after which no create is sent.
        progress_at: When a create was accepted last, or the batch began.
        takes_turns: Whether creates wait for their turns before one was throttled. Those of groups do not: a group is
            created now and then, and no plan limits them by the minute.
    """

    endpoint: Endpoint
    action: str
    documented: Sequence[int]
    deadline: float
    progress_at: float
    takes_turns: bool

    @classmethod
    def start(cls, endpoint: Endpoint, action: Action[Any, Any], seconds: float | None = None) -> CreatePacer:
        """For a batch that begins now.

        Args:
            endpoint: Of the client.
            action: By which it creates.
            seconds: For all of its creates; None waits as long as creates are accepted now and then.
        """
        now = endpoint.clock.monotonic()
        of_assets = action is CREATE_ASSET
        documented = sorted(endpoint.provider.tiers.values()) if of_assets else ()
        deadline = now + (inf if seconds is None else seconds)
        return cls(evolve(endpoint, retries_throttled=False), action.name, documented, deadline, now, of_assets)

    def concurrency(self, count: int) -> Flow[int]:
        """How many of so many creates may be under way at once."""
        if count <= 1:
            return count
        at_once: int | None = yield from self._update(lambda pace, _: (pace, pace.concurrency(self.documented)))
        return count if at_once is None else min(at_once, count)

    def take_turn(self, source: str) -> Flow[Turn | None]:
        """Wait until a create may be sent; None where creates take no turns yet.

        Args:
            source: Of the file, or the name of the group, for the event.

        Raises:
            Interrupted: The deadline comes before its turn.
            StateError: The state cannot be used.
        """
        if not self.takes_turns:
            return None
        turn: Turn = yield from self._update(lambda pace, now: pace.reserve(now))
        if self.deadline < inf and self.endpoint.clock.monotonic() + turn.delay > self.deadline:
            raise Interrupted(
                f"{source} was not created: the service limits creates, and the deadline comes first.",
                advice="Run again: it goes on where it stopped. deadline= allows more time.",
            )
        if turn.delay > 0:
            yield Notify(CreateDelayed(source=source, delay=turn.delay))
            yield Sleep(turn.delay)
        return turn

    def accept(self) -> Flow[None]:
        """A create was carried out."""
        if self.takes_turns:
            self.progress_at = self.endpoint.clock.monotonic()
            yield from self._update(lambda pace, now: (pace.accept(now), None))

    def refuse(self, turn: Turn | None, error: Throttled) -> Flow[None]:
        """A create was throttled: it may be sent again when it is its turn.

        Args:
            turn: In which it was sent.
            error: The answer.

        Raises:
            Throttled: That one: the service has accepted no create for ten minutes, or the create may be there.
        """
        self.takes_turns = True
        retry_after, documented = error.retry_after, self.documented
        yield from self._update(
            lambda pace, now: (pace.refuse(now, now if turn is None else turn.at, retry_after, documented), None)
        )
        # After a lost answer the create may be there: whoever asks for it looks first.
        if error.may_have_executed or self.endpoint.clock.monotonic() - self.progress_at >= PATIENCE:
            raise error

    def _update(self, change: Change[T]) -> Flow[T]:
        return update_pace(self.endpoint.paces, self.action, change)
