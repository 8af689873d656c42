"""What a call costs with 1,000,000 assets in store against 100, and how much memory an asset takes.

Each size is measured in a process of its own (`python -m scripts.benchmarks.store_size SIZE…`), through the service but
without HTTP, for what is looked for is a cost that grows.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from emulator.messages import Call
from emulator.service import Service
from emulator.settings import Settings
from emulator.web.runner import run
from portrait.clock import ManualClock
from scripts.benchmarks.processes import module
from scripts.benchmarks.report import Figure, ratio

_FEW, _MANY = 100, 1_000_000
_CALLS = 80


def measure(rounds: int) -> Iterator[Figure]:
    """Figure e."""
    found = json.loads(module("store_size", str(_FEW), str(_MANY), str(rounds)))
    for name, value in found["ratios"].items():
        yield Figure("e", f"{name}, {_MANY:,} assets against {_FEW}", value, 1.2, higher=False)
    yield Figure("e", "memory for an asset", found["bytes"] / 1024, 1.0, unit="KB", higher=False)


class Holding:
    """A service that holds some assets.

    Args:
        size: How many.
    """

    def __init__(self, size: int) -> None:
        self.clock = ManualClock()
        self.service = Service(Settings(assets=10 * size + 1_000_000), self.clock)
        self.group = self.call("CreateAssetGroup", Name="bench", GroupType="AIGC")["Id"]
        for number in range(size):
            self.create(number)
            self.clock.advance(0.05)
        self.clock.advance(60)
        self.size = size
        self.one = self._page(number=1)[0]["Id"]

    def call(self, action: str, **body: Any) -> Any:
        """The result of one call."""
        call = Call(action=action, key="bench", body=json.dumps(body).encode(), base="http://127.0.0.1")
        answer = json.loads(run(self.service.pipelines[0].answer(call), self.clock.sleep).body)
        assert "Error" not in answer["ResponseMetadata"], answer
        return answer["Result"]

    def create(self, number: int) -> None:
        """One asset more."""
        address = f"https://cdn.example/portraits/{number}.jpg"
        self.call("CreateAsset", GroupId=self.group, URL=address, AssetType="Image", Name=f"portrait-{number}")

    def work(self, name: str, times: int = _CALLS) -> float:
        """Seconds for so many calls."""
        started = time.perf_counter()
        for number in range(times):
            if name == "GetAsset":
                self.call("GetAsset", Id=self.one)
            elif name == "CreateAsset":
                self.create(number)
            else:
                self._page(number=1 if name == "ListAssets, first page" else self.size // 10)
        return time.perf_counter() - started

    def _page(self, number: int) -> Any:
        return self.call("ListAssets", Filter={"GroupType": "AIGC"}, PageNumber=number)["Items"]


_NAMES = ("GetAsset", "ListAssets, first page", "ListAssets, last page", "CreateAsset")


def _compared(few: int, many: int, rounds: int) -> dict[str, Any]:
    small = Holding(few)
    before = _memory()
    large = Holding(many)
    used = _memory() - before
    gc.freeze()  # the collector's passes over what is stored are no cost of a call
    ratios = {}
    for name in _NAMES:
        # Times of many assets, then of few, each of them short: creating adds to both.
        pairs = [(large.work(name), small.work(name)) for _ in range(rounds + 1)]
        ratios[name] = ratio(pairs[1:])
    return {"ratios": ratios, "bytes": used / many}


def _memory() -> int:
    """What this process has resident now, in bytes; where the system does not tell, the most that it has had."""
    gc.collect()
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    print(json.dumps(_compared(*map(int, sys.argv[1:]))))
