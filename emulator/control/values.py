"""The values of a control call, read strictly: a wrong one is refused with the reason.

Owns the table of a customer's fields; must not know what the values are for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from emulator.domain import quotas
from emulator.stamps import read_stamp

SECONDS = re.compile(r"[0-9]{1,10}(?:\.[0-9]+)?")
"""Seconds since 1970 as a query writes them."""


class ControlError(Exception):
    """A control call that cannot be done.

    Attributes:
        status: 400 for a call that makes no sense, 404 for an unknown id, 409 for what has already ended.
        message: Why, for people.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def known(what: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Refuse words that nobody knows."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ControlError(400, f"{what} has the unknown key {unknown[0]!r}; it may have {', '.join(known)}")


def one_of(what: str, value: Any, known: tuple[str, ...]) -> str:
    """One of a closed set."""
    if value not in known:
        raise ControlError(400, f"{what} must be one of {', '.join(known)}")
    return str(value)


def text(what: str, value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ControlError(400, f"{what} must be a string that is not empty")
    return value


def number(what: str, value: Any) -> float:
    """A number, 0 or more."""
    if type(value) not in {int, float} or not 0 <= value < math.inf:
        raise ControlError(400, f"{what} must be a number, 0 or more")
    return float(value)


def moment(what: str, value: Any) -> float:
    """Seconds since 1970, as a number or as an ISO 8601 moment."""
    try:
        return number(what, value) if type(value) in {int, float} else read_stamp(text(what, value))
    except ValueError:
        why = "a moment such as 2026-03-18T03:57:10Z, or seconds since 1970"
        raise ControlError(400, f"{what} must be {why}") from None


def asked_moment(what: str, value: Any) -> float:
    """The same from a query, whose numbers are text: at most ten digits before a point are seconds since 1970.

    More digits are milliseconds or a stamp without its punctuation, which nobody shall take for seconds.
    """
    return moment(what, float(value) if isinstance(value, str) and SECONDS.fullmatch(value) else value)


def _switch(field: str, value: Any) -> dict[str, Any]:
    if type(value) is not bool:
        raise ControlError(400, f"{field} must be true or false")
    return {field: value}


def _count(field: str, value: Any) -> dict[str, Any]:
    if type(value) is not int or value < 0:
        raise ControlError(400, f"{field} must be a whole number, 0 or more")
    return {field: value}


def _counted_in(field: str, value: Any) -> dict[str, Any]:
    return {field: one_of(field, value, ("group", "customer"))}


def _balance(field: str, value: Any) -> dict[str, Any]:
    if value is not None and (type(value) not in {int, float} or not math.isfinite(value)):
        raise ControlError(400, f"{field} must be a number, or null for a balance that never ends")
    return {field: value}


def _tier(field: str, value: Any) -> dict[str, Any]:
    """A plan's numbers are counted per account. Contract §6 (M)."""
    if value is None:
        return {field: None, "creates_per_minute": None}
    tier = quotas.TIERS[one_of(field, value, tuple(quotas.TIERS))]
    return {
        field: value,
        "groups": tier.groups,
        "assets": tier.assets,
        "assets_per": "customer",
        "creates_per_minute": tier.creates_per_minute,
    }


FIELDS: Mapping[str, Callable[[str, Any], dict[str, Any]]] = MappingProxyType(
    {
        "aigc": _switch,
        "subscription": _switch,
        "groups": _count,
        "assets": _count,
        "assets_per": _counted_in,
        "tier": _tier,
        "balance": _balance,
    }
)
