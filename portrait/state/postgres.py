"""A state in a PostgreSQL database: for many machines that share an account.

It works through a pooler in transaction mode: nothing outlives a transaction, neither prepared statements nor settings
nor locks.

What must not be forgotten is on the server's disk when its commit returns: creates before they are sent, assets before
they are deleted, pins. All else, such as leases and turns, is committed without a wait for the disk: it survives the
death of whoever wrote it, and what was written in the last second may be lost where the server fails. Whoever holds a
lease that was lost so is told at its next renewal.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from portrait.clock import Clock
from portrait.errors import Retry, StateError
from portrait.sql.location import PostgresUrl
from portrait.sql.postgres import create_postgres_engine, read_url
from portrait.state.schema import migrate

# SQLSTATEs after which the same transaction may go through (PostgreSQL, Appendix A): connections, a server that goes
# down or comes up, too many clients, and who lost against another transaction.
_TRANSIENT = ("08", "57P", "53300", "40001", "40P01", "55P03")

_RIGHTS = "The user of the state needs the right to create tables in its schema, once, and to read and write them."
_ADVICE = {
    "28": "Check the user and the password in the state's URL.",
    "3D": "Check the database's name in the state's URL.",
    "42501": _RIGHTS,
    "3F": _RIGHTS,
    "53100": "Free some space on the database server.",
    "25006": "The state's URL leads to a server that only reads; name the one that writes.",
}

_LOOK = "Check the state's URL and that the server can be reached; its log says more."


class PostgresBackend:
    """The engine for a database.

    Args:
        where: The database.
        server_clock: Measures claims and leases, in tests; the database's own clock by default, because the clocks of
            machines disagree.
    """

    errors: tuple[type[Exception], ...] = (DBAPIError, psycopg.Error, OSError)

    def __init__(self, where: PostgresUrl, server_clock: Clock | None) -> None:
        self._where = where
        self._url = read_url(where.url)
        self.clock = server_clock

    def open(self) -> tuple[Engine, None]:
        """Connect, and make the tables if they are not there."""
        engine = create_postgres_engine(self._url)
        try:
            with engine.begin() as connection:
                migrate(connection)
        except BaseException:
            engine.dispose()
            raise
        return engine, None

    def may_pass(self, error: Exception) -> bool:
        """A lost connection is worth another try, and so is a lost race."""
        original = getattr(error, "orig", error)
        if getattr(error, "connection_invalidated", False):
            return True
        state = _sqlstate(error)
        return state.startswith(_TRANSIENT) if state else isinstance(original, (psycopg.OperationalError, OSError))

    def explain(self, error: Exception) -> StateError:
        """By the SQLSTATE, with the server's message."""
        original, state = getattr(error, "orig", error), _sqlstate(error)
        advice = next((text for start, text in _ADVICE.items() if state.startswith(start)), _LOOK)
        return StateError(
            f"The state {self._where} cannot be used: {_first_line(original)}.",
            advice=advice,
            retry=Retry.BACKOFF if self.may_pass(error) else Retry.NEVER,
        )

    def notes(self) -> Sequence[str]:
        """None: a database has its own administrators."""
        return ()


def _sqlstate(error: Exception) -> str:
    return getattr(getattr(error, "orig", error), "sqlstate", None) or ""


def _first_line(error: BaseException) -> str:
    """The server's message, without the statement and its values."""
    return str(error).partition("\n")[0].removesuffix(".") or type(error).__name__
