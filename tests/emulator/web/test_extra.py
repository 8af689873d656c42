"""Without the extra `emulator`: one line that says what to install, wherever somebody first meets the emulator."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from emulator._optional import INSTALL_HINT, MODULES, missing_extra

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[3]
BLOCKER = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""


@pytest.fixture
def without(tmp_path_factory, monkeypatch):
    """Makes modules be missing for every Python that is started from then on."""

    def without(*names):
        folder = tmp_path_factory.mktemp("site")
        (folder / "sitecustomize.py").write_text(BLOCKER.format(names=names))
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(ROOT)]))

    return without


def run(*arguments):
    """Runs Python to its end."""
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=30, check=False, cwd=ROOT
    )


@pytest.mark.parametrize("missing", [MODULES, *((name,) for name in MODULES)], ids=["all", *MODULES])
def test_serve_says_what_to_install(without, missing):
    """Exit code 2 and nothing but the line; help is there all the same."""
    without(*missing)
    ended = run("-m", "emulator", "serve", "--port", "0")
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"{INSTALL_HINT}\n")
    assert run("-m", "emulator", "serve", "--help").returncode == 0


def test_a_fixture_says_what_to_install(without, pytester):
    """Every test that asks for an emulator is an error of one line; others run."""
    without(*MODULES)
    fixtures = ("portrait_emulator", "portrait_client", "portrait_emulator_server", "portrait_emulator")
    tests = [f"def test_{number}({fixture}): pass" for number, fixture in enumerate(fixtures)]
    pytester.makepyfile("\n".join([*tests, "def test_other(): pass"]))
    result = pytester.runpytest_subprocess(
        "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:hypothesispytest"
    )
    result.assert_outcomes(errors=4, passed=1)
    expected = result.stdout.str()
    assert expected.count(INSTALL_HINT) >= 4
    assert "Traceback" not in expected
    assert "ModuleNotFoundError" not in expected
    assert len(result.outlines) < 25, expected


def test_the_controls_say_what_to_install(without):
    """Without pytest too: whoever imports them reads the same words."""
    without(*MODULES)
    ended = run("-c", "from emulator.testing import Emulator")
    assert ended.stderr.splitlines()[-1] == f"ModuleNotFoundError: {INSTALL_HINT}"


def test_with_the_extra_nothing_is_said():
    """Looking a module up does not import it."""
    assert missing_extra() is None
    expected = f"print([m for m in {MODULES} if m in sys.modules])"
    assert run("-c", f"import sys, emulator._optional as e; e.missing_extra(); {expected}").stdout == "[]\n"


def test_the_modules_are_those_of_the_extra():
    """What is looked up is what the distribution says that the extra brings; of aiohttp it wants a newer one."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    brought = {line.partition(">")[0].lower().replace("-", "_") for line in extras["emulator"]}
    assert brought - {"aiohttp"} == set(MODULES)
