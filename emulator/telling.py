"""A line for each call, for whoever runs an emulator and watches it: when, what, whose, how it ended, how long it took.

Owns the form of the line. A customer without a name of its own is called by its key, which is a secret: it is numbered
here instead. Must not know where lines go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from emulator.call_log import CallRecord
from emulator.timestamps import TimestampFormatter
from portrait.clock import Clock

_MOST = 60  # characters of what a caller made up: an Action that does not exist


class CallLogger:
    """Makes a line of each note of the journal.

    Args:
        say: Takes a line, without its end.
        clock: The emulator's: times and durations are as it has them.
        names: The customers that were given names; any other is known by its key.
    """

    def __init__(self, say: Callable[[str], None], clock: Clock, names: Collection[str]) -> None:
        self._say = say
        self._clock = clock
        self._stamps = TimestampFormatter()
        self._shown = {name: _printable(name) for name in names} | {"": "-"}
        self._named = len(self._shown)

    def __call__(self, note: CallRecord) -> None:
        """Tell of a call that has just been answered."""
        moment, action, customer, outcome, _, _, handle = note
        took = max(0.0, self._clock.now() - moment) * 1000
        whose = self._shown.setdefault(customer, f"key-{len(self._shown) - self._named + 1}")
        about = f"{outcome} {handle}" if handle else outcome
        what = _printable(action) or "-"
        self._say(f"{self._stamps(moment)}  {what:<27}  {whose:<10}  {about}  {took:.1f} ms")


def _printable(text: str) -> str:
    """What a terminal can show on one line, whoever wrote it."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= _MOST else f"{shown[:_MOST]}…"
