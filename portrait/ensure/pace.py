"""Creates at the pace that the service allows: a throttled one is waited out, not given up.

Throttled is never taken for full: waiting helps, and nothing needs to be deleted (contract §4).
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, TypeVar

from attrs import define, evolve, field

from portrait.errors import Interrupted, Throttled
from portrait.events import CreateDelayed
from portrait.flow import Flow, Notify, Sleep

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

T = TypeVar("T")

PATIENCE = 600.0  # seconds without one accepted create, after which a service that throttles is not waited for


@define
class CreatePacer:
    """The creates of one batch, at the pace that its client has learnt.

    Attributes:
        endpoint: Of the client; throttled creates are not sent again by it.
        deadline: Monotonic seconds after which no create is sent.
        progress_at: When a create was accepted last, or the batch began.
    """

    endpoint: Endpoint
    deadline: float
    progress_at: float = field(default=0.0)

    @classmethod
    def start(cls, endpoint: Endpoint, seconds: float | None) -> CreatePacer:
        """For a batch that begins now.

        Args:
            endpoint: Of the client.
            seconds: For all of its creates; None waits as long as creates are accepted now and then.
        """
        now = endpoint.clock.monotonic()
        deadline = now + (inf if seconds is None else seconds)
        return cls(evolve(endpoint, retries_throttled=False), deadline, now)

    def create(self, source: str, send: Callable[[], Flow[T]]) -> Flow[T]:
        """Send a create when it is its turn, again and again while it is throttled.

        Args:
            source: Of the file, for the event.
            send: Sends it once.

        Raises:
            Throttled: The service has accepted no create for ten minutes.
            Interrupted: The deadline comes before its turn.
            PortraitError: The create failed.
        """
        pace, clock = self.endpoint.create_pace, self.endpoint.clock
        while True:
            yield from self._await_turn(source, pace.reserve(clock.monotonic()))
            try:
                created = yield from send()
            except Throttled as error:
                now = clock.monotonic()
                pace.refuse(now, error.retry_after)
                # After a lost answer the create may be there: whoever asks for it looks first.
                if error.may_have_executed or now - self.progress_at >= PATIENCE:
                    raise
            else:
                self.progress_at = clock.monotonic()
                pace.accept(self.progress_at)
                return created

    def _await_turn(self, source: str, delay: float) -> Flow[None]:
        if self.endpoint.clock.monotonic() + delay > self.deadline:
            raise Interrupted(
                f"{source} was not created: the service limits creates, and the deadline comes first.",
                advice="Run again: it goes on where it stopped; deadline= allows more time.",
            )
        if delay > 0:
            yield Notify(CreateDelayed(source=source, delay=delay))
            yield Sleep(delay)
