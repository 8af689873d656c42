"""Strict validation of JSON values: each function returns the value, or raises `WrongValue` with the reason.

Rules and the control plane share it; each turns a `WrongValue` into an error of its own.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

MAX_INTEGER = 2**63 - 1
"""The largest whole number: all that reads JSON can hold it."""

MAX_SECONDS = 1e12
"""More than all the time that a clock has, and far from where seconds are no longer told apart."""


class WrongValue(ValueError):
    """A value is invalid; the message says why."""


def fail(why: str) -> NoReturn:
    """Say what is wrong with a value."""
    raise WrongValue(why)


def reject_unknown(what: str, keys: Mapping[str, Any], words: Collection[str]) -> None:
    """Refuse unknown keys."""
    unknown = sorted(set(keys) - set(words))
    if unknown:
        fail(f"{what} has the unknown key {unknown[0]!r}; it may have {', '.join(words)}")


def object_(what: str, value: Any, words: Collection[str]) -> Mapping[str, Any]:
    """An object with no unknown words."""
    if not isinstance(value, Mapping):
        fail(f"{what} must be an object")
    reject_unknown(what, value, words)
    return value


def one_of(what: str, value: Any, words: tuple[str, ...]) -> str:
    """One of a closed set."""
    if value not in words:
        fail(f"{what} must be one of {', '.join(words)}")
    return str(value)


def text(what: str, value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        fail(f"{what} must be a string that is not empty")
    if not value.isascii() and value != value.encode(errors="replace").decode():
        fail(f"{what} must be a string that UTF-8 can carry")
    return value


def integer(what: str, value: Any, least: int = 0) -> int:
    """A whole number, `least` or more."""
    if type(value) is not int or value < least:
        fail(f"{what} must be a whole number, {least} or more")
    if value > MAX_INTEGER:
        fail(f"{what} must be at most {MAX_INTEGER}")
    return value


def seconds(what: str, value: Any) -> float:
    """A number of seconds, 0 or more."""
    if type(value) not in {int, float} or not 0 <= value < math.inf:
        fail(f"{what} must be a number of seconds, 0 or more")
    if value > MAX_SECONDS:
        fail(f"{what} must be at most {MAX_SECONDS:.0f} seconds: times on the wire end with the year 9999")
    return float(value)
