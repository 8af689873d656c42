"""Single flight: within a process, one thing is created in one place by one flow at a time; others take its result.

Safe across threads and tasks that share a client. What was created is remembered for as long as a list that was read
before it could still mislead somebody. It knows nothing of what a flow does.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future

KEPT = 10_000  # results

Key = tuple[str, str]  # where, what: a group's id and a digest, or a project and a group's name


class Abandoned(Exception):
    """The pilot of a flight was cancelled or interrupted; whether it had created something is not known."""


class SingleFlight:
    """The creates of one client that are under way, and those that have landed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Key, Future[str]] = {}
        self._landed: OrderedDict[Key, tuple[float, str]] = OrderedDict()

    def board(self, key: Key, since: float) -> tuple[Future[str], bool]:
        """The flight of that key, and whether the caller is its pilot and must `land` it.

        Args:
            key: Where and what.
            since: What landed after that, in monotonic seconds, the caller cannot have seen.
        """
        with self._lock:
            landed = self._landed.get(key)
            if landed is not None and landed[0] > since:
                done: Future[str] = Future()
                done.set_result(landed[1])
                return done, False
            if key in self._under_way:
                return self._under_way[key], False
            flight = self._under_way[key] = Future()
            return flight, True

    def landed(self, key: Key) -> float | None:
        """When that key's last flight landed, in monotonic seconds; None where none is remembered.

        A read may lag for some seconds after that (contract §3): not being listed does not yet mean being gone.
        """
        with self._lock:
            landed = self._landed.get(key)
        return None if landed is None else landed[0]

    def land(self, key: Key, now: float, result: str | BaseException) -> None:
        """The pilot has an id, or an error that the others share."""
        with self._lock:
            flight = self._under_way.pop(key)
            if isinstance(result, str):
                self._landed[key] = (now, result)
                self._landed.move_to_end(key)
                while len(self._landed) > KEPT:
                    self._landed.popitem(last=False)
        if isinstance(result, str):
            flight.set_result(result)
        elif isinstance(result, Exception):
            flight.set_exception(result)
        else:  # the pilot was cancelled, which is nobody else's end
            flight.set_exception(Abandoned())
