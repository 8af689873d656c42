"""The garbage collector does not traverse what a snapshot has made, where old objects are left alone."""

import gc

import pytest

from emulator.gc_policy import collector_paused, leave_old_objects
from emulator.testing import Emulator


@pytest.fixture(autouse=True)
def collector():
    """Leaves the collector as it was, and what was frozen frozen."""
    before = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.set_threshold(*before)
    gc.freeze()


@pytest.mark.parametrize("serves", [True, False])
def test_what_is_made_is_old_at_once_where_old_objects_are_left_alone(serves):
    """Elsewhere the collector stays as the application has set it, and sees every object."""
    if serves:
        leave_old_objects()
    with collector_paused():
        assert not gc.isenabled()
        container = [object()]
    assert gc.isenabled()
    assert (gc.get_freeze_count() > 0) is serves
    assert any(each is container for each in gc.get_objects()) is not serves


def test_a_collector_that_the_application_has_disabled_stays_so():
    """It has its reasons."""
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_snapshots_are_taken_and_restored_without_the_collector(monkeypatch):
    """emulator-burst: with a million records it stops every thread for a third of a second."""
    emulator = Emulator()
    store, seen = emulator.service.store, []
    for name in ("copy", "restore"):
        method = getattr(store, name)
        monkeypatch.setattr(
            store, name, lambda *values, method=method: (seen.append(gc.isenabled()), method(*values))[1]
        )
    emulator.load(emulator.snapshot())
    assert seen == [False, False]
