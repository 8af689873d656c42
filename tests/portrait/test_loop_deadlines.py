"""The deadlines of an event loop: one timer, and each request ends at its own moment."""

from math import inf
from types import SimpleNamespace

import pytest

from portrait.transports.deadlines import Deadline, Deadlines


class Loop:
    """An event loop whose time a test sets.

    Attributes:
        now: Seconds.
        set_for: The moments of all timers that were ever set.
    """

    def __init__(self):
        self.now = 100.0
        self.set_for = []
        self._timers = []

    def time(self):
        """Seconds."""
        return self.now

    def call_at(self, moment, callback):
        """Remember a timer."""
        timer = SimpleNamespace(moment=moment, callback=callback, cancel=lambda: self._timers.remove(timer))
        self.set_for.append(moment)
        self._timers.append(timer)
        return timer

    def run_until(self, moment):
        """Let time pass."""
        self.now = moment
        while due := [timer for timer in self._timers if timer.moment <= moment]:
            self._timers.remove(due[0])
            due[0].callback()

    @property
    def pending(self):
        """The moments of the timers that are set."""
        return [timer.moment for timer in self._timers]


@pytest.fixture
def loop():
    """A loop."""
    return Loop()


@pytest.fixture
def begin(loop):
    """Begins a request that has to end at a moment; gives its deadline, and when its connection was aborted."""
    deadlines = Deadlines(loop)

    def begin(moment):
        aborted = []
        transport = SimpleNamespace(abort=lambda: aborted.append(loop.now))
        deadline = Deadline(deadlines, SimpleNamespace(transport=transport))
        deadline.set(moment)
        return deadline, aborted

    return begin


def test_requests_that_end_in_time_set_one_timer(loop, begin):
    """However many there are; once none is left, the timer does nothing and is not set again."""
    for number in range(50):
        deadline, aborted = begin(130.0 + number)
        deadline.cancel()
    assert loop.set_for == [130.0]
    loop.run_until(500.0)
    assert (aborted, deadline.expired, loop.pending) == ([], False, [])


def test_each_request_ends_at_its_own_moment(loop, begin):
    """An earlier one that begins later ends earlier, and one that has no end does not."""
    (late, late_aborted), (early, early_aborted), (endless, endless_aborted) = begin(130.0), begin(110.0), begin(inf)
    loop.run_until(109.9)
    assert (late_aborted, early_aborted) == ([], [])
    loop.run_until(110.0)
    assert (late_aborted, early_aborted, loop.pending) == ([], [110.0], [130.0])
    loop.run_until(130.0)
    assert (late_aborted, endless_aborted, loop.pending) == ([130.0], [], [])
    assert (late.expired, early.expired, endless.expired) == (True, True, False)
    late.cancel()
    with pytest.raises(TimeoutError):
        late.check()
    endless.check()


def test_a_moment_may_be_put_off(loop, begin):
    """The body of a response has another limit than its head; the timer for the head comes in vain."""
    deadline, aborted = begin(110.0)
    deadline.set(150.0)
    loop.run_until(149.0)
    assert (aborted, loop.pending) == ([], [150.0])
    loop.run_until(150.0)
    assert aborted == [150.0]


def test_a_lost_connection_expires_all_the_same(loop, begin):
    """There is nothing to abort any more."""
    deadline, _ = begin(110.0)
    deadline._connection.transport = None
    loop.run_until(110.0)
    assert deadline.expired
