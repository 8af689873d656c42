"""A speed limit that a client sets itself, in calls per second. Safe across threads; it neither sleeps nor sends."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from portrait.actions import ACTIONS
from portrait.errors import UsageError

UPLOAD = "upload"  # the gateway's upload is no Action, and may be paced like one


class RateLimiter:
    """Spreads calls evenly.

    Args:
        rates: One number for all calls together, or one for each Action; an Action that is not named is not limited.

    Raises:
        UsageError: A rate is not above zero, or the name is of no Action.
    """

    def __init__(self, rates: float | Mapping[str, float]) -> None:
        self._global = not isinstance(rates, Mapping)
        self._rates = dict(rates) if isinstance(rates, Mapping) else {"": rates}
        if any(not rate > 0 for rate in self._rates.values()):
            raise UsageError("pace= takes calls per second, above zero.")
        unknown = set(rates) - set(ACTIONS) - {UPLOAD} if isinstance(rates, Mapping) else ()
        if unknown:
            raise UsageError(f"pace= names no Action: {', '.join(sorted(unknown))}.")
        self._next_slot: dict[str, float] = {}
        self._lock = threading.Lock()

    def reserve(self, action: str, now: float) -> float:
        """Take the next slot; returns the seconds until it.

        Args:
            action: The Action that is to be called.
            now: Monotonic seconds.
        """
        key = "" if self._global else action
        rate = self._rates.get(key)
        if rate is None:
            return 0.0
        with self._lock:
            start = max(now, self._next_slot.get(key, now))
            self._next_slot[key] = start + 1 / rate
        return start - now
