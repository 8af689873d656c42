"""A create is carried out once, whatever gets lost: single flight, a claim, and a look before it is sent again.

It is sent by one flow of this process, by one process of those that share a state, and is looked for if its answer is
lost (contract §4, *What is safe to send again*). With a state it is recorded on the disk before it is sent, and stays
there with its id: a read may lag behind it (contract §3), and whoever sent it may be killed. Without a state nothing is
claimed, and processes converge on the oldest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from attrs import define, evolve, field

from portrait.clock import SystemClock
from portrait.ensure.batch import RUN_AGAIN
from portrait.errors import NotAccessible, PortraitError, Throttled, UnknownOutcome
from portrait.flow import Await, Flow, Hold, RunBlocking, Sleep
from portrait.memory import open_state, settle_delay
from portrait.recent_creates import LAG
from portrait.rights import RightLost
from portrait.single_flight import LeaderCancelled
from portrait.state import ClaimedCreate, Holder, Key
from portrait.wait import pause_until_visible

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.memory import Memory
    from portrait.pace import CreatePacer
    from portrait.state.state import State

T = TypeVar("T")

# Seconds before each look after a lost answer. Together they are as long as `LAG`.
VERIFY_DELAYS = (3.0, 4.0, 4.0)
MAX_CREATES = 3  # each after it was seen that the one before was not carried out

POLL = 0.5  # seconds between two looks at a claim that somebody else has
FRESH = 1.0
"""Seconds for which the moment of a record is that of the create: one that is sent later is recorded again, so that
whoever finds it waits for as long as a read may lag behind it."""
LEASE = 15.0
"""Seconds for which a claim holds without a sign of life: after that long, one of a killed owner is free. An owner that
is alive renews it all the while. What one that was killed has sent is seen in a list by whoever has the claim next, if
the service has carried it out by then: `LEASE` is longer than `LAG`."""
RENEWAL = 5.0  # seconds after which a claim is renewed
_UNBOUNDED = 600.0  # seconds for a call without a limit


@define
class _Claim:
    """One thing that nobody else creates now.

    Attributes:
        created_id: What came of it; None while that is not known.
        claimed: The state's claim, and the create as it is recorded; None without a state.
        recorded_at: When it was recorded, in monotonic seconds; None where somebody else recorded it.
        may_exist: Whether it was sent, and nobody knows that it was not carried out.
    """

    created_id: str | None = None
    claimed: ClaimedCreate | None = None
    recorded_at: float | None = None
    may_exist: bool = False


@define
class Creation:
    """The things that one create makes: claimed one by one, created together, and released together.

    Attributes:
        endpoint: Of the client.
        memory: Of the client.
        scope: Where they are created: a group's id, or a digest of a project or a name.
    """

    endpoint: Endpoint
    memory: Memory
    scope: str
    _state: State | None = field(default=None, init=False)
    _claims: dict[str, _Claim] = field(factory=dict, init=False)  # by item

    def run(self, create: Callable[[], Flow[T]]) -> Flow[T]:
        """Run a flow that claims things and creates them. What it has claimed is renewed meanwhile, and released.

        Args:
            create: Makes the flow. It is begun again where a claim has ended.

        Raises:
            StateError: The state cannot be used; nothing was sent.
            PortraitError: A create failed, here or where it was waited for.
        """
        single_flight, clock = self.memory.single_flight, self.endpoint.clock
        try:
            self._state = yield from open_state(self.memory)
            value = yield from (create() if self._state is None else self._run_renewed(create))
        except BaseException as error:
            for item in self._claims:
                single_flight.complete((self.scope, item), clock.monotonic(), error)
            raise
        for item, claim in self._claims.items():
            single_flight.complete((self.scope, item), clock.monotonic(), claim.created_id or LeaderCancelled())
        return value

    def claim(self, item: str, since: float, find: Callable[[], Flow[str | None]]) -> Flow[str | None]:
        """Claim a thing, once nobody else has it; or return its id, where somebody else has created it.

        Args:
            item: What it is: a digest of a content, or of a group's name.
            since: What was created after that, in monotonic seconds, is taken.
            find: Looks for it where a create was sent and nobody knows what came of it.

        Raises:
            StateError: It cannot be recorded; nothing was sent.
            PortraitError: The create that was waited for has failed.
        """
        while item not in self._claims:
            future, is_leader = self.memory.single_flight.join((self.scope, item), since)
            if is_leader:
                break
            try:
                return (yield Await(future))  # type: ignore[no-any-return]
            except LeaderCancelled:
                yield Sleep(LAG)
            since = self.endpoint.clock.monotonic() - LAG
            found = yield from find()
            if found is not None:
                return found
        claim = self._claims[item] = _Claim()
        if self._state is not None:
            claim.created_id = yield from self._claim_among_processes(self._state, item, since, find)
        return claim.created_id

    def create(
        self,
        send: Callable[[], Flow[T]],
        find: Callable[[], Flow[T | None]] | None,
        *,
        pace: CreatePacer,
        source: str,
        what: str,
        group_id: str | None = None,
    ) -> Flow[tuple[T, bool]]:
        """Create what is claimed, exactly once; returns it, and whether its answer was lost and it had to be found.

        Args:
            send: Sends the create once.
            find: Looks for what it makes; None where nothing can be looked in: then a lost answer is its end.
            pace: Of all creates.
            source: Of the file, or the name of the group, for events.
            what: The create, for errors.
            group_id: In which it creates; one that was created a moment ago may not be visible yet (contract §3).

        Raises:
            UnknownOutcome: Answers were lost, and looking did not show what was done.
            Interrupted: The deadline came first.
            PortraitError: The create was refused.
        """
        lost: PortraitError | None = None
        for _ in range(MAX_CREATES):
            try:
                return (yield from self._send_in_turn(send, pace, source, group_id)), False
            except PortraitError as error:
                if not error.may_have_executed or find is None:
                    raise
                lost = error
            found = yield from _verify(find, what, lost)
            if found is not None:
                return found, True
        raise UnknownOutcome(f"{what}: {MAX_CREATES} answers were lost.", advice=RUN_AGAIN) from lost

    def set_id(self, item: str, created_id: str) -> None:
        """Say what came of a thing that is claimed: all who want it take that."""
        self._claims[item].created_id = created_id

    def _run_renewed(self, create: Callable[[], Flow[T]]) -> Flow[T]:
        while True:
            try:
                return (yield Hold(create(), self._renew, RENEWAL, self._release))  # type: ignore[no-any-return]
            except RightLost:
                continue

    def _claim_among_processes(
        self, state: State, item: str, since: float, find: Callable[[], Flow[str | None]]
    ) -> Flow[str | None]:
        clock, key, claim = self.endpoint.clock, Key(self.memory.account, self.scope, item), self._claims[item]
        begin = partial(state.creates.begin, key, self._lease, lambda: clock.monotonic() - since)
        begun_at = clock.monotonic()
        while isinstance(answer := (yield RunBlocking(begin)), Holder):
            yield Sleep(POLL)
            begun_at = clock.monotonic()
        if not isinstance(answer, ClaimedCreate):
            return answer.result_id  # type: ignore[no-any-return]
        claim.claimed = answer
        if answer.is_new:
            claim.recorded_at = begun_at
            return None
        # Somebody sent it, or was about to, and did not live to see the answer.
        claim.may_exist = True
        yield Sleep(settle_delay(-answer.create.age, 0.0))
        found = yield from find()
        claim.may_exist = found is not None
        return found

    def _send_in_turn(
        self, send: Callable[[], Flow[T]], pace: CreatePacer, source: str, group_id: str | None
    ) -> Flow[T]:
        """Send the create when it is its turn, again and again while it is throttled."""
        while True:
            turn = yield from pace.take_turn(source)
            try:
                created = yield from self._send(send, group_id)
            except Throttled as error:
                yield from pace.refuse(turn, error)
            else:
                yield from pace.accept()
                return created

    def _send(self, send: Callable[[], Flow[T]], group_id: str | None) -> Flow[T]:
        """Send the create, again and again while its group is not visible yet; each is on the disk before it is sent.

        An earlier one is known not to have been carried out.
        """
        while True:
            try:
                yield from self._record()
                return (yield from send())
            except PortraitError as error:
                for claim in self._claims.values():
                    claim.may_exist = error.may_have_executed
                if group_id is None or not isinstance(error, NotAccessible):
                    raise
                yield from pause_until_visible(self.endpoint, group_id, error)

    def _record(self) -> Flow[None]:
        now = self.endpoint.clock.monotonic()
        for claim in self._claims.values():
            if self._state is None or claim.claimed is None or claim.created_id is not None:
                continue
            if claim.recorded_at is None or now - claim.recorded_at > FRESH:
                create = yield RunBlocking(partial(self._state.creates.record_again, claim.claimed.create))
                claim.claimed, claim.recorded_at = evolve(claim.claimed, create=create), now
            claim.may_exist = True

    @property
    def _lease(self) -> float:
        # Nothing can wait beside a call on a clock of a test, which moves by waiting: the claim holds for all of it.
        can_beat = isinstance(self.endpoint.clock, SystemClock)
        return LEASE if can_beat else LEASE + (self.endpoint.timeouts.total or _UNBOUNDED)

    def _renew(self) -> bool:
        """Make all claims hold for their whole time again; False where one has ended. It blocks."""
        claims = [claim.claimed for claim in list(self._claims.values()) if claim.claimed is not None]
        return self._state is None or all(self._state.claims.renew(each.claim, self._lease) for each in claims)

    def _release(self) -> None:
        """Release the claims, and record what is known of the creates. It blocks."""
        for claim in self._claims.values():
            if self._state is not None and claim.claimed is not None:
                self._state.creates.finish(claim.claimed, claim.created_id, withdraw=not claim.may_exist)
                claim.claimed = None


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
