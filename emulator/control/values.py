"""The error of control calls, and how their values are read: times, and a customer's fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

from emulator.domain import quotas
from emulator.json_checks import MAX_INTEGER, WrongValue, fail, integer, one_of, seconds, text
from emulator.timestamps import parse_timestamp

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


P = ParamSpec("P")
T = TypeVar("T")


def as_control_error(method: Callable[P, T]) -> Callable[P, T]:
    """A control call whose wrong values are refused with 400."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except WrongValue as wrong:
            raise ControlError(400, str(wrong)) from None

    return call


def parse_time(what: str, value: Any) -> float:
    """Seconds since 1970, as a number or as an ISO 8601 moment."""
    try:
        return seconds(what, value) if type(value) in {int, float} else parse_timestamp(text(what, value))
    except ValueError:
        fail(f"{what} must be a moment such as 2026-03-18T03:57:10Z, or seconds since 1970")


def parse_query_time(what: str, value: Any) -> float:
    """The same from a query, whose numbers are text: at most ten digits before a point are seconds since 1970.

    More digits are milliseconds or a stamp without its punctuation, which nobody shall take for seconds.
    """
    return parse_time(what, float(value) if isinstance(value, str) and SECONDS.fullmatch(value) else value)


def _switch(field: str, value: Any) -> dict[str, Any]:
    if type(value) is not bool:
        fail(f"{field} must be true or false")
    return {field: value}


def _count(field: str, value: Any) -> dict[str, Any]:
    return {field: integer(field, value)}


def _counted_in(field: str, value: Any) -> dict[str, Any]:
    return {field: one_of(field, value, ("group", "customer"))}


def _balance(field: str, value: Any) -> dict[str, Any]:
    if value is not None and (type(value) not in {int, float} or not -MAX_INTEGER <= value <= MAX_INTEGER):
        fail(f"{field} must be a number up to {MAX_INTEGER}, or null for a balance that never ends")
    return {field: value}


def _tier(field: str, value: Any) -> dict[str, Any]:
    """A plan's numbers are counted per account. Contract §6 (M)."""
    if value is None:
        return {field: None, "creates_per_minute": None, "creates_burst": True}
    tier = quotas.TIERS[one_of(field, value, tuple(quotas.TIERS))]
    return {
        field: value,
        "groups": tier.groups,
        "assets": tier.assets,
        "assets_per": "customer",
        "creates_per_minute": tier.creates_per_minute,
        "creates_burst": tier.burst,
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
