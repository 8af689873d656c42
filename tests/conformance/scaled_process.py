"""A process that puts files by a clock that runs faster than the machine's; all of one beginning show the same time.

    python -m tests.conformance.scaled_process SPEED BEGIN put ARGUMENT…
    python -m tests.conformance.scaled_process SPEED BEGIN ensure BASE_URL FOLDER STATE

`put` is the command. `ensure` puts a folder by the library, once it reads a line on stdin, and prints a line of JSON
for each file.
"""

from __future__ import annotations

import json
import sys

from portrait import PortraitClient
from portrait.cli import main
from portrait.cli.console import Console
from portrait.clock import SystemClock
from portrait.state import open_state

KEY = "sk-shared-state"
GROUP = "brand"
TIMEOUT = 120.0
"""Of a call in the machine's seconds, and of the claim for it in the clock's."""


class SharedClock:
    """A clock that runs faster than the machine's; the same in all processes, whenever they start.

    Args:
        begin: When it showed the machine's time, in seconds since 1970.
        speed: How many of its seconds pass in one of the machine's.
    """

    def __init__(self, begin: float, speed: float) -> None:
        self._machine = SystemClock()
        self._begin = begin
        self._speed = speed

    def now(self) -> float:
        """Seconds since 1970."""
        return self._begin + self.monotonic()

    def monotonic(self) -> float:
        """Seconds since the beginning."""
        return (self._machine.now() - self._begin) * self._speed

    def sleep(self, seconds: float) -> None:
        """A part of it."""
        self._machine.sleep(seconds / self._speed)

    async def async_sleep(self, seconds: float) -> None:
        """The same."""
        await self._machine.async_sleep(seconds / self._speed)


def ensure(clock: SharedClock, base_url: str, folder: str, state: str) -> None:
    """Wait for a line, put, print."""
    with (
        open_state(state, clock, server_clock=clock) as shared,
        PortraitClient(api_key=KEY, base_url=base_url, clock=clock, state=shared, timeout=TIMEOUT) as client,
    ):
        print("ready", flush=True)
        sys.stdin.readline()
        group = client.ensure_group(GROUP).id
        for outcome in client.ensure_assets(folder, group_id=group, quota=None, timeout=6000):
            print(json.dumps({"state": outcome.state, "id": outcome.asset_id, "error": str(outcome.error)}))


if __name__ == "__main__":
    speed, begin, what, *words = sys.argv[1:]
    scaled = SharedClock(float(begin), float(speed))
    if what == "put":
        sys.exit(main(["put", *words], Console.of_process()._replace(clock=scaled)))
    ensure(scaled, *words)
