"""A create is carried out once, whatever gets lost: single flight, a claim, and a look before it is sent again.

It is sent by one flow of this process, by one process of those that share a state, and is looked for if its answer is
lost (contract §4, *What is safe to send again*). With a state it is recorded on the disk before it is sent, and stays
there with its id: a read may lag behind it (contract §3), and whoever sent it may be killed. Without a state nothing is
claimed, and processes converge on the oldest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, evolve, field

from portrait.clock import SystemClock
from portrait.ensure.outcomes import RUN_AGAIN
from portrait.errors import PortraitError, UnknownOutcome
from portrait.flow import Await, Effect, Flow, Gather, Heartbeat, RunBlocking, Send, Sleep
from portrait.memory import open_state, settle_delay
from portrait.recent_creates import LAG
from portrait.single_flight import LeaderCancelled
from portrait.state import ClaimedCreate, Holder

if TYPE_CHECKING:
    from portrait.clock import Clock
    from portrait.endpoint import Endpoint
    from portrait.memory import Memory
    from portrait.state import Create, Key
    from portrait.state.state import State

T = TypeVar("T")
Sending = Callable[[Callable[[], Flow[T]]], Flow[T]]  # sends a create, and records that it does

# Seconds before each look after a lost answer. Together they are as long as `LAG`.
VERIFY_DELAYS = (3.0, 4.0, 4.0)
MAX_CREATES = 3  # each after it was seen that the one before was not carried out

POLL = 0.5  # seconds between two looks at a claim that somebody else has
FRESH = 1.0
"""Seconds for which the moment of a record is that of the create: one that is sent later is recorded again, so that
whoever finds it waits for as long as a read may lag behind it."""
LEASE = 15.0
"""Seconds for which a claim holds without a sign of life: after that long, one of a killed owner is free. An owner that
is alive renews it before each effect, and from beside a call that takes long. What one that was killed has sent is seen
in a list by whoever has the claim next, if the service has carried it out by then: `LEASE` is longer than `LAG`."""
RENEWAL = 5.0  # seconds after which a claim is renewed
_UNBOUNDED = 600.0  # seconds for a call without a limit


def create_once(
    endpoint: Endpoint,
    memory: Memory,
    where: tuple[str, str],
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
                created_id, value = yield from _create_claimed(endpoint, memory, where, since, create=create, find=find)
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


def _create_claimed(
    endpoint: Endpoint,
    memory: Memory,
    where: tuple[str, str],
    since: float,
    *,
    create: Callable[[Sending[Any]], Flow[tuple[str, T]]],
    find: Callable[[], Flow[str | None]],
) -> Flow[tuple[str, T | None]]:
    """As `create_once`, among the processes that share the state."""
    state = yield from open_state(memory)
    if state is None:
        return (yield from create(lambda send: send()))
    # Nothing can wait beside a call on a clock of a test, which moves by waiting: the claim holds for all of the call.
    can_beat = isinstance(endpoint.clock, SystemClock)
    lease = LEASE if can_beat else LEASE + (endpoint.timeouts.total or _UNBOUNDED)
    attempt = _Attempt(state, memory.key(*where), endpoint.clock, lease)
    while True:
        claimed = yield from attempt.begin(since)
        if not isinstance(claimed, ClaimedCreate):
            return str(claimed.result_id), None
        can_ask = True
        try:
            return (yield from attempt.renewal().keep(attempt.create(create, find)))
        except RightLost:
            continue
        except GeneratorExit:  # the claim ends by itself
            can_ask = False
            raise
        finally:
            if can_ask:
                yield RunBlocking(attempt.finish)


@define
class _Attempt:
    """One wish to create one thing.

    Attributes:
        state: Shared with others who may want it, too.
        key: What it is.
        clock: Of the client.
        lease: Seconds for which a claim holds when it is taken or renewed.
        claimed: The claim, and the create as it is recorded.
        begun_at: When the claim was taken, in monotonic seconds.
        recorded_at: When that was, in monotonic seconds; None where somebody else recorded it.
        may_exist: Whether it was sent, and nobody knows that it was not carried out.
        result_id: What came of it; None while that is not known.
    """

    state: State
    key: Key
    clock: Clock
    lease: float
    claimed: ClaimedCreate = field(init=False)
    begun_at: float = 0.0
    recorded_at: float | None = None
    may_exist: bool = False
    result_id: str | None = None

    def begin(self, since: float) -> Flow[ClaimedCreate | Create]:
        """The claim, once nobody else has it; or what was created after `since`.

        Raises:
            StateError: It cannot be recorded; nothing was sent.
        """
        while True:
            now = self.begun_at = self.clock.monotonic()
            answer: ClaimedCreate | Create | Holder = yield RunBlocking(
                partial(self.state.creates.begin, self.key, self.lease, lambda: self.clock.monotonic() - since)
            )
            if isinstance(answer, ClaimedCreate):
                self.claimed = answer
                self.recorded_at = now if answer.is_new else None
                self.may_exist = not answer.is_new
            if not isinstance(answer, Holder):
                return answer
            yield Sleep(POLL)

    def renewal(self) -> Renewal:
        """Renews the claim."""
        renew = partial(self.state.claims.renew, self.claimed.claim, self.lease)
        return Renewal(renew, self.clock, RENEWAL, self.begun_at)

    def create(
        self, create: Callable[[Sending[Any]], Flow[tuple[str, T]]], find: Callable[[], Flow[str | None]]
    ) -> Flow[tuple[str, T | None]]:
        """Create it under the claim; look first for a create that another process left without an answer."""
        if self.recorded_at is None:
            yield Sleep(settle_delay(-self.claimed.create.age, 0.0))
            self.result_id = yield from find()
            if self.result_id is not None:
                return self.result_id, None
            self.may_exist = False
        self.result_id, value = yield from create(self.send)
        return self.result_id, value

    def send(self, send: Callable[[], Flow[T]]) -> Flow[T]:
        """Record a create on the disk, then send it. An earlier one is known not to have been carried out.

        Raises:
            StateError: It cannot be recorded; nothing was sent.
            PortraitError: The create failed.
        """
        now = self.clock.monotonic()
        if self.recorded_at is None or now - self.recorded_at > FRESH:
            record = yield RunBlocking(partial(self.state.creates.record_again, self.claimed.create))
            self.claimed, self.recorded_at = evolve(self.claimed, create=record), now
        self.may_exist = True
        try:
            return (yield from send())
        except PortraitError as error:
            self.may_exist = error.may_have_executed
            raise

    def finish(self) -> None:
        """Release the claim, and record what is known of the create. It blocks."""
        self.state.creates.finish(self.claimed, self.result_id, withdraw=not self.may_exist)


class RightLost(Exception):
    """The right has ended: this process was suspended for too long, and somebody else may have it."""


@define
class Renewal:
    """Renews a right before the effects of a flow, and from beside its calls.

    Attributes:
        renew: Makes it hold for its whole time again; False where it has ended. It blocks.
        clock: Of the client.
        interval: Seconds after which it is renewed.
        renewed_at: When it was taken or renewed, in monotonic seconds.
    """

    renew: Callable[[], bool]
    clock: Clock
    interval: float
    renewed_at: float

    def keep(self, flow: Flow[T]) -> Flow[T]:
        """Run a flow, and the flows that it gathers, and renew the right all the while.

        Raises:
            RightLost: It has ended; the flow is closed before it sends anything more.
        """
        resume: Callable[[Any], Effect] = flow.send
        value: Any = None
        while True:
            try:
                effect = resume(value)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            try:
                value = yield from self._carry_out(effect)
                resume = flow.send
            except RightLost:
                flow.close()
                raise
            except BaseException as error:  # noqa: BLE001  (the flow decides, and raises it again)
                resume, value = flow.throw, error

    def _carry_out(self, effect: Effect) -> Flow[Any]:
        """A pause in pieces, a call with renewals beside it."""
        if isinstance(effect, Sleep):
            for piece in self._pieces(effect.seconds):
                yield from self._renew_if_due()
                yield Sleep(piece)
            return None
        if isinstance(effect, Gather):
            return (yield evolve(effect, flows=[self.keep(flow) for flow in effect.flows]))
        if isinstance(effect, Send | Heartbeat | RunBlocking):
            yield from self._renew_if_due()
        if isinstance(effect, Send) and isinstance(self.clock, SystemClock):
            effect = Heartbeat(effect, self._beat, self.interval)
        elif isinstance(effect, Heartbeat):
            interval = min(effect.interval, self.interval)
            effect = Heartbeat(effect.effect, _both(effect.beat, self._beat), interval)
        return (yield effect)

    def _renew_if_due(self) -> Flow[None]:
        now = self.clock.monotonic()
        if now - self.renewed_at < self.interval:
            return
        if not (yield RunBlocking(self.renew)):
            raise RightLost
        self.renewed_at = now

    def _beat(self) -> None:
        """Renew it from beside a call. It blocks; that it was lost, or cannot be renewed, is noticed later."""
        now = self.clock.monotonic()
        if now - self.renewed_at < self.interval / 2:
            return
        self.renewed_at = -inf
        if self.renew():
            self.renewed_at = now

    def _pieces(self, seconds: float) -> Iterator[float]:
        """A pause in pieces that the right outlasts."""
        while seconds > self.interval:
            yield self.interval
            seconds -= self.interval
        yield seconds


def _both(first: Callable[[], object], second: Callable[[], object]) -> Callable[[], None]:
    def beat() -> None:
        with contextlib.suppress(Exception):
            first()
        second()

    return beat


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
