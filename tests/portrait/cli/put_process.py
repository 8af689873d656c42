"""`python -m tests.portrait.cli.put_process ARGUMENT…`: the command in a process that may be killed or interrupted.

Its pauses take a hundredth of their time, so that tests are quick; the calls take what they take.
"""

from __future__ import annotations

import sys

from portrait.cli import main
from portrait.cli.console import Console
from portrait.clock import SystemClock


class Hasty:
    """A clock on which long pauses are short; it moves on as if they had been long."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return self._real.now() + self._ahead

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self._real.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        """A hundredth of it."""
        self._ahead += seconds
        self._real.sleep(min(seconds / 100, 0.05))

    async def async_sleep(self, seconds: float) -> None:
        """The same."""
        self.sleep(seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Console.of_process()._replace(clock=Hasty())))
