"""One poll of a watch as a flow: its pauses, the time of its calls, and what it says of an asset that no read shows."""

from portrait import Timeouts
from portrait.clock import ManualClock
from portrait.poll import poll_watch
from portrait.watch import OutcomeState, Watch
from tests.portrait.helpers import asset, endpoint, good, play, refused


def page(*statuses):
    """A page of a list with one asset, or none."""
    items = [asset(status=status) for status in statuses]
    return good({"Items": items, "TotalCount": len(items), "PageNumber": 1, "PageSize": 100})


def watched(*answers, timeout=None, poll=3.0, recent=False, **options):
    """Poll one asset, whose group is known, until it has ended."""
    clock = ManualClock()
    client = endpoint(clock=clock, **options)
    if recent:
        client.recent.add("asset-1", clock.monotonic())
    watch = Watch.start(["asset-1"], clock.now(), group_ids=["group-1"], group_type="AIGC", timeout=timeout)
    return play(poll_watch(client, watch, poll), *answers, clock=clock)


def test_a_pause_that_the_service_asks_for_is_made_once():
    """Throttled: the next poll is later; those after it come at their usual time."""
    throttled = refused("RateLimitExceeded", status=429, retry_after="20")
    played = watched(throttled, good(asset(status="Processing")), page("Processing"), page("Active"), poll=0.5)
    assert [outcome.state for outcome in played.result] == [OutcomeState.ACTIVE]
    assert played.waits == [20.0, 0.5]


def test_no_call_outlasts_the_watch_by_more_than_a_second():
    """Each call is given what is left of the watch, but at least a second."""
    for timeout, usual, total in ((0.5, 5.0, 1.0), (1.5, 5.0, 1.5), (30, 5.0, 5.0), (30, None, 30.0)):
        played = watched(page("Active"), timeout=timeout, timeouts=Timeouts(total=usual))
        assert [request.timeouts.total for request in played.sent] == [total]


def test_at_its_deadline_an_asset_that_no_read_shows_is_not_visible_yet_where_it_was_created_just_now():
    """visible-asset: of any other one nothing is known."""
    for recent, status in ((True, "not visible yet"), (False, "unknown")):
        absent = refused("Forbidden") if recent else refused("InternalError", status=500)
        played = watched(*[page(), absent] * 2, page(), absent, timeout=6, recent=recent)
        (outcome,) = played.result
        assert outcome.state is OutcomeState.TIMED_OUT
        assert status in str(outcome.error)
