"""Work on many things at once, bounded, ended cleanly by a failure or an interruption.

It owns the threads. It must never know what the work is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from portrait.s3.stopping import StopFlag

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(
    work: Callable[[T], R],
    items: Sequence[T],
    *,
    workers: int,
    stop: StopFlag,
    give_up: Callable[[BaseException], bool],
) -> list[Future[R]]:
    """Do the work on every item and return the finished futures in order.

    Args:
        work: Called in a thread for each item.
        items: What to work on.
        workers: Threads at most.
        stop: Set when the caller's own thread is interrupted, so that work under way ends soon.
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
            stop.set()
            raise
    return futures
