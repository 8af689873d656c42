"""Sorted sets of records: in the order of creation always, in other orders and by state once that is asked for.

An entry is a number that sorts like its record and leads back to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from math import inf
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from sortedcontainers import SortedList

from portrait.models import SortBy

# The low bits of an entry hold the record's number: ties of a second fall in the order of creation. Contract §2 (I).
_BITS = 40
_NUMBER = (1 << _BITS) - 1


class Record(Protocol):
    """The interface of records in an index."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def number(self) -> int:
        """Its place in the order of creation."""

    @property
    def created(self) -> float:
        """In seconds since 1970."""

    @property
    def updated(self) -> float:
        """In seconds since 1970."""


R = TypeVar("R", bound=Record)


def by_creation(record: Record) -> int:
    """The entry for CreateTime, shared by every index that holds the record."""
    return int(record.created) << _BITS | record.number


def entry_key(sort: SortBy) -> Callable[[Any], Any]:
    """The function that makes a record's entry in that order."""
    return _ENTRIES[sort]


def _by_update(record: Record) -> int:
    return int(record.updated) << _BITS | record.number


def _by_group(record: Any) -> tuple[str, int]:
    return record.group_id, by_creation(record)


_ENTRIES: Mapping[SortBy, Callable[[Any], Any]] = MappingProxyType(
    {SortBy.CREATE_TIME: by_creation, SortBy.UPDATE_TIME: _by_update, SortBy.GROUP_ID: _by_group}
)


def record_number(entry: Any) -> int:
    """The number of the record that an entry stands for."""
    return (entry if type(entry) is int else entry[1]) & _NUMBER


class Table(Generic[R]):
    """Records by id and by number.

    Attributes:
        changes: While a copy is made, the records that have changed since, by number; None for one that is gone.
    """

    __slots__ = ("changes", "numbers", "records")

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.records: dict[int, R] = {}
        self.changes: dict[int, R | None] | None = None

    def get(self, record_id: str) -> R | None:
        """The record with that id."""
        number = self.numbers.get(record_id)
        return None if number is None else self.records[number]

    def put(self, record: R) -> None:
        """Store a record, new or changed."""
        self.numbers[record.id] = record.number
        self._put(record)  # a call, at which others have a turn: with a million records each dict grows for 30 ms

    def _put(self, record: R) -> None:
        self.records[record.number] = record
        if self.changes is not None:
            self.changes[record.number] = record

    def pop(self, record: R) -> None:
        """Forget a record."""
        del self.numbers[record.id]
        del self.records[record.number]
        if self.changes is not None:
            self.changes[record.number] = None

    def free(self) -> None:
        """Free the records one by one: to free a large container in one step would stop every thread."""
        for container in (self.records, self.numbers):
            while container:
                container.popitem()


class _Order(Generic[R]):
    """The records of an index in another order. They are taken in by creation, slice by slice; then it is maintained.

    Args:
        key: Makes the entry of a record.
    """

    __slots__ = ("_key", "_last", "entries")

    def __init__(self, key: Callable[[R], Any]) -> None:
        self.entries = SortedList()
        self._key = key
        self._last: float = -1  # the entry of creation up to which records are taken in

    def take(self, index: Index[R], limit: int) -> int:
        """Take in at most `limit` more records of its index; returns how many."""
        if self._last == inf:
            return 0
        entries = index.after(int(self._last), limit)
        self.entries.update(map(self._key, index.records(entries)))
        self._last = entries[-1] if len(entries) == limit else inf
        return len(entries)

    def add(self, entry: int, record: R) -> None:
        """Add a record of the index, unless its turn has yet to come."""
        if entry <= self._last:
            self.entries.add(self._key(record))

    def remove(self, entry: int, record: R) -> None:
        """Remove a record of the index."""
        if entry <= self._last:
            self.entries.remove(self._key(record))


class _Part(Generic[R]):
    """The records of an index in one state: taken in slice by slice once they are asked for, then maintained.

    Args:
        table: Where the records are.
        status: The state.
    """

    __slots__ = ("_last", "_status", "index")

    def __init__(self, table: Table[R], status: Any) -> None:
        self.index = Index(table)
        self._status = status
        self._last: float = -1  # the entry of creation up to which records are taken in

    def take(self, whole: Index[R], limit: int) -> int:
        """Take in those among at most `limit` more records of the whole; returns how many it has looked at."""
        if self._last == inf:
            return 0
        entries = whole.after(int(self._last), limit)
        for entry, record in zip(entries, whole.records(entries), strict=True):
            if self._status == record.status:  # type: ignore[attr-defined]
                self.index.add(entry, record)
        self._last = entries[-1] if len(entries) == limit else inf
        return len(entries)

    def update(self, entry: int, old: Any, new: Any) -> None:
        """A record of the whole was added (`old` is None), replaced or removed, unless its turn has yet to come."""
        if entry > self._last:
            return
        before, after = (record is not None and record.status == self._status for record in (old, new))
        if before and after:
            self.index.replace(old, new)
        elif before:
            self.index.remove(entry, old)
        elif after:
            self.index.add(entry, new)


