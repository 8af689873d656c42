"""What one stateful emulator for each test costs beside mocks whose state is written by hand.

The same small test (create a group, create an asset, look until it is Active) stands in `stateful/` for each library.
It runs in the bench's environment; of a process that runs it often, what one that runs it once needs is taken away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from types import MappingProxyType

from scripts.benchmarks.processes import BENCH_PYTHON, cpu_of
from scripts.benchmarks.report import Figure

_FOLDER = Path(__file__).parent / "stateful"
_TESTS = 200

# File → what the test runs with.
_FILES: Mapping[str, str] = MappingProxyType(
    {
        "test_portrait_client.py": "portrait_client, in this process",
        "test_portrait_emulator.py": "portrait_emulator and requests, a server for each test",
        "test_responses.py": "responses and requests",
        "test_respx.py": "respx and httpx",
        "test_httpserver.py": "pytest-httpserver and requests",
    }
)


def measure(rounds: int) -> Iterator[Figure]:
    """Figure tests."""
    for name, words in _FILES.items():
        cost = median((_cpu(name, _TESTS + 1) - _cpu(name, 1)) / _TESTS for _ in range(rounds))
        yield Figure("tests", f"CPU of a stateful test: {words}", cost * 1000, unit="ms", higher=False)


def _cpu(name: str, tests: int) -> float:
    """Seconds that a process computes which runs a test so often."""
    options = ("-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(_FOLDER), "--tests", str(tests))
    return cpu_of(BENCH_PYTHON, "-m", "pytest", *options, str(_FOLDER / name))
