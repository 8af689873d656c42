"""Ids that this client created a short time ago: for these, "not found" means "not visible yet"."""

from __future__ import annotations

import threading
from collections import OrderedDict

# Seconds: a project had to tolerate reads that lagged that long behind its own creates. Contract §3 (M).
VISIBILITY_LAG = 180.0

LAG = 11.0
"""Seconds after which a list that lacks something is believed: more than the 10 s by which reads lag (contract §3)."""

MAX_REMEMBERED = 10_000  # ids


class RecentCreates:
    """The ids of what a client has created, and when. Safe across threads.

    Every create that is called through a client is noted here, and so is every deletion: what was deleted is not
    waited for.
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
            while len(self._created) > MAX_REMEMBERED:
                self._created.popitem(last=False)

    def discard(self, deleted_id: str) -> None:
        """A deletion was answered."""
        with self._lock:
            self._created.pop(deleted_id.lower(), None)

    def lag_left(self, some_id: str, now: float) -> float:
        """Seconds for which reads may still not show it; 0.0 for what this client has not created lately.

        Args:
            some_id: Of an asset or a group.
            now: Monotonic seconds.
        """
        with self._lock:
            created_at = self._created.get(some_id.lower())
        return 0.0 if created_at is None else max(0.0, created_at + VISIBILITY_LAG - now)
