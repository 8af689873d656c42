"""Processes that know nothing of each other ensure the same things: they agree on the oldest, and report the others."""

import asyncio
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.server import EmulatorServer
from emulator.settings import Settings
from emulator.testing import Emulator
from emulator.transports import AsyncInProcessTransport
from portrait import PortraitClient
from portrait.ensure import FileState
from tests.hypothesis_profiles import searching
from tests.system.ensure_process import SPEED
from tests.system.runners import colour_of
from tests.wire.media import png

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [f"https://cdn.example/portraits/{name}.jpg" for name in ("ann", "bea", "cid")]


class Interleaved(AsyncInProcessTransport):
    """A transport on which others get some turns before and after each call, decided by a seed."""

    turns: random.Random

    async def send(self, request):
        """Sent in the midst of others' calls."""
        await self._others()
        response = await super().send(request)
        await self._others()
        return response

    async def _others(self):
        for _ in range(self.turns.randrange(4)):
            await asyncio.sleep(0)


@given(
    seed=st.integers(0, 10_000),
    lag=st.sampled_from([0, 0, 1, 3, 5, 10]),
    often=st.sampled_from([1.0, 0.5]),
    pause=st.sampled_from([0.0, 0.4, 1.5]),
)
@searching(15)
def test_two_clients_converge_on_the_oldest(seed, lag, often, pause):
    """However their calls interleave and reads lag, two clients end with the same asset for each content."""
    emulator = Emulator(Settings(seed=seed))
    group = emulator.client().create_asset_group(name="shared").id
    if lag:
        emulator.rules.add(match={"action": "ListAssets"}, when={"chance": often}, do={"lag": lag})
    if pause:  # creates fall into different seconds, or into the same
        emulator.rules.add(match={"action": "CreateAsset"}, when={"every": 2}, do={"delay": pause})
    starts = []
    for number in range(2):
        transport = Interleaved(emulator.service)
        transport.turns = random.Random(f"{seed}/{number}")
        client = emulator.async_client(transport=transport)
        starts.append(lambda client=client: client.ensure_assets(SOURCES, group_id=group))
    with colour_of("async") as colour:
        runs = colour.beside(*starts)
    emulator.rules.clear()
    check_agreement(list(emulator.client().iter_assets(group_ids=[group])), runs)


def check_agreement(assets, runs):
    """Every run has the same asset for each source, and together they report every other one of its content."""
    for outcomes in zip(*(sorted(run, key=lambda outcome: outcome.source) for run in runs), strict=True):
        assert {outcome.state for outcome in outcomes} == {FileState.ACTIVE}
        same = {asset.id: asset.create_time for asset in assets if asset.name == outcomes[0].name}
        (winner,) = {outcome.asset_id for outcome in outcomes}
        assert same[winner] == min(same.values())
        assert len(same) <= len(runs)
        assert set().union(*(outcome.duplicates for outcome in outcomes)) == same.keys() - {winner}


@pytest.mark.slow
def test_two_real_processes_converge_on_the_oldest(tmp_path):
    """Two processes, a real server and the upload: the same folder at the same time is one asset for each file."""
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(png(400, 400 + number))
    with (
        EmulatorServer(clock=f"scaled:{SPEED}") as server,
        PortraitClient(api_key="sk-two-processes", base_url=f"{server.url}/v1") as client,
    ):
        group = client.create_asset_group(name="shared").id
        server.control.add_rule({"match": {"action": "ListAssets"}, "when": {"chance": 0.5}, "do": {"lag": 10}})
        runs = in_two_processes(f"{server.url}/v1", group, tmp_path)
        server.control.delete_rules()
        existing = list(client.iter_assets(group_ids=[group]))
    for lines in zip(*(sorted(run, key=lambda line: line["source"]) for run in runs), strict=True):
        assert {line["state"] for line in lines} == {"Active"}, lines
        same = {asset.id: asset.create_time for asset in existing if asset.name == lines[0]["name"]}
        (winner,) = {line["id"] for line in lines}
        assert same[winner] == min(same.values())
        assert {id_ for line in lines for id_ in line["duplicates"]} == same.keys() - {winner}
    assert len({asset.name for asset in existing}) == 4


def in_two_processes(base_url, group, folder):
    """What both print, once both are ready to go."""
    command = [sys.executable, "-m", "tests.system.ensure_process", base_url, group, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    with subprocess.Popen(command, **pipes) as one, subprocess.Popen(command, **pipes) as two:
        assert [process.stdout.readline() for process in (one, two)] == ["ready\n", "ready\n"]
        for process in (one, two):
            process.stdin.write("go\n")
            process.stdin.flush()
        outputs = [process.communicate(timeout=60)[0] for process in (one, two)]
    assert [process.returncode for process in (one, two)] == [0, 0]
    return [[json.loads(line) for line in output.splitlines()] for output in outputs]