class Index(Generic[R]):
    """One set of a table's records.

    Args:
        table: Where the records are.
    """

    __slots__ = ("_created", "_others", "_parts", "_table")

    def __init__(self, table: Table[R]) -> None:
        self._table = table
        self._created = SortedList()
        self._others: dict[SortBy, _Order[R]] = {}
        self._parts: dict[Any, _Part[R]] = {}

    def __len__(self) -> int:
        return len(self._created)

    def add(self, entry: int, record: R) -> None:
        """Add a record; `entry` is `by_creation(record)`."""
        self._created.add(entry)
        for order in self._others.values():
            order.add(entry, record)
        for part in self._parts.values():
            part.update(entry, None, record)

    def remove(self, entry: int, record: R) -> None:
        """Remove a record, which must be equal to the one that was added."""
        self._created.remove(entry)
        for order in self._others.values():
            order.remove(entry, record)
        for part in self._parts.values():
            part.update(entry, record, None)

    def replace(self, old: R, new: R) -> None:
        """A record of this set has changed; CreateTime, group and number never do."""
        order = self._others.get(SortBy.UPDATE_TIME)
        if order is not None and int(old.updated) != int(new.updated):
            entry = by_creation(old)
            order.remove(entry, old)
            order.add(entry, new)
        for part in self._parts.values():
            part.update(by_creation(old), old, new)

    def prepare(self, status: Any, limit: int) -> int:
        """Prepare the part in a state by at most `limit` more records; returns how many. It is ready once fewer."""
        part = self._parts.get(status)
        if part is None:
            part = self._parts[status] = _Part(self._table, status)
        return part.take(self, limit)

    def part(self, status: Any) -> Index[R]:
        """The records in a state, whose part is ready."""
        return self._parts[status].index

    def sort(self, sort: SortBy, limit: int) -> int:
        """Prepare an order by at most `limit` more records; returns how many. It is ready once they were fewer."""
        if sort is SortBy.CREATE_TIME:
            return 0
        order = self._others.get(sort)
        if order is None:
            order = self._others[sort] = _Order(_ENTRIES[sort])
        return order.take(self, limit)

    def ordered(self, sort: SortBy) -> SortedList:
        """The entries in an order that is ready; that of creation always is."""
        return self._created if sort is SortBy.CREATE_TIME else self._others[sort].entries

    def records(self, entries: Iterable[int]) -> Iterable[R]:
        """The records of entries."""
        records = self._table.records
        return (records[entry & _NUMBER] for entry in entries)

    def after(self, entry: int, limit: int) -> list[int]:
        """At most `limit` entries behind one, in the order of creation."""
        return list(islice(self._created.irange(entry, inclusive=(False, True)), limit))

    def pop(self, limit: int) -> Iterator[int]:
        """Take out at most `limit` entries, the newest first. Other orders and parts only shrink with them."""
        created, *others = self.lists()
        for _ in range(min(limit, len(created))):
            for entries in others:
                if entries:
                    entries.pop()
            yield created.pop()

    def free(self) -> None:
        """Free the entries, list by list."""
        for entries in self.lists():
            entries.clear()

    def lists(self) -> Iterator[SortedList]:
        """Its entries in the order of creation and in others, and those of its parts."""
        yield self._created
        for order in self._others.values():
            yield order.entries
        for part in self._parts.values():
            yield from part.index.lists()

    def scan(self, sort: SortBy, keep: Callable[[R], bool]) -> list[Any]:
        """The entries of the records that `keep` takes, read one by one."""
        entry = _ENTRIES[sort]
        return [entry(record) for record in self.records(self._created) if keep(record)]


class IndexSets(Generic[R]):
    """Named sets of one table's records; a set is there as long as it holds something."""

    __slots__ = ("_sets", "_table")

    def __init__(self, table: Table[R]) -> None:
        self._table = table
        self._sets: dict[Any, Index[R]] = {}

    def get(self, name: Any) -> Index[R] | None:
        """The set of that name, None if it is empty."""
        return self._sets.get(name)

    def add(self, name: Any, entry: int, record: R) -> None:
        """Take a record in."""
        index = self._sets.get(name)
        if index is None:
            index = self._sets[name] = Index(self._table)
        index.add(entry, record)

    def remove(self, name: Any, entry: int, record: R) -> None:
        """Let go of a record."""
        index = self._sets[name]
        index.remove(entry, record)
        if not index:
            del self._sets[name]

    def replace(self, name: Any, old: R, new: R) -> None:
        """A record of the set has changed and stays in it."""
        self._sets[name].replace(old, new)

    def detach(self, name: Any) -> Index[R] | None:
        """Take a whole set out, in one step whatever its size."""
        return self._sets.pop(name, None)

    def attach(self, name: Any, index: Index[R]) -> None:
        """Put back what was detached."""
        self._sets[name] = index

    def free(self) -> None:
        """Free every set."""
        for index in self._sets.values():
            index.free()

    def size(self, name: Any) -> int:
        """How many records a set holds."""
        index = self._sets.get(name)
        return 0 if index is None else len(index)
