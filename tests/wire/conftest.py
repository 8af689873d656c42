"""One server process for the whole run and a fresh customer for each test: nothing has to be reset between them."""

import pytest

from tests.databases import empty_schema
from tests.wire.client import Server


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """Starts further server processes with options of their own; all of them end with the run."""
    servers = []

    def start(*options):
        log = tmp_path_factory.mktemp("server") / "stderr.log"
        servers.append((Server(log, *options), log))
        return servers[-1][0]

    yield start
    deaths = [server.process.poll() for server, _ in servers]
    for server, _ in servers:
        server.close()
    assert not any(code is not None for code in deaths), f"a server died: {deaths}"
    for _, log in servers:
        text = log.read_text(errors="replace")
        assert "Traceback" not in text, text[-5000:]


STORES = [pytest.param("memory", id=pytest.HIDDEN_PARAM), "sqlite", "postgresql"]  # what is named alone is in memory


@pytest.fixture(scope="session", params=STORES)
def server(request, start):
    """The server that the tests share, on each store; its clock only moves forward."""
    return start(*() if request.param == "memory" else ("--store", request.getfixturevalue(request.param)))


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory):
    """Where a store in a SQLite file is."""
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/store.db"


@pytest.fixture(scope="session")
def postgresql(postgres):
    """Where a store in a PostgreSQL database is."""
    with empty_schema(postgres) as location:
        yield location


def pytest_collection_modifyitems(items):
    """Of the tests on stores in SQL, the fast ones are those of the golden files of lists on SQLite."""
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        is_fast = (
            params.get("server") == "sqlite"
            and item.path.stem == "test_golden"
            and params["path"].parent.name.startswith("List")
        )
        if params.get("server", "memory") != "memory" and not is_fast:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def second_server(start):
    """A server whose whole state may be replaced."""
    return start()


@pytest.fixture
def lone(second_server):
    """The same, empty."""
    second_server.control("POST", "reset", {})
    return second_server


@pytest.fixture
def me(server):
    """A customer that no other test knows."""
    return server.customer()


@pytest.fixture
def other(server):
    """A second customer."""
    return server.customer()
