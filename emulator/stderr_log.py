"""The log on stderr: a line for each call. A thread writes it, so that a slow reader keeps no call waiting."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from threading import Thread

from emulator.call_log import CallRecord
from emulator.clocks import TimestampFormatter
from portrait.clock import Clock

_MAX_LINES = 10_000  # unread; further ones are dropped
_CLOSE_SECONDS = 0.5
_MAX_TEXT = 60  # characters of what a caller made up: an Action that does not exist


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


class CallLogger:
    """Writes one line for each call: time, Action, customer, outcome, duration.

    Args:
        write: Takes a line, without its end.
        clock: The emulator's: times and durations are as it has them.
    """

    def __init__(self, write: Callable[[str], None], clock: Clock) -> None:
        self._write = write
        self._clock = clock
        self._format_time = TimestampFormatter()

    def __call__(self, record: CallRecord) -> None:
        """Write the line of a call that has just been answered."""
        moment, action, customer, outcome, _, _, handle, _ = record
        duration = max(0.0, self._clock.now() - moment) * 1000
        whose = _printable(customer) or "-"
        about = f"{outcome} {handle}" if handle else outcome
        what = _printable(action) or "-"
        self._write(f"{self._format_time(moment)}  {what:<27}  {whose:<16}  {about}  {duration:.1f} ms")


def _printable(text: str) -> str:
    """A text with its control characters replaced, so that it stays on one line of a terminal."""
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line if len(line) <= _MAX_TEXT else f"{line[:_MAX_TEXT]}…"
