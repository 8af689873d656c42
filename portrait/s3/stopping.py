"""One flag per operation by which everything that works on it stops soon.

It owns the flag, the pause that it cuts short, and the error that tells of it. It must never know what is stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from portrait.s3.errors import UploadInterrupted

Sleep = Callable[[float], object]


class StopFlag:
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
