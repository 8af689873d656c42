"""A server of each profile for the whole run, a fresh customer for each test, and the vendor's models."""

import pytest

from tests.vendor import fingerprint
from tests.wire.client import Server


@pytest.fixture(scope="session")
def vendor():
    """The vendor's generated models, as a module."""
    return fingerprint.load(fingerprint.installed()[0])


@pytest.fixture(scope="session", params=["guide", "schema"])
def server(request, tmp_path_factory):
    """A server process that reads the contract one way or the other."""
    created = Server(tmp_path_factory.mktemp("vendor") / "stderr.log", "--profile", request.param)
    yield created
    created.close()


@pytest.fixture
def me(server):
    """A customer that no other test knows."""
    return server.customer()


@pytest.fixture
def other(server):
    """A second customer."""
    return server.customer()
