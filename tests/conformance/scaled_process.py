"""A process that puts files by a clock that runs faster than the machine's; all of one beginning show the same time.

    python -m tests.conformance.scaled_process SPEED BEGIN put ARGUMENT…
    python -m tests.conformance.scaled_process SPEED BEGIN ensure BASE_URL FOLDER STATE

`put` is the command. `ensure` puts a folder by the library, once it reads a line on stdin, and prints a line of JSON
for each file.
"""

from __future__ import annotations

import json
import sys

from emulator.clocks import ScaledClock
from portrait import PortraitClient
from portrait.cli import main
from portrait.cli.console import Console
from portrait.state import open_state

KEY = "sk-shared-state"
GROUP = "brand"
TIMEOUT = 120.0
"""Of a call in the machine's seconds, and of the claim for it in the clock's."""


def clock_since(begin: float, speed: float) -> ScaledClock:
    """A clock that showed the machine's time at that moment, in seconds since 1970."""
    clock = ScaledClock(speed)
    clock.advance((clock.now() - begin) * (speed - 1))
    return clock


def ensure(clock: ScaledClock, base_url: str, folder: str, state: str) -> None:
    """Wait for a line, put, print."""
    with (
        open_state(state, clock, server_clock=clock) as shared,
        PortraitClient(api_key=KEY, base_url=base_url, clock=clock, state=shared, timeout=TIMEOUT) as client,
    ):
        print("ready", flush=True)
        sys.stdin.readline()
        group = client.ensure_group(GROUP).id
        for outcome in client.ensure_assets(folder, group_id=group, timeout=6000):
            print(json.dumps({"state": outcome.state, "id": outcome.asset_id, "error": str(outcome.error)}))


if __name__ == "__main__":
    speed, begin, what, *words = sys.argv[1:]
    scaled = clock_since(float(begin), float(speed))
    if what == "put":
        sys.exit(main(["put", *words], Console.of_process()._replace(clock=scaled)))
    ensure(scaled, *words)
