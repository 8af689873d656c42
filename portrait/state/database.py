"""Transactions on the state, whichever engine holds it: opened at first use, safe across threads and forks, tried again
where a connection was lost, and failing with errors of this library alone.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from attrs import define, frozen
from sqlalchemy import Connection, Engine, Executable, Table, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from portrait.clock import Clock
from portrait.errors import StateError
from portrait.state.statements import PREFIX, Retention, Upsert

T = TypeVar("T")
Row = Mapping[str, Any]
"""The values of a row, by the names of their columns."""

RETRIES = 5  # of one transaction; with the pauses below they outlast the restart of a database server
FIRST_PAUSE = 0.1  # seconds; each is twice the one before
_SERVER_TIME = select(func.extract("epoch", func.clock_timestamp()))
_DIALECTS: Mapping[str, Any] = {
    "sqlite": sqlite.dialect(),
    "postgresql": postgresql.psycopg.dialect(),  # type: ignore[no-untyped-call]
}


class Transaction:
    """Statements that take effect together, or not at all.

    A transaction may run twice: where the connection was lost at its end, nobody knows whether it took effect. Each
    piece of work is written so that this changes nothing.
    """

    def __init__(self, connection: Connection, clock: Clock | None) -> None:
        """Run statements on a connection.

        Args:
            connection: In a transaction, as soon as one is run.
            clock: Of the state; None for the database's own.
        """
        self._connection = connection
        self._driver: Any = connection.connection
        self._engine = connection.dialect.name
        self._clock = clock

    def now(self) -> float:
        """Seconds since 1970 by the clock that all users of this state share.

        The database's is not that of the transaction's begin, which stands still while it waits for locks.
        """
        if self._clock is not None:
            return self._clock.now()
        (seconds,) = self._run(_SERVER_TIME, {}).fetchone()
        return float(seconds)

    def execute(self, statement: Executable, **values: object) -> int:
        """Change something; returns how many rows were changed."""
        return int(self._run(statement, _params(values)).rowcount)

    def all(self, statement: Executable, build: Callable[[Row], T], **values: object) -> list[T]:
        """The values of the rows; a row that cannot be read is left out."""
        found = []
        cursor = self._run(statement, _params(values))
        names = [column[0] for column in cursor.description]
        for row in cursor:
            with contextlib.suppress(ValueError, TypeError, OverflowError):
                found.append(build(dict(zip(names, row, strict=True))))
        return found

    def first(self, statement: Executable, build: Callable[[Row], T], **values: object) -> T | None:
        """The value of the first row that can be read; None without one."""
        return next(iter(self.all(statement, build, **values)), None)

    def insert(self, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows, if there are any."""
        if rows:
            self._connection.execute(insert(table), rows)

    def upsert(self, statement: Upsert, row: Mapping[str, object], **values: object) -> bool:
        """Insert a row, or change the one that is there; False where that one is left as it is."""
        cursor = self._run(statement.by_engine[self._engine], {**row, **_params(values)})
        return bool(cursor.rowcount == 1)

    def drop_old(self, retention: Retention, now: float) -> None:
        """Delete a few rows that are too old."""
        self.execute(retention.statement, before=now - retention.keep)

    def _run(self, statement: Executable, values: Mapping[str, object]) -> Any:
        """Run a statement; returns the driver's cursor."""
        text = _render(statement, self._engine)
        cursor = self._driver.cursor()
        cursor.execute(text.sql, text.arguments(values))
        return cursor


def _params(values: Mapping[str, object]) -> dict[str, object]:
    """The values of parameters, by the names that they have in statements."""
    return {f"{PREFIX}{name}": value for name, value in values.items()}


@frozen
class _Text:
    """A statement as the driver takes it.

    Attributes:
        sql: The text.
        constants: The values of those parameters that are always the same.
        order: The names of its parameters, in order; None where the driver takes them by their names.
    """

    sql: str
    constants: Mapping[str, object]
    order: Sequence[str] | None

    def arguments(self, values: Mapping[str, object]) -> Any:
        """The values of the parameters, as the driver takes them."""
        named = {**self.constants, **values} if self.constants else values
        return named if self.order is None else tuple([named[name] for name in self.order])


@lru_cache(maxsize=512)
def _render(statement: Executable, engine: str) -> _Text:
    """The text of a statement for the engine of that name.

    What SQLAlchemy does each time to run a statement costs more than to run it on a small file.
    """
    compiled: Any = statement.compile(dialect=_DIALECTS[engine])  # type: ignore[attr-defined]
    constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    return _Text(str(compiled), constants, compiled.positiontup if compiled.positional else None)


