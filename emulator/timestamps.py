"""Seconds since 1970 as the wire writes them, each second formatted once."""

from __future__ import annotations

from datetime import datetime

from portrait.clock import format_timestamp

MAX_TIME = 253_370_764_800.0
"""The latest time that a clock may show, 9999-01-01: what ends soon after it can still be written."""

_PUNCTUATION = str.maketrans("", "", "-T:Z")
_MOST = 8192  # seconds remembered; a list of 100 items shows at most 200


class TimestampFormatter:
    """Formats times, and caches the results."""

    __slots__ = ("_digits", "_texts")

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._digits: dict[int, str] = {}

    def __call__(self, moment: float) -> str:
        """`2026-03-18T03:57:10Z`: UTC, no fraction. Contract §1 (D)."""
        second = int(moment)
        text = self._texts.get(second)
        return text if text is not None else _remember(self._texts, second, format_timestamp(second))

    def digits(self, moment: float) -> str:
        """`20260318035710`, the stamp inside of an id."""
        second = int(moment)
        digits = self._digits.get(second)
        return (
            digits
            if digits is not None
            else _remember(self._digits, second, format_timestamp(second).translate(_PUNCTUATION))
        )


def parse_timestamp(text: str) -> float:
    """Seconds since 1970 of `2026-03-18T03:57:10Z`, or of any ISO 8601 moment that names its zone.

    Raises:
        ValueError: It is none.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone, such as the Z of 2026-03-18T03:57:10Z")
    return moment.timestamp()


def _remember(written: dict[int, str], second: int, text: str) -> str:
    if len(written) >= _MOST:
        written.clear()
    written[second] = text
    return text
