"""Pools in real time: heartbeats, and processes that are killed."""

import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.settings import Settings
from emulator.testing import Emulator, SharedServer
from portrait import PortraitClient
from portrait.clock import SystemClock
from portrait.errors import NoFreeSlot
from portrait.events import LeaseWaiting
from tests.portrait.pool.conftest import URLS
from tests.portrait.pool.pool_process import CONTENTS, GROUP, SLOTS, source

ROOT = Path(__file__).resolve().parents[3]
CLOCK = SystemClock()
TTL = 0.75
LEASES = int(os.environ.get("POOL_LEASES", "12"))  # of each process; 200 take seven minutes a place


def start(server, key, place, *, seed=0, leases=0, ttl=TTL):
    """A process."""
    arguments = (server.base_url, key, str(place.location), seed, leases, ttl)
    command = [sys.executable, "-m", "tests.portrait.pool.pool_process", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)


def wait_until(condition, seconds):
    """Wait for something; returns whether it came."""
    deadline = CLOCK.monotonic() + seconds
    while CLOCK.monotonic() < deadline:
        if condition():
            return True
        CLOCK.sleep(0.02)
    return False


def test_a_lease_is_renewed_while_its_block_runs(place):
    """Much longer than its ttl, in a thread; another worker finds no room all the while, and no lease afterwards."""
    with Emulator(Settings(image_review=0)) as emulator:
        options = {"state": place.location, "clock": CLOCK}
        with emulator.client(**options) as client, emulator.client(**options) as other:
            pool, others = client.pool(group="set", slots=1), other.pool(group="set", slots=1)
            with pool.lease(URLS[0], ttl=TTL):
                assert not wait_until(lambda: not others.status().leases, 2 * TTL)
                with pytest.raises(NoFreeSlot), others.lease(URLS[1], timeout=0.1):
                    pass
            assert others.status().leases == ()


def test_a_lease_of_a_task_is_renewed_while_its_block_runs(place):
    """As in a thread."""

    async def main(emulator):
        async with emulator.async_client(state=place.location, clock=CLOCK) as client:
            pool = client.pool(group="set", slots=1)
            async with pool.lease(URLS[0], ttl=TTL) as lease:
                for _ in range(40):
                    await asyncio.sleep(0.04)
                assert await lease.renew()
            assert (await pool.status()).leases == ()

    with Emulator(Settings(image_review=0)) as emulator:
        asyncio.run(main(emulator))


def test_a_cancelled_lease_gives_back_what_it_held(place):
    """Nothing is reserved, and nobody waits, once the task that waited for room has ended."""

    async def main(emulator):
        waiting = asyncio.Event()

        def listen(event):
            if isinstance(event, LeaseWaiting):
                waiting.set()

        async with emulator.async_client(state=place.location, clock=CLOCK, on_event=listen) as client:
            pool = client.pool(group="set", slots=1)
            async with pool.lease(URLS[0]):
                task = asyncio.create_task(pool.prefetch(URLS[1]))
                await waiting.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert (await pool.status()).waiters == ()

    with Emulator(Settings(image_review=0)) as emulator:
        asyncio.run(main(emulator))


def test_a_task_that_is_cancelled_at_the_end_of_its_block_ends(place):
    """Its lease is given back, and what comes after the block is not carried out."""

    async def work(pool):
        async with pool.lease(URLS[0]):
            asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)
        pytest.fail("the cancellation was lost")

    async def main(emulator):
        async with emulator.async_client(state=place.location, clock=CLOCK) as client:
            pool = client.pool(group="set", slots=1)
            with pytest.raises(asyncio.CancelledError):
                await asyncio.create_task(work(pool))
            assert (await pool.status()).leases == ()

    with Emulator(Settings(image_review=0)) as emulator:
        asyncio.run(main(emulator))


@pytest.mark.slow
def test_what_a_killed_process_held_is_free_after_its_ttl_and_never_before(place):
    """Its heartbeat held it for longer than the ttl before."""
    ttl = 4.0
    with SharedServer() as server:
        key = server.customer()
        process = start(server, key, place, ttl=ttl)
        holder = process.stdout.readline().strip()
        with PortraitClient(api_key=key, base_url=server.base_url, state=place.location) as client:
            pool = client.pool(group=GROUP, slots=SLOTS)
            assert not wait_until(lambda: not pool.status().leases, 1.5 * ttl)  # by its heartbeat alone
            process.kill()
            killed_at = CLOCK.monotonic()
            process.communicate(timeout=120)
            leases = pool.status().leases
            assert {lease.holder for lease in leases} == {holder}
            seconds = max(lease.seconds for lease in leases)
            assert ttl / 2 < seconds <= ttl
            assert wait_until(lambda: not pool.status().leases, 2 * ttl)
            assert CLOCK.monotonic() - killed_at >= seconds - 0.1


@pytest.mark.slow
def test_eight_processes_share_fifty_slots_and_three_are_killed(place):
    """No leased asset is ever missing, the quota is never met, the pace is learnt once, and what the killed held comes
    back. POOL_LEASES plays more.
    """
    rng = random.Random(1)
    with SharedServer() as server:
        key = server.customer(assets=SLOTS)
        server.rules.add(match={"action": "CreateAsset", "customer": key}, do={"limit": {"calls": 600, "seconds": 60}})
        with contextlib.ExitStack() as ends:
            processes = [start(server, key, place, seed=seed, leases=LEASES, ttl=5) for seed in range(8)]
            for process in processes:
                ends.callback(process.kill)
            killed = rng.sample(processes, 3)
            for process in killed:
                process.stdout.readline()
                CLOCK.sleep(rng.uniform(0.5, 2))
                process.kill()
            outputs = [process.communicate(timeout=120 + 5 * LEASES)[0] for process in processes]
        survivors = zip(processes, outputs, strict=True)
        seen = [json.loads(output.splitlines()[-1]) for process, output in survivors if process not in killed]
        assert sum(each.get("leased", 0) for each in seen) >= 5 * (LEASES - 5)
        assert not any(each.get("missing") or each.get("failed videos") for each in seen)
        calls = server.calls.all("CreateAsset", customer=key)
        outcomes = [call["outcome"] for call in calls]
        assert outcomes.count("QuotaExceeded") == 0
        assert outcomes.count("RateLimitExceeded") <= 8
        with PortraitClient(api_key=key, base_url=server.base_url, state=place.location) as client:
            pool = client.pool(group=GROUP, slots=SLOTS)
            assert wait_until(lambda: not pool.status().leases, 10)
            with pool.lease([source(content) for content in range(CONTENTS - SLOTS, CONTENTS)], timeout=300) as lease:
                assert len(set(lease.uris)) == SLOTS
