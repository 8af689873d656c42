"""The pace of an account as a value: how a limit is learnt from refusals, and how it rises again (contract §6)."""

from math import inf

import pytest

from portrait.pace import REST, SLOWER, SLOWEST, WINDOW, Pace

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


def test_nothing_is_limited_before_a_refusal():
    """All turns are now."""
    pace = accepted(*range(50))
    for _ in range(3):
        pace, turn = pace.reserve(START + 50)
        assert turn == (0.0, START + 50)
    assert pace.rate_at(START + 50) == inf


@pytest.mark.parametrize(
    ("moments", "rate"),
    [
        ((0, 0, 0), 3),
        (range(50), 50),
        ((0,), 120),  # others use the account: the next lower plan but the highest
        ([second / 4 for second in range(480)], 240),  # a minute that goes over the border of two
    ],
)
def test_a_refusal_teaches_how_many_are_accepted_in_a_minute(moments, rate):
    """As many as in the last one; a plan's number where there were fewer than any plan allows."""
    pace = refused(accepted(*moments), max(moments) + 0.5)
    assert pace.rate == pytest.approx(rate, rel=0.05)


def test_a_burst_ends_for_all_of_it_at_once():
    """The next turn is a minute after its first create, and the one after that an interval later."""
    pace = refused(accepted(0, 1, 2), 3)
    pace, first = pace.reserve(START + 3)
    pace, second = pace.reserve(START + 3)
    assert (first.at, second.at) == pytest.approx((START + WINDOW, START + WINDOW + WINDOW / 3))


def test_what_was_under_way_teaches_nothing_new():
    """Five creates were sent at once and refused one after the other: the rate is lowered once."""
    pace = refused(accepted(0, 0), 1, sent_at=0)
    lowered = pace.rate
    for moment in (2, 3, 4):
        pace = refused(pace, moment, sent_at=0)
    assert pace.rate == lowered
    assert refused(pace, 5).rate < lowered


def test_the_pause_that_the_service_asks_for_is_kept():
    """And by all who come after, even where the refusal teaches nothing else."""
    pace = refused(accepted(0, 0, 0), 1, sent_at=0)
    pace = refused(pace, 2, sent_at=0, retry_after=300)
    assert pace.reserve(START + 2)[1].delay == 300


def test_without_documented_plans_a_rate_falls_by_a_part_and_not_for_ever():
    """The first guess is below one a second."""
    pace = Pace()
    for moment in range(60):
        pace = refused(pace, moment * 200, documented=())
        if not moment:
            assert pace.rate == 60 * SLOWER
    assert pace.rate == SLOWEST


def test_a_learnt_rate_rises_slowly_after_a_rest():
    """By one create a minute each minute, after ten minutes without a refusal; a refusal begins a new rest."""
    pace = refused(accepted(0, 0, 0), 1)
    lowered = START + 1
    assert pace.rate_at(lowered + REST) == 3
    assert pace.rate_at(lowered + REST + 300) == 3 + 5
    _, turn = pace.reserve(lowered + REST + 300)
    assert turn.delay == 0
    again = refused(pace.accept(lowered + REST + 300), REST + 302)
    assert again.rate < 8
    assert again.rate_at(again.lowered_at + REST) == again.rate


def test_a_clock_that_was_set_back_leaves_no_turn_in_the_future():
    """What was known counts from another time."""
    pace, _ = refused(accepted(0, 0, 0), 1, retry_after=60).reserve(START + 1)
    assert pace.reserve(START - 86_400)[1].delay == 0


@pytest.mark.parametrize(("count", "at_once"), [(0, 1), (2, 1), (3, 2), (6, 2), (7, None)])
def test_few_are_sent_at_once_until_there_is_room(count, at_once):
    """More than the lowest plan allows were accepted."""
    assert accepted(*range(count)).concurrency(PLANS) == at_once
    assert accepted(*range(count)).concurrency(()) is None
