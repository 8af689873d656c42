"""Two strengths of Ctrl-C: the first one asks to stop, the second one ends the process. Owns the signal for the time of
a block; must not know what is stopped.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from portrait.cli.errors import INTERRUPTED


@contextmanager
def stoppable(first: Callable[[], object], second: Callable[[], object]) -> Iterator[None]:
    """For as long as the block runs.

    Args:
        first: Called at the first Ctrl-C, before `KeyboardInterrupt` goes through the block.
        second: Called at the second one, before the process ends as it stands. Must not wait for anything.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen = False

    def interrupted(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        del number, frame
        if seen:
            second()
            os._exit(INTERRUPTED)
        seen = True
        first()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