@frozen
class OpenFile:
    """A file that was opened: others may set it aside or delete it, and make another one in its place.

    Attributes:
        path: Where it is.
        device: The device that it is on.
        inode: Its number there.
    """

    path: Path
    device: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> OpenFile:
        """The file that is there now."""
        found = path.stat()
        return cls(path, found.st_dev, found.st_ino)

    @property
    def is_there(self) -> bool:
        """Whether its path still leads to it."""
        try:
            found = os.stat(self.path)  # noqa: PTH116  (at every transaction)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (self.device, self.inode)


class Backend(Protocol):
    """What differs between the engines."""

    errors: tuple[type[Exception], ...]

    @property
    def clock(self) -> Clock | None:
        """Measures claims and leases for all who use the state; None where the database's own clock does."""

    def open(self) -> tuple[Engine, OpenFile | None]:
        """Make the tables, or bring them to this version.

        Returns:
            The engine, and the file that it has opened, if the state is in one.

        Raises:
            UsageError: The state cannot be used as it was named.
            StateError: It cannot be read or written now.
        """

    def may_pass(self, error: Exception) -> bool:
        """Whether the transaction is worth another try; the state is opened anew for it."""

    def explain(self, error: Exception) -> StateError:
        """The error of this library for one of the engine: what happened, and what to do."""

    def notes(self) -> Sequence[str]:
        """Remarks for people about where the state is."""


@define
class _Open:
    """An engine, its file if it has one, how many threads use it now, and what closes it."""

    engine: Engine
    file: OpenFile | None
    close: Callable[[], object]
    users: int = 0


class Database:
    """One state, opened when it is first used, and closed at the latest when nobody refers to it any more.

    Args:
        backend: The engine.
        clock: Waits before another try.
    """

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock
        self._lock = threading.Lock()
        self._open: _Open | None = None
        self._process = os.getpid()
        self._inherited: list[_Open] = []

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Do work that changes nothing.

        Raises:
            StateError: The state cannot be read.
        """
        return self._run(work, {"reads": True})

    def write(self, work: Callable[[Transaction], T], *, durable: bool = False) -> T:
        """Do work, all of it or nothing.

        Args:
            work: May be called again.
            durable: It must be on the disk when this returns: what follows in the world must not be forgotten, even
                if the power fails. All else survives the death of a process, and may be lost with the machine, or with
                the database server.

        Raises:
            StateError: It could not be done.
        """
        return self._run(work, {"durable": durable})

    def notes(self) -> Sequence[str]:
        """Remarks for people about where the state is."""
        return self._backend.notes()

    def close(self) -> None:
        """Close what is open; the next use opens it again."""
        with self._lock:
            self._retire()

    def _run(self, work: Callable[[Transaction], T], options: dict[str, Any]) -> T:
        attempt = 0
        while True:
            if attempt > 1:  # the first try again needs no pause: a server that was restarted is there already
                self._clock.sleep(FIRST_PAUSE * 2 ** (attempt - 2))
            try:
                with (
                    self._engine() as engine,
                    engine.connect().execution_options(**options) as connection,
                ):
                    transaction = Transaction(connection, self._backend.clock)
                    with connection.begin():
                        return work(transaction)
            except self._backend.errors as error:
                self.close()
                if attempt == RETRIES or not self._backend.may_pass(error):
                    raise self._backend.explain(error) from error
                attempt += 1
            except SQLAlchemyError as error:
                raise StateError(f"The state cannot be used: {type(error).__name__}.") from error

    @contextlib.contextmanager
    def _engine(self) -> Iterator[Engine]:
        if self._process != os.getpid():
            self._leave_to_parent()
        with self._lock:
            if self._open is not None and self._open.file is not None and not self._open.file.is_there:
                self._retire()
            if self._open is None:
                self._open = self._open_anew()
            mine = self._open
            mine.users += 1
        try:
            yield mine.engine
        finally:
            with self._lock:
                mine.users -= 1
                if mine is not self._open and not mine.users:
                    mine.close()

    def _open_anew(self) -> _Open:
        engine, file = self._backend.open()
        # A client that nobody closes is no reason for a ResourceWarning: it holds nothing that has to be written.
        finalizer = weakref.finalize(self, _dispose, engine, os.getpid())
        finalizer.atexit = False  # the end of the process closes it as well
        return _Open(engine, file, finalizer)

    def _retire(self) -> None:
        """Have it opened anew next time. Its present users go on; the last one closes it."""
        retired, self._open = self._open, None
        if retired is not None and not retired.users:
            retired.close()

    def _leave_to_parent(self) -> None:
        """After a fork: the connections are the parent's. To close them here would end or unlock them there."""
        self._process, self._lock = os.getpid(), threading.Lock()
        if self._open is not None:
            self._inherited.append(self._open)
            self._open = None


def _dispose(engine: Engine, process: int) -> None:
    """Close the connections in the process that opened them: see `Database._leave_to_parent`."""
    if os.getpid() == process:
        engine.dispose()
