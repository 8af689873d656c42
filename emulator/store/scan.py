"""A search through many records in slices: between two slices other calls are answered, and records may change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic

from sortedcontainers import SortedList

from emulator.domain.ports import AssetQuery, GroupQuery, ListQuery
from emulator.domain.records import Asset, Group
from emulator.store.index import IndexSets, R, by_creation, record_number
from portrait.models import AssetStatus

SLICE = 2_000
"""Records that one slice reads: a few milliseconds."""


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


def is_search(query: ListQuery) -> bool:
    """Only a part of a name, and what is not visible yet, are looked for record by record."""
    return bool(query.name) or query.before is not None or query.visible_at is not None


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
