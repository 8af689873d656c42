"""One page of several sorted sets that are taken as one, without reading what stands before it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

from sortedcontainers import SortedList

from emulator.domain.ports import ListQuery, Position, Unfinished
from emulator.store import scan
from emulator.store.index import Index, R, Table, entry_key, record_number
from portrait.models import SortBy


def page_of_sets(table: Table[R], sets: Sequence[Index[R]], query: ListQuery) -> tuple[int, list[R]]:
    """One page of several sets taken as one.

    Raises:
        Unfinished: The order is not ready.
    """
    if scan.is_search(query):
        keep = scan.predicate(query)
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
    limit = scan.SLICE
    for each in sets:
        limit -= each.sort(sort, limit)
        if limit <= 0:
            raise Unfinished


# Entries per list up to which reading them all is quicker than searching for a rank.
_SMALL = 256


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
