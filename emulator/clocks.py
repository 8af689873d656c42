"""The clocks of an emulator by the names of the command line, and times as the wire writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock

from portrait.clock import Clock, ManualClock, SystemClock, format_timestamp

MAX_FACTOR = 1_000_000
"""Emulated seconds in a real one: with more the clock would run out of years within a day."""


class ScaledClock:
    """The machine's clock, running `factor` times as fast from the moment it is made. It can be set too.

    Args:
        factor: How many emulated seconds pass in one real second.
        base: The clock it is made from.
    """

    def __init__(self, factor: float, base: Clock | None = None) -> None:
        if not 0 < factor <= MAX_FACTOR:
            raise ValueError(f"a clock's factor must be a number above 0 and at most {MAX_FACTOR}")
        self.factor = factor
        self._base = base or SystemClock()
        self._start = self._base.now()
        self._origin = self._base.monotonic()
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since 1970 in UTC, as this clock has it."""
        return self._start + self.monotonic()

    def monotonic(self) -> float:
        """Emulated seconds since this clock was made."""
        return (self._base.monotonic() - self._origin) * self.factor + self._ahead

    def advance(self, seconds: float) -> None:
        """Jump forward.

        Raises:
            ValueError: A negative number of seconds.
        """
        if not seconds >= 0:
            raise ValueError("time runs forwards: seconds must not be negative")
        self._ahead += seconds

    def set(self, now: float) -> None:
        """Jump to a moment, in seconds since 1970; back too, as somebody would set a wall clock."""
        ahead = now - self.now()
        self._ahead += max(0.0, ahead)
        self._start += min(0.0, ahead)

    def sleep(self, seconds: float) -> None:
        """Let emulated seconds pass, blocking for a fraction of them."""
        self._base.sleep(seconds / self.factor)

    async def async_sleep(self, seconds: float) -> None:
        """Let emulated seconds pass without blocking the loop."""
        await self._base.async_sleep(seconds / self.factor)


class AutoClock(ManualClock):
    """A clock for programs that wait on a clock of their own: it stands still, and moves when they ask too early."""

    POLL_SECONDS = 3.0
    """The pause of a patient client between two reads."""

    _MOST_READS = 10_000

    def __init__(self, *start: float) -> None:
        super().__init__(*start)
        self._reads: dict[int, float] = {}  # when each was answered last
        self._guard = Lock()

    def after_early_read(self, read: int, since: float) -> None:
        """Let the time pass that a patient client would have waited before it asked again.

        It passes once for all that wait side by side: each of them has waited since it asked last.

        Args:
            read: Tells reads apart that wait for different things.
            since: When that which is waited for began, in seconds since 1970.
        """
        with self._guard:
            last = max(self._reads.pop(read, since), since)
            self.advance(max(0.0, min(last, self.now()) + self.POLL_SECONDS - self.now()))
            self._reads[read] = self.now()
            if len(self._reads) > self._MOST_READS:
                del self._reads[next(iter(self._reads))]


SettableClock = ManualClock | ScaledClock
"""The clocks that can be moved and set."""

_BY_NAME: Mapping[str, Callable[[], Clock]] = {"real": SystemClock, "manual": ManualClock, "auto": AutoClock}


def kind(clock: Clock) -> str:
    """`manual`, `auto`, `scaled`, or `real` for a clock that nobody can move."""
    return {ManualClock: "manual", AutoClock: "auto", ScaledClock: "scaled"}.get(type(clock), "real")


def rate(clock: Clock) -> float:
    """How many emulated seconds pass in a real one: 0 on a clock that stands still until it is moved."""
    if isinstance(clock, ManualClock):
        return 0.0
    return clock.factor if isinstance(clock, ScaledClock) else 1.0


def make_clock(name: str) -> Clock:
    """The clock of that name.

    Args:
        name: `real`, `manual`, `auto`, or `scaled:N` with a number N above 0 and at most `MAX_FACTOR`.

    Raises:
        ValueError: There is no such clock.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]()
    prefix, _, factor = name.partition(":")
    try:
        if prefix == "scaled":
            return ScaledClock(float(factor))
    except ValueError:
        pass
    raise ValueError(
        f"a clock is real, manual, auto or scaled:N with a number N above 0 and at most {MAX_FACTOR}, not {name!r}"
    )


# --- timestamps ------------------------------------------------------------------------------------------------------

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
