"""A search through many records in slices: between two slices other calls are answered, and records may change."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Generic

from emulator.domain.ports import AssetQuery, GroupQuery
from emulator.store.index import IndexSets, R, by_creation, record_number
from portrait.models import AssetStatus, SortBy

SLICE = 5_000
"""Records that one slice reads: a few milliseconds."""


class Scan(Generic[R]):
    """The records of some sets that match a predicate, as they are when the scan ends.

    Args:
        sets: The customer's sets.
        names: Those to read, which do not overlap.
        find: The record with that number.
        position: Which of `names` a record belongs to, None for none.
        matches: The predicate.
    """

    def __init__(
        self,
        sets: IndexSets[R],
        names: Sequence[Any],
        find: Callable[[int], R],
        position: Callable[[R], int | None],
        matches: Callable[[R], bool],
    ) -> None:
        self._sets, self._names, self._find = sets, names, find
        self._position, self._matches = position, matches
        self._found: list[list[int]] = [[] for _ in names]
        self._current = 0
        self._last = -1  # the entry of the current set that was read last

    def advance(self, limit: int) -> bool:
        """Read at most `limit` more records; True once all were read."""
        while self._current < len(self._names):
            index = self._sets.get(self._names[self._current])
            entries = [] if index is None else index.after(self._last, limit)
            found, matches, find = self._found[self._current], self._matches, self._find
            found.extend(entry for entry in entries if matches(find(record_number(entry))))
            limit -= len(entries)
            if limit == 0:
                self._last = entries[-1]
                return False
            self._current, self._last = self._current + 1, -1
        return True

    def update(self, record: R, *, removed: bool) -> None:
        """A record was added, changed or removed. What has not been read yet is read in its turn."""
        position, entry = self._position(record), by_creation(record)
        if position is None or (position, entry) > (self._current, self._last):
            return
        found = self._found[position]
        at = bisect_left(found, entry)
        was_found = at < len(found) and found[at] == entry
        is_match = not removed and self._matches(record)
        if was_found and not is_match:
            del found[at]
        elif is_match and not was_found:
            found.insert(at, entry)

    def ordered(self, sort: SortBy, key: Callable[[R], Any]) -> Sequence[Any]:
        """The entries of what was found, in ascending order."""
        if sort is SortBy.CREATE_TIME and len(self._found) == 1:
            return self._found[0]
        entries: Iterator[Any] = chain.from_iterable(self._found)
        if sort is not SortBy.CREATE_TIME:
            entries = (key(self._find(record_number(entry))) for entry in entries)
        return sorted(entries)

    def __len__(self) -> int:
        return sum(map(len, self._found))


def is_search(query: GroupQuery | AssetQuery) -> bool:
    """Only a part of a name, and what is not visible yet, are looked for record by record."""
    return bool(query.name) or query.before is not None or query.visible_at is not None


def predicate(query: GroupQuery | AssetQuery) -> Callable[[Any], bool]:
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
