"""A speed limit that a client sets itself, in calls per second. Safe across threads; it neither sleeps nor sends."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from portrait.errors import UsageError


class Pace:
    """Spreads calls evenly.

    Args:
        rates: One number for all calls together, or one for each Action; an Action that is not named is not limited.

    Raises:
        UsageError: A rate is not above zero.
    """

    def __init__(self, rates: float | Mapping[str, float]) -> None:
        self._one = not isinstance(rates, Mapping)
        self._rates = dict(rates) if isinstance(rates, Mapping) else {"": rates}
        if any(not rate > 0 for rate in self._rates.values()):
            raise UsageError("pace= takes calls per second, above zero.")
        self._free: dict[str, float] = {}
        self._lock = threading.Lock()

    def reserve(self, action: str, now: float) -> float:
        """Take the next slot; returns the seconds until it.

        Args:
            action: The Action that is to be called.
            now: Monotonic seconds.
        """
        key = "" if self._one else action
        rate = self._rates.get(key)
        if rate is None:
            return 0.0
        with self._lock:
            start = max(now, self._free.get(key, now))
            self._free[key] = start + 1 / rate
        return start - now
