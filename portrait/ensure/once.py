"""A create is carried out once, whatever gets lost: single flight, a claim, and a look before it is sent again.

It is sent by one flow of this process, by one process of those that share a state, and is looked for if its answer is
lost (contract §4, *What is safe to send again*). With a state it is recorded on the disk before it is sent, and stays
there with its id: a read may lag behind it (contract §3), and whoever sent it may be killed. Without a state nothing is
claimed, and processes converge on the oldest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, evolve, field

from portrait.ensure.outcomes import RUN_AGAIN
from portrait.errors import PortraitError, UnknownOutcome
from portrait.flow import Await, Effect, Flow, RunBlocking, Send, Sleep
from portrait.memory import open_state, settle_delay
from portrait.recent_creates import LAG
from portrait.single_flight import LeaderCancelled
from portrait.state import ClaimedCreate, Holder

if TYPE_CHECKING:
    from portrait.clock import Clock
    from portrait.endpoint import Endpoint
    from portrait.memory import Memory
    from portrait.state import Claim, Create, Key
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
MARGIN = LAG + FRESH
"""Seconds by which a claim outlasts what its owner does next. An attempt of a call is bounded by `timeout=`: an owner
that is alive never loses its claim. What one that was killed has sent may be carried out until the end of its attempt;
whoever has the claim after it sees that in a list."""
_UNBOUNDED = 600.0  # seconds for a call without a limit


class _ClaimLost(Exception):
    """This process was suspended for so long that another one may have the claim."""


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
    attempt = _Attempt(state, memory.key(*where), endpoint.clock, endpoint.timeouts.total or _UNBOUNDED)
    while True:
        claimed = yield from attempt.begin(since)
        if not isinstance(claimed, ClaimedCreate):
            return str(claimed.result_id), None
        can_ask = True
        try:
            return (yield from attempt.while_claimed(claimed.claim, attempt.create(create, find)))
        except _ClaimLost:
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
        timeout: Seconds for one attempt of a call.
        claimed: The claim, and the create as it is recorded.
        recorded_at: When that was, in monotonic seconds; None where somebody else recorded it.
        may_exist: Whether it was sent, and nobody knows that it was not carried out.
        result_id: What came of it; None while that is not known.
    """

    state: State
    key: Key
    clock: Clock
    timeout: float
    claimed: ClaimedCreate = field(init=False)
    recorded_at: float | None = None
    may_exist: bool = False
    result_id: str | None = None

    def begin(self, since: float) -> Flow[ClaimedCreate | Create]:
        """The claim, once nobody else has it, for one call and what comes before it; or what was created after `since`.

        Raises:
            StateError: It cannot be recorded; nothing was sent.
        """
        ttl = self.timeout + MARGIN
        while True:
            now = self.clock.monotonic()
            answer: ClaimedCreate | Create | Holder = yield RunBlocking(
                partial(self.state.begin, self.key, ttl, lambda: self.clock.monotonic() - since)
            )
            if isinstance(answer, ClaimedCreate):
                self.claimed = answer
                self.recorded_at = now if answer.is_new else None
                self.may_exist = not answer.is_new
            if not isinstance(answer, Holder):
                return answer
            yield Sleep(POLL)

    def while_claimed(self, claim: Claim, flow: Flow[T]) -> Flow[T]:
        """Run a flow, and renew the claim before each effect that it might not outlast.

        Raises:
            _ClaimLost: It has ended; the flow is closed before it sends anything more.
        """
        ends = self.clock.monotonic() + self.timeout + MARGIN
        resume: Callable[[Any], Effect] = flow.send
        value: Any = None
        while True:
            try:
                effect = resume(value)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            now, ttl = self.clock.monotonic(), _duration(effect) + MARGIN
            if now + ttl > ends + FRESH:  # a first call is in time without another transaction
                if not (yield RunBlocking(partial(self.state.claims.renew, claim, ttl))):
                    flow.close()
                    raise _ClaimLost
                ends = now + ttl
            try:
                value = yield effect
                resume = flow.send
            except BaseException as error:  # noqa: BLE001  (the flow decides, and raises it again)
                resume, value = flow.throw, error

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
        self.state.finish(self.claimed, self.result_id, withdraw=not self.may_exist)


def _duration(effect: Effect) -> float:
    """Seconds that an effect may take."""
    if isinstance(effect, Sleep):
        return effect.seconds
    if isinstance(effect, Send):
        return effect.request.timeouts.total or _UNBOUNDED
    return 0.0


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
