"""The pace of an account as a value: how a limit is learnt from refusals, and how it rises again (contract §6)."""

from math import inf

import pytest

from portrait.pace import MINUTE, PATIENCE, QUIET, REST, SLOWER, SLOWEST, WINDOW, Pace

PLANS = (3, 120, 300)
START = 1_000_000.0


def accepted(*moments):
    """The pace after creates that were accepted at those seconds from the start."""
    pace = Pace()
    for moment in moments:
        pace = pace.accept(START + moment)
    return pace


def refused(pace, moment, documented=PLANS, retry_after=None, sent_at=None):
    """The pace after a refusal at that second from the start."""
    sent_at = START + (moment if sent_at is None else sent_at)
    return pace.refuse(START + moment, sent_at, retry_after, documented)


def refused_twice(pace, moment, documented=PLANS):
    """The pace after two refusals in a row, the second one a turn of the first guess later."""
    return refused(refused(pace, moment, documented), moment + WINDOW / 120, documented)


def test_nothing_is_limited_before_a_refusal():
    """All turns are now."""
    pace = accepted(*range(50))
    for _ in range(3):
        pace, turn = pace.reserve(START + 50)
        assert turn == (START + 50, START + 50)
    assert pace.rate_at(START + 50) == inf


@pytest.mark.parametrize(
    ("moments", "rate"),
    [
        ((0,), 120),  # a plan without bursts refuses the second
        ((0, 0, 0), 120),
        (range(50), 120),
        ([second / 2 for second in range(120)], 120),
        ([second / 4 for second in range(480)], 300),  # a minute that goes over the border of two
        ([0] * 400, 400),  # more than any plan is documented to allow
    ],
)
def test_a_refusal_guesses_the_plan(moments, rate):
    """The lowest that allows what was accepted in the last minute; not the lowest of all before a second refusal."""
    pace = refused(accepted(*moments), max(moments) + 0.5)
    assert pace.rate == pace.limit == rate


@pytest.mark.parametrize(("count", "rate"), [(0, 3), (3, 3), (6, 3), (7, 120)])
def test_a_second_refusal_in_a_row_is_of_the_lower_plan(count, rate):
    """Unless more were accepted than that allows in two of its minutes, which may lie in one of ours."""
    assert refused_twice(accepted(*[0] * count), 1).rate == rate


def test_an_accepted_call_between_two_refusals_speaks_for_the_plan():
    """The rate is lowered by a part then."""
    pace = refused(accepted(0, 0, 0), 1).accept(START + 2)
    assert refused(pace, 2.1).rate == 120 * SLOWER


def test_refusals_in_a_row_lower_the_rate_once_and_double_the_pause():
    """Others may have used up the minute: the pause is a minute at most."""
    pace, moment, pauses = accepted(*[second / 4 for second in range(100)]), 25.0, []
    for _ in range(10):
        pace = refused(pace, moment)
        pauses.append(pace.next_at - START - moment)
        moment += pauses[-1]
    assert pace.rate == 120
    assert pauses[:4] == pytest.approx([WINDOW / 120 * 2**number for number in range(4)], rel=0.01)
    assert pauses[-1] == pytest.approx(WINDOW)


def test_a_rate_falls_to_the_next_lower_plan_and_no_further():
    """Plans are known; the lowest one's may be shared with others."""
    pace, moment = refused(accepted(*range(50)), 50), 50
    for _ in range(20):
        moment += 1
        pace = refused(pace.accept(START + moment), moment + 0.5)
    assert pace.rate == 3
    pace = refused_twice(Pace(), 0)
    for moment in range(60, 1200, 60):
        pace = refused(pace.accept(START + moment), moment + 0.5)
    assert pace.rate == SLOWEST
    assert pace.limit == 3


def test_a_rate_stays_where_the_plan_was_used_up():
    """A create that comes a moment too early says nothing that is not known."""
    pace = refused_twice(accepted(0, 0, 0), 1).accept(START + 62).accept(START + 83).accept(START + 104)
    assert refused(pace, 121).rate == 3
    assert refused(pace, 121).reserve(START + 121)[1].delay == pytest.approx(2 * WINDOW - 121)


def test_a_burst_ends_for_all_of_it_at_once():
    """The next turn is a minute after its first create, and the one after that an interval later."""
    pace = refused_twice(accepted(0, 1, 2), 3)
    pace, first = pace.reserve(START + 4)
    pace, second = pace.reserve(START + 4)
    assert (first.at, second.at) == pytest.approx((START + WINDOW, START + WINDOW + WINDOW / 3))


