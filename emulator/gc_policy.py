"""The garbage collector in a process that holds many records: it stops every thread while it traverses them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_MAX_REPLACEMENTS = 2_000  # which the collector traverses in less than a millisecond
_NEVER = 1_000_000  # collections of the middle generation; serving makes no cycles that live so long


def leave_old_objects() -> None:
    """Never traverse what is old: with a million records that takes seconds."""
    gc.set_threshold(*gc.get_threshold()[:2], _NEVER)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Make large containers, which hold no cycles. Where old objects are left alone, these are old at the end.

    Else the collector would traverse them twice, all of a million records each time, as soon as they are there.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_threshold()[2] >= _NEVER:
            gc.freeze()
        if was_enabled:
            gc.enable()


class Replacements:
    """Has the collector traverse the records that took the place of others.

    The collector comes after so many new objects, less those that were freed. Where each new record frees an old one it
    does not come for long, and then traverses all of them at once: with a million records that takes a quarter of a
    second.
    """

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def add(self) -> None:
        """Count one."""
        self._count += 1
        if self._count >= _MAX_REPLACEMENTS:
            self._count = 0
            gc.collect(1)
