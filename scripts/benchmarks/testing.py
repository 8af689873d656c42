"""What tests cost: a thousand with an emulator each, and a minute of waiting on the manual clock."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from emulator.settings import Settings
from emulator.testing import Emulator
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
    yield Figure(
        "g",
        f"{_PEOPLE} liveness checks and reviews of a minute, on the manual clock",
        median([_minute() for _ in range(rounds + 1)][1:]),
        1,
        unit="s",
        higher=False,
    )


_PEOPLE = 50


def _minute() -> float:
    """Seconds that a client takes for people who pass one after the other, and for pictures of theirs."""
    with Emulator(Settings(image_review=30, groups=2 * _PEOPLE)) as emulator:
        started, client = time.perf_counter(), emulator.client()
        sessions = [client.create_visual_validate_session(callback_url="https://a.example/") for _ in range(_PEOPLE)]
        assets = []
        for session in sessions:
            emulator.clock.advance(1)
            emulator.validations.finish(session, "pass")
            group = client.wait_until_validated(session).group_id
            assets.append(client.create_asset(group_id=group, url="https://a.example/a.jpg", asset_type="Image").id)
        ended = [outcome.state for outcome in client.watch_assets(assets)]
        if ended != ["Active"] * _PEOPLE:
            raise RuntimeError(f"not all became Active: {ended}")
        return time.perf_counter() - started
