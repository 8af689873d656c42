"""Full and throttled: the two limits of contract §6, which are different things (§4)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import evolve, frozen

from emulator.domain.reasons import Reason, Refusal
from emulator.domain.records import Customer

_MINUTE = 60.0


@frozen
class Tier:
    """The numbers of a plan: groups, assets, CreateAsset per minute; per account."""

    groups: int
    assets: int
    creates_per_minute: int


# Contract §6, "ark tiers" (M).
TIERS: Mapping[str, Tier] = MappingProxyType(
    {
        "entry": Tier(50, 50, 3),
        "pro": Tier(1_000_000, 1_000_000, 120),
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
    if not 0 <= now - customer.minute < _MINUTE:
        return evolve(customer, minute=now, created=1)
    if customer.created >= allowed:
        raise Refusal(Reason.THROTTLED)
    return evolve(customer, created=customer.created + 1)
