"""Two engines for one suite: a SQLite file, and a schema of its own in a PostgreSQL server that the tests start."""

import contextlib

import pytest

from portrait.clock import ManualClock, SystemClock
from portrait.state import open_state
from tests.databases import empty_schema


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
    with empty_schema(postgres) as location:
        yield Place(location, closing)
        closing.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request):
    """Each of the two."""
    return request.getfixturevalue("file_place" if request.param == "sqlite" else "server_place")


@pytest.fixture
def state(place):
    """A state on each of the two."""
    return place.open()
