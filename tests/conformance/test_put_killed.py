"""`put` of 40 files against a server process, killed 20 times at random moments: one asset each in the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from portrait import PortraitClient
from tests.portrait.cli.kills import assert_one_each, kill_at_random
from tests.portrait.cli.sample_folders import make_plain


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_twenty_times(start: Callable[..., Any], tmp_path: Path, seed: int) -> None:
    """Whatever was under way at each kill is found again; nothing is created twice."""
    url = start("--review-seconds", "0").url
    environ = {"PORTRAIT_BASE_URL": f"{url}/v1", "PORTRAIT_API_KEY": "me", "XDG_STATE_HOME": str(tmp_path / "state")}

    def created() -> int:
        with urlopen(f"{url}/_emulator/calls?action=CreateAsset&outcome=ok") as answer:
            return len(json.load(answer)["calls"])

    words = ["put", str(make_plain(tmp_path / "photos", 40)), "--group", "brand", "--concurrency", "4"]
    kill_at_random(environ, words, created, total=40, rounds=20, seed=seed)
    with PortraitClient(base_url=environ["PORTRAIT_BASE_URL"], api_key="me") as client:
        assert_one_each(client, 40)
    assert created() == 40
