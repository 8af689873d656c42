"""GetAsset and CreateAsset of the emulator by the store that it keeps records in, compared with that in memory.

PostgreSQL has its share of this machine's processors, and a create waits for the disk as the machine has it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from scripts.benchmarks.load import Generator
from scripts.benchmarks.pool_cost import postgres_server
from scripts.benchmarks.processes import Process, emulator
from scripts.benchmarks.report import Figure, ratio
from scripts.benchmarks.server_calls import prepared

_SECONDS = 0.5


def measure(rounds: int) -> Iterator[Figure]:
    """Figure store."""
    with ExitStack() as stack:
        loads = [stack.enter_context(Generator()) for _ in range(2)]
        folder, postgres = stack.enter_context(tempfile.TemporaryDirectory()), stack.enter_context(postgres_server())
        memory = stack.enter_context(emulator())
        sqlite = stack.enter_context(emulator("--store", f"sqlite:///{folder}/store.db"))
        two = [stack.enter_context(emulator("--store", postgres)) for _ in range(2)]
        stores = {"SQLite": [sqlite], "PostgreSQL": two[:1], "PostgreSQL, 2 processes": two}
        requests = {name: prepared(processes[0].port) for name, processes in stores.items()}
        in_memory = prepared(memory.port)
        for action in ("GetAsset", "CreateAsset"):
            for name, processes in stores.items():
                pairs = [
                    (_rate(loads, processes, requests[name][action]), _rate(loads, [memory], in_memory[action]))
                    for _ in range(rounds)
                ]
                aim = 0.35 if (action, name) == ("GetAsset", "SQLite") else None
                yield Figure("store", f"{action} on {name} / in memory, requests/s", ratio(pairs), aim)


def _rate(loads: Sequence[Generator], processes: Sequence[Process], request: bytes) -> float:
    """Requests per second of all processes together."""
    with ThreadPoolExecutor(len(processes)) as threads:
        found = threads.map(lambda load, process: load.load(process, request, _SECONDS).rate, loads, processes)
        return sum(found)
