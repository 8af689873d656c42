"""One fixture: each test that takes `colour` runs once with the blocking and once with the asyncio client."""

import asyncio

import pytest

from tests.portrait.support import COLOURS, Colour


@pytest.fixture(params=sorted(COLOURS))
def colour(request):
    """One of the two clients, and how to run it."""
    with asyncio.Runner() as runner:
        made = Colour(request.param, COLOURS[request.param], runner)
        yield made
        made.close()
