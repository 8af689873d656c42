"""Workers of a pool: clients of both colours, on both engines of the state, on the emulator's clock."""

import asyncio
import contextlib

import pytest

from emulator.testing import Emulator
from portrait.state import PoolKey
from tests.portrait.state.conftest import closing, file_place, place, server_place

__all__ = ["closing", "file_place", "place", "server_place"]

URLS = [f"https://cdn.example.com/{number}.jpg" for number in range(8)]


@pytest.fixture(params=["sync", "async"])
def workers(request, place):
    """Makes a worker: a pool of a client of its own, on the state and the emulator's clock."""
    with Emulator() as emulator:
        place.clock = emulator.clock
        with asyncio.Runner() as runner, contextlib.ExitStack() as ends:
            make_client = emulator.client if request.param == "sync" else emulator.async_client
            yield Workers(emulator, place, runner, make_client, ends)


class Workers:
    """Several on one state.

    Attributes:
        emulator: The service.
        place: Where the state is.
    """

    def __init__(self, emulator, place, runner, make_client, ends):
        self.emulator, self.place = emulator, place
        self._runner, self._make_client, self._ends = runner, make_client, ends

    def __call__(self, *, client=None, **options):
        """A worker."""
        client = self._make_client(state=self.place.open(), **(client or {}))
        return Worker(client.pool(**{"group": "set", **options}), self._runner, self._ends)

    def group(self):
        """The pool's group."""
        return self.emulator.client().ensure_group("set").id

    def ids(self):
        """The assets in the pool's group."""
        return {asset.id for asset in self.emulator.client().iter_assets(group_ids=[self.group()])}

    def count(self, action):
        """How many calls were carried out."""
        return self.emulator.calls.count(action, outcome="ok")


class Worker:
    """A pool of either colour with blocking manners.

    Attributes:
        pool: The pool.
    """

    def __init__(self, pool, runner, ends):
        self.pool, self._runner, self._ends = pool, runner, ends

    def run(self, method, *arguments, **options):
        """A method of the pool, by its name."""
        return self.wait(getattr(self.pool, method)(*arguments, **options))

    def wait(self, value):
        """A value, awaited if need be."""
        return self._runner.run(_awaited(value)) if hasattr(value, "__await__") else value

    def enter(self, sources, **options):
        """Begin a lease; returns it and what ends it."""
        manager = self.pool.lease(sources, **options)
        asynchronous = hasattr(manager, "__aenter__")
        lease = self.wait(manager.__aenter__() if asynchronous else manager.__enter__())
        leave = manager.__aexit__ if asynchronous else manager.__exit__
        open_ends = [leave]

        def end(error=None):
            """End the lease, once."""
            return [self.wait(open_ends.pop()(error and type(error), error, None)) for _ in open_ends[:]]

        self._ends.callback(end)  # a manager that nobody holds any more would end it, too
        return lease, end

    def key(self):
        """The pool's key in the state."""
        return PoolKey(self.pool._pool.memory.account, self.run("status").group_id)

    def use(self, sources, **options):
        """Lease and give back; returns the assets' ids."""
        lease, end = self.enter(sources, **options)
        end()
        return [uri.removeprefix("asset://") for uri in lease.uris]


async def _awaited(value):
    return await value
