"""What was called of late and how it ended, without secrets. Owns a ring of tuples; they become words only when read.

Must not know tokens, keys or bodies: whoever notes a call gives a validation's handle in their place.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from emulator.stamps import Stamps

_MOST = 10_000


class Journal:
    """The last 10,000 calls.

    Args:
        stamps: Writes times.
    """

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._notes: deque[tuple[float, str, str, str, int, str, str]] = deque(maxlen=_MOST)
        # The hot path: time, action, customer, outcome, HTTP status, request id, handle.
        self.note = self._notes.append

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
            self._worded(note)
            for note in tuple(self._notes)
            if (since is None or note[0] >= since) and all(value in {None, note[at]} for at, value in wanted)
        ]

    def _worded(self, note: tuple[float, str, str, str, int, str, str]) -> dict[str, Any]:
        moment, action, customer, outcome, status, request_id, handle = note
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
