"""Four processes with one state share the entry plan's three creates a minute: none is refused, or it is waited out.

Time stands still while any of them works, and moves to the end of the earliest sleep when all of them sleep.
"""

import json
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from emulator.server import EmulatorServer
from portrait import PortraitClient
from portrait.clock import ManualClock
from portrait.pace import MARGIN
from tests.system.paced_process import PAIR

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 4
CREATES = 20


@pytest.fixture
def server():
    """An emulator on a manual clock, whose published pair has the entry plan."""
    with EmulatorServer(clock=ManualClock()) as server:
        server.control.patch_customer(PAIR["access_key"], tier="entry")
        yield server


@pytest.fixture
def client(server):
    """A client of the pair, beside the processes."""
    with PortraitClient(provider="volcengine", base_url=server.url, clock=server.service.clock, **PAIR) as client:
        yield client


def run(server, *words):
    """The outcomes of each of the processes; the server's clock moves as they sleep."""
    command = [sys.executable, "-m", "tests.system.paced_process", *words]
    clock = server.service.clock
    with ExitStack() as stack:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
        processes = [stack.enter_context(subprocess.Popen(command, **pipes)) for _ in range(PROCESSES)]
        awake, wakes, outcomes = list(processes), {}, []
        while awake or wakes:
            for process in awake:
                line = json.loads(process.stdout.readline())
                if "sleep" in line:
                    wakes[process] = clock.now() + line["sleep"]
                else:
                    outcomes.append(line["outcomes"])
            awake = [process for process in wakes if wakes[process] == min(wakes.values())]
            if awake:
                clock.advance(max(0.0, wakes[awake[0]] - clock.now()))
            for process in awake:
                print(repr(wakes.pop(process)), file=process.stdin, flush=True)
    assert [process.returncode for process in processes] == [0] * PROCESSES
    return outcomes


def outcomes_of(server, action=None):
    """How often calls ended how."""
    return Counter(call["outcome"] for call in server.control.calls(action=action)["calls"])


def test_a_pace_of_the_plan_is_kept_by_all_together(server, client, tmp_path):
    """Twenty creates, five of each process: not a single 429, in a little more than six minutes."""
    group = client.create_asset_group(name="hosts").id
    clock = server.service.clock
    started = clock.now()
    state = str(tmp_path / "state.db")
    each = str(CREATES // PROCESSES)
    found = run(server, server.url, state, repr(started), group, "create", "entry", each)
    assert len({outcome["id"] for outcomes in found for outcome in outcomes}) == CREATES
    assert outcomes_of(server, "CreateAsset") == {"ok": CREATES}
    assert set(outcomes_of(server)) == {"ok"}
    assert clock.now() - started == pytest.approx((CREATES - 1) * 20 * MARGIN, abs=1)


def test_without_a_pace_refusals_are_waited_out(server, client, tmp_path):
    """The same twenty addresses from all four: each is created once, and nothing is deleted to make room."""
    group = client.create_asset_group(name="hosts").id
    started = server.service.clock.now()
    found = run(server, server.url, str(tmp_path / "state.db"), repr(started), group, "ensure", str(CREATES))
    ids = {outcome["id"] for outcomes in found for outcome in outcomes}
    assert Counter(outcome["state"] for outcomes in found for outcome in outcomes) == {"Active": CREATES * PROCESSES}
    assert not any(outcome["duplicates"] for outcomes in found for outcome in outcomes)
    created = outcomes_of(server, "CreateAsset")
    assert created["ok"] == len(ids) == CREATES
    assert 0 < created["QuotaWriteQPMExceeded"] <= PROCESSES
    assert not outcomes_of(server, "DeleteAsset") + outcomes_of(server, "DeleteAssetGroup")
    server.service.clock.advance(60)
    assert {asset.id for asset in client.iter_assets(group_ids=[group])} == ids
