"""A thread pool for the requests of one call, and the token that cancels them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from portrait.s3.errors import UploadInterrupted

Sleep = Callable[[float], object]


class CancelToken:
    """Set once, seen by all workers between two blocks of a file and in every pause."""

    def __init__(self, sleep: Sleep | None = None) -> None:
        self._event = threading.Event()
        self._sleep: Sleep = sleep or self._event.wait

    def set(self) -> None:
        """Ask everybody to stop."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether somebody asked to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `UploadInterrupted` if somebody asked to stop."""
        if self._event.is_set():
            raise UploadInterrupted("The upload was stopped.")

    def pause(self, seconds: float) -> None:
        """Sleep that long, or until somebody asks to stop."""
        self.check()
        self._sleep(seconds)
        self.check()


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
