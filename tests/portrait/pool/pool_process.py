"""A process that leases from a pool of a running emulator, for tests that want several of them or kill them.

    python -m tests.portrait.pool.pool_process BASE_URL KEY STATE SEED LEASES TTL

Prints a line when it has its first lease, and at the end what it saw, as JSON. With no leases to do, it holds its first
one until it is killed.
"""

import json
import random
import sys
from collections import Counter

from portrait import PortraitClient
from portrait.clock import SystemClock
from portrait.errors import NoFreeSlot
from portrait.videos import Reference

SLOTS = 50
CONTENTS = 120
GROUP = "set"


def source(content):
    """The address of a content."""
    return f"https://cdn.example/portraits/{content}.jpg"


def main(*arguments):
    """Lease, use, give back."""
    base_url, key, state, seed, leases, ttl = arguments
    rng, seen = random.Random(int(seed)), Counter()
    with PortraitClient(api_key=key, base_url=base_url, state=state) as client:
        pool = client.pool(group=GROUP, slots=SLOTS)
        for number in range(int(leases) or 1):
            wanted = sorted({int(CONTENTS * rng.random() ** 4) for _ in range(rng.randint(1, 3))})
            try:
                with pool.lease([source(content) for content in wanted], ttl=float(ttl), timeout=120) as lease:
                    if number == 0:
                        print(lease.holder, flush=True)
                    while int(leases) == 0:
                        SystemClock().sleep(60)
                    seen["leased"] += 1
                    _use(client, lease.uris, number, seen)
            except NoFreeSlot:
                seen["refused"] += 1
    print(json.dumps(seen))


def _use(client, uris, number, seen):
    """Whatever is leased is there, in the end as well."""
    video = None
    if number % 20 == 0:
        references = [Reference(uri, role="reference_image") for uri in uris]
        video = client.videos.create(model="seedance-2.0", prompt="a walk", references=references, duration=5)
    if video is not None and client.videos.wait(video).status != "succeeded":
        seen["failed videos"] += 1
    for uri in uris:
        seen["missing"] += client.get_asset(id=uri).status != "Active"


if __name__ == "__main__":
    main(*sys.argv[1:])
