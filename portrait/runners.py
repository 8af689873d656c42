"""The two runners, which carry out the effects of a flow: one in the calling thread, one in the calling task."""

from __future__ import annotations

import asyncio
import copy
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, Self, TypeVar

from portrait.clock import Clock
from portrait.errors import PortraitError, UsageError
from portrait.events import Event, kinds_of
from portrait.flow import (
    Await,
    CancelToken,
    Effect,
    Emit,
    Flow,
    Gather,
    Hold,
    Invoke,
    Notify,
    RunBlocking,
    Send,
    Sleep,
)
from portrait.http import AsyncTransport, Transport
from portrait.rights import Right, RightLost

T = TypeVar("T")
AnyTransport = TypeVar("AnyTransport", bound=Transport | AsyncTransport)
Listener = Callable[[Event], None]

_LOG = logging.getLogger("portrait")

_Step = tuple[Callable[[Any], Effect], Any]  # how a flow goes on, and with what


class Run(Protocol):
    """Runs a flow to its result."""

    def __call__(self, flow: Flow[T]) -> T:
        """The result; the flow's error is raised."""


class RunAsync(Protocol):
    """Runs a flow to its result, for asyncio."""

    def __call__(self, flow: Flow[T]) -> Coroutine[Any, Any, T]:
        """The result; the flow's error is raised."""


class Lifetime:
    """Whether a client is open: shared by it, those derived from it, and their runners.

    Attributes:
        closed: True once the client was closed, for good.
    """

    closed = False

    def check(self) -> None:
        """Do nothing while the client is open.

        Raises:
            UsageError: It is closed.
        """
        if self.closed:
            raise UsageError("This client is closed.", advice="Make a new one, or close it later.")


