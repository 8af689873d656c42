"""One customer's groups and assets by the sets that lists ask for, and which reviews are due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

from attrs import define
from sortedcontainers import SortedList

from emulator.domain.jobs import Job
from emulator.domain.records import Asset, AssetState, Customer, Group
from emulator.store.memory.index import Index, IndexSets, Table, by_creation, record_number
from emulator.store.memory.lists import Scan
from portrait.models import AssetStatus


@define(eq=False)
class _Detached:
    """The assets of a deleted group, until they are freed.

    Attributes:
        sets: Of its assets, by name.
        counts: How many there are in each state.
    """

    sets: Mapping[Any, Index[Asset]]
    counts: Mapping[AssetState, int]


class CustomerRecords:
    """The records of one customer.

    Args:
        customer: The customer.
        groups: The table of all groups.
        assets: The table of all assets.
    """

    __slots__ = (
        "_asset_table",
        "_counts",
        "_due",
        "_due_jobs",
        "_group_table",
        "asset_count",
        "assets",
        "customer",
        "deleted",
        "group_count",
        "groups",
        "jobs",
        "scans",
    )

    def __init__(self, customer: Customer, groups: Table[Group], assets: Table[Asset]) -> None:
        self.customer = customer
        self.groups: IndexSets[Group] = IndexSets(groups)
        self.assets: IndexSets[Asset] = IndexSets(assets)
        self.group_count = 0
        self.asset_count = 0
        self._group_table = groups
        self._asset_table = assets
        self.scans: dict[Any, Scan[Any]] = {}
        self.jobs: dict[str, Job] = {}
        self._due = SortedList()  # of (when the review ends, number of the asset)
        self._due_jobs = SortedList()  # of (when it ends, its id)
        self.deleted: list[_Detached] = []  # groups whose assets are to be freed
        self._counts: dict[tuple[str, AssetState], int] = {}  # of assets, by group and state

    def add_group(self, group: Group) -> None:
        """Take in a new group."""
        self._group_table.put(group)
        self.groups.add((group.project, group.kind), by_creation(group), group)
        self.group_count += 1
        self._update_scans(None, group)

    def save_group(self, old: Group, new: Group) -> None:
        """Replace the group of the same id."""
        self._group_table.put(new)
        self.groups.replace((old.project, old.kind), old, new)
        self._update_scans(old, new)

    def remove_group(self, group: Group) -> _Detached:
        """Remove a group: its assets are invisible at once, and freed by `drop_deleted`."""
        self.groups.remove((group.project, group.kind), by_creation(group), group)
        self._group_table.pop(group)
        self.group_count -= 1
        self.asset_count -= self.assets.size((group.id, None))
        sets = {name: self.assets.detach(name) for name in ((group.id, None), (group.id, AssetState.EXPIRED))}
        counts = {status: self._counts.pop((group.id, status), 0) for status in AssetState}
        detached = _Detached({name: index for name, index in sets.items() if index is not None}, counts)
        self.deleted.append(detached)
        self.scans.clear()
        return detached

    def restore_group(self, group: Group, detached: _Detached) -> None:
        """Undo `remove_group`."""
        self.deleted.remove(detached)
        for name, index in detached.sets.items():
            self.assets.attach(name, index)
        for status, count in detached.counts.items():
            self._counts[group.id, status] = count
        self.asset_count += self.assets.size((group.id, None))
        self.add_group(group)

    def drop_deleted(self, limit: int) -> list[Asset]:
        """Free at most that many assets of deleted groups; which ones."""
        dropped: list[Asset] = []
        while self.deleted and len(dropped) < limit:
            index = next((index for index in self.deleted[-1].sets.values() if index), None)
            if index is None:
                self.deleted.pop()
                continue
            for entry in index.pop(limit - len(dropped)):
                asset = self._asset_table.records[record_number(entry)]
                for name in _project_set_names(asset):
                    self.assets.remove(name, entry, asset)
                self._forget(asset)
                dropped.append(asset)
        return dropped

    def add_asset(self, asset: Asset) -> None:
        """Take in a new asset."""
        names = _set_names(asset)
        self._asset_table.put(asset)
        entry = by_creation(asset)
        for name in names:
            self.assets.add(name, entry, asset)
        self.asset_count += _quota_units(asset)
        self._count(asset, 1)
        self._schedule(asset)
        self._update_scans(None, asset)

    def save_asset(self, old: Asset, new: Asset) -> None:
        """Replace the asset of the same id; one that has expired moves to another set."""
        self._asset_table.put(new)
        if old.status is not new.status:
            self._count(old, -1)
            self._count(new, 1)
        if _quota_units(old) == _quota_units(new):
            for name in _set_names(old):
                self.assets.replace(name, old, new)
        else:
            self._move(old, new)
        if old.due != new.due:
            self._unschedule(old)
            self._schedule(new)
        self._update_scans(old, new)

    def remove_asset(self, asset: Asset) -> None:
        """Let go of an asset."""
        entry = by_creation(asset)
        for name in _set_names(asset):
            self.assets.remove(name, entry, asset)
        self.asset_count -= _quota_units(asset)
        self._count(asset, -1)
        self._forget(asset)
        self._update_scans(asset, None)

    def set_job(self, job_id: str, job: Job | None) -> Job | None:
        """Keep a job under its id, or forget it; the one that was there before."""
        before = self.jobs.pop(job_id, None) if job is None else self.jobs.get(job_id)
        if before is not None and before.due is not None:
            self._due_jobs.remove((before.due, job_id))
        if job is not None:
            self.jobs[job_id] = job
            if job.due is not None:
                self._due_jobs.add((job.due, job_id))
        return before

    def due_jobs(self, now: float, limit: int) -> list[Job]:
        """At most that many jobs that end by themselves by `now`, in the order of the ends."""
        return [self.jobs[job_id] for _, job_id in _until(self._due_jobs, now, limit)]

    def drop_jobs(self, created_by: float, limit: int) -> int:
        """Forget at most that many of the oldest jobs, created by then; how many."""
        dropped = 0
        while dropped < limit and self.jobs:
            oldest = next(iter(self.jobs.values()))
            if oldest.created > created_by:
                break
            self.set_job(oldest.id, None)
            dropped += 1
        return dropped

    def count_by_status(self) -> dict[str, int]:
        """How many assets there are in each state that is shown."""
        counts = {str(status): 0 for status in AssetStatus}
        for (_, status), count in self._counts.items():
            if status in counts:
                counts[status] += count
        return counts

    def due(self, now: float, limit: int) -> list[Asset]:
        """At most that many assets whose review has ended by `now`, in the order of the ends."""
        records = self._asset_table.records
        return [records[number] for _, number in _until(self._due, now, limit)]

    def free(self) -> None:
        """Free the sets, one after the other."""
        for sets in (self.groups, self.assets):
            sets.free()
        self._due.clear()

    def _count(self, asset: Asset, change: int) -> None:
        key = asset.group_id, asset.status
        self._counts[key] = self._counts.get(key, 0) + change

    def _schedule(self, asset: Asset) -> None:
        if asset.due is not None:
            self._due.add((asset.due, asset.number))

    def _unschedule(self, asset: Asset) -> None:
        if asset.due is not None:
            self._due.remove((asset.due, asset.number))

    def _forget(self, asset: Asset) -> None:
        self._unschedule(asset)
        self._asset_table.pop(asset)

    def _update_scans(self, old: Group | Asset | None, new: Group | Asset | None) -> None:
        for scan in self.scans.values():
            scan.update(old, new)

    def _move(self, old: Asset, new: Asset) -> None:
        entry = by_creation(old)
        for name in _set_names(old):
            self.assets.remove(name, entry, old)
        for name in _set_names(new):
            self.assets.add(name, entry, new)
        self.asset_count += _quota_units(new) - _quota_units(old)


def _until(due: SortedList, now: float, limit: int) -> Iterable[tuple[float, Any]]:
    """At most `limit` entries up to `now`; it looks at no later one than the first of those."""
    if not due or due[0][0] > now:
        return ()
    return takewhile(lambda entry: entry[0] <= now, due.islice(stop=limit))


def _quota_units(asset: Asset) -> int:
    """An expired asset counts for no quota and is in no list; contract §4 gives only its `NotFound` (I)."""
    return 0 if asset.status is AssetState.EXPIRED else 1


def _project_set_names(asset: Asset) -> tuple[Any, ...]:
    """By project and kind; nothing that has expired."""
    return () if asset.status is AssetState.EXPIRED else ((asset.project, asset.group_kind, None),)


def _set_names(asset: Asset) -> tuple[Any, ...]:
    """The names of the sets that an asset belongs to: by project and kind, and by group; what has expired apart."""
    if asset.status is AssetState.EXPIRED:
        return ((asset.group_id, AssetState.EXPIRED),)
    return (*_project_set_names(asset), (asset.group_id, None))
