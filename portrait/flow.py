"""Flows: work without I/O, and the two drivers that run it.

A flow is a generator. It yields effects (`Send` a request, `Sleep` some seconds, `Notify` an event …), receives their
values, and returns its result; an effect that fails is thrown in. So everything between a typed request and a typed
result is written once, and a test reads it as a list of effects. This module knows no Action and no HTTP library.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

from attrs import frozen

from portrait.clock import Clock
from portrait.events import Event
from portrait.http import AsyncTransport, HttpRequest, Transport

T = TypeVar("T")

_LOG = logging.getLogger("portrait")


@frozen
class Send:
    """Send the request once. Answered by an `HttpResponse`; a `TransportFailure` is thrown in."""

    request: HttpRequest


@frozen
class Sleep:
    """Let that many seconds pass."""

    seconds: float


@frozen
class Notify:
    """Tell the application."""

    event: Event


@frozen
class RunBlocking:
    """Work that blocks, such as reading a file: done here by a blocking driver, in a thread by the other."""

    work: Callable[[], Any]


@frozen
class Await:
    """Await what another flow is doing. Answered by its result; its error is thrown in."""

    future: Future[Any]


Effect = Send | Sleep | Notify | RunBlocking | Await
Flow = Generator[Effect, Any, T]
Listener = Callable[[Event], None]


def run(flow: Flow[T], transport: Transport, clock: Clock, listener: Listener | None) -> T:
    """Run a flow to its end in this thread."""
    resume: Callable[[Any], Effect] = flow.send
    value: Any = None
    while True:
        try:
            effect = resume(value)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        resume, value = flow.send, None
        try:
            if type(effect) is Send:
                value = transport.send(effect.request)
            elif type(effect) is Sleep:
                clock.sleep(effect.seconds)
            elif type(effect) is Notify:
                tell(listener, effect.event)
            elif type(effect) is RunBlocking:
                value = effect.work()
            elif type(effect) is Await:
                value = effect.future.result()
        except BaseException as error:  # noqa: BLE001  (the flow decides, and raises it again)
            resume, value = flow.throw, error


async def run_async(flow: Flow[T], transport: AsyncTransport, clock: Clock, listener: Listener | None) -> T:
    """Run a flow to its end in this task. A cancellation is thrown into the flow like any failure."""
    resume: Callable[[Any], Effect] = flow.send
    value: Any = None
    while True:
        try:
            effect = resume(value)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        resume, value = flow.send, None
        try:
            if type(effect) is Send:
                value = await transport.send(effect.request)
            elif type(effect) is Sleep:
                await clock.async_sleep(effect.seconds)
            elif type(effect) is Notify:
                tell(listener, effect.event)
            elif type(effect) is RunBlocking:
                value = await asyncio.to_thread(effect.work)
            elif type(effect) is Await:
                # Shielded: whoever gives up waiting must not cancel the work of others.
                value = await asyncio.shield(asyncio.wrap_future(effect.future))
        except BaseException as error:  # noqa: BLE001  (the flow decides, and raises it again)
            resume, value = flow.throw, error


def tell(listener: Listener | None, event: Event) -> None:
    """Hand an event to the application; what its callback raises is logged."""
    if listener is None:
        return
    try:
        listener(event)
    except Exception:  # noqa: BLE001  (an application's callback may raise anything)
        _LOG.exception("on_event raised for %s; the call goes on", type(event).__name__)
