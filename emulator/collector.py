"""The garbage collector in a process that holds many records: it stops every thread while it traverses them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

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
