"""Transactions on a connection of the driver.

SQLAlchemy writes the statements and keeps the connections. The driver runs what it has written: to have SQLAlchemy do
it takes ten times as long as SQLite does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ClauseElement, Dialect, Engine, PoolProxiedConnection

from emulator.store.sql.schema import safe_text
from portrait.sql import sqlite

Values = Mapping[str, Any]


class Compiler:
    """The texts of statements for one engine, each written once.

    Args:
        dialect: The engine's.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._texts: dict[ClauseElement, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def text(self, statement: ClauseElement) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        """The text of a statement, the names of its values in their order, and the values that it has itself."""
        found = self._texts.get(statement)
        if found is None:
            compiled: Any = statement.compile(dialect=self._dialect)
            names = compiled.positiontup if self._dialect.positional else compiled.params
            own = {name: value for name, value in compiled.params.items() if value is not None}
            found = self._texts[statement] = str(compiled), tuple(names), own
        return found


class Session:
    """A connection with a transaction on it; values are named as in the statements.

    Args:
        engine: The database.
        compiler: Of the engine.
    """

    __slots__ = ("_compiler", "_driver", "_engine", "_pooled", "_positional", "engine")

    def __init__(self, engine: Engine, compiler: Compiler) -> None:
        self.engine = engine.dialect.name
        self._engine = engine
        self._compiler = compiler
        self._positional = engine.dialect.positional
        self._pooled: PoolProxiedConnection = engine.raw_connection()
        self._driver: Any = self._pooled.driver_connection

    def begin(self) -> None:
        """Begin a transaction that writes. It outlives the process; a power cut may take the last ones along."""
        if self.engine == "sqlite":
            sqlite.begin(self._driver.execute, self._pooled.info, durable=False)
        else:  # to lock a row is to write: each read would wait for the server's disk
            self._driver.execute("SET LOCAL synchronous_commit TO off")

    def commit(self) -> None:
        """Keep what was changed."""
        self._driver.commit()

    def close(self) -> None:
        """Undo what was not committed, and give the connection back; nobody gets one that is lost."""
        if self.is_lost:
            self._pooled.invalidate()
            self._engine.dispose()  # the others were connections to the same server
            return
        if self.engine == "sqlite":
            self._driver.rollback()
        self._pooled.close()

    @property
    def is_lost(self) -> bool:
        """Whether the server has ended the connection."""
        return self.engine == "postgresql" and bool(self._driver.closed)

    def rows(self, statement: ClauseElement, values: Values) -> list[Any]:
        """All rows that a statement gives."""
        found: list[Any] = self._execute(statement, values).fetchall()
        return found

    def row(self, statement: ClauseElement, values: Values) -> Any:
        """The first row; None without one."""
        return next(iter(self.rows(statement, values)), None)

    def value(self, statement: ClauseElement, values: Values) -> Any:
        """The first value of the first row; None without one."""
        row = self.row(statement, values)
        return None if row is None else row[0]

    def run(self, statement: ClauseElement, values: Values) -> int:
        """Change something; returns how many rows were changed."""
        return int(self._execute(statement, values).rowcount)

    def run_many(self, statement: ClauseElement, rows: Iterable[Values]) -> None:
        """Change something with each of some values."""
        for values in rows:
            self._execute(statement, values)

    def _execute(self, statement: ClauseElement, values: Values) -> Any:
        text, names, own = self._compiler.text(statement)
        values = {**own, **values} if own else values
        if self._positional:
            return self._driver.execute(text, [safe_text(values[name]) for name in names])
        return self._driver.execute(text, {name: safe_text(values[name]) for name in names})
