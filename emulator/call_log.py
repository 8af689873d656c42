"""The last calls and how each ended, for the control plane; and one line per call for whoever watches an emulator.

Records hold no token and no body: a validation stands there by its handle. A call is recorded under its customer's
name, and where no keys were configured that name is the Bearer key itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from emulator.timestamps import TimestampFormatter
from portrait.clock import Clock

_MAX_RECORDS = 10_000

CallRecord = tuple[float, str, str, str, int, str, str]
"""Time, action, customer, outcome, HTTP status, request id, handle."""


class CallLog:
    """The last 10,000 calls.

    Args:
        format_time: Writes times.
        on_call: Called with each record as well.
    """

    def __init__(self, format_time: TimestampFormatter, on_call: Callable[[CallRecord], None] | None = None) -> None:
        self._format_time = format_time
        self._records: deque[CallRecord] = deque(maxlen=_MAX_RECORDS)
        # The hot path: without a listener it is the deque's own method.
        self.add = self._records.append if on_call is None else _tee(self._records.append, on_call)

    def clear(self) -> None:
        """Forget all calls."""
        self._records.clear()

    def read(
        self,
        *,
        action: str | None = None,
        customer: str | None = None,
        outcome: str | None = None,
        since: float | None = None,
    ) -> list[dict[str, Any]]:
        """The calls that match everything given, oldest first.

        Args:
            action: As on the wire.
            customer: Whose.
            outcome: `ok`, or the code of a refusal.
            since: Seconds since 1970, which are included.
        """
        wanted = ((1, action), (2, customer), (3, outcome))
        return [
            self._to_dict(record)
            for record in tuple(self._records)
            if (since is None or record[0] >= since) and all(value in {None, record[at]} for at, value in wanted)
        ]

    def _to_dict(self, record: CallRecord) -> dict[str, Any]:
        moment, action, customer, outcome, status, request_id, handle = record
        item: dict[str, Any] = {
            "time": self._format_time(moment),
            "action": action,
            "customer": customer,
            "outcome": outcome,
            "status": status,
            "request_id": request_id,
        }
        if handle:
            item["validation"] = handle
        return item


def _tee(first: Callable[[CallRecord], None], second: Callable[[CallRecord], None]) -> Callable[[CallRecord], None]:
    def add(record: CallRecord) -> None:
        first(record)
        second(record)

    return add


_MAX_TEXT = 60  # characters of what a caller made up: an Action that does not exist


class CallLogger:
    """Writes one line for each call: time, Action, customer, outcome, duration.

    A customer without a name of its own is called by its key, which is a secret: it is numbered here instead.

    Args:
        write: Takes a line, without its end.
        clock: The emulator's: times and durations are as it has them.
        names: The customers that were given names; any other is known by its key.
    """

    def __init__(self, write: Callable[[str], None], clock: Clock, names: Collection[str]) -> None:
        self._write = write
        self._clock = clock
        self._format_time = TimestampFormatter()
        self._shown = {name: _printable(name) for name in names} | {"": "-"}
        self._named = len(self._shown)

    def __call__(self, record: CallRecord) -> None:
        """Write the line of a call that has just been answered."""
        moment, action, customer, outcome, _, _, handle = record
        took = max(0.0, self._clock.now() - moment) * 1000
        whose = self._shown.setdefault(customer, f"key-{len(self._shown) - self._named + 1}")
        about = f"{outcome} {handle}" if handle else outcome
        what = _printable(action) or "-"
        self._write(f"{self._format_time(moment)}  {what:<27}  {whose:<10}  {about}  {took:.1f} ms")


def _printable(text: str) -> str:
    """What a terminal can show on one line, whoever wrote it."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= _MAX_TEXT else f"{shown[:_MAX_TEXT]}…"
