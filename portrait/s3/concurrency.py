"""The context and the threads of one call: its cancellation, its pauses, whether it has written; and locks by name."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self, TypeVar

from portrait.clock import Clock
from portrait.errors import PortraitError
from portrait.flow import CancelToken


class Context:
    """One call of a store, or the part of it that concerns one file: what ends it, and whether it has written.

    Used as a context manager, it says in every error that leaves it whether something may have been carried out.

    Args:
        cancel: Ends the call.
        clock: For pauses.
        parent: The call that this is a part of.

    Attributes:
        may_have_executed: True once a request that changes the bucket may have been carried out.
    """

    def __init__(self, cancel: CancelToken, clock: Clock, parent: Context | None = None) -> None:
        self.cancel = cancel
        self.may_have_executed = False
        self._clock = clock
        self._parent = parent

    def part(self) -> Context:
        """The context of one file."""
        return Context(self.cancel, self._clock, self)

    def check(self) -> None:
        """As `CancelToken.check`."""
        self.cancel.check()

    def sleep(self, seconds: float) -> None:
        """As `CancelToken.sleep`."""
        self.cancel.sleep(self._clock, seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, PortraitError):
            error.may_have_executed = self.may_have_executed
        if self._parent is not None and self.may_have_executed:
            self._parent.may_have_executed = True


class KeyedLocks:
    """One lock per name inside this process, kept only while somebody uses it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextlib.contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Hold the lock of that name."""
        with self._guard:
            lock, users = self._locks.get(name, (threading.Lock(), 0))
            self._locks[name] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._locks[name]
                if users == 1:
                    del self._locks[name]
                else:
                    self._locks[name] = (lock, users - 1)


T = TypeVar("T")
R = TypeVar("R")


def run_parallel(
    work: Callable[[T], R],
    items: Sequence[T],
    *,
    workers: int,
    cancel: CancelToken,
    give_up: Callable[[BaseException], bool],
) -> list[Future[R]]:
    """Do the work on every item and return the finished futures in order.

    Args:
        work: Called in a thread for each item.
        items: What to work on.
        workers: Threads at most.
        cancel: Set when the caller's own thread is interrupted, so that work under way ends soon.
        give_up: Whether, after such a failure, what has not begun is better left; its futures hold `CancelledError`.
    """
    halted = threading.Event()

    def run(item: T) -> R:
        if halted.is_set():
            raise CancelledError
        try:
            return work(item)
        except BaseException as error:
            if give_up(error):
                halted.set()
            raise

    with ThreadPoolExecutor(max(1, min(workers, len(items))), "portrait-store") as pool:
        try:
            futures = [pool.submit(run, item) for item in items]
            wait(futures)
        except BaseException:
            halted.set()
            cancel.set()
            raise
    return futures
