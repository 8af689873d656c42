"""The error of control calls, and how their values are read: times, fields of a customer, decisions over an asset."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

from attrs import evolve

from emulator.clocks import parse_timestamp
from emulator.domain import lifecycle, quotas
from emulator.domain.records import Asset, AssetState, Group
from emulator.domain.verdicts import review
from emulator.json_checks import MAX_INTEGER, WrongValue, fail, integer, one_of, seconds, text

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


# --- decisions over an asset -----------------------------------------------------------------------------------------

_STATES = tuple(str(state) for state in AssetState if state is not AssetState.PROCESSING)


def apply_decision(asset: Asset, group: Group | None, change: Mapping[str, Any], now: float) -> Asset:
    """The asset with `status`, `code`, `subject` and `used` applied, each where it is given.

    Raises:
        ControlError: They make no sense, or the review has already ended.
        WrongValue: A value is none.
    """
    return _with_use(_with_status(_with_subject(asset, group, change), change, now), change, now)


def _with_subject(asset: Asset, group: Group | None, change: Mapping[str, Any]) -> Asset:
    """The asset with another subject, which its review compares with the group's person."""
    if "subject" not in change:
        return asset
    subject = text("subject", change["subject"])
    if "status" not in change and asset.status is not AssetState.PROCESSING:
        raise ControlError(409, f"the review has already ended: {asset.status}")
    verdict = asset.verdict if group is None else lifecycle.match_face(asset.verdict, group, subject)
    return evolve(asset, subject=subject, verdict=verdict)


def _with_status(asset: Asset, change: Mapping[str, Any], now: float) -> Asset:
    """The asset in the state that was asked for; a code alone means Failed."""
    if not {"status", "code"} & set(change):
        return asset
    status = one_of("status", change.get("status", AssetState.FAILED), _STATES)
    code = text("code", change["code"]) if "code" in change else ""
    if code and status != AssetState.FAILED:
        raise ControlError(400, "code is for status Failed only")
    if status == AssetState.EXPIRED:
        forced = lifecycle.force_status(asset, AssetState.EXPIRED, "", now)
    else:
        try:
            verdict = review(status, code)
        except ValueError as error:
            raise ControlError(400, str(error)) from None
        forced = lifecycle.force_status(asset, AssetState(verdict.status), verdict.code, now)
    if forced is None:
        raise ControlError(409, f"the asset is {asset.status} already and cannot become {status}")
    return forced


def _with_use(asset: Asset, change: Mapping[str, Any], now: float) -> Asset:
    """The asset after a generation used it."""
    if "used" not in change:
        return asset
    if change["used"] is not True:
        fail("used must be true: an asset that was used stays used")
    used = lifecycle.mark_used(asset, now)
    if used is None:
        raise ControlError(409, f"the asset is {asset.status}, and only an Active one can be used")
    return used
