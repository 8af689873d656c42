"""The engine of a SQLite file: how it is opened, how long it waits, and when what was committed is on the disk."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

BUSY = 10.0
"""Seconds to wait for another process. A transaction takes milliseconds; who holds one for longer is stuck."""

_SETUP = (
    "PRAGMA busy_timeout = 10000",
    # Readers and the one writer do not wait for each other, and a commit is one append.
    "PRAGMA journal_mode = WAL",
    "PRAGMA foreign_keys = ON",
    # On macOS fsync alone leaves data in the drive's cache; elsewhere this changes nothing.
    "PRAGMA fullfsync = ON",
)

# In WAL mode, FULL syncs the log at each commit, and what was committed before it as well. NORMAL syncs at checkpoints:
# a commit survives the death of the process, and may be lost with the machine.
_SYNCHRONOUS = {True: "FULL", False: "NORMAL"}


def create_private(path: Path) -> bool:
    """Create an empty file that only its owner may read, and whose mode SQLite gives to the files beside it.

    Returns:
        False where there is one already.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return False
    return True


def lock_path(path: Path) -> Path:
    """The file beside another one that `exclusively` locks; it stays there."""
    return path.with_name(f"{path.name}-lock")


@contextlib.contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Keep other processes from opening a file: it is switched to WAL, and set aside where damaged, by one of them.

    SQLite's own lock on an empty file beside it serves: it is bounded in time, dies with the process, and is the same
    on every platform.
    """
    beside = lock_path(path)
    create_private(beside)
    with contextlib.closing(sqlite3.connect(beside, timeout=BUSY, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


def create_sqlite_engine(path: Path) -> Engine:
    """An engine for a file.

    A connection's execution options say what a transaction is: `reads` for one that changes nothing, and `durable` for
    one that must be on the disk when it has ended, which is the default of those that write.
    """
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY, "isolation_level": None},
        pool_timeout=BUSY,
        hide_parameters=True,  # an error may reach a log, and they may be secrets
        pool_reset_on_return=None,  # each use is one transaction, which has ended
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    try:
        for pragma in _SETUP:
            connection.execute(pragma).close()
    except BaseException:  # SQLAlchemy 2.0 leaves it open
        connection.close()
        raise


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("reads"):
        connection.exec_driver_sql("BEGIN")
    else:
        begin(connection.exec_driver_sql, connection.info, durable=options.get("durable", True))


def begin(execute: Callable[[str], Any], info: dict[Any, Any], *, durable: bool) -> None:
    """Begin a transaction that writes.

    Args:
        execute: Runs a statement on a connection.
        info: What the pool keeps about the connection.
        durable: Whether it must be on the disk when it has ended.
    """
    level = _SYNCHRONOUS[durable]
    if info.get("synchronous") != level:
        execute(f"PRAGMA synchronous = {level}")
        info["synchronous"] = level
    # A transaction that will write says so at its beginning: one that changes its mind in the middle cannot wait.
    execute("BEGIN IMMEDIATE")
