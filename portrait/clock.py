"""Time as an argument: the machine's clock, and one that a test moves by hand.

Everything in the project that waits or looks at the time does so through a `Clock`; this is the only module that asks
the operating system.
"""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = [
    "Clock",
    "ManualClock",
    "SystemClock",
]


def format_timestamp(moment: float) -> str:
    """A moment in seconds since 1970 as the wire writes it: `2026-03-18T03:57:10Z`, UTC without a fraction."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


class Clock(Protocol):
    """The interface of clocks."""

    def now(self) -> float:
        """Seconds since 1970 in UTC."""

    def monotonic(self) -> float:
        """Seconds on a scale that never runs backwards: for measuring waits."""

    def sleep(self, seconds: float) -> None:
        """Let that much time pass, blocking."""

    async def async_sleep(self, seconds: float) -> None:
        """Let that much time pass without blocking the event loop."""


class SystemClock:
    """The machine's clock. It is read several times in every call, so nothing stands between it and its reader."""

    now = staticmethod(time.time)  # noqa: TID251
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)  # noqa: TID251
    async_sleep = staticmethod(asyncio.sleep)


class ManualClock:
    """A clock that moves only by `advance` and by sleeping on it. Safe across threads.

    Args:
        start: Seconds since 1970; the default is 2026-03-18T00:00:00Z.
    """

    def __init__(self, start: float = 1_773_792_000.0) -> None:
        self._now = start
        self._monotonic = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since 1970 in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that were let pass so far."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: A negative number of seconds.
        """
        if not seconds >= 0:
            raise ValueError("time runs forwards: seconds must not be negative")
        with self._lock:
            self._now += seconds
            self._monotonic += seconds

    def set(self, now: float) -> None:
        """Jump to a moment, in seconds since 1970, as somebody would set a wall clock."""
        with self._lock:
            self._monotonic += max(0.0, now - self._now)
            self._now = now

    def sleep(self, seconds: float) -> None:
        """Sleeping moves the clock: a wait of a minute takes no time."""
        self.advance(max(0.0, seconds))

    async def async_sleep(self, seconds: float) -> None:
        """Sleeping moves the clock; other tasks get their turn."""
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)


def default_clock() -> Clock:
    """The clock of a client that is given none. `emulator.environment` replaces it for the time of a test."""
    return SystemClock()
