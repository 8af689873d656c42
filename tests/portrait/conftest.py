"""Fixtures: each test that takes `colour` runs once with the blocking and once with the asyncio client."""

import asyncio
import ssl

import pytest
import trustme

from tests.portrait.helpers import COLOURS, Colour


@pytest.fixture(params=sorted(COLOURS))
def colour(request):
    """One of the two clients, and how to run it."""
    with asyncio.Runner() as runner:
        instance = Colour(request.param, COLOURS[request.param], runner)
        yield instance
        instance.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """The path of a CA's certificate, and a server's context for 127.0.0.1 whose certificate it signed."""
    ca = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return path, context


@pytest.fixture
def bare(monkeypatch):
    """No proxy in the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch
