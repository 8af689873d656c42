"""Fixtures of the system tests: a colour of client for each test that takes one."""

import pytest

from tests.system.runners import COLOURS, colour_of


@pytest.fixture(params=COLOURS)
def colour(request):
    """One of the two clients, and how to run it."""
    with colour_of(request.param) as instance:
        yield instance
