"""Flows: code without I/O, and the effects that it asks for; `portrait.runners` carries them out.

A flow is a generator. It yields effects (`Send` a request, `Sleep` some seconds, `Notify` an event …), receives their
values, and returns its result; the error of a failed effect is thrown in. So everything between a typed request and a
typed result is written once, and a test reads it as a list of effects.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from attrs import frozen

from portrait.clock import Clock, SystemClock
from portrait.errors import Interrupted
from portrait.events import Event
from portrait.http import HttpRequest

T = TypeVar("T")


class CancelToken:
    """Cancels a group of flows: set once, checked by all of them. Safe across threads."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._callbacks: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    @property
    def is_set(self) -> bool:
        """True once the group is to end: nothing new is begun."""
        return self._event.is_set()

    def set(self) -> None:
        """End the group: its pauses end, and flows that have not begun do not begin."""
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def on_set(self, callback: Callable[[], object]) -> None:
        """Call that when the token is set, or now if it is: for work that no effect interrupts, such as an upload."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        callback()

    def check(self) -> None:
        """Do nothing while the token is not set.

        Raises:
            Interrupted: The token is set.
        """
        if self._event.is_set():
            raise Interrupted

    def sleep(self, clock: Clock, seconds: float) -> None:
        """Let that much time pass, blocking; a pause in real time ends as soon as the token is set.

        Raises:
            Interrupted: The token is set.
        """
        if isinstance(clock, SystemClock):
            self._event.wait(seconds)
        else:
            clock.sleep(seconds)
        self.check()


@frozen
class Send:
    """Send the request once. Its value is an `HttpResponse`; a `TransportFailure` is thrown in."""

    request: HttpRequest


@frozen
class Sleep:
    """Let that many seconds pass."""

    seconds: float


@frozen
class Notify:
    """Hand an event to the application's listener."""

    event: Event


@frozen
class RunBlocking:
    """Do work that blocks, such as reading a file: in this thread by `Runner`, in another by `AsyncRunner`."""

    work: Callable[[], Any]


@frozen
class Invoke:
    """Call a function of the application's in this thread; what it returns is the value, awaited by `AsyncRunner`."""

    function: Callable[[], Any]


@frozen
class Await:
    """Wait for what another flow is doing. Its value is the future's result; the future's error is thrown in."""

    future: Future[Any]


@frozen
class Gather:
    """Run flows beside each other. Its value is the list of their results, in order.

    A flow that fails with a `PortraitError` has that error as its result. Any other exception, an interrupt or a
    cancellation sets the token, and goes through once all flows have ended.

    Attributes:
        flows: The flows. What they emit is dropped.
        limit: How many run at once; None sets no limit.
        cancel: The token of the group; None takes the runner's, or a new one.
    """

    flows: Sequence[Flow[Any]]
    limit: int | None = None
    cancel: CancelToken | None = None


@frozen
class Hold:
    """Run a flow under a right that ends by itself. Its value is the flow's result; the flow's error is thrown in.

    The right is renewed before the effects of the flow, and in real time from beside them. Where it has ended, the flow
    is closed before it does anything more, and `RightLost` is thrown in.

    Attributes:
        flow: The flow. What it emits is dropped.
        renew: Makes the right hold for its whole time again; False where it has ended. It blocks.
        interval: Seconds after which it is renewed.
        release: Gives the right up once the flow has ended, however that was; None leaves it. It blocks.
    """

    flow: Flow[Any]
    renew: Callable[[], bool]
    interval: float
    release: Callable[[], object] | None = None


@frozen
class Emit:
    """Give a value to the iterator over the flow before it goes on; `run` drops it."""

    value: Any


Effect = Send | Sleep | Notify | RunBlocking | Invoke | Await | Gather | Hold | Emit
Flow = Generator[Effect, Any, T]
