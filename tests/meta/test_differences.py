"""What differs between providers and dialects is data: no code asks which one it is."""

import ast
from pathlib import Path

import pytest

from portrait.providers import PROVIDERS

ROOT = Path(__file__).resolve().parents[2]
NAMES = {*PROVIDERS, *(provider.dialect for provider in PROVIDERS.values())}
FILES = sorted(path for package in ("portrait", "emulator") for path in (ROOT / package).rglob("*.py"))


def questions(source):
    """The lines that compare something with the name of a provider or a dialect; `"x" in table` only looks it up."""
    for node in ast.walk(ast.parse(source)):
        compared = [node.value] if isinstance(node, ast.MatchValue) else []
        if isinstance(node, ast.Compare):
            compared = (
                node.comparators if isinstance(node.ops[0], ast.In | ast.NotIn) else [node.left, *node.comparators]
            )
        constants = [each.value for part in compared for each in ast.walk(part) if isinstance(each, ast.Constant)]
        if any(isinstance(value, str) and value in NAMES for value in constants):
            yield node.lineno


def test_no_code_asks_for_a_provider():
    """Neither by `==` or `in` nor by `match`: a further provider would be forgotten there."""
    lines = {str(path.relative_to(ROOT)): [*questions(path.read_text(encoding="utf-8"))] for path in FILES}
    assert {name: found for name, found in lines.items() if found} == {}


@pytest.mark.parametrize(
    "source",
    ['x.name == "ark"', 'x in {"volcengine", "y"}', 'match x:\n    case "tasks":\n        pass', '"gccai" != x'],
)
def test_a_question_is_seen(source):
    """In each of its forms."""
    assert list(questions(source))
