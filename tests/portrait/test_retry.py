"""Pauses and pace as arithmetic: bounds that hold for any policy, attempt and jitter."""

import itertools
import threading

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portrait import RetryPolicy, Throttled, UsageError
from portrait.clock import ManualClock
from portrait.errors import ConnectFailed
from portrait.pace import MemoryPaces, Pace
from portrait.rate_limiter import RateLimiter
from portrait.retry import NO_RETRY, backoff

SECONDS = st.floats(0, 1e6)
POLICIES = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 10_000),
    first=SECONDS,
    factor=st.floats(1, 1e300),
    longest=SECONDS,
    patience=SECONDS,
)


@given(POLICIES, st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
@example(RetryPolicy(attempts=99, first=1.0, factor=1e300), 3, 0.5)
@example(RetryPolicy(attempts=9999, first=0.0, factor=1e300), 9000, 0.5)
def test_a_pause_of_ours_stays_within_its_bounds(policy, attempt, jitter):
    """Between half of the grown pause and all of it, never longer than the longest; None after the last attempt."""
    error = ConnectFailed("no connection")
    seconds = backoff(policy, attempt, error, jitter)
    if attempt >= policy.attempts:
        assert seconds is None
        return
    assert 0 <= seconds <= policy.longest
    if attempt == 1:
        assert min(policy.first, policy.longest) / 2 <= seconds <= policy.first


@given(POLICIES, SECONDS, st.floats(0, 1, exclude_max=True))
@example(RetryPolicy(), 0.0, 0.5)
def test_a_pause_that_is_asked_for_is_kept_or_refused(policy, wished, jitter):
    """The service's own wish is obeyed to the second up to the patience; beyond there is no further attempt.

    A wish of 0 seconds is none: all attempts would be made in one moment.
    """
    if not wished:
        none = ConnectFailed("no connection")
        assert backoff(policy, 1, Throttled("slow", retry_after=0.0), jitter) == backoff(policy, 1, none, jitter)
        return
    seconds = backoff(policy, 1, Throttled("slow", retry_after=wished), jitter)
    assert seconds == (wished if policy.attempts > 1 and wished <= policy.patience else None)


@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_pauses_grow(attempt, jitter):
    """With the same luck a later pause is never shorter."""
    policy = RetryPolicy(attempts=100)
    error = ConnectFailed("no connection")
    assert backoff(policy, attempt, error, jitter) <= backoff(policy, attempt + 1, error, jitter)


@pytest.mark.parametrize(("first", "seconds"), [(1.0, 4.0), (0.0, 0.0)])
def test_a_pause_too_long_for_a_number_is_the_longest(first, seconds):
    """Where growing overflows, the pause is bounded all the same; one that begins at nothing stays nothing."""
    policy = RetryPolicy(attempts=9, first=first, factor=1e300, longest=8.0)
    assert backoff(policy, 3, ConnectFailed("no connection"), 0.0) == seconds


def test_no_retry_never_pauses():
    """One attempt is one attempt."""
    assert backoff(NO_RETRY, 1, ConnectFailed("x"), 0.0) is None


@given(st.floats(0.01, 1000), st.lists(st.floats(0, 5), min_size=2, max_size=30))
def test_calls_are_spread_evenly(rate, gaps):
    """However calls arrive, two starts are never closer than one over the rate, and no call waits needlessly."""
    pace, now, starts = Pace(), 0.0, []
    for gap in gaps:
        now += gap
        pace, turn = pace.reserve(now, 1 / rate)
        assert turn.delay >= 0
        assert not starts or turn.delay == 0 or turn.at <= starts[-1] + 1 / rate + 1e-6
        starts.append(turn.at)
    for one, next_one in itertools.pairwise(starts):
        assert next_one - one >= 1 / rate - 1e-6


def intervals(rates):
    """The limits of some Actions: under which name their turns are, and how far apart."""
    limiter = RateLimiter(rates)
    limits = [limiter.limit(name) for name in ("GetAsset", "CreateAsset", "ListAssets")]
    return [limit and (limit.name, limit.interval) for limit in limits]


def test_a_pace_by_action_limits_only_what_it_names():
    """Each named Action has turns of its own; the others go as they come."""
    named = {"GetAsset": 1, "CreateAsset": 0.5}
    assert intervals(named) == [("pace=GetAsset", 1.0), ("pace=CreateAsset", 2.0), None]


def test_one_pace_holds_for_all_actions_together():
    """A plain number counts every call."""
    assert intervals(2) == [("pace=", 0.5)] * 3


def test_threads_get_different_turns():
    """Twenty threads that ask at once get twenty turns."""
    paces, delays, barrier = MemoryPaces(ManualClock()), [], threading.Barrier(20)

    def ask():
        barrier.wait()
        delays.append(paces.update("GetAsset", lambda pace, now: pace.reserve(now, 0.1)).delay)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(delays) == pytest.approx([n / 10 for n in range(20)])


@pytest.mark.parametrize("rates", [0, -1, float("nan"), {"GetAsset": 0}])
def test_a_pace_is_above_zero(rates):
    """Zero calls a second would wait for ever."""
    with pytest.raises(UsageError, match="above zero"):
        RateLimiter(rates)
