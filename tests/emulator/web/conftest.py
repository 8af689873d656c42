"""A server on a port, on a manual clock; whatever a test makes it log beyond info is an error of that test."""

import logging

import pytest

from emulator.server import EmulatorServer
from emulator.settings import Settings


@pytest.fixture
def server():
    """A fresh server."""
    with EmulatorServer(Settings(control_token="T"), "manual") as server:
        yield server


@pytest.fixture
def url(server):
    """Where it answers."""
    return server.url


@pytest.fixture(autouse=True)
def _quiet(caplog):
    yield
    loud = [record for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert loud == [], [record.getMessage() for record in loud]
