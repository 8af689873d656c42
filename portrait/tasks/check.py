"""Checks of a task before it is sent; each raises `UsageError`. The rules are contract §8."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from portrait.errors import UsageError
from portrait.gateways import BATCH
from portrait.models import AssetType
from portrait.tasks.models import NewAsset


def batches(assets: Iterable[NewAsset], size: int = BATCH) -> Iterator[tuple[NewAsset, ...]]:
    """Split a list of any length into pieces that one request takes.

    Args:
        assets: What is to be created. Give each piece the same `group_id`: a `group` of a name is a new one each time.
        size: Assets of a piece at most.

    Raises:
        UsageError: A piece would be larger than a request may be.
    """
    if not 1 <= size <= BATCH:
        raise UsageError(f"A request takes 1 to {BATCH} assets, not {size}.")
    files = tuple(assets)
    return (files[start : start + size] for start in range(0, len(files), size))


def check_batch(assets: Sequence[NewAsset]) -> None:
    """Check that one request takes the assets.

    Raises:
        UsageError: There are none, or too many.
    """
    if not 1 <= len(assets) <= BATCH:
        raise UsageError(
            f"A request takes 1 to {BATCH} assets, not {len(assets)}.",
            advice="portrait.tasks.batches() splits a longer list; ensure_assets() takes any number.",
        )


def check_group(group: str | None, description: str | None, group_id: str | None) -> None:
    """Check that exactly one group is named.

    Raises:
        UsageError: There is none, there are two, or the description is of none that is made.
    """
    if (group is None) == (group_id is None):
        raise UsageError("An asset goes into a new group, group=, or into one that is there, group_id=: one of them.")
    if not (group or group_id or "").strip():
        raise UsageError("The group is blank.", advice="Give group= a name, or group_id= an id.")
    if description is not None and group is None:
        raise UsageError("description= is that of a new group, and group_id= names one that is there.")


def check_type(asset_type: AssetType, types: Sequence[AssetType]) -> None:
    """Check that a task takes files of that type.

    Raises:
        UsageError: It does not.
    """
    if asset_type not in types:
        raise UsageError(f"Such a task takes {' or '.join(types)}, not {asset_type}.")
