"""Lines of the emulator's log, written by a thread: a slow reader keeps no call waiting."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from queue import Full, Queue
from threading import Thread

_MAX_LINES = 10_000  # unread; further ones are dropped
_CLOSE_SECONDS = 0.5


class LineWriter:
    """Writes lines to a file descriptor. Safe to use from several threads.

    Args:
        descriptor: Such as that of stderr. Its Python file is not used: it could be locked when the process ends.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: Queue[str | None] = Queue(_MAX_LINES)
        self._thread = Thread(target=self._run, name="portrait-emulator-lines", daemon=True)
        self._thread.start()

    def __call__(self, line: str) -> None:
        """Write a line soon; it is given without its end."""
        with suppress(Full):
            self._lines.put_nowait(line)

    def close(self) -> None:
        """Write what is left, for at most half a second."""
        with suppress(Full):
            self._lines.put(None, timeout=_CLOSE_SECONDS)
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            data = f"{line}\n".encode(errors="replace")
            with suppress(OSError):  # nobody reads it any more
                while data:
                    data = data[os.write(self._descriptor, data) :]


class _Handler(logging.Handler):
    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        self._writer(self.format(record))


def log_to(writer: LineWriter) -> None:
    """Let the process log through a writer, from INFO on."""
    handler = _Handler(writer)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.INFO)
