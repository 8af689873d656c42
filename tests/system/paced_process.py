"""A process that creates assets by a clock that another process moves, for tests of several that take turns.

    python -m tests.system.paced_process BASE_URL STATE NOW GROUP_ID create PACE COUNT
    python -m tests.system.paced_process BASE_URL STATE NOW GROUP_ID ensure COUNT

A line of JSON on stdout says `{"sleep": SECONDS}`, and the next line on stdin to which moment time has moved; the last
line is `{"outcomes": […]}`. Nothing is created before the first sleep has ended.
"""

import json
import sys

from portrait import PortraitClient

PAIR = {"access_key": "AKLTEMULATOR", "secret_key": "emulator-secret"}


class PipeClock:
    """Stands still until its parent moves it; only one thread may sleep at a time.

    Args:
        now: Seconds since 1970.
    """

    def __init__(self, now):
        self._now = self._begin = now

    def now(self):
        """Seconds since 1970."""
        return self._now

    def monotonic(self):
        """Seconds since the beginning."""
        return self._now - self._begin

    def sleep(self, seconds):
        """Ask the parent, and wait."""
        print(json.dumps({"sleep": max(0.0, seconds)}), flush=True)
        self._now = float(sys.stdin.readline())


def create(client, group_id, pace, count):
    """So many plain creates, one after the other."""
    client = client.with_options(pace=pace)
    for _ in range(int(count)):
        asset = client.create_asset(group_id=group_id, url="https://cdn.example/a.jpg", asset_type="Image")
        yield {"id": asset.id, "state": "Created"}


def ensure(client, group_id, count):
    """The same addresses as all others, at whatever pace the service allows."""
    sources = [f"https://cdn.example/{number}.jpg" for number in range(int(count))]
    for outcome in client.ensure_assets(sources, group_id=group_id, concurrency=1, timeout=3600):
        yield {"id": outcome.asset_id, "state": outcome.state, "duplicates": outcome.duplicates}


def main(base_url, state, now, group_id, what, *words):
    """Wait for the others, work, print."""
    clock = PipeClock(float(now))
    options = {"provider": "volcengine", "base_url": base_url, "clock": clock, "state": state, **PAIR}
    with PortraitClient(**options) as client:
        clock.sleep(0)
        outcomes = list({"create": create, "ensure": ensure}[what](client, group_id, *words))
    print(json.dumps({"outcomes": outcomes}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
