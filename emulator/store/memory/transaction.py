"""One customer's records in a transaction of the store in memory.

It makes every change at once and remembers what undoes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from emulator.domain.jobs import Job
from emulator.domain.ports import AssetQuery, GroupQuery, ListQuery, StoredFile, Unfinished
from emulator.domain.records import Asset, AssetState, Customer, Group, Validation
from emulator.store.base import is_search
from emulator.store.memory import lists
from emulator.store.memory.index import Index, IndexSets, R, Table, by_creation, entry_key, record_number
from emulator.store.memory.lists import page_of, page_of_sets
from emulator.store.memory.tables import Tables
from portrait.models import AssetStatus

V = TypeVar("V")
_MAX_SCANS = 8  # of one customer at once
_ALL_STATUSES = frozenset(AssetStatus)


class MemoryTransaction:
    """One customer's records, changed together or not at all. A context manager, to be entered once."""

    __slots__ = ("_assets", "_groups", "_name", "_records", "_tables", "_undo")

    def __init__(self, tables: Tables, customer: str) -> None:
        self._tables = tables
        self._name = customer
        self._undo: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    def __enter__(self) -> Self:
        tables = self._tables
        tables.lock.acquire()
        try:
            self._records = tables.customer_records(self._name)
            self._groups, self._assets = tables.groups, tables.assets
        except BaseException:
            tables.lock.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is not None:
                for undo, arguments in reversed(self._undo):
                    undo(*arguments)
        finally:
            self._tables.lock.release()

    def commit(self) -> None:
        """Keep what was changed so far."""
        self._undo.clear()

    @property
    def customer(self) -> Customer:
        """The customer as it stands."""
        return self._records.customer

    def save_customer(self, customer: Customer) -> None:
        """Keep changed limits or counters."""
        self._undo.append((setattr, (self._records, "customer", self._records.customer)))
        self._records.customer = customer

    def number(self) -> int:
        """The next number; one that was given to something undone is not given again."""
        self._tables.numbers += 1
        return self._tables.numbers

    def group(self, group_id: str) -> Group | None:
        """A group of this customer."""
        group = self._groups.get(group_id)
        return group if group is not None and group.customer == self._name else None

    def add_group(self, group: Group) -> None:
        """Keep a new group."""
        self._records.add_group(group)
        self._undo.append((self._records.remove_group, (group,)))

    def save_group(self, group: Group) -> None:
        """Keep a changed group."""
        old = self._groups.records[group.number]
        self._records.save_group(old, group)
        self._undo.append((self._records.save_group, (group, old)))

    def remove_group(self, group: Group) -> None:
        """Forget a group and every asset in it."""
        detached = self._records.remove_group(group)
        self._undo.append((self._records.restore_group, (group, detached)))

    def drop_deleted(self, limit: int) -> int:
        """Free at most that many assets of deleted groups."""
        if not self._records.deleted:  # as nearly always
            return 0
        dropped = self._records.drop_deleted(limit)
        for asset in dropped:
            self._tables.files.pop(asset.file, None)
        return len(dropped)

    def groups(self, query: GroupQuery) -> tuple[int, list[Group]]:
        """How many match in all, and one page of them."""
        name = (query.project, query.kind)
        scope = self._records.groups.get(name)
        if scope is None:
            return 0, []
        if query.group_ids:
            scope = Index(self._groups)
            for group in self._own_groups(query):
                scope.add(by_creation(group), group)
        elif is_search(query) and len(scope) > lists.SLICE:
            return self._scan(self._groups, self._records.groups, [name], query, lists.position_by_scope(query))
        return page_of_sets(self._groups, [scope], query)

    def count_groups(self) -> int:
        """How many groups the customer has."""
        return self._records.group_count

    def asset(self, asset_id: str) -> Asset | None:
        """An asset of this customer."""
        asset = self._tables.live_asset(asset_id)
        return asset if asset is not None and asset.customer == self._name else None

    def add_asset(self, asset: Asset) -> None:
        """Keep a new asset."""
        self._records.add_asset(asset)
        self._undo.append((self._records.remove_asset, (asset,)))

    def save_asset(self, asset: Asset) -> None:
        """Keep a changed asset."""
        old = self._assets.records[asset.number]
        self._records.save_asset(old, asset)
        self._undo.append((self._records.save_asset, (asset, old)))
        self._tables.replacements.add()

    def remove_asset(self, asset: Asset) -> None:
        """Forget an asset and its file."""
        self._records.remove_asset(asset)
        self._undo.append((self._records.add_asset, (asset,)))
        files = self._tables.files
        if asset.file in files:
            self._undo.append((files.__setitem__, (asset.file, files.pop(asset.file))))

    def assets(self, query: AssetQuery) -> tuple[int, list[Asset]]:
        """How many match in all, and one page of them."""
        names = self._scopes(query)
        if is_search(query) and sum(self._records.assets.size((*name, None)) for name in names) > lists.SLICE:
            position = lists.position_by_group(names) if query.group_ids else lists.position_by_scope(query)
            whole = [(*name, None) for name in names]
            return self._scan(self._assets, self._records.assets, whole, query, position)
        return page_of_sets(self._assets, self._indexes_for(query), query)

    def _scan(
        self,
        table: Table[R],
        sets: IndexSets[R],
        names: Sequence[Any],
        query: ListQuery,
        position: Callable[[R], int | None],
    ) -> tuple[int, list[R]]:
        """A slice of a search, and its page at the end.

        Raises:
            Unfinished: There is more to read.
        """
        scans, records = self._records.scans, table.records
        search = scans.pop(query, None) or lists.Scan(
            sets,
            names,
            records.__getitem__,
            position=position,
            matches=lists.predicate(query),
            key=entry_key(query.sort),
        )
        if not search.advance(lists.SLICE):
            while len(scans) >= _MAX_SCANS:  # what nobody went on with
                del scans[next(iter(scans))]
            scans[query] = search
            raise Unfinished
        entries = page_of([search.found], query)
        return len(search.found), [records[record_number(entry)] for entry in entries]

    def count_assets(self, group_id: str | None = None) -> int:
        """How many assets a group has, or the customer."""
        return self._records.asset_count if group_id is None else self._records.assets.size((group_id, None))

    def due_assets(self, now: float, limit: int) -> Sequence[Asset]:
        """At most that many assets whose review has ended by `now`."""
        return self._records.due(now, limit)

    def count_by_status(self) -> dict[str, int]:
        """How many assets the customer has in each state."""
        return self._records.count_by_status()

    def validation(self, token: str) -> Validation | None:
        """The validation with that token, of any customer."""
        return self._tables.tokens.get(token)

    def validation_by_handle(self, handle: str) -> Validation | None:
        """The validation with that handle, of any customer."""
        return self._tables.tokens.get(self._tables.handles.get(handle, ""))

    def next_validation_number(self) -> int:
        """The next number for a validation."""
        self._tables.validations += 1
        return self._tables.validations

    def save_validation(self, validation: Validation) -> None:
        """Keep a new or changed validation."""
        if validation.token not in self._tables.tokens:
            self._tables.expiring.append((validation.expires, validation.token))
            self._undo.append((self._tables.expiring.pop, ()))
        self._keep(self._tables.tokens, validation.token, validation)
        self._keep(self._tables.handles, validation.handle, validation.token)

    def drop_validations(self, expired_by: float, limit: int) -> int:
        """Delete at most that many validations, of any customer, that had expired by then."""
        tables, dropped = self._tables, 0
        while dropped < limit and tables.expiring and tables.expiring[0][0] <= expired_by:
            _, token = tables.expiring.popleft()
            del tables.handles[tables.tokens.pop(token).handle]
            dropped += 1
        return dropped

    def job(self, job_id: str) -> Job | None:
        """A job of this customer."""
        return self._records.jobs.get(job_id)

    def jobs(self) -> Sequence[Job]:
        """The customer's jobs, the newest first."""
        return tuple(reversed(self._records.jobs.values()))

    def due_jobs(self, now: float, limit: int) -> Sequence[Job]:
        """At most that many jobs that end by themselves by `now`."""
        return self._records.due_jobs(now, limit) if self._records.jobs else ()

    def remove_job(self, job: Job) -> None:
        """Forget a job."""
        before = self._records.set_job(job.id, None)
        self._undo.append((self._records.set_job, (job.id, before)))

    def save_job(self, job: Job) -> None:
        """Keep a new or changed job."""
        before = self._records.set_job(job.id, job)
        self._undo.append((self._records.set_job, (job.id, before)))

    def drop_jobs(self, created_by: float, limit: int) -> int:
        """Delete at most that many of the customer's jobs that were created by then."""
        return self._records.drop_jobs(created_by, limit) if self._records.jobs else 0

    def add_file(self, key: str, file: StoredFile) -> None:
        """Keep an uploaded file."""
        self._keep(self._tables.files, key, file)

    def drop_files(self, expired_by: float) -> None:
        """Delete the files, of any customer, whose addresses had died by then."""
        files = self._tables.files
        for key in [key for key, file in files.items() if not file.is_alive(expired_by)]:
            self._undo.append((files.__setitem__, (key, files.pop(key))))

    def _keep(self, tables: dict[str, V], key: str, value: V) -> None:
        self._undo.append((tables.__setitem__, (key, tables[key])) if key in tables else (tables.pop, (key,)))
        tables[key] = value

    def _own_groups(self, query: ListQuery) -> list[Group]:
        """Those of the named groups that a query can mean; a foreign or unknown id gives nothing. Contract §2 (I)."""
        known = (self.group(group_id) for group_id in dict.fromkeys(query.group_ids))
        return [group for group in known if group and (group.project, group.kind) == (query.project, query.kind)]

    def _indexes_for(self, query: AssetQuery) -> Sequence[Index[Asset]]:
        """The sets whose union a query asks for; they do not overlap.

        Raises:
            Unfinished: Those of a state are not ready.
        """
        sets = [self._records.assets.get((*name, None)) for name in self._scopes(query)]
        whole = [each for each in sets if each is not None]
        if not query.statuses or _ALL_STATUSES.issubset(query.statuses):
            return whole
        states = [AssetState(status) for status in dict.fromkeys(query.statuses)]
        limit = lists.SLICE
        for each in whole:
            for state in states:
                limit -= each.prepare(state, limit)
                if limit <= 0:
                    raise Unfinished
        return [each.part(state) for each in whole for state in states]

    def _scopes(self, query: AssetQuery) -> Sequence[tuple[Any, ...]]:
        """The names of the sets that a query is about, but for the state: a project's, or some groups'."""
        if query.group_ids:
            return [(group.id,) for group in self._own_groups(query)]
        return [(query.project, query.kind)]
