"""The pace of an account: turns that calls take in order, and the limit that is learnt from being throttled.

A `Pace` is a value; a `PaceTable` holds one for each Action, in this process or in a state for all that share it. By
both, a `CreatePacer` sends creates: a throttled one is waited out, not given up. Throttled is never taken for full:
waiting helps, and nothing needs to be deleted (contract §4).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
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
SLOWER = 0.7  # what a refusal leaves of the rate: the multiplicative decrease of CUBIC (RFC 9438, 4.6)
SLOWEST = 0.5  # calls per minute
PROOF = 2  # how often a plan's limit fits into a minute of ours, which may lie in two of the service's
QUIET = 10.0  # calls without a refusal, but no less than a minute, after which a lowered rate begins to recover
REST = 600.0  # seconds after a refusal for which the limit itself is believed
PATIENCE = 600.0  # seconds without one accepted create, after which a service that throttles is not waited for
_MOST_DOUBLINGS = 30.0
GROWTH = 1.0  # calls per minute by which the rate rises above it in each minute after that


class Turn(NamedTuple):
    """When a call may be sent; both are moments of the table's clock.

    Attributes:
        reserved_at: When the turn was taken.
        at: When it is.
    """

    reserved_at: float
    at: float

    @property
    def delay(self) -> float:
        """Seconds from the one to the other."""
        return self.at - self.reserved_at


@frozen
class Pace:
    """What is known of the pace of one Action; a value. All moments are seconds of one clock.

    Nothing is limited until a call is throttled. What the service then says counts first: nothing is sent before the
    time of `Retry-After` or `x-ratelimit-reset`. The rate is learnt beside that (contract §6, "ark tiers"; the numbers
    are the provider's documented plans, of which some allow a burst and some want calls apart):

    - The first refusal guesses the plan: the lowest one but the first that allows as many calls as were accepted in the
      last minute. A plan without bursts refuses the second call of all.
    - A second refusal in a row, though its turn kept the distance of that plan, is of the next lower plan, unless more
      were accepted in the last minute than that one can allow.
    - Any other refusal leaves 0.7 of the rate, and not less than the next lower plan allows: others use the account, or
      calls that were sent apart arrived together. Where as many were accepted as the plan allows, the rate stays.
    - Refusals in a row lower the rate once, and double the pause, to a minute at most. A minute whose calls are used up
      is waited out.
    - The time of ten calls without a refusal, a minute at least, doubles a lowered rate, up to the plan's limit. After
      ten minutes it rises above that, by one call per minute each minute: the plan may have been changed.
    - Twice as many accepted in a minute as the plan allows: it is another plan, and its limit is not known.

    Where no plans are documented, the first rate is 0.7 of what was accepted in the last minute, or of one a second.

    Attributes:
        next_at: When the next turn is.
        rate: Calls per minute after the last refusal; None if none was throttled.
        limit: Calls per minute up to which the rate recovers; infinite if it is not known.
        lowered_at: When that was learnt.
        refusals: In a row, without an accepted call since.
        window_at: When the present minute began.
        count: Calls that were accepted in it.
        previous: Calls that were accepted in the minute before.
        accepted: Calls that were accepted in all.
    """

    next_at: float = 0.0
    rate: float | None = None
    limit: float = inf
    lowered_at: float = 0.0
    refusals: int = 0
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
        return evolve(pace, next_at=start + until_next), Turn(now, start)

    def accept(self, now: float) -> Pace:
        """A call was carried out."""
        pace = self._at(now)
        if not pace.count and not pace.previous:
            pace = evolve(pace, window_at=now)
        limit = inf if pace.count >= PROOF * pace.limit else pace.limit
        return evolve(pace, count=pace.count + 1, accepted=pace.accepted + 1, refusals=0, limit=limit)

    def refuse(self, now: float, sent_at: float, retry_after: float | None, documented: Sequence[int]) -> Pace:
        """A call was throttled: no turn until one is allowed again, and a distance from then on.

        Args:
            now: The present moment.
            sent_at: When its turn was. One that was under way when the rate was lowered teaches nothing new.
            retry_after: Seconds that the service asked to wait, of which ten minutes are kept; None if it did not say.
            documented: The limits of the provider's plans, in calls per minute, the lowest first.
        """
        pace, pause = self._at(now), 0.0
        if pace.rate is None or sent_at > pace.lowered_at:
            pace = _lower(pace, now, documented)
            pause = _pause(pace, now)
        return evolve(
            pace, next_at=max(pace.next_at, now + min(PATIENCE, pause if retry_after is None else retry_after))
        )

    def rate_at(self, now: float) -> float:
        """Calls per minute that are allowed at that moment; infinite if none was throttled."""
        if self.rate is None:
            return inf
        quiet = now - self.lowered_at
        doublings = min(quiet / (max(1.0, QUIET / self.rate) * MINUTE) - 1, _MOST_DOUBLINGS)
        recovered = max(self.rate, min(self.limit, self.rate * 2**doublings))
        return recovered + GROWTH * max(0.0, quiet - REST) / MINUTE

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


def _lower(pace: Pace, now: float, documented: Sequence[int]) -> Pace:
    """With the rate after one more refusal."""
    rate, recent = pace.rate_at(now), pace.recent(now)
    lowered = evolve(pace, lowered_at=now, refusals=pace.refusals + 1)
    if pace.limit == inf and documented:
        plan = float(next((limit for limit in documented[1:] if limit >= recent), max(recent, documented[-1])))
        return evolve(lowered, rate=min(rate, plan), limit=plan)
    if pace.rate is None:
        return evolve(lowered, rate=max(MINUTE, recent) * SLOWER)
    lower_plan = float(max((limit for limit in documented if limit < pace.limit), default=0))
    if pace.refusals == 1 and lower_plan and recent <= PROOF * lower_plan:
        return evolve(lowered, rate=lower_plan, limit=lower_plan, refusals=1)
    if pace.refusals or recent >= pace.limit:
        return lowered
    return evolve(lowered, rate=min(pace.limit, max(lower_plan, rate * SLOWER, SLOWEST)))


def _pause(pace: Pace, now: float) -> float:
    """Seconds after a refusal until the next turn."""
    if pace.count >= pace.limit:
        return pace.window_at + WINDOW - now
    return min(WINDOW, WINDOW / pace.rate_at(now) * 2.0 ** (pace.refusals - 1))


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
        value: T = yield RunBlocking(partial(table.update, action, change))
        return value
    return table.update(action, change)


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
        turn: Turn | None = None
        while self.takes_turns:
            turn = yield from self._update(lambda pace, now: pace.reserve(now))
            if self.deadline < inf and self.endpoint.clock.monotonic() + turn.delay > self.deadline:
                raise Interrupted(
                    f"{source} was not created: the service limits creates, and the deadline comes first.",
                    advice="Run again: it goes on where it stopped. deadline= allows more time.",
                )
            if turn.delay <= 0:
                break
            yield Notify(CreateDelayed(source=source, delay=turn.delay))
            yield Sleep(turn.delay)
            if (yield from self._is_valid(turn)):
                break
        return turn

    def _is_valid(self, turn: Turn) -> Flow[bool]:
        """Whether no call was throttled since a turn was reserved: after one, all who wait take later turns."""
        return self._update(lambda pace, _: (pace, pace.lowered_at <= turn.reserved_at))

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
            Throttled: That one: the service has accepted no create for ten minutes, or asks for a longer pause, or the
                create may be there.
        """
        self.takes_turns = True
        retry_after, documented = error.retry_after, self.documented
        yield from self._update(
            lambda pace, now: (pace.refuse(now, now if turn is None else turn.at, retry_after, documented), None)
        )
        # After a lost answer the create may be there: whoever asks for it looks first.
        waited = self.endpoint.clock.monotonic() - self.progress_at
        if error.may_have_executed or waited >= PATIENCE or (retry_after or 0.0) > PATIENCE:
            raise error

    def _update(self, change: Change[T]) -> Flow[T]:
        return update_pace(self.endpoint.paces, self.action, change)
