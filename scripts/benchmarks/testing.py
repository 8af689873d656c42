"""A thousand tests, each with an emulator of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from scripts.benchmarks.processes import PYTHON, seconds_of
from scripts.benchmarks.report import Figure

_TESTS = 1000
_FILE = f"""
import pytest

@pytest.mark.parametrize("number", range({_TESTS}))
def test_portrait(portrait_emulator, portrait_client, number):
    group = portrait_client.create_asset_group(name="bench")
    url = "https://cdn.example/portrait.jpg"
    asset = portrait_client.create_asset(group_id=group.id, url=url, asset_type="Image")
    assert portrait_client.get_asset(id=asset.id).group_id == group.id
"""


def measure(rounds: int) -> Iterator[Figure]:
    """Figure g."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "test_thousand.py")
        path.write_text(_FILE)
        command = (
            PYTHON,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            folder,
            "-c",
            "/dev/null",
            str(path),
        )
        found = [seconds_of(*command) for _ in range(min(rounds, 3) + 1)]
    yield Figure(
        "g", f"{_TESTS} tests, each with a fresh portrait_emulator", median(found[1:]), 8, unit="s", higher=False
    )
