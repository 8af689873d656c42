"""Lists of the store in memory: one page of several sorted sets taken as one, and searches record by record.

A page is found without reading what stands before it. A long search goes on in slices: between two of them other calls
are answered, and records may change.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Generic

from sortedcontainers import SortedList

from emulator.domain.ports import AssetQuery, GroupQuery, ListQuery, Position, Unfinished
from emulator.domain.records import Asset, Group
from emulator.store.base import is_search
from emulator.store.memory.index import Index, IndexSets, R, Table, by_creation, entry_key, record_number
from portrait.models import AssetStatus, SortBy

SLICE = 2_000
"""Records that one slice reads: a few milliseconds."""

# Entries per list up to which reading them all is quicker than searching for a rank.
_SMALL = 256


# --- pages -----------------------------------------------------------------------------------------------------------


def page_of_sets(table: Table[R], sets: Sequence[Index[R]], query: ListQuery) -> tuple[int, list[R]]:
    """One page of several sets taken as one.

    Raises:
        Unfinished: The order is not ready.
    """
    if is_search(query):
        keep = predicate(query)
        ordered: list[Sequence[Any]] = [sorted(entry for each in sets for entry in each.scan(query.sort, keep))]
    else:
        _sort(sets, query.sort)
        ordered = [each.ordered(query.sort) for each in sets]
    records = table.records
    return sum(map(len, ordered)), [records[record_number(entry)] for entry in page_of(ordered, query)]


def _sort(sets: Sequence[Index[Any]], sort: SortBy) -> None:
    """A slice of the work to prepare an order of several sets.

    Raises:
        Unfinished: There is more to prepare.
    """
    limit = SLICE
    for each in sets:
        limit -= each.sort(sort, limit)
        if limit <= 0:
            raise Unfinished


def page(lists: Sequence[Any], offset: int, limit: int, *, descending: bool) -> list[Any]:
    """The entries from `offset` on, at most `limit` of them; a page past the end is empty."""
    total = sum(map(len, lists))
    first, last = offset, min(offset + limit, total)
    if first >= last:
        return []
    if descending:
        first, last = total - last, total - first
    if len(lists) == 1:
        part: list[Any] = lists[0][first:last]
        return part[::-1] if descending else part
    if total <= _SMALL * len(lists):
        return sorted((entry for each in lists for entry in each), reverse=descending)[offset : offset + limit]
    starts, ends = split_ranks(lists, first), split_ranks(lists, last)
    found = [
        entry
        for each, start, end in zip(lists, starts, ends, strict=True)
        if start < end
        for entry in each.islice(start, end)
    ]
    found.sort(reverse=descending)
    return found


def page_of(lists: Sequence[Any], query: ListQuery) -> list[Any]:
    """The entries of a query's page, of several sequences in ascending order that are taken as one."""
    offset = query.offset
    if query.after is not None:
        offset = rank(lists, query.sort, query.after, descending=query.descending)
    return page(lists, offset, query.limit, descending=query.descending)


def rank(lists: Sequence[Any], sort: SortBy, position: Position, *, descending: bool) -> int:
    """How many entries come before the end of a position, the record there included if it is still in its place."""
    entry = entry_key(sort)(position)
    if descending:
        return sum(len(each) - bisect_left(each, entry) for each in lists)
    return sum(bisect_right(each, entry) for each in lists)


def split_ranks(lists: Sequence[SortedList], rank: int) -> list[int]:
    """Where to cut each list so that the `rank` smallest entries of all lie before the cuts.

    A pivot from the middle of the widest open range halves it; its rank among all lists says which half goes.
    """
    low = [0] * len(lists)
    high = [len(each) for each in lists]
    while True:
        width, widest = max((h - lo, i) for i, (lo, h) in enumerate(zip(low, high, strict=True)))
        if width == 0:
            return low
        middle = (low[widest] + high[widest]) // 2
        pivot = lists[widest][middle]
        places = [each.bisect_left(pivot) for each in lists]
        if sum(places) > rank:
            high = [max(lo, min(h, p)) for lo, h, p in zip(low, high, places, strict=True)]
        elif sum(places) == rank:
            return places
        else:
            low = [min(h, max(lo, p)) for lo, h, p in zip(low, high, places, strict=True)]
            low[widest] = middle + 1


# --- searches --------------------------------------------------------------------------------------------------------


class Scan(Generic[R]):
    """The records of some sets that match a predicate, as they are when the scan ends.

    Args:
        sets: The customer's sets.
        names: Those to read, which do not overlap.
        find: The record with that number.
        position: Which of `names` a record belongs to, None for none.
        matches: The predicate.
        key: Makes the entry of a record in the order that was asked for.

    Attributes:
        found: The entries of the records that were found, in order.
    """

    def __init__(
        self,
        sets: IndexSets[R],
        names: Sequence[Any],
        find: Callable[[int], R],
        *,
        position: Callable[[R], int | None],
        matches: Callable[[R], bool],
        key: Callable[[R], Any],
    ) -> None:
        self.found = SortedList()
        self._sets, self._names, self._find = sets, names, find
        self._position, self._matches, self._key = position, matches, key
        self._current = 0
        self._last = -1  # the entry of the current set that was read last

    def advance(self, limit: int) -> bool:
        """Read at most `limit` more records; True once all were read."""
        while self._current < len(self._names):
            index = self._sets.get(self._names[self._current])
            entries = [] if index is None else index.after(self._last, limit)
            records = (self._find(record_number(entry)) for entry in entries)
            self.found.update([self._key(record) for record in records if self._matches(record)])
            limit -= len(entries)
            if limit == 0:
                self._last = entries[-1]
                return False
            self._current, self._last = self._current + 1, -1
        return True

    def update(self, old: Any, new: Any) -> None:
        """A record was added (`old` is None), replaced or removed. What has not been read yet is read in its turn."""
        for record, change in ((old, self.found.remove), (new, self.found.add)):
            if record is not None and self._has_read(record) and self._matches(record):
                change(self._key(record))

    def _has_read(self, record: R) -> bool:
        position = self._position(record)
        return position is not None and (position, by_creation(record)) <= (self._current, self._last)


def predicate(query: ListQuery) -> Callable[[Any], bool]:
    """Contract §2: the fuzzy Name is a substring, without case (I)."""
    part, before, visible_at = query.name.casefold(), query.before, query.visible_at
    statuses = frozenset(query.statuses) if isinstance(query, AssetQuery) and query.statuses else frozenset(AssetStatus)
    is_asset = isinstance(query, AssetQuery)

    def keep(record: Any) -> bool:
        return (
            part in record.name.casefold()
            and (before is None or record.created <= before)
            and (visible_at is None or record.visible_from <= visible_at)
            and (not is_asset or record.status in statuses)
        )

    return keep


def position_by_scope(query: ListQuery) -> Callable[[Any], int | None]:
    """Whether a record is in the one set of a project and kind, for a scan of it."""
    scope, is_group = (query.project, query.kind), isinstance(query, GroupQuery)

    def position(record: Group | Asset) -> int | None:
        kind = record.kind if isinstance(record, Group) else record.group_kind
        return 0 if isinstance(record, Group) == is_group and (record.project, kind) == scope else None

    return position


def position_by_group(names: Sequence[tuple[str]]) -> Callable[[Any], int | None]:
    """Which of some groups an asset is in, for a scan of them."""
    positions = {group_id: position for position, (group_id,) in enumerate(names)}
    return lambda record: positions.get(record.group_id) if isinstance(record, Asset) else None
