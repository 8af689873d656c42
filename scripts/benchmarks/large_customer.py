"""How long others wait for a GetAsset while a customer with a million assets lists, settles and deletes them.

Of a wait counts what the emulator's process computed meanwhile: a busy machine makes any call wait. The emulator is a
process of its own (`python -m scripts.benchmarks.large_customer SIZE`), which takes and restores a
snapshot when a line on its standard input asks for it.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from emulator.gc_policy import leave_old_objects
from emulator.messages import Call
from emulator.service import Service
from emulator.settings import Settings
from emulator.testing import Emulator
from emulator.web.runner import run
from scripts.benchmarks.processes import PYTHON, ROOT, environment
from scripts.benchmarks.report import Figure
from scripts.benchmarks.wire import KEY, Connection, action, post

_SIZE = 1_000_000
_REVIEW_SECONDS = 3_600
_PAUSE = 0.001
_OTHER = "another"
_CPU_CLOCK = 2  # Linux: makes a clock's number of the complement of a process's
_ASSET = {"URL": "https://cdn.example/portrait.jpg", "AssetType": "Image"}


def measure(_: int) -> Iterator[Figure]:
    """Figure large: the longest wait for each kind of work."""
    with _Large(_SIZE) as large:
        yield Figure("large", f"memory for an asset, of {_SIZE:,}", large.bytes / 1024, 1.0, unit="KB", higher=False)
        for what, work in _WORK.items():
            wait = large.longest_wait(work) * 1000
            yield Figure("large", f"longest GetAsset of another customer: {what}", wait, 50, unit="ms", higher=False)


class _Large:
    """The process, from the outside.

    Args:
        size: How many assets its large customer has.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        command = [PYTHON, "-m", "scripts.benchmarks.large_customer", str(self.size)]
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=pipe, stdout=pipe, text=True)
        self._clock = ~self._process.pid << 3 | _CPU_CLOCK
        facts = self._line()
        self.bytes, self.groups = facts["bytes"], facts["groups"]
        self._port, self.probe = facts["port"], action("GetAsset", {"Id": facts["asset"]}, _OTHER)
        self._connection = Connection(self._port)
        self.probes = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def longest_wait(self, work: Callable[[_Large], object]) -> float:
        """The longest that the other customer waits for a GetAsset while the work is done, in seconds."""
        done = threading.Event()
        waits: list[float] = []
        probe = threading.Thread(target=self._look, args=(done, waits))
        probe.start()
        try:
            work(self)
        finally:
            done.set()
            probe.join()
        return max(waits)

    def _look(self, done: threading.Event, waits: list[float]) -> None:
        connection = Connection(self._port)
        while not done.is_set() or not waits:
            started, computed = time.perf_counter(), time.clock_gettime(self._clock)
            connection.ask(self.probe)
            waits.append(min(time.perf_counter() - started, time.clock_gettime(self._clock) - computed))
            self.probes += 1
            time.sleep(_PAUSE)  # noqa: TID251 - a process is observed, not a clock
        connection.close()

    def list(self, **fields: Any) -> int:
        """How many assets a list counts."""
        filters = {"GroupType": "AIGC", **fields.pop("Filter", {})}
        count: int = self.call("ListAssets", Filter=filters, **fields)["TotalCount"]
        return count

    def call(self, name: str, **body: Any) -> Any:
        """The result of an Action of the large customer."""
        return self._connection.ask(action(name, body))["Result"]

    def control(self, path: str, **body: Any) -> None:
        """A request to the control plane."""
        self._connection.ask(post(f"/_emulator/{path}", body, {}))

    def own(self, command: str) -> None:
        """What the process does by itself: "snapshot" or "load"."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        self._line()

    def _line(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def _nothing(_: _Large) -> None:
    time.sleep(2)  # noqa: TID251 - a process is observed, not a clock


def _settle(large: _Large) -> None:
    """All reviews end at once; no list shows a part of them."""
    large.control("clock", advance=_REVIEW_SECONDS)
    assert large.list(Filter={"Statuses": ["Active"]}) == large.size
    assert large.list(Filter={"Statuses": ["Processing"]}) == 0


def _reset(large: _Large) -> None:
    """The asset of the other customer goes too: now it asks for a list."""
    large.probe = action("ListAssets", {"Filter": {"GroupType": "AIGC"}}, _OTHER)
    last = large.probes + 1  # may still be a GetAsset
    while large.probes <= last:
        time.sleep(_PAUSE)  # noqa: TID251 - a process is observed, not a clock
    large.control("reset")


def _delete(large: _Large) -> None:
    large.call("DeleteAssetGroup", Id=large.groups[0])
    assert large.list() == large.size // 2


# What goes on → how it is done, in this order.
_WORK: Mapping[str, Callable[[_Large], object]] = {
    "nothing": _nothing,
    "lists": lambda large: [large.list(PageNumber=number, PageSize=100) for number in range(1, large.size // 100, 97)],
    "the first list by UpdateTime": lambda large: large.list(SortBy="UpdateTime"),
    "the first list by GroupId": lambda large: large.list(SortBy="GroupId"),
    "a search by a part of the name": lambda large: large.list(Filter={"Name": "9"}),
    "the same, by UpdateTime": lambda large: large.list(Filter={"Name": "a"}, SortBy="UpdateTime"),
    "all reviews end": _settle,
    "a snapshot": lambda large: large.own("snapshot"),
    "half is deleted": _delete,
    "the snapshot is restored": lambda large: large.own("load"),
    "a reset": _reset,
}


class _Inside:
    """The process, from the inside.

    Args:
        size: How many assets its large customer has.
    """

    def __init__(self, size: int) -> None:
        leave_old_objects()  # as `portrait-emulator serve` does
        self.emulator = Emulator(Settings(assets=2 * size, image_review=_REVIEW_SECONDS))
        other = self._create(self._group(_OTHER), _OTHER, 0)
        groups = [self._group(KEY), self._group(KEY)]
        before = _resident()
        for number in range(size):
            self._create(groups[number % 2], KEY, number)
        used = (_resident() - before) / size
        port = int(self.emulator.url.rpartition(":")[2])
        self._print({"port": port, "asset": other, "groups": groups, "bytes": used})

    def run(self) -> None:
        """Take and restore snapshots."""
        snapshot = None
        with self.emulator:
            for line in sys.stdin:
                if line.strip() == "snapshot":
                    snapshot = self.emulator.snapshot()
                elif snapshot is not None:
                    self.emulator.load(snapshot)
                self._print({})

    def _group(self, key: str) -> str:
        return self._call(key, "CreateAssetGroup", Name="bench", GroupType="AIGC")

    def _create(self, group: str, key: str, number: int) -> str:
        return self._call(key, "CreateAsset", GroupId=group, Name=f"portrait-{number}", **_ASSET)

    def _call(self, key: str, name: str, **body: Any) -> str:
        service: Service = self.emulator.service
        call = Call(action=name, key=key, body=json.dumps(body).encode(), base="http://127.0.0.1")
        identifier: str = json.loads(run(service.pipelines[0].answer(call), service.clock.sleep).body)["Result"]["Id"]
        return identifier

    @staticmethod
    def _print(facts: dict[str, Any]) -> None:
        print(json.dumps(facts), flush=True)


def _resident() -> int:
    """The memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    _Inside(int(sys.argv[1])).run()
