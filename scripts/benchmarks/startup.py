"""From the start of a process to its first good answer, and what imports and helps cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median

from scripts.benchmarks.processes import EMULATOR, PORTRAIT, PYTHON, Process, cpu_of, emulator, moto, seconds_of
from scripts.benchmarks.report import Figure, ratio
from scripts.benchmarks.wire import Connection, action, parameter

_CLIENTS = "from portrait import PortraitClient, AsyncPortraitClient"


def measure_servers(rounds: int) -> Iterator[Figure]:
    """Figure c."""
    group = action("CreateAssetGroup", {"GroupType": "AIGC", "Name": "bench"})
    put = parameter("PutParameter", {"Name": "/bench", "Value": "value", "Type": "String"})
    pairs = [(_first_answer(emulator, group), _first_answer(moto, put)) for _ in range(rounds + 1)]
    what = "start of `portrait-emulator serve` to its first answer against moto_server"
    yield Figure("c", what, ratio(pairs[1:]), 0.85, 1.0, higher=False)


def _first_answer(server: Callable[[], AbstractContextManager[Process]], request: bytes) -> float:
    started = time.perf_counter()
    with server() as process:
        connection = Connection(process.port)
        connection.ask(request)
        elapsed = time.perf_counter() - started
        connection.close()
    return elapsed


def measure_imports(rounds: int) -> Iterator[Figure]:
    """Figure d."""
    statements = ("import portrait", _CLIENTS, "import aiohttp")
    found = [[seconds_of(PYTHON, "-c", statement) for statement in statements] for _ in range(rounds + 1)][1:]
    plain = ratio([(ours, theirs) for ours, _, theirs in found])
    both = ratio([(ours, theirs) for _, ours, theirs in found])
    yield Figure("d", "`import portrait` against `import aiohttp`, whole processes", plain, 0.55, 0.6, higher=False)
    yield Figure("d", f"`{_CLIENTS}` against the same", both)
    for command in ((PORTRAIT, "--help"), (PORTRAIT, "put", "--help"), (EMULATOR, "serve", "--help")):
        pairs = [(cpu_of(*command), cpu_of(PYTHON, "-c", "")) for _ in range(rounds + 1)][1:]
        more = median(ours - bare for ours, bare in pairs)
        words = " ".join((Path(command[0]).name, *command[1:]))
        yield Figure("d", f"CPU of `{words}` over a bare interpreter's", more * 1000, 60, unit="ms", higher=False)
