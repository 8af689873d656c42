"""HTTP as the core sees it: request, response, failure, and the protocols of the two transports.

A transport sends one request once. It neither retries nor follows redirects nor reads a status: the endpoint decides
about these. This module imports no HTTP library.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz
from enum import StrEnum
from math import inf
from typing import Protocol

from attrs import field, frozen

from portrait.arguments import NONE, SPAN, check_arguments, either

__all__ = [
    "AsyncTransport",
    "FailureKind",
    "HttpRequest",
    "HttpResponse",
    "TimeoutTypes",
    "Timeouts",
    "Transport",
    "TransportFailure",
]


_LIMIT = either(SPAN, NONE)


@frozen(kw_only=True, cache_hash=True)  # transports look up what they make of it, at every call
class Timeouts:
    """How long a call may take, in seconds; None means no limit.

    Attributes:
        connect: To make the connection, TLS and proxy included.
        read: Between two pieces of the answer.
        total: For one attempt, from the name look-up to the last byte of the answer.
    """

    connect: float | None = 10.0
    read: float | None = 30.0
    total: float | None = 60.0

    def __attrs_post_init__(self) -> None:
        limits = {"connect": self.connect, "read": self.read, "total": self.total}
        check_arguments(dict.fromkeys(limits, _LIMIT), limits)

    @classmethod
    def of(cls, value: float | Timeouts | None) -> Timeouts:
        """A number bounds the whole attempt, and each of its parts; None keeps the defaults.

        Raises:
            UsageError: The number is not above zero.
        """
        if value is None:
            return DEFAULT_TIMEOUTS
        if isinstance(value, Timeouts):
            return value
        check_arguments({"timeout": SPAN}, {"timeout": value})
        return cls(connect=min(value, 10.0), read=value, total=value)


TimeoutTypes = float | Timeouts | None
DEFAULT_TIMEOUTS = Timeouts()


@frozen(kw_only=True)
class HttpRequest:
    """One request, ready to be sent.

    Attributes:
        method: `POST` and the like.
        url: Absolute, percent-encoded.
        headers: Names as they are to be sent.
        body: The exact bytes.
        timeouts: How long it may take.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)  # holds the key
    body: bytes = field(default=b"", repr=False)
    timeouts: Timeouts = DEFAULT_TIMEOUTS


@frozen(kw_only=True)
class HttpResponse:
    """One whole answer.

    Attributes:
        status: The HTTP status.
        headers: Names in lower case.
        body: The bytes, decompressed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class FailureKind(StrEnum):
    """Where a request broke off."""

    CONNECT = "no connection"  # nothing was sent
    CONNECT_TIMEOUT = "no connection in time"  # nothing was sent
    DISCONNECTED = "connection lost"
    TIMEOUT = "no answer in time"
    INCOMPLETE = "answer cut off"


class TransportFailure(Exception):
    """A request that got no whole answer.

    Attributes:
        kind: Where it broke off.
        detail: The HTTP library's message, without the URL's query and without headers.
    """

    def __init__(self, kind: FailureKind, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail


class Transport(Protocol):
    """Sends a request and reads the answer, blocking. Safe to use from several threads."""

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send once.

        Raises:
            TransportFailure: No whole answer came.
        """

    def close(self) -> None:
        """Give connections back."""


class AsyncTransport(Protocol):
    """The same for asyncio. Belongs to the event loop in which it was first used."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send once.

        Raises:
            TransportFailure: No whole answer came.
        """

    async def close(self) -> None:
        """Give connections back."""


def retry_after(headers: Mapping[str, str], *, throttled: bool) -> float | None:
    """Seconds to wait, from `retry-after`, or `x-ratelimit-reset` where that is what stopped the call; else None."""
    header = headers.get("retry-after", "")
    seconds = _seconds(header)
    if seconds is None:
        seconds = _seconds_until(header, headers.get("date", ""))
    if seconds is None and throttled:
        reset = _seconds(headers.get("x-ratelimit-reset", ""))
        # Larger numbers are moments, not spans; what they count from is not documented.
        seconds = reset if reset is not None and reset <= 3600 else None
    return seconds


def _seconds_until(moment: str, date: str) -> float | None:
    """From the response's own Date to an HTTP date (RFC 9110 §10.2.3): servers and this machine may differ in time."""
    until, now = parsedate_tz(moment), parsedate_tz(date)
    try:
        return None if until is None or now is None else max(0.0, float(mktime_tz(until) - mktime_tz(now)))
    except (ValueError, OverflowError):
        return None


def _seconds(text: str) -> float | None:
    if not text.isascii() or "_" in text:  # Python's own spellings of numbers
        return None
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < inf else None
