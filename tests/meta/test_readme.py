"""The README is executed: its Python blocks, its tests and its shell blocks, in order, against an emulator."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from attrs import frozen

from emulator.server import EmulatorServer
from emulator.settings import Settings
from portrait.clock import ManualClock, SystemClock

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = {"match": {}, "do": {"review": {"status": "Active", "after": 0}}}
_BLOCK = re.compile(r"(?P<note><!-- not run: [^>]+ -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.DOTALL)


@frozen
class Block:
    """A fenced block of the README."""

    line: int
    language: str
    code: str
    skipped: bool

    def __str__(self) -> str:
        return f"{self.language}-at-line-{self.line}"


def blocks() -> list[Block]:
    """All fenced blocks, in order."""
    text = (ROOT / "README.md").read_text()
    return [
        Block(text[: found.start("code")].count("\n"), found["language"], found["code"], found["note"] is not None)
        for found in _BLOCK.finditer(text)
    ]


RUN = [block for block in blocks() if not block.skipped]
PYTHON = [block for block in RUN if block.language == "python" and "def test_" not in block.code]
TESTS = [block for block in RUN if block.language == "python" and "def test_" in block.code]
SHELL = [block for block in RUN if block.language == "sh"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    """An emulator that the environment points to; sleeping moves its clock, and its phone passes every check."""
    with EmulatorServer(Settings.guide(), ManualClock()) as running:
        control = running.control

        def sleep(_: object, seconds: float) -> None:
            control.set_clock(advance=seconds)
            for validation in control.state()["validations"]:
                if validation["state"] == "open":
                    control.finish_validation(validation["id"], "pass")

        async def async_sleep(clock: object, seconds: float) -> None:
            sleep(clock, seconds)

        monkeypatch.setattr(SystemClock, "sleep", sleep)
        monkeypatch.setattr(SystemClock, "async_sleep", async_sleep)
        monkeypatch.setenv("PORTRAIT_BASE_URL", f"{running.url}/v1")
        monkeypatch.setenv("ALLTOKEN_API_KEY", "me")
        monkeypatch.chdir(ROOT)
        yield running


def test_every_kind_of_block_is_there():
    """The README shows all three uses, and nothing in it goes untested by accident."""
    assert PYTHON
    assert TESTS
    assert SHELL
    assert {block.language for block in RUN} <= {"python", "sh"}


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_blocks_run(block: Block, server: EmulatorServer):
    """A Python block runs as it stands, with the environment that it asks for."""
    server.control.add_rule(AT_ONCE)  # a batch waits on its own clock, which nobody moves here
    code = compile(block.code, str(block), "exec")
    failed: list[BaseException] = []

    def run() -> None:  # in a thread of its own, where asyncio.run finds no other loop
        try:
            exec(code, {"__name__": "__main__"})
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    if failed:
        raise failed[0]


@pytest.mark.parametrize("block", TESTS, ids=str)
def test_pytest_blocks_pass(block: Block, tmp_path: Path):
    """A block of tests passes in a project that only installed the distribution."""
    (tmp_path / "test_block.py").write_text(block.code)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{block.code.count('def test_')} passed" in done.stdout


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs bash and curl")
def test_shell_blocks_run_and_say_what_their_comments_say(server: EmulatorServer, tmp_path: Path):
    """The shell blocks, one after the other in one shell, print the words that stand in the comments behind them."""
    for name in ("host.jpg", "anchor.png"):
        shutil.copy(ROOT / "fixtures" / "media" / "portrait.jpg", tmp_path / name)
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    script = "\n".join(_checked(line) for block in SHELL for line in block.code.splitlines())
    script = script.replace("http://127.0.0.1:8787", server.url)
    # The command waits in real time: its reviews end at once, the others stay with the clock that the blocks move.
    rule = json.dumps({**AT_ONCE, "match": {"customer": "files"}})
    script = script.replace("control reset '{}'", f"control reset '{{}}'; control rules '{rule}'")
    script = script.replace("portrait-emulator serve --clock manual", "true")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": path,
            "PORTRAIT_BASE_URL": f"{server.url}/v1",
            "ALLTOKEN_API_KEY": "files",
            "XDG_STATE_HOME": str(tmp_path / "state"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stdout.count("OK ") == script.count('echo "OK ') > 8


def _checked(line: str) -> str:
    """A line `command    # Word …` fails unless the word is in what the command prints."""
    found = re.match(r"^(?P<command>\S.*?)\s{2,}# (?P<word>[A-Z]\w+)", line)
    if found is None or not found["command"].startswith(("call", "KEY=", "control", "curl")):
        return line
    word = found["word"]
    verdict = f'*{word}*) echo "OK {word}";; *) echo "no {word} in $out"; exit 1;;'
    return f'out=$({found["command"]}); case "$out" in {verdict} esac'
