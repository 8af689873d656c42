"""`scripts/upload`, for people who only cloned the repository; its setup and its command are stand-ins that tell."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def upload(tmp_path):
    """Runs the script in a copy of the repository, from another folder."""
    (tmp_path / "repo" / "scripts").mkdir(parents=True)
    (tmp_path / "repo" / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(ROOT / "scripts" / "upload", tmp_path / "repo" / "scripts")
    (tmp_path / "repo" / "scripts" / "setup").write_text("print('set up')")
    command = tmp_path / "repo" / ".venv" / "bin" / "portrait"
    command.write_text('#!/bin/sh\npwd\nprintf "<%s>\\n" "$@"\nexit 3\n')
    command.chmod(0o755)

    def run(*words):
        script = tmp_path / "repo" / "scripts" / "upload"
        return subprocess.run(
            [script, *words], cwd=tmp_path / "elsewhere", capture_output=True, text=True, check=False, timeout=60
        )

    return run


def test_it_sets_itself_up_and_puts_from_where_the_caller_is(upload):
    """Paths are the caller's; words with spaces stay whole; the exit code goes through."""
    ran = upload("my photo.jpg", "--group", "brand host")
    assert ran.returncode == 3
    first, folder, *words = ran.stdout.splitlines()
    assert first == "set up"
    assert folder.endswith("/elsewhere")
    assert words == ["<put>", "<my photo.jpg>", "<--group>", "<brand host>"]


def test_its_help_begins_at_the_beginning(upload):
    """The key, an example, then the command's own help."""
    ran = upload("--help")
    assert "ALLTOKEN_API_KEY" in ran.stdout
    assert "--dry-run" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "<--help>"


def test_a_file_may_be_called_like_the_help(upload):
    """After `--` everything is a file."""
    assert "ALLTOKEN_API_KEY" not in upload("--group", "x", "--", "--help").stdout
