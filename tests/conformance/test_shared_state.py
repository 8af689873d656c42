"""Processes that share a state, lists that lag, and SIGKILL: one group, and one asset for each file."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.server import EmulatorServer
from portrait import PortraitClient
from portrait.clock import SystemClock
from tests.conformance.scaled_process import KEY
from tests.portrait.cli.kills import assert_one_each
from tests.portrait.state.conftest import closing, server_place  # noqa: F401 - fixtures
from tests.wire.media import png

ROOT = Path(__file__).resolve().parents[2]
LAG = 6  # seconds by which lists lag
SPEED = 20
FILES = 200
PROCESSES = 8
KILLED_AFTER = (20, 80, 140)  # creates
PUT_SPEED = 40
PUT_FILES = 40
KILLS = 20


class Service:
    """An emulator whose lists lag, for processes by its clock."""

    def __init__(self, server: EmulatorServer, speed: int, stack: contextlib.ExitStack) -> None:
        self._server = server
        self._stack = stack
        self._command = [sys.executable, "-m", "tests.conformance.scaled_process", str(speed), str(SystemClock().now())]
        self.base_url = f"{server.url}/v1"
        server.control.patch_customer(KEY, assets=FILES)
        for action in ("ListAssets", "ListAssetGroups"):
            server.control.add_rule({"match": {"action": action}, "do": {"lag": LAG}})

    def start(self, *words: str, environ: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """A process, as `scaled_process` has it."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([*self._command, *words], text=True, cwd=ROOT, env=environ, **pipes)
        self._stack.callback(_end, process)
        return process

    def created(self) -> int:
        """How many assets there are; nothing deletes any."""
        return sum(sum(customer["assets"].values()) for customer in self._server.control.state()["customers"])

    def await_creates(self, count: int, process: subprocess.Popen[str]) -> None:
        """Return once that many were carried out, or the process has ended."""
        while self.created() < count and process.poll() is None:
            threading.Event().wait(0.02)

    def assert_one_each(self, count: int) -> None:
        """One group, one asset for each file, all Active."""
        self._server.control.delete_rules()
        with PortraitClient(api_key=KEY, base_url=self.base_url) as client:
            assert_one_each(client, count)


@contextlib.contextmanager
def service(speed: int) -> Iterator[Service]:
    """One for a test."""
    with EmulatorServer(clock=f"scaled:{speed}") as server, contextlib.ExitStack() as stack:
        yield Service(server, speed, stack)


def _end(process: subprocess.Popen[str]) -> None:
    if process.returncode is None:
        process.kill()
        process.communicate(timeout=600)


def folder_of(path: Path, count: int) -> str:
    """That many small files, all different."""
    path.mkdir()
    for number in range(count):
        (path / f"{number}.png").write_bytes(png(400, 400 + number))
    return str(path)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_eight_processes_put_the_same_files_and_three_are_killed(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """once-race-group, once-race-asset, once-kill: at once, on one state; those that live end with the same assets."""
    state = str(tmp_path / "state.db") if engine == "sqlite" else request.getfixturevalue("server_place").location
    with service(SPEED) as emulator:
        words = ("ensure", emulator.base_url, folder_of(tmp_path / "photos", FILES), state)
        processes = [emulator.start(*words) for _ in range(PROCESSES)]
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        for count in KILLED_AFTER:
            victim = processes.pop()
            emulator.await_creates(count, victim)
            victim.kill()
            victim.communicate(timeout=600)
            assert victim.returncode == -signal.SIGKILL
        outputs = [process.communicate(timeout=120) for process in processes]
        emulator.assert_one_each(FILES)
    assert [errors for _, errors in outputs] == [""] * len(processes)
    found = [[json.loads(line) for line in output.splitlines()] for output, _ in outputs]
    assert {outcome["state"] for outcomes in found for outcome in outcomes} == {"Active"}
    assert {len({outcome["id"] for outcome in outcomes}) for outcomes in found} == {FILES}


@pytest.mark.parametrize("seed", [1])
def test_put_is_killed_twenty_times_while_lists_lag(tmp_path: Path, seed: int) -> None:
    """once-kill: whatever was under way at each kill is found again, although no list shows it yet."""
    chance = random.Random(seed)
    with service(PUT_SPEED) as emulator:
        environ = {
            "PORTRAIT_BASE_URL": emulator.base_url,
            "PORTRAIT_API_KEY": KEY,
            "PORTRAIT_STATE": str(tmp_path / "state.db"),
        }
        words = ("put", folder_of(tmp_path / "photos", PUT_FILES), "--group", "brand", "--concurrency", "4")
        killed = 0
        for number in range(KILLS):
            victim = emulator.start(*words, environ=environ)
            most = max(1, (PUT_FILES - emulator.created()) // (KILLS - number))
            emulator.await_creates(emulator.created() + chance.randint(0, most), victim)
            threading.Event().wait(chance.random() * 0.02)
            victim.kill()
            victim.communicate(timeout=600)
            killed += victim.returncode == -signal.SIGKILL
        assert killed >= KILLS // 2, "most kills must come before the last file"
        last = emulator.start(*words, environ=environ)
        _, errors = last.communicate(timeout=60)
        assert last.returncode == 0, errors
        emulator.assert_one_each(PUT_FILES)
