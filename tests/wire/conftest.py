"""One server process for the whole run and a fresh customer for each test: nothing has to be reset between them."""

import pytest

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


@pytest.fixture(scope="session")
def server(start):
    """The server that the tests share; its clock only moves forward."""
    return start()


@pytest.fixture
def me(server):
    """A customer that no other test knows."""
    return server.customer()


@pytest.fixture
def other(server):
    """A second customer."""
    return server.customer()
