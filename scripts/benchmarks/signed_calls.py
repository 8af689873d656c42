"""The client that signs against the official universal client, and against the client with a Bearer key: GetAsset.

Each call asks for another asset, as a program's calls do: a call that is repeated within a second is signed alike.

The measuring process is `python -m scripts.benchmarks.signed_calls URL PID ROUNDS` in the environment of the official
SDK; PID is the emulator's. It prints the medians of its pairs as JSON. Ratios of time depend on how busy the machine
is, those of computing much less.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from typing import NamedTuple
from urllib.parse import urlsplit

from portrait import AsyncPortraitClient, PortraitClient
from scripts.benchmarks.processes import ROOT, Process, emulator, environment
from scripts.benchmarks.report import Figure, ratio

_PAIR = ("AKLTEMULATOR", "emulator-secret")
_CALLS = 96
_IN_FLIGHT = 16
_IN_GROUP = 48  # assets; a customer may have 50
_PYTHON = str(ROOT / ".venv-bench" / "bin" / "python")

# Key, what, aim, least, whether more is better.
_FIGURES = (
    ("blocking", "signed get_asset against the official universal client", 1.3, 1.3, True),
    ("blocking cpu", "the same, CPU of a call", 0.3, 0.5, False),
    ("async", "the same for asyncio, one at a time", 1.5, 1.2, True),
    ("async cpu", "the same for asyncio, one at a time, CPU of a call", 0.3, 0.6, False),
    ("in flight", f"the same for asyncio, {_IN_FLIGHT} in flight", 3.0, 2.0, True),
    ("in flight cpu", f"the same for asyncio, {_IN_FLIGHT} in flight, CPU of a call", 0.3, 0.4, False),
    ("bearer", "signed get_asset against the one with a Bearer key", 0.8, 0.6, True),
    ("bearer cpu", "the same, CPU of client and emulator", 0.8, 0.6, True),
)


class Sample(NamedTuple):
    """One measurement of some calls.

    Attributes:
        rate: Calls per second.
        client: Seconds that this process computed for a call.
        server: Seconds that the emulator computed for a call.
    """

    rate: float
    client: float
    server: float


class Stopwatch:
    """Measures calls from its making on.

    Args:
        server: The emulator's process.
    """

    def __init__(self, server: Process) -> None:
        self._server = server
        self._started, self._client, self._served = time.perf_counter(), time.process_time(), server.cpu_seconds()

    def stop(self) -> Sample:
        """The measurement of `_CALLS` calls."""
        return Sample(
            rate=_CALLS / (time.perf_counter() - self._started),
            client=(time.process_time() - self._client) / _CALLS,
            server=(self._server.cpu_seconds() - self._served) / _CALLS,
        )


def measure(rounds: int) -> Iterator[Figure]:
    """Figure h."""
    keys = ("--access-key", f"{':'.join(_PAIR)}=bench", "--api-key", "bench=bench")
    with emulator(*keys) as server:
        words = (server.ready.split()[-1], str(server.pid), str(rounds))
        command = [_PYTHON, "-m", "scripts.benchmarks.signed_calls", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    for key, what, aim, least, higher in _FIGURES:
        yield Figure("h", what, found[key], aim, least, higher=higher)


def _official(url: str) -> Callable[[str], object]:
    """GetAsset by the official universal client."""
    core = importlib.import_module("volcenginesdkcore")
    universal = importlib.import_module("volcenginesdkcore.universal")
    configuration = core.Configuration()
    configuration.ak, configuration.sk = _PAIR
    configuration.region, configuration.scheme, configuration.host = "cn-beijing", "http", urlsplit(url).netloc
    configuration.connection_pool_maxsize = _IN_FLIGHT
    api = universal.UniversalApi(core.ApiClient(configuration))
    info = universal.UniversalInfo("POST", "ark", "2024-01-01", "GetAsset", "application/json")
    return lambda asset: api.do_call(info, {"Id": asset})


def _in_a_row(server: Process, call: Callable[[], object]) -> Sample:
    stopwatch = Stopwatch(server)
    for _ in range(_CALLS):
        call()
    return stopwatch.stop()


def _in_threads(server: Process, call: Callable[[], object]) -> Sample:
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        stopwatch = Stopwatch(server)
        list(pool.map(lambda _: call(), range(_CALLS)))
        return stopwatch.stop()


async def _in_tasks(server: Process, call: Callable[[], Awaitable[object]], tasks: int) -> Sample:
    async def work() -> None:
        for _ in range(_CALLS // tasks):
            await call()

    stopwatch = Stopwatch(server)
    await asyncio.gather(*(work() for _ in range(tasks)))
    return stopwatch.stop()


def _blocking(url: str, server: Process, assets: Iterator[str], rounds: int) -> dict[str, float]:
    official = _official(url)
    with (
        PortraitClient(provider="volcengine", access_key=_PAIR[0], secret_key=_PAIR[1], base_url=url) as signed,
        PortraitClient(api_key="bench", base_url=f"{url}/v1") as bearer,
    ):
        calls = (
            lambda: signed.get_asset(id=next(assets)),
            lambda: official(next(assets)),
            lambda: bearer.get_asset(id=next(assets)),
        )
        samples = [[_in_a_row(server, call) for call in calls] for _ in range(rounds + 1)][1:]
    return {
        "blocking": ratio([(ours.rate, theirs.rate) for ours, theirs, _ in samples]),
        "blocking cpu": ratio([(ours.client, theirs.client) for ours, theirs, _ in samples]),
        "bearer": ratio([(ours.rate, keyed.rate) for ours, _, keyed in samples]),
        "bearer cpu": ratio([(keyed.client + keyed.server, ours.client + ours.server) for ours, _, keyed in samples]),
    }


async def _asynchronous(url: str, server: Process, assets: Iterator[str], rounds: int) -> dict[str, float]:
    official = _official(url)
    pair = {"access_key": _PAIR[0], "secret_key": _PAIR[1]}
    single, in_flight = [], []
    async with AsyncPortraitClient(provider="volcengine", base_url=url, **pair) as signed:  # type: ignore[arg-type]
        for _ in range(rounds + 1):
            theirs = await asyncio.to_thread(_in_a_row, server, lambda: official(next(assets)))
            single.append((await _in_tasks(server, lambda: signed.get_asset(id=next(assets)), 1), theirs))
            theirs = await asyncio.to_thread(_in_threads, server, lambda: official(next(assets)))
            in_flight.append((await _in_tasks(server, lambda: signed.get_asset(id=next(assets)), _IN_FLIGHT), theirs))
    return {
        "async": ratio([(ours.rate, theirs.rate) for ours, theirs in single[1:]]),
        "async cpu": ratio([(ours.client, theirs.client) for ours, theirs in single[1:]]),
        "in flight": ratio([(ours.rate, theirs.rate) for ours, theirs in in_flight[1:]]),
        "in flight cpu": ratio([(ours.client, theirs.client) for ours, theirs in in_flight[1:]]),
    }


def _main(url: str, pid: int, rounds: int) -> None:
    server = Process(pid, "", 0)
    with PortraitClient(api_key="bench", base_url=f"{url}/v1") as client:
        groups = [client.create_asset_group(name="bench").id for _ in range(2 * _CALLS // _IN_GROUP)]
        create = partial(client.create_asset, url="https://cdn.example/a.jpg", asset_type="Image")
        assets = cycle([create(group_id=group).id for group in groups for _ in range(_IN_GROUP)])
    found = {**_blocking(url, server, assets, rounds), **asyncio.run(_asynchronous(url, server, assets, rounds))}
    print(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
