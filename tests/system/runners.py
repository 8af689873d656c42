"""Both colours of client with one manner of calling: coroutines are awaited, iterators are listed.

Knows how to run things, in a row or beside each other; must not know what is called.
"""

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

COLOURS = ("sync", "async")


class Colour:
    """One colour of client.

    Args:
        name: `sync` or `async`.
        runner: Runs the coroutines.
    """

    def __init__(self, name, runner):
        self.name = name
        self._runner = runner

    def client(self, emulator, **options):
        """A client of an emulator in this process."""
        return (emulator.client if self.name == "sync" else emulator.async_client)(**options)

    def run(self, start, *args, **kwargs):
        """What a method returns, awaited or listed if that is what it takes."""
        (result,) = self.beside(lambda: start(*args, **kwargs))
        return result

    def beside(self, *starts):
        """What several return that run beside each other: in threads, or in tasks."""
        if self.name == "async":
            return self._runner.run(_gathered(starts))
        if len(starts) == 1:
            return [_listed(starts[0]())]
        with ThreadPoolExecutor(len(starts)) as pool:
            return list(pool.map(lambda start: _listed(start()), starts))


@contextmanager
def colour_of(name):
    """A colour for the time of a block."""
    with asyncio.Runner() as runner:
        yield Colour(name, runner)


def _listed(value):
    return list(value) if hasattr(value, "__next__") else value


async def _gathered(starts):
    return await asyncio.gather(*(_awaited(start) for start in starts))


async def _awaited(start):
    value = start()
    if hasattr(value, "__aiter__"):
        return [each async for each in value]
    return await value if inspect.isawaitable(value) else value
