"""What was called of late and how it ended. Owns a ring of tuples; they become words only when read.

Must not know tokens or bodies: whoever notes a call gives a validation's handle in their place. A call is noted under
its customer's name, and where no keys were configured that name is the Bearer key itself: reading shows it then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from emulator.timestamps import TimestampFormatter

_MOST = 10_000

CallRecord = tuple[float, str, str, str, int, str, str]
"""Time, action, customer, outcome, HTTP status, request id, handle."""


class CallLog:
    """The last 10,000 calls.

    Args:
        stamps: Writes times.
        on_note: Is told of each note as well; nobody without.
    """

    def __init__(self, stamps: TimestampFormatter, on_note: Callable[[CallRecord], None] | None = None) -> None:
        self._stamps = stamps
        self._notes: deque[CallRecord] = deque(maxlen=_MOST)
        # The hot path: where nobody is to be told it costs nothing to ask.
        self.add = self._notes.append if on_note is None else _both(self._notes.append, on_note)

    def clear(self) -> None:
        """Forget all calls."""
        self._notes.clear()

    def read(
        self,
        *,
        action: str | None = None,
        customer: str | None = None,
        outcome: str | None = None,
        since: float | None = None,
    ) -> list[dict[str, Any]]:
        """The calls that match everything given, oldest first.

        Args:
            action: As on the wire.
            customer: Whose.
            outcome: `ok`, or the code of a refusal.
            since: Seconds since 1970, which are included.
        """
        wanted = ((1, action), (2, customer), (3, outcome))
        return [
            self._worded(add)
            for add in tuple(self._notes)
            if (since is None or add[0] >= since) and all(value in {None, add[at]} for at, value in wanted)
        ]

    def _worded(self, add: CallRecord) -> dict[str, Any]:
        moment, action, customer, outcome, status, request_id, handle = add
        worded: dict[str, Any] = {
            "time": self._stamps(moment),
            "action": action,
            "customer": customer,
            "outcome": outcome,
            "status": status,
            "request_id": request_id,
        }
        if handle:
            worded["validation"] = handle
        return worded


def _both(keep: Callable[[CallRecord], None], tell: Callable[[CallRecord], None]) -> Callable[[CallRecord], None]:
    def add(add: CallRecord) -> None:
        keep(add)
        tell(add)

    return add
