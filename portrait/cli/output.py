"""Results on stdout: tables for people, JSON for programs, ids for `--quiet`; and what people read besides on stderr.

Every result is a plain record, a mapping of names to JSON values. A narrow terminal goes without some columns.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from portrait.cli.console import Console, escape, stdout_errors

if TYPE_CHECKING:
    from rich.table import Table

Record = Mapping[str, Any]

_STYLES: Mapping[str, str] = MappingProxyType(
    {"Active": "green", "ok": "green", "Processing": "yellow", "note": "yellow", "Failed": "red", "fault": "red"}
)

_UNBOUNDED = 100_000  # columns, for measuring how wide a table would like to be


class OutputFormat(Enum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    QUIET = "quiet"


class Column(NamedTuple):
    """One column of a table.

    Attributes:
        title: Its heading.
        key: The field of a record that it shows.
        drop_order: Columns with a higher number are dropped first where the terminal is too narrow; 0 stays.
        wrap: A text whose words may go on several lines. Anything else stays on one, so that it can be copied.
    """

    title: str
    key: str
    drop_order: int = 0
    wrap: bool = False


class Output:
    """Writes results to stdout, information and errors to stderr.

    Attributes:
        format: How results are written.
        write: Takes a line for stdout; a progress display on the same terminal replaces it.
        write_stderr: Takes lines for stderr; likewise.
    """

    def __init__(self, console: Console, format: OutputFormat) -> None:  # noqa: A002
        self.console = console
        self.format = format
        self.write: Callable[[str], None] = self._write
        self.write_stderr: Callable[[str], None] = console.write_stderr
        encoding = (getattr(console.stdout, "encoding", None) or "utf-8").lower()
        self._ascii = not encoding.startswith("utf")

    @property
    def interactive(self) -> bool:
        """Whether a person reads the results."""
        return self.format is OutputFormat.TABLE

    @property
    def can_draw(self) -> bool:
        """Whether a person reads the results on a terminal that shows block characters."""
        return self.interactive and not self._ascii

    def print_list(self, records: Iterable[Record], columns: Sequence[Column], *, key: str, none: str) -> None:
        """Print a list: a table, a JSON array, or the values of `key`; people read `none` for an empty one."""
        if self.format is OutputFormat.QUIET:
            for record in records:
                self.write(escape(record[key]))
            return
        rows = list(records)
        if self.format is OutputFormat.JSON:
            self.print_json(rows)
        elif rows:
            self._print_table(rows, columns)
        else:
            self.info(none)

    def print_record(self, record: Record, *, key: str) -> None:
        """Print one thing: its fields below each other, a JSON object, or the value of `key`."""
        if self.format is OutputFormat.QUIET:
            self.write(escape(record[key]))
        elif self.format is OutputFormat.JSON:
            self.print_json(record)
        else:
            width = max(len(name) for name in record)
            for name, value in record.items():
                self.write(f"{name.replace('_', ' '):{width}}  {escape(_plain(value))}")

    def print_event(self, record: Record, *, line: str = "", key: str = "") -> None:
        """Print one of several outcomes as soon as it is known: a line, a line of JSON, or the value of `key`.

        Without `line` people see nothing, and without `key` nothing is printed for `--quiet`.
        """
        if self.format is OutputFormat.JSON:
            self.write(self._json(record, None))
        elif text := line if self.interactive else record.get(key):
            self.write(escape(text))

    def print_json(self, value: object) -> None:
        """Print indented JSON."""
        self.write(self._json(value, 2))

    def info(self, text: str) -> None:
        """Write what is no result to stderr, for people only."""
        if self.interactive:
            self.write_stderr(f"{escape(text)}\n")

    def error(self, lines: str) -> None:
        """Write formatted errors to stderr."""
        if lines:
            self.write_stderr(lines)

    def _json(self, value: object, indent: int | None) -> str:
        return json.dumps(value, indent=indent, ensure_ascii=self._ascii, default=dict)

    def _write(self, line: str) -> None:
        with stdout_errors():
            self.console.stdout.write(f"{line}\n")
            self.console.stdout.flush()

    def _print_table(self, records: Sequence[Record], columns: Sequence[Column]) -> None:
        from rich.console import Console as RichConsole  # noqa: PLC0415  (slow to load)

        # Rich writes into a text: where the reader of stdout has gone, it would change the process's own stdout.
        text, is_terminal = io.StringIO(), self.console.stdout.isatty()
        screen = RichConsole(file=text, force_terminal=is_terminal or None, highlight=False)
        unbounded = screen.options.update(width=_UNBOUNDED)
        width = screen.width if is_terminal else _UNBOUNDED
        table = _table(records, columns)
        while (last := max(column.drop_order for column in columns)) and screen.measure(
            table, options=unbounded
        ).maximum > width:
            columns = [column for column in columns if column.drop_order != last]
            table = _table(records, columns)
        needed = screen.measure(table, options=unbounded)
        screen.width = max(min(needed.maximum, width), needed.minimum)
        screen.print(table)
        self.write(text.getvalue().removesuffix("\n"))


def _table(records: Sequence[Record], columns: Sequence[Column]) -> Table:
    from rich.table import Table  # noqa: PLC0415  (slow to load)
    from rich.text import Text  # noqa: PLC0415

    def cell(value: object) -> Text:
        text = escape(_plain(value))
        return Text(text, style=_STYLES.get(text, ""))

    rows = [[cell(record.get(column.key)) for column in columns] for record in records]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column, cells in zip(columns, zip(*rows, strict=True), strict=True):
        whole = None if column.wrap else max(text.cell_len for text in cells)
        table.add_column(column.title, min_width=whole, no_wrap=not column.wrap, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ": ".join(str(part) for part in value.values() if part)
    return "-" if value is None or value == "" else str(value)
