"""One customer's groups and assets by the sets that lists ask for, and which reviews are due."""

from __future__ import annotations

import heapq
from typing import Any

from emulator.domain.records import Asset, AssetState, Customer, Group
from emulator.store.index import IndexSets, Table, by_creation
from portrait.models import AssetStatus


class CustomerRecords:
    """What one customer has.

    Args:
        customer: The customer.
        groups: The table of all groups.
        assets: The table of all assets.
    """

    __slots__ = ("_asset_table", "_due", "_group_table", "asset_count", "assets", "customer", "group_count", "groups")

    def __init__(self, customer: Customer, groups: Table[Group], assets: Table[Asset]) -> None:
        self.customer = customer
        self.groups: IndexSets[Group] = IndexSets(groups)
        self.assets: IndexSets[Asset] = IndexSets(assets)
        self.group_count = 0
        self.asset_count = 0
        self._group_table = groups
        self._asset_table = assets
        self._due: list[tuple[float, int]] = []

    def add_group(self, group: Group) -> None:
        """Take in a new group."""
        self._group_table.put(group)
        self.groups.add((group.project, group.kind), by_creation(group), group)
        self.group_count += 1

    def save_group(self, old: Group, new: Group) -> None:
        """Take a group for another of the same id."""
        self._group_table.put(new)
        self.groups.replace((old.project, old.kind), old, new)

    def remove_group(self, group: Group) -> None:
        """Let go of a group that has no assets any more."""
        self.groups.remove((group.project, group.kind), by_creation(group), group)
        self._group_table.pop(group)
        self.group_count -= 1

    def add_asset(self, asset: Asset) -> None:
        """Take in a new asset."""
        self._asset_table.put(asset)
        entry = by_creation(asset)
        for name in _set_names(asset):
            self.assets.add(name, entry, asset)
        self.asset_count += _quota_units(asset)
        self._schedule(asset)

    def save_asset(self, old: Asset, new: Asset) -> None:
        """Take an asset for another of the same id; it may move to the sets of another state."""
        self._asset_table.put(new)
        if old.status is new.status:
            for name in _set_names(old):
                self.assets.replace(name, old, new)
        else:
            self._move(old, new)
        self._schedule(new)

    def remove_asset(self, asset: Asset) -> None:
        """Let go of an asset."""
        entry = by_creation(asset)
        for name in _set_names(asset):
            self.assets.remove(name, entry, asset)
        self._asset_table.pop(asset)
        self.asset_count -= _quota_units(asset)

    def assets_of(self, group_id: str) -> list[Asset]:
        """Every asset of a group, those that have expired too."""
        held = (self.assets.get((group_id, None)), self.assets.get((group_id, AssetState.EXPIRED)))
        return [asset for index in held if index is not None for asset in index.records()]

    def count_by_status(self) -> dict[str, int]:
        """How many assets there are in each state that is shown."""
        counts = {str(status): 0 for status in AssetStatus}
        for name, size in self.assets.sizes():
            if len(name) == 3 and name[2] is not None:
                counts[name[2]] += size
        return counts

    def due(self, now: float) -> list[Asset]:
        """The assets whose review has ended by `now`, in the order of the ends."""
        waiting, records = self._due, self._asset_table.records
        due: dict[int, Asset] = {}
        while waiting and waiting[0][0] <= now:
            moment, number = heapq.heappop(waiting)
            asset = records.get(number)
            # What was deleted or decided meanwhile still has its entry here.
            if asset is not None and asset.due == moment:
                due[number] = asset  # once, however often it was saved while it waited
        return list(due.values())

    def _schedule(self, asset: Asset) -> None:
        if asset.due is not None:
            heapq.heappush(self._due, (asset.due, asset.number))

    def _move(self, old: Asset, new: Asset) -> None:
        entry, before, after = by_creation(old), _set_names(old), _set_names(new)
        for name in before:
            if name in after:
                self.assets.replace(name, old, new)
            else:
                self.assets.remove(name, entry, old)
        for name in after:
            if name not in before:
                self.assets.add(name, entry, new)
        self.asset_count += _quota_units(new) - _quota_units(old)


def _quota_units(asset: Asset) -> int:
    """What has expired is gone: it takes no place and stands in no list; contract §4 gives only its `NotFound` (I)."""
    return 0 if asset.status is AssetState.EXPIRED else 1


def _set_names(asset: Asset) -> tuple[Any, ...]:
    """The names of the sets that an asset belongs to: by project and kind, and by group, with and without its state."""
    group, status = asset.group_id, asset.status
    if status is AssetState.EXPIRED:
        return ((group, status),)
    project, kind = asset.project, asset.group_kind
    return (project, kind, None), (project, kind, status), (group, None), (group, status)
