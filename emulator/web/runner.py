"""The two runners of a `ReplyFlow`. The caller decides on whose clock a pause passes."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from emulator.messages import Reply, ReplyFlow, RunInTurn
from portrait.flow import RunBlocking, Sleep

_IDLE_SECONDS = 5.0  # for which a thread without work is kept


async def run_async(
    flow: ReplyFlow,
    sleep: Callable[[float], Awaitable[None]],
    workers: Workers,
    effect: Sleep | RunBlocking | None = None,
) -> Reply:
    """Run a flow without blocking the event loop: work that blocks is done in a thread.

    Args:
        flow: The flow.
        sleep: Lets seconds pass.
        workers: Do what blocks.
        effect: What a flow waits for that was begun before.
    """
    resume: Callable[[Any], Any] = flow.send
    value: Any = None
    while True:
        if effect is None:
            try:
                effect = resume(value)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
        try:
            value = await (sleep(effect.seconds) if isinstance(effect, Sleep) else workers.run(effect))
            resume = flow.send
        except Exception as error:  # noqa: BLE001 - the flow decides, and raises it again
            resume, value = flow.throw, error
        effect = None


class Threads:
    """Threads for work that blocks. Idle ones are kept for a while: to start one takes longer than most work.

    Downloads that take their time leave room for each other, and nobody waits for them when the emulator ends.

    Args:
        limit: How many there may be; then work waits for its turn. None for one for each work.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._threads = self._unfinished = 0

    def start(self, work: Callable[[], None]) -> None:
        """Do work that raises nothing.

        Raises:
            RuntimeError: It needs one more thread, and there may be no more in this process.
        """
        if self._pid != os.getpid():  # a fork leaves the threads behind
            self._begin()
        with self._lock:
            if self._unfinished >= self._threads and self._threads != self._limit:
                threading.Thread(target=self._run, name="portrait-emulator-work", daemon=True).start()
                self._threads += 1
            self._unfinished += 1
        self._work.put(work)

    def _run(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._threads > self._unfinished:
                        self._threads -= 1
                        return
            else:
                work()
                with self._lock:
                    self._unfinished -= 1


class Workers:
    """The threads of one emulator: one for all work that is done in turn, any number for the rest."""

    def __init__(self) -> None:
        self._any = Threads()
        self._in_turn = Threads(1)

    async def run(self, effect: RunBlocking) -> Any:
        """Do the work of an effect, and return its value or raise its error."""
        return await _in_thread(effect, self._in_turn if isinstance(effect, RunInTurn) else self._any)


async def _in_thread(effect: RunBlocking, threads: Threads) -> Any:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def set_result(result: Any, error: BaseException | None) -> None:
        if future.done():  # cancelled meanwhile
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def run_work() -> None:
        result, error = None, None
        try:
            result = effect.work()
        except BaseException as raised:  # noqa: BLE001 - the flow decides, and raises it again
            error = raised
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(set_result, result, error)

    threads.start(run_work)
    return await future


def run(flow: ReplyFlow, sleep: Callable[[float], None]) -> Reply:
    """Run a flow in this thread.

    Args:
        flow: Not yet started.
        sleep: Lets seconds pass.
    """
    resume: Callable[[Any], Any] = flow.send
    value: Any = None
    while True:
        try:
            effect = resume(value)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        try:
            if type(effect) is Sleep:
                sleep(effect.seconds)
                value = None
            else:
                value = effect.work()
            resume = flow.send
        except Exception as error:  # noqa: BLE001 - the flow decides, and raises it again
            resume, value = flow.throw, error
