"""The two drivers of a batch: flows beside each other in threads, or in tasks. What the flows do is not known here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from portrait.clock import Clock, SystemClock
from portrait.ensure.batch import conduct
from portrait.ensure.outcomes import FileOutcome
from portrait.ensure.sources import Source
from portrait.ensure.state import Batch, Give, stopped
from portrait.errors import PortraitError
from portrait.flow import Flow

Run = Callable[[Flow[Any], Clock], Any]


class _Stoppable:
    """The client's clock, whose pauses end when the batch is stopped: an interrupt does not wait for them."""

    def __init__(self, clock: Clock, batch: Batch) -> None:
        self._clock = clock
        self._batch = batch
        self.now = clock.now
        self.monotonic = clock.monotonic
        self.async_sleep = clock.async_sleep

    def sleep(self, seconds: float) -> None:
        """Let that much time pass.

        Raises:
            PortraitError: The batch is stopped.
        """
        if isinstance(self._clock, SystemClock):
            self._batch.stopping.wait(seconds)
        else:
            self._clock.sleep(seconds)
        if self._batch.stopped:
            raise stopped()


def conducted(batch: Batch, sources: Source | Iterable[Source], run: Run) -> Iterator[FileOutcome]:
    """Run a batch in threads; gives outcomes as they come. An interrupt stops the batch before it goes through."""
    work, value = conduct(batch, sources), None
    while True:
        try:
            step = work.send(value)
        except StopIteration:
            return
        value = None
        if isinstance(step, Give):
            yield step.outcome
        else:
            value = _in_threads(step.flows, batch, run)


def _in_threads(flows: Sequence[Flow[Any]], batch: Batch, run: Run) -> list[Any]:
    clock = _Stoppable(batch.endpoint.clock, batch)

    def one(flow: Flow[Any]) -> Any:
        try:
            return run(flow, clock)
        except PortraitError as error:
            return error

    if len(flows) <= 1:  # in this thread, where an interrupt arrives
        return [one(flow) for flow in flows]
    with ThreadPoolExecutor(batch.options.concurrency, "portrait") as pool:
        try:
            return list(pool.map(one, flows))
        except BaseException:
            batch.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


async def conducted_async(
    batch: Batch, sources: Source | Iterable[Source], run: Callable[[Flow[Any]], Awaitable[Any]]
) -> AsyncIterator[FileOutcome]:
    """Run a batch in tasks; gives outcomes as they come. A cancellation stops the batch before it goes through."""
    work, value = conduct(batch, sources), None
    while True:
        try:
            step = work.send(value)
        except StopIteration:
            return
        value = None
        if isinstance(step, Give):
            yield step.outcome
        else:
            value = await _in_tasks(step.flows, batch, run)


async def _in_tasks(flows: Sequence[Flow[Any]], batch: Batch, run: Callable[[Flow[Any]], Awaitable[Any]]) -> list[Any]:
    places = asyncio.Semaphore(batch.options.concurrency)

    async def one(flow: Flow[Any]) -> Any:
        async with places:
            try:
                return await run(flow)
            except PortraitError as error:
                return error

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(flow)) for flow in flows]
    except BaseException:
        batch.stop()
        raise
    return [task.result() for task in tasks]
