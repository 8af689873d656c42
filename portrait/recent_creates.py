"""Ids that this client created a short time ago: for these, "not found" means "not visible yet"."""

from __future__ import annotations

import threading
from collections import OrderedDict
from math import inf

# Seconds: a project had to tolerate reads that lagged that long behind its own creates. Contract §3 (M).
VISIBILITY_LAG = 180.0

LAG = 11.0
"""Seconds after which a list that lacks something is believed: more than the 10 s by which reads lag (contract §3)."""

MAX_REMEMBERED = 10_000  # ids


class RecentCreates:
    """The ids of what a client has created, and when. Safe across threads.

    Every create that is called through a client is noted here, and so is every deletion and every asset that was read:
    what was deleted or was visible once is not waited for.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._created: OrderedDict[str, float] = OrderedDict()

    def add(self, created_id: str, now: float) -> None:
        """A create was answered.

        Args:
            created_id: Of an asset or a group.
            now: Monotonic seconds.
        """
        with self._lock:
            self._created[created_id.lower()] = now
            self._created.move_to_end(created_id.lower())
            while len(self._created) > MAX_REMEMBERED:
                self._created.popitem(last=False)

    def discard(self, some_id: str) -> None:
        """It was deleted or read: that it is not there is not a lag."""
        if self._created.get(some_id.lower()) != -inf:  # a wait reads the same asset again and again
            self.add(some_id, -inf)

    def knows(self, some_id: str) -> bool:
        """Whether this client has created, read or deleted it."""
        with self._lock:
            return some_id.lower() in self._created

    def lag_left(self, some_id: str, now: float) -> float:
        """Seconds for which reads may still not show it; 0.0 for what this client has not created lately.

        Args:
            some_id: Of an asset or a group.
            now: Monotonic seconds.
        """
        with self._lock:
            created_at = self._created.get(some_id.lower())
        return 0.0 if created_at is None else max(0.0, created_at + VISIBILITY_LAG - now)
