"""One page out of several sorted lists as if they were one, without reading what comes before it.

Owns the search for a rank; must not know what the entries mean. Entries of all lists together are distinct.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sortedcontainers import SortedList

# Entries per list up to which reading them all is quicker than searching for a rank.
_SMALL = 256


def page(lists: Sequence[SortedList], offset: int, limit: int, *, descending: bool) -> list[Any]:
    """The entries from `offset` on, at most `limit` of them; a page past the end is empty."""
    total = sum(map(len, lists))
    first, last = offset, min(offset + limit, total)
    if first >= last:
        return []
    if descending:
        first, last = total - last, total - first
    if len(lists) == 1:
        return list(lists[0].islice(first, last, reverse=descending))
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
