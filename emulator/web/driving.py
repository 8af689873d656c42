"""The two drivers of an answer: they fulfil what the service asks for on its way, blocking or not.

They know the effects of `emulator.calls` and nothing else; whose time passes is the caller's to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.calls import Answering, Measure, Pause, Reply
from portrait.reasons import Refusal

Measurer = Callable[[str], Any]


async def fulfil(answering: Answering, sleep: Callable[[float], Awaitable[None]], measurer: Measurer) -> Reply:
    """Drive an answer without blocking the event loop.

    Args:
        answering: What the service began.
        sleep: Lets seconds pass.
        measurer: Fetches and measures; it blocks, so it runs on a thread.
    """
    try:
        effect = next(answering)
        while True:
            if isinstance(effect, Pause):
                await sleep(effect.seconds)
                effect = answering.send(None)
            else:
                effect = _measured(answering, *await asyncio.to_thread(_attempt, measurer, effect))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def fulfil_blocking(answering: Answering, sleep: Callable[[float], None], measurer: Measurer) -> Reply:
    """Drive an answer on this thread; arguments as above."""
    try:
        effect = next(answering)
        while True:
            if isinstance(effect, Pause):
                sleep(effect.seconds)
                effect = answering.send(None)
            else:
                effect = _measured(answering, *_attempt(measurer, effect))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def _attempt(measurer: Measurer, effect: Measure) -> tuple[Any, Refusal | None]:
    try:
        return measurer(effect.url), None
    except Refusal as refusal:
        return None, refusal


def _measured(answering: Answering, found: Any, refusal: Refusal | None) -> Pause | Measure:
    """Hand over what was found, or the refusal in its place."""
    return answering.send(found) if refusal is None else answering.throw(refusal)
