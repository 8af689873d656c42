"""A process that ensures a folder of files against a running emulator, for tests that want two of them.

    python -m tests.system.ensure_process BASE_URL GROUP_ID FOLDER [SPEED STATE]

Waits for a line on stdin, so that several start at the same time; prints each outcome as a line of JSON. Its clock runs
as fast as the server's, so that nobody waits for real.
"""

import json
import sys

from emulator.clocks import ScaledClock
from portrait import PortraitClient

SPEED = 100


def main(base_url, group_id, folder, speed=SPEED, state=None):
    """Ensure, print."""
    clock = ScaledClock(float(speed))
    # The timeout is in real seconds, and the claims that are derived from it in the clock's.
    options = {"clock": clock, "state": state, "timeout": 10.0 * float(speed)}
    with PortraitClient(api_key="sk-two-processes", base_url=base_url, **options) as client:
        client.get_asset_group(id=group_id)
        print("ready", flush=True)
        sys.stdin.readline()
        for outcome in client.ensure_assets(folder, group_id=group_id, timeout=6000):
            arguments = {"source": outcome.source, "state": outcome.state, "id": outcome.asset_id, "name": outcome.name}
            print(json.dumps(arguments | {"duplicates": outcome.duplicates, "error": str(outcome.error)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
