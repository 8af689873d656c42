"""Rate limits: one that a client sets itself, and one that it learns from being throttled.

Both are safe across threads, and neither sleeps nor sends.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from math import inf

from portrait.actions import ACTIONS
from portrait.errors import UsageError

UPLOAD = "upload"  # the gateway's upload is no Action, and may be paced like one

MINUTE = 60.0  # seconds
MARGIN = 1.02  # by how much creates are further apart than the limit asks for: two clocks never run alike
SLOWER = 0.7  # what is left of a learnt rate that was still too high, such as where others share the account
SLOWEST = 0.5  # creates per minute


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


class LearntPace:
    """How many assets a service lets a client create in a minute, learnt from its refusals.

    Nothing is limited until a create is throttled: then as many creates are allowed in a minute as were accepted in
    the last one. Until it is known that there is room, few are sent at once, so that few are refused.

    Args:
        documented: The limits of the provider's plans, in creates per minute.
    """

    def __init__(self, documented: Iterable[int] = ()) -> None:
        self._documented = sorted(documented)
        self._rate = inf
        self._next_slot = 0.0
        self._accepted: deque[float] = deque()
        self._count = 0
        self._lock = threading.Lock()

    @property
    def concurrency(self) -> int | None:
        """How many creates may be sent at once; None for any number, once more than the lowest plan's were accepted."""
        lowest = self._documented[0] if self._documented else 0
        steps = {1: lowest, 2: lowest + 4}
        return next((at_once for at_once, count in steps.items() if lowest and self._count < count), None)

    def reserve(self, now: float) -> float:
        """Take the next slot; returns the seconds until it.

        Args:
            now: Monotonic seconds.
        """
        with self._lock:
            if self._rate == inf:
                return 0.0
            slot = max(now, self._next_slot)
            self._next_slot = slot + self._interval
            return slot - now

    def accept(self, now: float) -> None:
        """A create was carried out.

        Args:
            now: Monotonic seconds.
        """
        with self._lock:
            self._count += 1
            self._accepted.append(now)
            self._forget(now)

    def refuse(self, now: float, retry_after: float | None) -> None:
        """A create was throttled: wait until one is allowed again, and keep a distance from then on.

        Args:
            now: Monotonic seconds.
            retry_after: Seconds that the service asked to wait; None if it did not say.
        """
        with self._lock:
            self._forget(now)
            count, lower = len(self._accepted), [rate for rate in self._documented if rate < self._rate]
            if self._documented and count >= self._documented[0]:
                self._rate = min(self._rate, count)
                free = self._accepted[0] + MINUTE * MARGIN
            else:
                # The plan's limit is used up by others, or it is one that allows no burst: the next lower one but
                # the highest, for which there is no evidence.
                self._rate = lower[-2] if self._rate == inf and len(lower) > 1 else self._lower(lower)
                free = now + self._interval
            self._next_slot = max(self._next_slot, free if retry_after is None else now + retry_after)

    def _lower(self, documented: Sequence[int]) -> float:
        if documented:
            return documented[-1]
        return max(SLOWEST, (MINUTE if self._rate == inf else self._rate) * SLOWER)

    @property
    def _interval(self) -> float:
        return MINUTE / self._rate * MARGIN

    def _forget(self, now: float) -> None:
        while self._accepted and self._accepted[0] <= now - MINUTE * MARGIN:
            self._accepted.popleft()
