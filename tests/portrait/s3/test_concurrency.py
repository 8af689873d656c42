"""Work in threads: bounded, ended by a failure, a flag or Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import CancelledError

import pytest

from portrait.flow import CancelToken
from portrait.s3.concurrency import run_parallel


def test_results_in_order() -> None:
    """Futures come back in the order of the items, whatever finished first."""
    futures = run_parallel(lambda n: n * n, range(20), workers=3, cancel=CancelToken(), give_up=lambda _: True)
    assert [future.result() for future in futures] == [n * n for n in range(20)]
    assert run_parallel(str, [], workers=3, cancel=CancelToken(), give_up=lambda _: True) == []


@pytest.mark.parametrize("give_up", [True, False])
def test_failure(give_up: bool) -> None:
    """After a failure what has not begun is left, if it is of the kind that says so."""

    def work(number: int) -> int:
        if number == 1:
            raise ValueError(number)
        return number

    futures = run_parallel(work, range(4), workers=1, cancel=CancelToken(), give_up=lambda _: give_up)
    kinds = [type(future.exception()) for future in futures]
    later = CancelledError if give_up else type(None)
    assert kinds == [type(None), ValueError, later, later]


def test_interrupted() -> None:
    """Ctrl-C in the caller's thread stops the work under way, and what has not begun never does."""
    cancel, items = CancelToken(), []

    def work(number: int) -> bool:
        items.append(number)
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            if cancel.is_set:
                return True
            threading.Event().wait(0.005)
        return False

    with pytest.raises(KeyboardInterrupt):
        run_parallel(work, range(9), workers=1, cancel=cancel, give_up=lambda _: True)
    assert cancel.is_set
    assert items == [0]
