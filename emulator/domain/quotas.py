"""Quotas, which are full, and rate limits, which throttle: contract §6. They are different refusals (§4)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import evolve, frozen

from emulator.domain.reasons import Reason, Refusal
from emulator.domain.records import Customer

_MINUTE = 60.0
_LIST_SECONDS = 5.0  # in which the items of lists are counted; the vendor names no figure (I)


@frozen
class Tier:
    """The numbers of a plan; per account.

    Attributes:
        groups: How many groups.
        assets: How many assets.
        creates_per_minute: How many CreateAsset calls.
        burst: Whether a minute's creates may come at once.
    """

    groups: int
    assets: int
    creates_per_minute: int
    burst: bool = True


_ADVANCED = Tier(1_000_000, 1_000_000, 120, burst=False)


# Contract §6, "ark tiers" (M).
TIERS: Mapping[str, Tier] = MappingProxyType(
    {
        "entry": Tier(50, 50, 3),
        "advanced": _ADVANCED,
        "pro": _ADVANCED,
        "premium": Tier(5_000_000, 5_000_000, 300),
    }
)


def check_groups(customer: Customer, count: int) -> None:
    """Is there room for one more group? Persons count as well. Contract §6 (D), §3 (I)."""
    if count >= customer.groups:
        raise Refusal(Reason.GROUP_QUOTA_FULL)


def check_assets(customer: Customer, count: int) -> None:
    """Is there room for one more asset? Failed ones count as well. Contract §3, §10.4.

    Args:
        customer: Whose.
        count: How many there are in the group, or in all: as `assets_per` counts.
    """
    if count >= customer.assets:
        raise Refusal(Reason.ASSET_QUOTA_FULL)


def count_create(customer: Customer, now: float) -> Customer:
    """The customer after one more CreateAsset. Contract §6: a tier allows so many per minute (M).

    A minute begins with the first create after the last one ended (I).

    Raises:
        Refusal: This minute's are used up.
    """
    allowed = customer.creates_per_minute
    if allowed is None:
        return customer
    period, calls = (_MINUTE, allowed) if customer.creates_burst else (_MINUTE / allowed, 1)
    if not 0 <= now - customer.minute < period:
        return evolve(customer, minute=now, created=1)
    if customer.created >= calls:
        raise Refusal(Reason.CREATES_THROTTLED)
    return evolve(customer, created=customer.created + 1)


def count_call(customer: Customer, action: str, rate: float, now: float) -> Customer:
    """The customer after one more call of an Action. Contract §6, "ark QPS" (D).

    Args:
        customer: Whose.
        action: The Action's name.
        rate: How many calls a second may have.
        now: Seconds since 1970.

    Raises:
        Refusal: This second's are used up.
    """
    second, calls = customer.calls.get(action, (0, 0))
    calls = calls if second == int(now) else 0
    if calls >= rate:
        raise Refusal(Reason.THROTTLED)
    return evolve(customer, calls={**customer.calls, action: (int(now), calls + 1)})


def count_listed(customer: Customer, items: int, most: int, now: float) -> Customer:
    """The customer after a page of so many items. Contract §6: around the 6th page of 100 in a row (M).

    Raises:
        Refusal: Too many were read of late.
    """
    began, listed = customer.listed
    if not 0 <= now - began < _LIST_SECONDS:
        return evolve(customer, listed=(now, items))
    if listed + items > most:
        raise Refusal(Reason.LISTS_THROTTLED)
    return evolve(customer, listed=(began, listed + items))
