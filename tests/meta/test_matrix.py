"""What the package's metadata promises is what `scripts/matrix` tests: Pythons, and the bounds of dependencies."""

import re
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
METADATA = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def matrix(tmp_path, monkeypatch):
    """The script as a module, whose environments are elsewhere; and the commands that it would run."""
    loader = SourceFileLoader("matrix", str(ROOT / "scripts" / "matrix"))
    module = module_from_spec(spec_from_loader("matrix", loader))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    commands = []

    def run(*command, quiet=False):
        commands.append(" ".join(map(str, command)))
        return 0

    monkeypatch.setattr(module, "run", run)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(module, "interpreter", lambda version: Path(f"python{version}"))
    return module, commands


@pytest.mark.parametrize(("choice", "resolution"), [("--newest", "highest"), ("--lowest", "lowest-direct")])
def test_every_python_of_the_classifiers_is_tested(matrix, monkeypatch, choice, resolution):
    """matrix-new, matrix-low: each with the newest and with the lowest dependencies, all extras among them."""
    module, commands = matrix
    monkeypatch.setattr("sys.argv", ["matrix", choice, "tests/wire"])
    assert module.main() == 0
    for version in ("3.11", "3.12", "3.13"):
        name = f"{version}-{choice.removeprefix('--')}"
        (install,) = (each for each in commands if "install" in each and name in each)
        assert f"--resolution {resolution} " in install
        assert "--editable .[all]" in install
        (run,) = (each for each in commands if " -m pytest " in each and name in each)
        assert run.endswith("tests/wire")


def test_the_ends_are_the_oldest_with_the_lowest_and_the_newest_with_the_newest(matrix, monkeypatch):
    """matrix-new, matrix-low: with the tests that touch a dependency, or with those that are named."""
    module, commands = matrix
    for arguments, last in (([], "not slow"), (["tests/wire"], "tests/wire")):
        monkeypatch.setattr("sys.argv", ["matrix", "--ends", *arguments])
        assert module.main() == 0
        runs = [each for each in commands if " -m pytest " in each]
        assert [("3.11-lowest" in each, "3.13-newest" in each) for each in runs] == [(True, False), (False, True)]
        assert all(each.endswith(last) for each in runs)
        commands.clear()
    for path in module.DEPENDENT[:-2]:
        assert (ROOT / path).exists()


def test_every_dependency_has_a_lower_bound():
    """matrix-low: what has none could be anything that was ever published."""
    project = METADATA["project"]
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]
    groups = [each for group in METADATA["dependency-groups"].values() for each in group]
    for requirement in (*project["dependencies"], *extras, *groups):
        assert re.search(r">=|==|^portrait-actions\[", requirement), requirement
