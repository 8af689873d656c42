"""When the requests of an event loop have to end: one timer for all of them.

A timer of its own for each request, which almost always ends long before, takes more of a call than its encoding.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Protocol


class Connection(Protocol):
    """What a request uses."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """None once it is lost."""


class Deadline:
    """The end of one request, at which its connection is aborted.

    Args:
        deadlines: Those of its loop.
        connection: What it uses.

    Attributes:
        expired: True once its time was up.
    """

    def __init__(self, deadlines: Deadlines, connection: Connection) -> None:
        self.expired = False
        self._deadlines = deadlines
        self._connection = connection

    def set(self, moment: float) -> None:
        """End it at a moment of the loop's time in place of any other; infinite for never."""
        self._deadlines.set(self, moment)

    def cancel(self) -> None:
        """Do not end it any more."""
        self._deadlines.cancel(self)

    def check(self) -> None:
        """Do nothing if the time was not up.

        Raises:
            TimeoutError: It was.
        """
        if self.expired:
            raise TimeoutError

    def expire(self) -> None:
        """End it now."""
        self.expired = True
        if self._connection.transport is not None:
            self._connection.transport.abort()


class Deadlines:
    """The deadlines of the requests of a loop.

    Its timer may come before the first of them, whose request has ended meanwhile: then it is set again.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._moments: dict[Deadline, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next = inf  # when the timer comes

    def set(self, deadline: Deadline, moment: float) -> None:
        """End a request at a moment."""
        self._moments[deadline] = moment
        if moment < self._next:
            self._set_timer(moment)

    def cancel(self, deadline: Deadline) -> None:
        """Do not end a request any more."""
        self._moments.pop(deadline, None)

    def _set_timer(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next, self._timer = moment, self._loop.call_at(moment, self._expire)

    def _expire(self) -> None:
        self._next, self._timer = inf, None
        now = self._loop.time()
        for deadline in [deadline for deadline, moment in self._moments.items() if moment <= now]:
            del self._moments[deadline]
            deadline.expire()
        if (first := min(self._moments.values(), default=inf)) < inf:
            self._set_timer(first)
