"""Tables for people: with rich where it is installed, in plain text where it is not. Owns widths, colours and which
columns a narrow terminal goes without; must not know what the rows mean.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TextIO

from portrait.cli.console import escape

# Colours for words that mean something everywhere.
_STYLES: Mapping[str, str] = {
    "Active": "green",
    "ok": "green",
    "Processing": "yellow",
    "note": "yellow",
    "Failed": "red",
    "fault": "red",
}
_GAP = 2


class Column(NamedTuple):
    """One column.

    Attributes:
        title: Its heading.
        key: What it shows of a record.
        spare: Columns with a higher number go first where the terminal is too narrow; 0 stays.
        flexible: May be folded onto several lines.
    """

    title: str
    key: str
    spare: int = 0
    flexible: bool = False


class Table:
    """Rows that are ready to be shown.

    Args:
        columns: What to show.
        records: Where it is taken from.
    """

    def __init__(self, columns: Sequence[Column], records: Sequence[Mapping[str, Any]]) -> None:
        self._columns = list(columns)
        self._records = records

    def write_to(self, stream: TextIO) -> None:
        """Write the table, no wider than the terminal if columns can be spared."""
        width = shutil.get_terminal_size().columns
        columns = self._fitting(width)
        rows = [[_text(record.get(column.key)) for column in columns] for record in self._records]
        try:
            _write_rich(stream, columns, rows)
        except ImportError:
            _write_plain(stream, columns, rows)

    def _fitting(self, width: int) -> list[Column]:
        columns = self._columns
        while (spare := max(column.spare for column in columns)) and self._width(columns) > width:
            columns = [column for column in columns if column.spare != spare]
        return columns

    def _width(self, columns: Sequence[Column]) -> int:
        gaps = _GAP * (len(columns) - 1)
        return gaps + sum(
            max([len(column.title), *(display_width(_text(record.get(column.key))) for record in self._records)])
            for column in columns
        )


def display_width(text: str) -> int:
    """How many places of a terminal the text takes: wide characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def _text(value: object) -> str:
    return "-" if value is None or value == "" else escape(str(value))


def _write_rich(stream: TextIO, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415  (an extra)
    from rich.table import Table as RichTable  # noqa: PLC0415  (an extra)
    from rich.text import Text  # noqa: PLC0415  (an extra)

    table = RichTable(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column.title, no_wrap=not column.flexible, overflow="fold" if column.flexible else "ignore")
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Console(file=stream, highlight=False).print(table)


def _write_plain(stream: TextIO, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    everything = [[column.title for column in columns], *rows]
    widths = [max(display_width(row[at]) for row in everything) for at in range(len(columns))]
    for row in everything:
        padded = (cell + " " * (width - display_width(cell) + _GAP) for cell, width in zip(row, widths, strict=True))
        stream.write("".join(padded).rstrip() + "\n")
