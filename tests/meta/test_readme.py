"""The READMEs are executed: their Python blocks, tests, shell and Node blocks, in order, against an emulator."""

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
PAGES = ("README.md", "portrait/README.md", "portrait/cli/README.md", "emulator/README.md", "scripts/README.md")
AT_ONCE = {"match": {}, "do": {"review": {"status": "Active", "after": 0}}}
_BLOCK = re.compile(r"(?P<note><!-- not run: [^>]+ -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.DOTALL)
_FILE = re.compile(r"# (\w+\.py)\n")


@frozen
class Block:
    """A fenced block of a README. A Python block may name its file in its first line."""

    page: str
    line: int
    language: str
    code: str
    skipped: bool

    def __str__(self) -> str:
        return f"{self.page}-{self.language}-at-line-{self.line}"

    @property
    def file(self) -> str | None:
        """The name that its first line gives."""
        found = _FILE.match(self.code)
        return found and found[1]


def blocks(page: str) -> list[Block]:
    """All fenced blocks of a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(
            page, text[: found.start("code")].count("\n"), found["language"], found["code"], found["note"] is not None
        )
        for found in _BLOCK.finditer(text)
    ]


RUN = [block for page in PAGES for block in blocks(page) if not block.skipped]
PYTHON = [block for block in RUN if block.language == "python" and "def test_" not in block.code]
TESTS = [block for block in RUN if block.language == "python" and "def test_" in block.code]
SHELL = {page: [block for block in RUN if block.page == page and block.language == "sh"] for page in PAGES}
NODE = [block for block in RUN if block.language == "js"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    """An emulator that the environment points to; sleeping moves its clock, and its phone passes every check."""
    with EmulatorServer(Settings.guide(), ManualClock()) as running:
        control = running.control

        def sleep(_: object, seconds: float) -> None:
            control.set_clock(advance=seconds)
            for validation in control.state()["validations"]:
                if validation["state"] == "open":
                    control.finish_validation(validation["id"], result="pass")

        async def async_sleep(clock: object, seconds: float) -> None:
            sleep(clock, seconds)

        monkeypatch.setattr(SystemClock, "sleep", sleep)
        monkeypatch.setattr(SystemClock, "async_sleep", async_sleep)
        monkeypatch.setenv("PORTRAIT_BASE_URL", f"{running.url}/v1")
        monkeypatch.setenv("ALLTOKEN_API_KEY", "me")
        monkeypatch.chdir(ROOT)
        yield running


@pytest.fixture
def auto_server():
    """The emulator on port 8789 of the pages."""
    with EmulatorServer(clock="auto") as running:
        yield running


def test_every_kind_of_block_is_there():
    """The READMEs show all uses, and nothing in them goes untested by accident."""
    assert PYTHON
    assert TESTS
    assert any(SHELL.values())
    assert {block.language for block in RUN} <= {"python", "sh", "js", "json"}


def test_no_readme_is_forgotten():
    """Every README of the tree is executed."""
    folders = (ROOT / name for name in ("portrait", "emulator", "scripts", "tests", "fixtures"))
    found = {str(path.relative_to(ROOT)) for folder in folders for path in folder.rglob("*.md")}
    assert {"README.md", *found} == set(PAGES)


def test_the_front_page_is_short():
    """The first page can be read in one go: at most 12 KB."""
    assert len((ROOT / "README.md").read_bytes()) <= 12 * 1024


@pytest.mark.parametrize("block", [block for block in RUN if block.language == "json"], ids=str)
def test_json_blocks_are_json(block: Block):
    """A policy that is copied from a page can be read."""
    assert json.loads(block.code)


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_blocks_run(block: Block, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch):
    """A Python block runs as it stands, with the environment that it asks for."""
    monkeypatch.setenv("PORTRAIT_API_KEY", "me")  # of every provider
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


def test_pytest_blocks_pass(tmp_path: Path):
    """Each block of tests passes in a project that only installed the distribution; all are run at once."""
    for number, block in enumerate(TESTS):
        folder = tmp_path / f"block{number}"
        folder.mkdir()
        for other in PYTHON:
            if other.page == block.page and other.file is not None:
                (folder / other.file).write_text(other.code)
        (folder / f"test_block{number}.py").write_text(block.code)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    assert f"{sum(block.code.count('def test_') for block in TESTS)} passed" in done.stdout


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
@pytest.mark.parametrize("block", NODE, ids=str)
def test_node_blocks_run(block: Block, server: EmulatorServer):
    """A program in JavaScript talks to the emulator."""
    code = block.code.replace("http://127.0.0.1:8787", server.url)
    command = ["node", "--input-type=module", "-e", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout.startswith("group-"), done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs bash and curl")
@pytest.mark.parametrize("page", [page for page in PAGES if SHELL[page]])
def test_shell_blocks_run_and_say_what_their_comments_say(
    page: str, server: EmulatorServer, auto_server: EmulatorServer, tmp_path: Path
):
    """The shell blocks of a page, one after the other in one shell, print the words in the comments behind them."""
    for name in ("host.jpg", "anchor.png"):
        shutil.copy(ROOT / "fixtures" / "media" / "portrait.jpg", tmp_path / name)
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    # The command waits in real time: its reviews end at once, the others stay with the clock that the blocks move.
    rule = {**AT_ONCE, "match": {"customer": "files"}}
    server.control.add_rule(rule)
    script = "\n".join(_checked(line) for block in SHELL[page] for line in block.code.splitlines())
    script = script.replace("http://127.0.0.1:8789", auto_server.url)
    script = re.sub(r"http://127\.0\.0\.1:878\d", server.url, script)
    script = script.replace("control reset '{}'", f"control reset '{{}}'; control rules '{json.dumps(rule)}'")
    script = re.sub(r"^portrait-emulator serve .*", "true", script, flags=re.MULTILINE)
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
        timeout=120,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stdout.count("OK ") == script.count('echo "OK ')


def test_comments_are_checked():
    """The flows by hand say in comments what each call prints."""
    lines = [line for blocks_ in SHELL.values() for block in blocks_ for line in block.code.splitlines()]
    assert sum(_checked(line) != line for line in lines) > 8


def _checked(line: str) -> str:
    """A line `command    # Word …` fails unless the word is in what the command prints."""
    found = re.match(r"^(?P<command>\S.*?)\s{2,}# (?P<word>[A-Z]\w+)", line)
    if found is None or not found["command"].startswith(("call", "KEY=", "control", "curl")):
        return line
    word = found["word"]
    verdict = f'*{word}*) echo "OK {word}";; *) echo "no {word} in $out"; exit 1;;'
    return f'out=$({found["command"]}); case "$out" in {verdict} esac'