class _AnyRunner(Generic[AnyTransport]):
    def __init__(
        self,
        transport: AnyTransport,
        clock: Clock,
        listener: Listener | None = None,
        cancel: CancelToken | None = None,
        lifetime: Lifetime | None = None,
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._listener = listener
        self._kinds = kinds_of(listener)
        self._cancel = cancel
        self._lifetime = lifetime or Lifetime()
        self._rights: tuple[Right, ...] = ()

    def _derive(self, cancel: CancelToken | None, *rights: Right) -> Self:
        """A runner for a part of a flow, under further rights."""
        derived = copy.copy(self)
        derived._cancel, derived._rights = cancel, (*self._rights, *rights)  # noqa: SLF001
        return derived

    def _pieces(self, seconds: float) -> Iterator[float]:
        """A pause in pieces that the rights outlast."""
        longest = min((right.interval for right in self._rights), default=seconds)
        while seconds > longest:
            yield longest
            seconds -= longest
        yield seconds


class Runner(_AnyRunner[Transport]):
    """Carries out a flow's effects in the calling thread. Safe to share between threads.

    Args:
        transport: For `Send`.
        clock: For `Sleep`.
        listener: For `Notify`.
        cancel: Ends pauses when it is set.
        lifetime: Of the client whose flows are run.
    """

    def run(self, flow: Flow[T]) -> T:
        """The result of a flow.

        Raises:
            UsageError: The client is closed.
        """
        self._lifetime.check()
        return self._run(flow)

    def _run(self, flow: Flow[T]) -> T:
        resume, value = flow.send, None
        while True:
            try:
                effect = resume(value)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            resume, value = self._carry_out(effect, flow)

    def iterate(self, flow: Flow[Any]) -> Iterator[Any]:
        """The values that a flow emits, as they come."""
        resume, value = flow.send, None
        try:
            while True:
                try:
                    effect = resume(value)
                except StopIteration:
                    return
                if type(effect) is Emit:
                    yield effect.value
                resume, value = self._carry_out(effect, flow)
        finally:
            flow.close()

    def _carry_out(self, effect: Effect, flow: Flow[Any]) -> _Step:
        """Carry out an effect; returns how to resume the flow (`send` or `throw`) and with what."""
        try:
            if self._rights:
                self._extend_rights()
            return flow.send, _BLOCKING[type(effect)](self, effect)
        except BaseException as error:  # the flow decides, and raises it again
            if isinstance(error, RightLost) and error.right in self._rights:
                flow.close()
                raise
            return flow.throw, error

    def _extend_rights(self) -> None:
        for right in self._rights:
            if self._clock.monotonic() >= right.due_at:
                right.extend()

    def _emit(self, effect: Emit) -> None:
        """Nothing: `iterate` has handed it on."""

    def _send(self, effect: Send) -> Any:
        return self._transport.send(effect.request)

    def _sleep(self, effect: Sleep) -> None:
        for seconds in self._pieces(effect.seconds):
            self._extend_rights()
            if self._cancel is None:
                self._clock.sleep(seconds)
            else:
                self._cancel.sleep(self._clock, seconds)

    def _notify(self, effect: Notify) -> None:
        if isinstance(effect.event, self._kinds):
            notify(self._listener, effect.event)

    def _run_blocking(self, effect: RunBlocking) -> Any:
        return effect.work()

    def _invoke(self, effect: Invoke) -> Any:
        value = effect.function()
        if inspect.iscoroutine(value):
            value.close()
            raise UsageError("A blocking client cannot await a callback.", advice="Use AsyncPortraitClient.")
        return value

    def _await(self, effect: Await) -> Any:
        return effect.future.result()

    def _gather(self, effect: Gather) -> list[Any]:
        cancel = effect.cancel or self._cancel
        if len(effect.flows) <= 1:  # in this thread, where an interrupt arrives
            return [self._derive(cancel)._outcome(flow) for flow in effect.flows]  # noqa: SLF001
        cancel = cancel or CancelToken()
        with ThreadPoolExecutor(effect.limit or len(effect.flows), "portrait") as pool:
            try:
                return list(pool.map(self._derive(cancel)._outcome, effect.flows))  # noqa: SLF001
            except BaseException:
                cancel.set()  # before the pool waits for what is under way
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _outcome(self, flow: Flow[Any]) -> Any:
        """The result of a flow that is gathered, or its error."""
        try:
            if self._cancel is not None:
                self._cancel.check()
            return self._run(flow)
        except PortraitError as error:
            return error
        except BaseException:
            if self._cancel is not None:
                self._cancel.set()  # at once: the others are waited for in order
            raise

    def _hold(self, effect: Hold) -> Any:
        right = Right(effect.renew, effect.interval, effect.release, self._clock)
        with right.held():
            return self._derive(self._cancel, right)._run(effect.flow)  # noqa: SLF001


class AsyncRunner(_AnyRunner[AsyncTransport]):
    """Carries out a flow's effects in the calling task. A cancellation is thrown into the flow like any failure.

    Args:
        transport: For `Send`.
        clock: For `Sleep`.
        listener: For `Notify`.
        cancel: Makes pauses the last thing that a flow does once it is set.
        lifetime: Of the client whose flows are run.
    """

    async def run(self, flow: Flow[T]) -> T:
        """The result of a flow.

        Raises:
            UsageError: The client is closed, or no asyncio loop runs.
        """
        self._lifetime.check()
        _require_asyncio()
        return await self._run(flow)

    async def _run(self, flow: Flow[T]) -> T:
        resume, value = flow.send, None
        while True:
            try:
                effect = resume(value)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            resume, value = await self._carry_out(effect, flow)

    async def iterate(self, flow: Flow[Any]) -> AsyncIterator[Any]:
        """The values that a flow emits, as they come.

        Raises:
            UsageError: No asyncio loop runs.
        """
        _require_asyncio()
        resume, value = flow.send, None
        try:
            while True:
                try:
                    effect = resume(value)
                except StopIteration:
                    return
                if type(effect) is Emit:
                    yield effect.value
                resume, value = await self._carry_out(effect, flow)
        finally:
            flow.close()

    async def _carry_out(self, effect: Effect, flow: Flow[Any]) -> _Step:
        """Carry out an effect; returns how to resume the flow (`send` or `throw`) and with what."""
        try:
            if self._rights:
                await self._extend_rights()
            return flow.send, await _ASYNC[type(effect)](self, effect)
        except BaseException as error:  # the flow decides, and raises it again
            if isinstance(error, RightLost) and error.right in self._rights:
                flow.close()
                raise
            return flow.throw, error

    async def _extend_rights(self) -> None:
        for right in self._rights:
            if self._clock.monotonic() >= right.due_at:
                await asyncio.to_thread(right.extend)

    async def _emit(self, effect: Emit) -> None:
        """Nothing: `iterate` has handed it on."""

    def _send(self, effect: Send) -> Awaitable[Any]:
        return self._transport.send(effect.request)

    async def _sleep(self, effect: Sleep) -> None:
        for seconds in self._pieces(effect.seconds):
            await self._extend_rights()
            await self._clock.async_sleep(seconds)
            if self._cancel is not None:
                self._cancel.check()

    async def _notify(self, effect: Notify) -> None:
        if isinstance(effect.event, self._kinds):
            notify(self._listener, effect.event)

    async def _run_blocking(self, effect: RunBlocking) -> Any:
        return await asyncio.to_thread(effect.work)

    async def _invoke(self, effect: Invoke) -> Any:
        value = effect.function()
        return await value if inspect.isawaitable(value) else value

    async def _await(self, effect: Await) -> Any:
        # Shielded: whoever gives up waiting must not cancel the work of others.
        return await asyncio.shield(asyncio.wrap_future(effect.future))

    async def _gather(self, effect: Gather) -> list[Any]:
        cancel = effect.cancel or self._cancel or CancelToken()
        runner = self._derive(cancel)
        slots = asyncio.Semaphore(effect.limit or len(effect.flows) or 1)

        async def run(flow: Flow[Any]) -> Any:
            async with slots:
                try:
                    cancel.check()
                    return await runner._run(flow)  # noqa: SLF001
                except PortraitError as error:
                    return error

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(run(flow)) for flow in effect.flows]
        except BaseExceptionGroup as failures:
            cancel.set()
            raise failures.exceptions[0] from None
        except BaseException:
            cancel.set()
            raise
        return [task.result() for task in tasks]

    async def _hold(self, effect: Hold) -> Any:
        right = Right(effect.renew, effect.interval, effect.release, self._clock)
        async with right.async_held():
            return await self._derive(self._cancel, right)._run(effect.flow)  # noqa: SLF001


