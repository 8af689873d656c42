"""Where results go: tables for people, JSON for programs, ids for `--quiet`. Owns the three forms and the encoding;
must not know what the records mean. Every result is a plain record, a mapping of names to JSON values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any

from portrait.cli.console import Console, escape, stdout_errors
from portrait.cli.tables import Column, Table

Record = Mapping[str, Any]


class OutputFormat(Enum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    QUIET = "quiet"


class Output:
    """Writes results to stdout, remarks and failures to stderr.

    Attributes:
        form: How results are written.
        write: Takes whole lines; a progress display on the same terminal puts itself in here.
        tell: Takes lines for stderr; likewise.
    """

    def __init__(self, console: Console, form: OutputFormat) -> None:
        self.console = console
        self.format = form
        self.write: Callable[[str], None] = self._write
        self.write_stderr: Callable[[str], None] = console.write_stderr
        encoding = (getattr(console.stdout, "encoding", None) or "utf-8").lower()
        self._ascii = not encoding.startswith("utf")

    @property
    def interactive(self) -> bool:
        """Does a person read it?"""
        return self.format is OutputFormat.TABLE

    def print_list(self, records: Iterable[Record], columns: tuple[Column, ...], *, key: str, none: str) -> None:
        """A list: one table, one JSON array, or the values of `key`; `none` is said of an empty one."""
        if self.format is OutputFormat.QUIET:
            for record in records:
                self.write(escape(record[key]))
            return
        rows = list(records)
        if self.format is OutputFormat.JSON:
            self.print_json(rows)
        elif rows:
            with stdout_errors():
                Table(columns, rows).write_to(self.console.stdout)
        else:
            self.info(none)

    def print_record(self, record: Record, *, key: str) -> None:
        """One thing: its fields below each other, one JSON object, or the value of `key`."""
        if self.format is OutputFormat.QUIET:
            self.write(escape(record[key]))
        elif self.format is OutputFormat.JSON:
            self.print_json(record)
        else:
            width = max(len(name) for name in record)
            for name, value in record.items():
                self.write(f"{name.replace('_', ' '):{width}}  {escape(_plain(value))}")

    def print_event(self, record: Record, *, line: str = "", key: str = "") -> None:
        """One of several outcomes, as soon as it is known: a line, a line of JSON, or the value of `key`.

        Without a line there is nothing to see for people, and without a key nothing for `--quiet`.
        """
        if self.format is OutputFormat.JSON:
            self.write(self._json(record, None))
        elif shown := line if self.interactive else record.get(key):
            self.write(escape(shown))

    def print_json(self, value: object) -> None:
        """JSON, for people to read too."""
        self.write(self._json(value, 2))

    def info(self, text: str) -> None:
        """Something that is no result, for a person only."""
        if self.interactive:
            self.write_stderr(f"{escape(text)}\n")

    def error(self, lines: str) -> None:
        """Lines about a failure, from `errors.lines`."""
        if lines:
            self.write_stderr(lines)

    def _json(self, value: object, indent: int | None) -> str:
        return json.dumps(value, indent=indent, ensure_ascii=self._ascii, default=dict)

    def _write(self, line: str) -> None:
        with stdout_errors():
            self.console.stdout.write(f"{line}\n")
            self.console.stdout.flush()


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ": ".join(str(part) for part in value.values() if part)
    return "-" if value is None or value == "" else str(value)
