"""The two runners of a `ReplyFlow`. The caller decides on whose clock a pause passes.

Work that blocks gets a thread of its own each time: downloads that take their time leave room for each other, and
nobody waits for them when the emulator ends.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from attrs import frozen

from emulator.messages import Reply, ReplyFlow
from portrait.flow import RunBlocking, Sleep


@frozen
class PendingReply:
    """A flow that was begun, and the effect that it waits for; None before the first one."""

    flow: ReplyFlow
    effect: Sleep | RunBlocking | None = None


async def run_async(
    flow: ReplyFlow, sleep: Callable[[float], Awaitable[None]], effect: Sleep | RunBlocking | None = None
) -> Reply:
    """Run a flow without blocking the event loop: work that blocks is done in a thread.

    Args:
        flow: The flow.
        sleep: Lets seconds pass.
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
            value = await (sleep(effect.seconds) if isinstance(effect, Sleep) else _in_thread(effect.work))
            resume = flow.send
        except Exception as error:  # noqa: BLE001 - the flow decides, and raises it again
            resume, value = flow.throw, error
        effect = None


async def _in_thread(work: Callable[[], Any]) -> Any:
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
            result = work()
        except BaseException as raised:  # noqa: BLE001 - the flow decides, and raises it again
            error = raised
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(set_result, result, error)

    threading.Thread(target=run_work, name="portrait-emulator-work", daemon=True).start()
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
