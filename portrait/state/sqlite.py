"""A state in one SQLite file: for the processes of one machine. A damaged file is set aside and reported."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError

from portrait.clock import Clock
from portrait.errors import StateError, UsageError
from portrait.sql.location import require_local
from portrait.sql.sqlite import create_private, create_sqlite_engine, exclusively, lock_path
from portrait.state.database import OpenFile
from portrait.state.schema import METADATA, migrate

_LOG = logging.getLogger("portrait")

_HEADER = b"SQLite format 3\0"  # sqlite.org/fileformat.html, §1.3
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_DAMAGE_TEXTS = ("Could not decode", "malformed")
# Damage where the tables have this version; in the middle of a migration it may be a mistake of ours.
_SUSPICIOUS_TEXTS = ("no such table", "no such column")

_OTHER_PLACE = "Name another file by state=, or PostgreSQL."
# What SQLite says → what happened, and what to do.
_TROUBLES = {
    sqlite3.SQLITE_BUSY: ("is locked by another program", "End the program that keeps it open, or try again later."),
    sqlite3.SQLITE_LOCKED: ("is locked by another program", "End the program that keeps it open, or try again later."),
    sqlite3.SQLITE_READONLY: ("cannot be written", f"Make the file and its folder writable. {_OTHER_PLACE}"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", f"Check the folder and its permissions. {_OTHER_PLACE}"),
    sqlite3.SQLITE_PERM: ("cannot be opened", f"Check the file's permissions. {_OTHER_PLACE}"),
    sqlite3.SQLITE_FULL: ("cannot be written: the disk is full", f"Free some space. {_OTHER_PLACE}"),
    sqlite3.SQLITE_IOERR: ("cannot be read or written: the disk fails", _OTHER_PLACE),
}


class SqliteBackend:
    """The engine for a file.

    Args:
        path: The file; made with its folder if it is not there.
        clock: Of the client: all who use the file are on its machine.
    """

    errors: tuple[type[Exception], ...] = (DBAPIError, sqlite3.Error, OSError)

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self.clock = clock
        self._was_open = False
        self._suspect = False

    def open(self) -> tuple[Engine, OpenFile]:
        """Make the file or check it; one process at a time."""
        require_local(self._path, "state")
        if self._path.is_dir():
            raise UsageError(
                f"The state {self._path} is a folder.", advice=f"Name a file in it, such as {self._path / 'state.db'}."
            )
        if self._path.exists() and not self._path.is_file():
            raise UsageError(f"The state {self._path} is no regular file.", advice="Name another one.")
        if _is_foreign(self._path):
            raise UsageError(f"The state {self._path} is no SQLite database; it stays as it is.", advice=_OTHER_PLACE)
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusively(self._path):
            try:
                engine = self._open_engine()
                suspect, self._suspect = self._suspect, False
                if suspect and not _is_sound(engine):
                    engine.dispose()
                    raise sqlite3.DatabaseError("malformed")
            except (DBAPIError, sqlite3.Error, ValueError, TypeError) as error:
                if not _is_damage(error):
                    raise
                self._set_aside()
                engine = self._open_engine()
            self._was_open = True
            return engine, OpenFile.of(self._path)

    def may_pass(self, error: Exception) -> bool:
        """Whether opening the file again may help: it checks for damage; other errors stay."""
        if (_is_damage(error) or _says(error, _SUSPICIOUS_TEXTS)) and not self._suspect:
            self._suspect = True
            return True
        return _code(error) == sqlite3.SQLITE_READONLY_DBMOVED

    def explain(self, error: Exception) -> StateError:
        """By SQLite's result code."""
        what, advice = _TROUBLES.get(_code(error) & 0xFF, ("cannot be used", _OTHER_PLACE))
        reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        return StateError(f"The state {self._path} {what}{reason}.", advice=advice)

    def notes(self) -> Sequence[str]:
        """Damaged files beside it, and a mode that lets others read it."""
        found = [f"A damaged file was set aside: {path}." for path in self._aside()]
        mode = self._path.stat().st_mode & 0o777
        if os.name == "posix" and mode & 0o077:
            found.append(f"Others may read {self._path} (mode {mode:o}): chmod 600 ends that.")
        return found

    def _open_engine(self) -> Engine:
        # A process may have died between the setting aside and the first commit to the new file.
        is_first = not self._was_open and not self._aside()
        if not create_private(self._path):
            is_first = False  # an empty file may have lost what it held
        engine = create_sqlite_engine(self._path)
        try:
            with engine.connect() as connection, connection.begin():
                migrate(connection, None if is_first else self.clock.now())
        except BaseException:
            engine.dispose()
            raise
        return engine

    def _set_aside(self) -> None:
        stamp = datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        aside = self._path.with_name(self._damaged(stamp))
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self._path}{ending}").replace(f"{aside}{ending}")
        _LOG.warning(
            "The state %s was damaged and is set aside as %s; a new one is begun. Nothing is created twice for it: "
            "what is missing from a list is looked for again.",
            self._path,
            aside.name,
        )

    def _aside(self) -> list[Path]:
        return sorted(self._path.parent.glob(self._damaged("*Z")))

    def _damaged(self, stamp: str) -> str:
        return f"{self._path.name}.damaged-{stamp}"


def _is_foreign(path: Path) -> bool:
    """Whether a file is another program's: not empty, without SQLite's header, and never opened as a state.

    A state that has lost its header has a lock file beside it, which its first opening left there.
    """
    try:
        with path.open("rb") as file:
            return file.read(len(_HEADER)) not in {b"", _HEADER} and not lock_path(path).exists()
    except OSError:  # it is not there, or SQLite says what is wrong with it
        return False


def _code(error: BaseException) -> int:
    """SQLite's extended result code; 0 where the error has none."""
    return getattr(getattr(error, "orig", error), "sqlite_errorcode", 0)


def _is_damage(error: BaseException) -> bool:
    if isinstance(error, (ValueError, TypeError)):  # what stands where the version should
        return True
    return _code(error) & 0xFF in _DAMAGE or _says(error, _DAMAGE_TEXTS)


def _says(error: BaseException, texts: tuple[str, ...]) -> bool:
    return any(text in str(error) for text in texts)


def _is_sound(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            for table in METADATA.sorted_tables:
                connection.execute(select(table).limit(0))
            return connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar() == "ok"
    except (DBAPIError, sqlite3.Error):
        return False
