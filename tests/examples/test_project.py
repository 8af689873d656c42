"""A project from outside uses the pytest plugin: with pytest-xdist, pytest-asyncio and anyio, warnings being errors."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parent / "project"


def test_a_project_from_outside_passes_in_two_processes(tmp_path):
    """It has nothing but the distribution, and a real key in its environment that no test can reach."""
    pytest.importorskip("pytest_asyncio")
    shutil.copytree(PROJECT, tmp_path / "project")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"],
        cwd=tmp_path / "project",
        env={**os.environ, "ALLTOKEN_API_KEY": "a-real-key", "PORTRAIT_PROVIDER": "volcengine"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert "13 passed" in done.stdout
