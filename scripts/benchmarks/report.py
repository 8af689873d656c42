"""A figure: what was measured, what is aimed for, what is the least; and how a table of them is printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import median

_HEADINGS = ("figure", "what", "measured", "aim", "least", "verdict")


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        name: The letter that `--only` takes.
        what: In words, with what it is compared to.
        value: What was measured.
        aim: What it should be; None for a number that is only reported.
        least: What it must be.
        unit: Behind the number; `×` is a ratio.
        higher: Is more better?
    """

    name: str
    what: str
    value: float
    aim: float | None = None
    least: float | None = None
    unit: str = "×"
    higher: bool = True

    def reaches(self, limit: float | None) -> bool:
        """Is it as good as that?"""
        return limit is None or (self.value >= limit if self.higher else self.value <= limit)

    @property
    def holds(self) -> bool:
        """Is it at least the least?"""
        return self.reaches(self.aim if self.least is None else self.least)

    @property
    def verdict(self) -> str:
        """In one word."""
        if self.aim is None:
            return "–"
        return "reached" if self.reaches(self.aim) else "holds" if self.holds else "MISSED"

    def cells(self) -> tuple[str, ...]:
        """Its row of the table."""
        return (
            self.name,
            self.what,
            self._written(self.value),
            self._wish(self.aim),
            self._wish(self.least),
            self.verdict,
        )

    def to_json(self) -> str:
        """Its line in a file of figures."""
        return json.dumps({**asdict(self), "verdict": self.verdict}, ensure_ascii=False)

    def _wish(self, limit: float | None) -> str:
        return "" if limit is None else f"{'≥' if self.higher else '≤'} {self._written(limit)}"

    def _written(self, number: float) -> str:
        return f"{number:.{2 if number < 10 else 0}f} {self.unit}"


def table(figures: list[Figure]) -> Iterator[str]:
    """The lines of the table."""
    return columns([_HEADINGS, *(figure.cells() for figure in figures)])


def columns(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Rows in aligned columns, with a line below the first one."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def ratio(pairs: list[tuple[float, float]]) -> float:
    """The median of the ratios of what was measured in pairs, one right after the other."""
    return median(ours / theirs for ours, theirs in pairs)
