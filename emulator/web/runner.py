"""The two drivers of an answer: they fulfil what the service asks for on its way, blocking or not.

They know the effects of `emulator.messages` and nothing else; whose time passes is the caller's to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from emulator.domain.reasons import Refusal
from emulator.fetch import download_and_measure
from emulator.messages import Measure, Pause, Reply, ReplyFlow
from portrait.media import Measurement


async def run_async(answering: ReplyFlow, sleep: Callable[[float], Awaitable[None]]) -> Reply:
    """Drive an answer without blocking the event loop.

    Args:
        answering: What the service began.
        sleep: Lets seconds pass.
    """
    try:
        effect = next(answering)
        while True:
            if isinstance(effect, Pause):
                await sleep(effect.seconds)
                effect = answering.send(None)
            else:
                effect = _hand_over(answering, *await asyncio.to_thread(_look, effect))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def run(answering: ReplyFlow, sleep: Callable[[float], None]) -> Reply:
    """Drive an answer on this thread; arguments as above."""
    try:
        effect = next(answering)
        while True:
            if isinstance(effect, Pause):
                sleep(effect.seconds)
                effect = answering.send(None)
            else:
                effect = _hand_over(answering, *_look(effect))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def _look(effect: Measure) -> tuple[Measurement | None, Refusal | None]:
    try:
        return download_and_measure(effect.url), None
    except Refusal as refusal:
        return None, refusal


def _hand_over(answering: ReplyFlow, found: Measurement | None, refusal: Refusal | None) -> Pause | Measure:
    """What was found, or the refusal in its place."""
    return answering.send(found) if refusal is None else answering.throw(refusal)
