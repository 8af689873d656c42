"""The two runners of a `ReplyFlow`. The caller decides on whose clock a pause passes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.messages import Reply, ReplyFlow
from portrait.flow import Sleep


async def run_async(flow: ReplyFlow, sleep: Callable[[float], Awaitable[None]]) -> Reply:
    """Run a flow without blocking the event loop: work that blocks is done in a thread.

    Args:
        flow: The flow.
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
            value = await (sleep(effect.seconds) if type(effect) is Sleep else asyncio.to_thread(effect.work))
            resume = flow.send
        except Exception as error:  # noqa: BLE001 - the flow decides, and raises it again
            resume, value = flow.throw, error


def run(flow: ReplyFlow, sleep: Callable[[float], None]) -> Reply:
    """Run a flow in this thread; arguments as above."""
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
