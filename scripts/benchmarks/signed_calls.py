"""The client that signs against the official universal client, and against the client with a Bearer key: GetAsset.

The measuring process is `python -m scripts.benchmarks.signed_calls URL ROUNDS` in the environment of the official SDK.
It prints the medians of its pairs as JSON.
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
from urllib.parse import urlsplit

from portrait import AsyncPortraitClient, PortraitClient
from scripts.benchmarks.processes import ROOT, emulator, environment
from scripts.benchmarks.report import Figure, ratio

_PAIR = ("AKLTEMULATOR", "emulator-secret")
_CALLS = 96
_IN_FLIGHT = 16
_PYTHON = str(ROOT / ".venv-bench" / "bin" / "python")


def measure(rounds: int) -> Iterator[Figure]:
    """Figure h."""
    keys = ("--access-key", f"{':'.join(_PAIR)}=bench", "--api-key", "bench=bench")
    with emulator(*keys) as server:
        command = [_PYTHON, "-m", "scripts.benchmarks.signed_calls", server.ready.split()[-1], str(rounds)]
        done = subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    yield Figure("h", "signed get_asset against the official universal client", found["blocking"], 1.3, 1.1)
    yield Figure("h", "the same, CPU of a call", found["cpu"], 0.3, 0.9, higher=False)
    yield Figure("h", "the same for asyncio, one at a time", found["async"], 1.5, 1.1)
    yield Figure("h", f"the same for asyncio, {_IN_FLIGHT} in flight", found["flight"], 3.0, 1.2)
    yield Figure("h", "signed get_asset against the one with a Bearer key", found["bearer"], 0.8, 0.7)


def _official(url: str) -> Callable[[str], object]:
    """GetAsset by the official universal client."""
    core = importlib.import_module("volcenginesdkcore")
    universal = importlib.import_module("volcenginesdkcore.universal")
    configuration = core.Configuration()
    configuration.ak, configuration.sk = _PAIR
    configuration.region, configuration.scheme, configuration.host = "cn-beijing", "http", urlsplit(url).netloc
    api = universal.UniversalApi(core.ApiClient(configuration))
    info = universal.UniversalInfo("POST", "ark", "2024-01-01", "GetAsset", "application/json")
    return lambda asset: api.do_call(info, {"Id": asset})


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    """Calls per second, and seconds of CPU."""
    started, cpu = time.perf_counter(), time.process_time()
    for _ in range(_CALLS):
        call()
    return _CALLS / (time.perf_counter() - started), time.process_time() - cpu


async def _timed_async(call: Callable[[], Awaitable[object]], workers: int) -> float:
    async def work() -> None:
        for _ in range(_CALLS // workers):
            await call()

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(workers)))
    return _CALLS / (time.perf_counter() - started)


def _timed_threads(call: Callable[[], object]) -> float:
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        started = time.perf_counter()
        list(pool.map(lambda _: call(), range(_CALLS)))
        return _CALLS / (time.perf_counter() - started)


def _blocking(url: str, asset: str, rounds: int) -> dict[str, float]:
    official = _official(url)
    with (
        PortraitClient(provider="volcengine", access_key=_PAIR[0], secret_key=_PAIR[1], base_url=url) as signed,
        PortraitClient(api_key="bench", base_url=f"{url}/v1") as bearer,
    ):
        calls = (lambda: signed.get_asset(id=asset), lambda: official(asset), lambda: bearer.get_asset(id=asset))
        timed = [[_timed(call) for call in calls] for _ in range(rounds + 1)][1:]
    return {
        "blocking": ratio([(ours[0], theirs[0]) for ours, theirs, _ in timed]),
        "cpu": ratio([(ours[1], theirs[1]) for ours, theirs, _ in timed]),
        "bearer": ratio([(ours[0], keyed[0]) for ours, _, keyed in timed]),
    }


async def _asynchronous(url: str, asset: str, rounds: int) -> dict[str, float]:
    official = _official(url)
    pair = {"access_key": _PAIR[0], "secret_key": _PAIR[1]}
    single, in_flight = [], []
    async with AsyncPortraitClient(provider="volcengine", base_url=url, **pair) as signed:  # type: ignore[arg-type]
        for _ in range(rounds + 1):
            theirs, _cpu = await asyncio.to_thread(_timed, lambda: official(asset))
            single.append((await _timed_async(lambda: signed.get_asset(id=asset), 1), theirs))
            theirs = await asyncio.to_thread(_timed_threads, lambda: official(asset))
            in_flight.append((await _timed_async(lambda: signed.get_asset(id=asset), _IN_FLIGHT), theirs))
    return {"async": ratio(single[1:]), "flight": ratio(in_flight[1:])}


def _main(url: str, rounds: int) -> None:
    with PortraitClient(api_key="bench", base_url=f"{url}/v1") as client:
        group = client.create_asset_group(name="bench")
        asset = client.create_asset(group_id=group.id, url="https://cdn.example/a.jpg", asset_type="Image").id
    found = {**_blocking(url, asset, rounds), **asyncio.run(_asynchronous(url, asset, rounds))}
    print(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
