"""Locks: between processes by a file that `flock` releases when its process ends, between threads by name.

Without `flock` two processes may upload the same file, which does no harm: keys are made of content.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from portrait.s3.errors import StateUnwritable
from portrait.s3.pool import Context

if sys.platform != "win32":
    import fcntl

_PAUSE = 0.1
"""Seconds between two looks at a lock that somebody holds: flock itself cannot be told to stop waiting."""


@contextlib.contextmanager
def locked(path: Path, context: Context, waiting: Callable[[], object]) -> Iterator[None]:
    """Hold the lock of that name.

    Args:
        path: The lock file; its folder exists.
        context: Ends the waiting.
        waiting: Called once if somebody else holds it now.

    Raises:
        StateUnwritable: The lock file cannot be made.
        Interrupted: Somebody asked to stop while it waited.
    """
    notified = False
    while (handle := _try(path)) is None:
        if not notified:
            waiting()
            notified = True
        context.sleep(_PAUSE)
    try:
        yield
    finally:
        # Whoever opened this file before it is gone sees that its name leads elsewhere, and opens the new one.
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(handle)


def _try(path: Path) -> int | None:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StateUnwritable(f"The state folder {path.parent} cannot be written: {error.strerror}.") from error
    if sys.platform == "win32":
        return handle
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino == path.stat().st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError as error:
        os.close(handle)
        raise StateUnwritable(f"The state folder {path.parent} cannot be locked: {error.strerror}.") from error
    os.close(handle)
    return None


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
