"""Single flight: of several equal creates at the same time in one process, one is sent and all take its result.

Safe across threads and tasks that share a client. A result is remembered for as long as a list that was read before it
could still mislead somebody.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future

MAX_REMEMBERED = 10_000  # results

Key = tuple[str, str]  # scope and content: a group's id and a digest, or a project and a group's name


class LeaderCancelled(Exception):
    """The leader was cancelled or interrupted; whether it had created something is not known."""


class SingleFlight:
    """The creates of one client that are running, and those that have completed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Key, Future[str]] = {}
        self._completed: OrderedDict[Key, tuple[float, str]] = OrderedDict()

    def join(self, key: Key, since: float) -> tuple[Future[str], bool]:
        """The create of that key, and whether the caller is its leader and must `complete` it.

        Args:
            key: Scope and content.
            since: Monotonic seconds; what completed after that is taken as the result.
        """
        with self._lock:
            completed = self._completed.get(key)
            if completed is not None and completed[0] > since:
                done: Future[str] = Future()
                done.set_result(completed[1])
                return done, False
            if key in self._running:
                return self._running[key], False
            call = self._running[key] = Future()
            return call, True

    def completed_at(self, key: Key) -> float | None:
        """When that key's last create completed, in monotonic seconds; None where none is remembered.

        A read may lag for some seconds after that (contract §3): not being listed does not yet mean being gone.
        """
        with self._lock:
            completed = self._completed.get(key)
        return None if completed is None else completed[0]

    def forget(self, result: str) -> None:
        """What that create made was deleted: nobody takes it any more."""
        with self._lock:
            for key in [key for key, (_, its) in self._completed.items() if its == result]:
                del self._completed[key]

    def complete(self, key: Key, now: float, result: str | BaseException) -> None:
        """Give the leader's result to the others: an id, or an error.

        Args:
            key: Scope and content.
            now: Monotonic seconds.
            result: An exception that is no `Exception`, such as a cancellation, reaches the others as
                `LeaderCancelled`.
        """
        with self._lock:
            call = self._running.pop(key)
            if isinstance(result, str):
                self._completed[key] = (now, result)
                self._completed.move_to_end(key)
                while len(self._completed) > MAX_REMEMBERED:
                    self._completed.popitem(last=False)
        if isinstance(result, str):
            call.set_result(result)
        elif isinstance(result, Exception):
            call.set_exception(result)
        else:
            call.set_exception(LeaderCancelled())
