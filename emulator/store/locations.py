"""The store that a location names: in memory, in a SQLite file, or in a PostgreSQL database."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from emulator.store.base import CustomerFactory, Store, StoreFactory
from emulator.store.memory.store import MemoryStore
from portrait.errors import UsageError
from portrait.sql.location import PostgresUrl, SqliteFile, parse, require_local

if TYPE_CHECKING:
    from sqlalchemy import Engine

_MEMORY = "memory"


class StoreError(ValueError):
    """A store cannot be opened; the message says why, and what to do."""


def store_factory(location: str) -> StoreFactory:
    """The factory of a store; it raises `StoreError` where the store cannot be opened.

    Args:
        location: `memory`, `sqlite:///PATH` or `postgresql://…`.

    Raises:
        StoreError: It is none of them, or a library that it needs is not installed.
    """
    if location == _MEMORY:
        return MemoryStore
    if "://" not in location:
        raise StoreError("A store is memory, sqlite:///PATH or postgresql://user:password@host/database.")
    try:
        return partial(_open, parse(location, "store"))
    except UsageError as error:
        raise StoreError(str(error)) from None


def _open(where: SqliteFile | PostgresUrl, new_customer: CustomerFactory) -> Store:
    # Here, and not above: whoever keeps everything in memory needs no database library.
    import sqlite3  # noqa: PLC0415

    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    try:
        return _open_file(where, new_customer) if isinstance(where, SqliteFile) else _open_server(where, new_customer)
    except UsageError as error:
        raise StoreError(str(error)) from None
    except (DBAPIError, sqlite3.Error, OSError) as error:
        why = str(getattr(error, "orig", error)).partition("\n")[0].rstrip(".")
        raise StoreError(f"The store {where} cannot be opened: {why}. Check it, or name another one.") from None


def _open_file(where: SqliteFile, new_customer: CustomerFactory) -> Store:
    from portrait.sql.sqlite import create_private, create_sqlite_engine, exclusively  # noqa: PLC0415

    require_local(where.path, "store")
    where.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusively(where.path):
        create_private(where.path)
        return _open_engine(create_sqlite_engine(where.path), new_customer)


def _open_server(where: PostgresUrl, new_customer: CustomerFactory) -> Store:
    from portrait.sql.postgres import create_postgres_engine, read_url  # noqa: PLC0415

    return _open_engine(create_postgres_engine(read_url(where.url)), new_customer)


def _open_engine(engine: Engine, new_customer: CustomerFactory) -> Store:
    from emulator.store.sql.store import SqlStore  # noqa: PLC0415

    try:
        return SqlStore(engine, new_customer)
    except BaseException:
        engine.dispose()
        raise
