"""The clocks by their names."""

import asyncio

import pytest

from emulator.clocks import AutoClock, ScaledClock, make_clock
from portrait.clock import ManualClock, SystemClock


def test_clocks_have_names():
    """Each name gives its clock."""
    assert isinstance(make_clock("real"), SystemClock)
    assert type(make_clock("manual")) is ManualClock
    assert isinstance(make_clock("auto"), AutoClock)
    scaled = make_clock("scaled:2.5")
    assert isinstance(scaled, ScaledClock)
    assert scaled.factor == 2.5


@pytest.mark.parametrize(
    "name",
    [
        "",
        "sundial",
        "scaled",
        "scaled:",
        "scaled:0",
        "scaled:-1",
        "scaled:nan",
        "scaled:x",
        "scaled:1e12",
        "scaled:inf",
    ],
)
def test_other_names_are_refused(name):
    """emulator-scaled: the error names what there is; a clock that leaves its years within a day is none."""
    with pytest.raises(ValueError, match="real, manual, auto or scaled:N"):
        make_clock(name)


def test_an_automatic_clock_moves_once_for_all_that_wait_side_by_side():
    """Each read waits 3 seconds from its last one, the first from the beginning; a clock set back waits from there."""
    clock = AutoClock(100.0)
    moments = []
    for read, since in [(1, 100.0), (2, 100.0), (2, 100.0), (1, 100.0), (3, 106.0), (4, 50.0)]:
        clock.after_early_read(read, since)
        moments.append(clock.now())
    assert moments == [103, 103, 106, 106, 109, 109]
    clock.set(20.0)
    clock.after_early_read(1, 100.0)
    assert clock.now() == 23


def test_an_automatic_clock_forgets_the_oldest_reads(monkeypatch):
    """A read that was forgotten waits from the beginning, which has passed."""
    monkeypatch.setattr(AutoClock, "_MOST_READS", 2)
    clock = AutoClock(100.0)
    for read in (1, 2, 3):
        clock.after_early_read(read, 100.0)
    clock.after_early_read(1, 100.0)
    assert clock.now() == 103
    clock.after_early_read(3, 100.0)
    assert clock.now() == 106


def test_a_scaled_clock_runs_faster_and_sleeps_shorter():
    """A hundred seconds of its own are one of the base's, in both directions."""
    base = ManualClock()
    clock = ScaledClock(100, base)
    start = clock.now()
    base.advance(1)
    assert clock.now() == start + 100
    half = 50
    clock.sleep(half)
    asyncio.run(clock.async_sleep(half))
    assert base.monotonic() == 2
    clock.advance(7)
    assert clock.now() == start + 207
    with pytest.raises(ValueError, match="forwards"):
        clock.advance(-1)
