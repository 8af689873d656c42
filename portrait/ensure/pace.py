"""Creates at the pace that the service allows: a throttled one is waited out, not given up.

Throttled is never taken for full: waiting helps, and nothing needs to be deleted (contract §4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, evolve

from portrait.actions import CREATE_ASSET, Action
from portrait.errors import Interrupted, Throttled
from portrait.events import CreateDelayed
from portrait.flow import Flow, Notify, Sleep
from portrait.pace import Change, Turn, update_pace

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

T = TypeVar("T")

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

    def create(self, source: str, send: Callable[[], Flow[T]]) -> Flow[T]:
        """Send a create when it is its turn, again and again while it is throttled.

        Args:
            source: Of the file, or the name of the group, for the event.
            send: Sends it once.

        Raises:
            Throttled: The service has accepted no create for ten minutes.
            Interrupted: The deadline comes before its turn.
            StateError: The state cannot be used; nothing was sent.
            PortraitError: The create failed.
        """
        while True:
            turn = yield from self._take_turn(source)
            try:
                created = yield from send()
            except Throttled as error:
                self.takes_turns = True
                yield from self._refuse(turn, error)
                # After a lost answer the create may be there: whoever asks for it looks first.
                if error.may_have_executed or self.endpoint.clock.monotonic() - self.progress_at >= PATIENCE:
                    raise
            else:
                if self.takes_turns:
                    self.progress_at = self.endpoint.clock.monotonic()
                    yield from self._update(lambda pace, now: (pace.accept(now), None))
                return created

    def _refuse(self, turn: Turn | None, error: Throttled) -> Flow[None]:
        retry_after, documented = error.retry_after, self.documented
        yield from self._update(
            lambda pace, now: (pace.refuse(now, now if turn is None else turn.at, retry_after, documented), None)
        )

    def _update(self, change: Change[T]) -> Flow[T]:
        return update_pace(self.endpoint.paces, self.action, change)

    def _take_turn(self, source: str) -> Flow[Turn | None]:
        if not self.takes_turns:
            return None
        turn: Turn = yield from self._update(lambda pace, now: pace.reserve(now))
        if self.endpoint.clock.monotonic() + turn.delay > self.deadline:
            raise Interrupted(
                f"{source} was not created: the service limits creates, and the deadline comes first.",
                advice="Run again: it goes on where it stopped. deadline= allows more time.",
            )
        if turn.delay > 0:
            yield Notify(CreateDelayed(source=source, delay=turn.delay))
            yield Sleep(turn.delay)
        return turn
