"""One create for many processes that share a state: who has the claim creates, the others take what came of it.

A create is recorded on the disk before it is sent, and stays there with its id: a read may lag behind it (contract §3),
and whoever sent it may be killed. Without a state nothing is claimed, and processes converge on the oldest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, evolve, field

from portrait.errors import PortraitError
from portrait.flow import Effect, Flow, RunBlocking, Send, Sleep
from portrait.recent_creates import VISIBILITY_LAG
from portrait.state import ClaimedCreate, Holder

if TYPE_CHECKING:
    from portrait.clock import Clock
    from portrait.endpoint import Endpoint
    from portrait.memory import Memory
    from portrait.state import Claim, Create, Key
    from portrait.state.state import State

T = TypeVar("T")
Sending = Callable[[Callable[[], Flow[T]]], Flow[T]]  # sends a create, and records that it does

LAG = 11.0
"""Seconds after which a list that lacks something is believed: more than the 10 s by which reads lag (contract §3)."""

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


def create_claimed(
    endpoint: Endpoint,
    memory: Memory,
    where: tuple[str, str],
    since: float,
    *,
    create: Callable[[Sending[Any]], Flow[tuple[str, T]]],
    find: Callable[[], Flow[str | None]],
) -> Flow[tuple[str, T | None]]:
    """Create a thing, or take it from the process that creates it.

    Returns its id, and the other value of `create`; None where somebody else has created it.

    Args:
        endpoint: Of the client.
        memory: Of the client.
        where: The scope and the item, as the state has them.
        since: What was created after that, in monotonic seconds, is taken.
        create: Creates it; sends each create by the function that it gets.
        find: Looks for it where a create was sent and nobody knows what came of it.

    Raises:
        StateError: The state cannot be used; nothing was sent.
        PortraitError: The create failed.
    """
    state: State | None = yield RunBlocking(memory.open_state)
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


def settle_delay(created_at: float | None, now: float) -> float:
    """Seconds until lists surely show what was created at that time; both times are in the same clock's seconds."""
    return 0.0 if created_at is None else min(max(0.0, created_at + LAG - now), LAG)


def recall(
    endpoint: Endpoint, memory: Memory, scope: str, missing: Iterable[str]
) -> Flow[tuple[dict[str, str], float]]:
    """What is known of things that a list lacks: ids by item, and seconds for which others may be missing from a list.

    Args:
        endpoint: Of the client; the ids count as its own fresh creates from now on.
        memory: Of the client.
        scope: Where.
        missing: The items that a list lacks.

    Raises:
        StateError: The state cannot be read.
    """
    items = {item: memory.single_flight.completed_at((scope, item)) for item in missing}
    state: State | None = yield RunBlocking(memory.open_state)
    now = endpoint.clock.monotonic()
    lags = {item: settle_delay(completed_at, now) for item, completed_at in items.items()}
    if state is None or not items:
        return {}, max(lags.values(), default=0.0)
    creates, age = yield RunBlocking(
        lambda: (state.creates.recent(memory.account, scope, VISIBILITY_LAG), state.replacement_age())
    )
    known: dict[str, str] = {}
    for create in creates:
        item = create.key.item
        if item in items and create.result_id is not None:
            known[item] = create.result_id
            endpoint.recent.add(create.result_id, now - create.age)
        elif item in items:
            lags[item] = max(lags[item], settle_delay(-create.age, 0.0))
    # What a state that was lost knew may be hidden as well.
    lost = 0.0 if age is None else settle_delay(-age, 0.0)
    unknown = [max(lag, lost) for item, lag in lags.items() if item not in known]
    return known, max(unknown, default=0.0)
