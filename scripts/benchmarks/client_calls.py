"""Each client against the HTTP library under it: the same call to the same server.

The measuring process is `python -m scripts.benchmarks.client_calls PORT ROUNDS`. It prints the medians of its pairs as
JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

import aiohttp
import urllib3

from portrait import AsyncPortraitClient, PortraitClient
from scripts.benchmarks.processes import helper, module
from scripts.benchmarks.report import Figure, ratio
from scripts.benchmarks.wire import KEY

_ASSET = "asset-20260318035710-xxxxx"
_ANSWER = {
    "ResponseMetadata": {
        "RequestId": "2026070223064318B4CC874F89A1B2C3D4",
        "Action": "GetAsset",
        "Version": "2024-01-01",
        "Service": "ark",
        "Region": "cn-beijing",
    },
    "Result": {
        "Id": _ASSET,
        "GroupId": "group-20260518163348-xtzxl",
        "Name": "host-1",
        "AssetType": "Image",
        "Status": "Active",
        "UpstreamStatus": "Active",
        "ProjectName": "default",
        "CreateTime": "2026-03-18T03:57:10Z",
        "UpdateTime": "2026-03-18T03:57:14Z",
        "URL": "https://cdn.example/files/host.jpg?X-Tos-Expires=43200&X-Tos-Signature=" + "0" * 64,
    },
}
_HEADERS = {"Authorization": f"Bearer {KEY}"}
_CALLS = 96
# Calls in flight → the aim and the least.
_IN_FLIGHT = {16: (0.88, 0.88), 64: (0.88, 0.88), 256: (0.88, 0.88)}


def measure(rounds: int) -> Iterator[Figure]:
    """Figure b."""
    with helper("null_server", json.dumps(_ANSWER)) as server:
        found = json.loads(module("client_calls", str(server.port), str(rounds)))
    yield Figure("b", "PortraitClient.get_asset against urllib3, one at a time", found["blocking"], 1.5, 1.3)
    yield Figure("b", "AsyncPortraitClient.get_asset against aiohttp, one at a time", found["async"], 1.0, 0.9)
    for workers, (aim, least) in _IN_FLIGHT.items():
        what = f"AsyncPortraitClient.get_asset against aiohttp, {workers} in flight"
        yield Figure("b", what, found[str(workers)], aim, least)


def _blocking(port: int, rounds: int) -> float:
    """How the rate of the blocking client compares with the rate of urllib3."""
    pool = urllib3.PoolManager()
    url = f"http://127.0.0.1:{port}/v1/portrait/?Action=GetAsset&Version=2024-01-01"

    def bare() -> None:
        assert pool.request("POST", url, json={"Id": _ASSET}, headers=_HEADERS).json()["Result"]["Id"] == _ASSET

    with PortraitClient(api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1") as client:

        def ours() -> None:
            assert client.get_asset(id=_ASSET).id == _ASSET

        pairs = [(_rate(ours), _rate(bare)) for _ in range(rounds + 1)]
    return ratio(pairs[1:])


def _rate(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    for _ in range(_CALLS):
        call()
    return _CALLS / (time.perf_counter() - started)


async def _asynchronous(port: int, rounds: int, workers: int) -> float:
    """The same for asyncio, with so many calls in flight."""
    url = f"http://127.0.0.1:{port}/v1/portrait/?Action=GetAsset&Version=2024-01-01"
    async with (
        AsyncPortraitClient(api_key=KEY, base_url=f"http://127.0.0.1:{port}/v1") as client,
        aiohttp.ClientSession() as session,
    ):

        async def ours() -> None:
            assert (await client.get_asset(id=_ASSET)).id == _ASSET

        async def bare() -> None:
            async with session.post(url, json={"Id": _ASSET}, headers=_HEADERS) as answer:
                assert (await answer.json())["Result"]["Id"] == _ASSET

        pairs = [(await _rate_of(ours, workers), await _rate_of(bare, workers)) for _ in range(rounds + 1)]
    return ratio(pairs[1:])


async def _rate_of(call: Callable[[], Awaitable[None]], workers: int) -> float:
    each = max(_CALLS // workers, 2)

    async def work() -> None:
        for _ in range(each):
            await call()

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(workers)))
    return each * workers / (time.perf_counter() - started)


def _main(port: int, rounds: int) -> None:
    found = {
        "blocking": _blocking(port, rounds),
        "async": asyncio.run(_asynchronous(port, rounds, 1)),
        **{workers: asyncio.run(_asynchronous(port, rounds, workers)) for workers in _IN_FLIGHT},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