def test_what_was_under_way_teaches_nothing_new():
    """Five creates were sent at once and refused one after the other: the rate is lowered once."""
    pace = refused(accepted(0, 0), 1, sent_at=0)
    lowered = pace.rate
    for moment in (1, 2, 3, 4):
        pace = refused(pace, moment, sent_at=0)
    assert pace.rate == lowered
    assert refused(pace, 5).rate < lowered


def test_the_pause_that_the_service_asks_for_is_kept():
    """And by all who come after, even where the refusal teaches nothing else."""
    pace = refused(accepted(0, 0, 0), 1, sent_at=0)
    pace = refused(pace, 2, sent_at=0, retry_after=300)
    assert pace.reserve(START + 2)[1].delay == 300


def test_a_pause_beyond_all_patience_keeps_nobody_longer_than_that():
    """A date in the year 9999 would stop all who share the state for ever."""
    pace = refused(accepted(0, 0, 0), 1, retry_after=1e9)
    assert pace.reserve(START + 1)[1].delay == PATIENCE


def test_without_documented_plans_a_rate_falls_by_a_part_and_not_for_ever():
    """The first guess is below one a second, or below what was accepted; how far it may rise again is not known."""
    pace = Pace()
    for moment in range(60):
        pace = refused(pace, 2 * moment, documented=())
        if not moment:
            assert (pace.rate, pace.limit) == (60 * SLOWER, inf)
        pace = pace.accept(START + 2 * moment + 1)
    assert pace.rate == SLOWEST
    assert refused(accepted(*[0] * 100), 1, documented=()).rate == 100 * SLOWER


def test_a_lowered_rate_recovers_up_to_the_limit_of_its_plan():
    """It doubles in each quiet time, which is a minute, or that of ten calls."""
    pace = refused(refused(accepted(0), 1).accept(START + 2), 2.1)
    lowered = pace.lowered_at
    assert pace.rate_at(lowered + MINUTE) == pytest.approx(pace.rate)
    assert pace.rate < pace.rate_at(lowered + 1.25 * MINUTE) < pace.rate_at(lowered + 1.5 * MINUTE) < 120
    assert pace.rate_at(lowered + 2 * MINUTE) == 120
    slow = refused(refused_twice(Pace(), 1).accept(START + 9), 10)
    quiet = QUIET * MINUTE / slow.rate
    assert slow.rate_at(slow.lowered_at + quiet) == pytest.approx(slow.rate)
    assert slow.rate_at(slow.lowered_at + 2 * quiet) == 3


def test_a_limit_rises_slowly_after_a_rest():
    """By one create a minute each minute, after ten minutes without a refusal; a refusal begins a new rest."""
    pace = refused_twice(accepted(0, 0, 0), 1)
    lowered = pace.lowered_at
    assert pace.rate_at(lowered + REST) == 3
    assert pace.rate_at(lowered + REST + 300) == 3 + 5
    _, turn = pace.reserve(lowered + REST + 300)
    assert turn.delay == 0
    again = refused(pace.accept(lowered + REST + 300), REST + 302)
    assert again.rate == 3
    assert again.rate_at(again.lowered_at + REST) == again.rate


def test_more_than_a_plan_allows_is_another_plan():
    """Its limit is not known, so that the rate goes on doubling."""
    pace = refused_twice(accepted(0, 0, 0), 1)
    later = pace.lowered_at + REST + 300
    for number in range(6):
        pace = pace.accept(later + number)
        assert pace.limit == 3
    pace = pace.accept(later + 6)
    assert pace.limit == inf
    assert pace.rate_at(later + 7) > 30


def test_a_clock_that_was_set_back_leaves_no_turn_in_the_future():
    """What was known counts from another time."""
    pace, _ = refused(accepted(0, 0, 0), 1, retry_after=60).reserve(START + 1)
    assert pace.reserve(START - 86_400)[1].delay == 0


@pytest.mark.parametrize(("count", "at_once"), [(0, 1), (2, 1), (3, 2), (6, 2), (7, None)])
def test_few_are_sent_at_once_until_there_is_room(count, at_once):
    """More than the lowest plan allows were accepted."""
    assert accepted(*range(count)).concurrency(PLANS) == at_once
    assert accepted(*range(count)).concurrency(()) is None
