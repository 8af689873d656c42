"""One poll of a watch as a flow: its pauses, the time of its calls, and what it says of an asset that no read shows."""

import pytest

from portrait import Timeouts, UsageError
from portrait.clock import ManualClock
from portrait.models import Asset
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


@pytest.mark.parametrize("second", ["Processing", "Active"])
def test_assets_that_were_read_a_moment_ago_are_read_again_after_a_pause(second):
    """One that has ended meanwhile, or is known by its id alone, is read at once with the others."""
    clock = ManualClock()
    read = [Asset(id=f"asset-{n}", group_id="group-1", asset_type="Image", status=status)
            for n, status in ((1, "Processing"), (2, second))]  # fmt: skip
    for assets, waits in ((read, [3.0] if second == "Processing" else []), ([read[0], "asset-2"], [])):
        watch = Watch.start(assets, clock.now(), group_ids=["group-1"], group_type="AIGC")
        played = play(poll_watch(endpoint(clock=clock), watch), page("Active"), clock=clock)
        assert [outcome.id for outcome in played.result] == ["asset-1"]
        assert played.waits == waits


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


def test_what_is_stored_of_a_watch_is_plain_and_goes_on():
    """No asset with its link, and nothing of the poll that is under way; any other value is refused."""
    clock = ManualClock()
    watch = Watch.start(["asset-1", "asset-2"], clock.now(), timeout=20)
    answers = good(asset(status="Processing")), good({"Id": "group-1", "GroupType": "AIGC"}), page("Active")
    play(poll_watch(endpoint(clock=clock), watch), *answers, clock=clock)
    row = {"group_id": "", "asset_type": "", "gone_since": None}
    stored = {"started": clock.now(), "timeout": 20, "open": {"asset-2": row}, "group_types": {"group-1": "AIGC"}}
    assert watch.to_dict() == {**stored, "counts": {"Active": 1}}
    assert Watch.start(watch.to_dict(), clock.now() + 9).to_dict() == watch.to_dict()


@pytest.mark.parametrize(
    "value", [{}, {"open": []}, {"open": {"a": 5}}, {"open": {"a": {"x": 1}}}, {"open": {}, "x": 1}]
)
def test_a_value_that_no_watch_has_stored_is_a_usage_error(value):
    """It says what to pass."""
    with pytest.raises(UsageError, match="not the stored value of a watch") as caught:
        Watch.start(value, 0.0)
    assert "`state`" in caught.value.advice


def test_at_its_deadline_an_asset_that_no_read_shows_is_not_visible_yet_where_it_was_created_just_now():
    """visible-asset: of any other one nothing is known."""
    for recent, status in ((True, "not visible yet"), (False, "unknown")):
        absent = refused("Forbidden") if recent else refused("InternalError", status=500)
        played = watched(*[page(), absent] * 2, page(), absent, timeout=6, recent=recent)
        (outcome,) = played.result
        assert outcome.state is OutcomeState.TIMED_OUT
        assert status in str(outcome.error)