_BLOCKING: Mapping[type, Callable[[Runner, Any], Any]] = {
    Send: Runner._send,  # noqa: SLF001
    Sleep: Runner._sleep,  # noqa: SLF001
    Notify: Runner._notify,  # noqa: SLF001
    RunBlocking: Runner._run_blocking,  # noqa: SLF001
    Invoke: Runner._invoke,  # noqa: SLF001
    Await: Runner._await,  # noqa: SLF001
    Gather: Runner._gather,  # noqa: SLF001
    Hold: Runner._hold,  # noqa: SLF001
    Emit: Runner._emit,  # noqa: SLF001
}
_ASYNC: Mapping[type, Callable[[AsyncRunner, Any], Awaitable[Any]]] = {
    Send: AsyncRunner._send,  # noqa: SLF001
    Sleep: AsyncRunner._sleep,  # noqa: SLF001
    Notify: AsyncRunner._notify,  # noqa: SLF001
    RunBlocking: AsyncRunner._run_blocking,  # noqa: SLF001
    Invoke: AsyncRunner._invoke,  # noqa: SLF001
    Await: AsyncRunner._await,  # noqa: SLF001
    Gather: AsyncRunner._gather,  # noqa: SLF001
    Hold: AsyncRunner._hold,  # noqa: SLF001
    Emit: AsyncRunner._emit,  # noqa: SLF001
}


def _require_asyncio() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise UsageError(
            "An asynchronous client runs on asyncio only, and no asyncio loop runs here.",
            advice="Under trio, call PortraitClient in a thread: trio.to_thread.run_sync.",
        ) from None


def notify(listener: Listener | None, event: Event) -> None:
    """Hand an event to the application; what its callback raises is logged."""
    if listener is None:
        return
    try:
        listener(event)
    except Exception:  # noqa: BLE001  (an application's callback may raise anything)
        _LOG.exception("on_event raised for %s; the call goes on", type(event).__name__)
