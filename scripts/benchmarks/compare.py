"""Compares two files of figures. The exit status is 1 if one became worse by more than a tenth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.benchmarks.report import columns

_TOLERANCE = 1.1
_HEADINGS = ("figure", "what", "before", "after", "factor", "")


def compare(old: Path, new: Path) -> int:
    """Print the figures of both files side by side; returns the exit status."""
    before, after = _read(old), _read(new)
    rows = [_row(name, before.get(name), after.get(name)) for name in before | after]
    print("\n".join(columns([_HEADINGS, *rows])))
    return int(any(row[-1] == "WORSE" for row in rows))


def _read(path: Path) -> dict[tuple[str, str], Any]:
    """The figures of a file by letter and text."""
    figures = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {(figure["name"], figure["what"]): figure for figure in figures}


def _row(name: tuple[str, str], before: Any, after: Any) -> tuple[str, ...]:
    if before is None or after is None:
        return (*name, _value(before), _value(after), "", "new" if before is None else "gone")
    factor = after["value"] / before["value"] if before["value"] else 1.0
    worse = factor if not after["higher"] else 1 / factor if factor else float("inf")
    verdict = "WORSE" if worse > _TOLERANCE else "better" if worse < 1 / _TOLERANCE else ""
    return (*name, _value(before), _value(after), f"{factor:.2f}", verdict)


def _value(figure: Any) -> str:
    return "" if figure is None else f"{figure['value']:.3g} {figure['unit']}"
