"""What a state in a SQLite file adds to a create."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from portrait.clock import SystemClock
from portrait.state import ClaimedCreate, Key, open_state
from scripts.benchmarks.report import Figure


def measure(rounds: int) -> Iterator[Figure]:
    """Figure state."""
    walls, cpus = [], []
    with tempfile.TemporaryDirectory() as folder, open_state(Path(folder) / "state.db", SystemClock()) as state:
        state.check()
        for number in range(rounds):
            started, used = time.perf_counter(), time.process_time()
            claimed = state.creates.begin(Key("account", "group", str(number)), 72, lambda: 11)
            assert isinstance(claimed, ClaimedCreate)
            state.creates.finish(claimed, "asset")
            walls.append(1000 * (time.perf_counter() - started))
            cpus.append(1000 * (time.process_time() - used))
    yield Figure(
        "state", "a create's transactions in a SQLite state", median(walls), 3.0, 10.0, unit="ms", higher=False
    )
    yield Figure("state", "the processor's part of it", median(cpus), unit="ms", higher=False)
