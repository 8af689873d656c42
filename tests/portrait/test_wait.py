"""Waits as flows on a clock that sleeping moves: every way in which one ends, and a minute in no time."""

import time

import pytest

from portrait import (
    AssetFailed,
    AuthError,
    InvalidToken,
    Timeouts,
    TokenExpired,
    UnknownOutcome,
    UsageError,
    WaitTimeout,
)
from portrait.actions import CREATE_ASSET
from portrait.clock import ManualClock
from portrait.dialects import ARK
from portrait.errors import AssetVanished, Forbidden, SessionError, Timeout, ValidatePending
from portrait.events import WaitProgress
from portrait.http import FailureKind
from portrait.models import CreateAssetRequest
from portrait.recent_creates import VISIBILITY_LAG
from portrait.wait import (
    GRACE,
    POLL,
    TOKEN_POLL,
    call_when_visible,
    parse_timestamp,
    wait_until_active,
    wait_until_validated,
)
from tests.portrait.helpers import answer, asset, body, broken, endpoint, good, play, refused

NOT_FOUND = refused("Forbidden")
LOST = broken(FailureKind.DISCONNECTED)
PENDING = refused("ValidatePending")
PNG = b"\x89PNG\r\n\x1a\n"
TOKEN = "20260318000000B4CC874F89A1B2C3D4E5"
GROUP = good({"GroupId": "group-1"})


def processing(kind="Image"):
    """An asset under review."""
    return good(asset(status="Processing", AssetType=kind))


def active(*answers, timeout=None, poll=POLL, **options):
    """Wait for an asset; a list of what happened, and the clock."""
    clock = ManualClock()
    flow = wait_until_active(endpoint(clock=clock, **options), "asset://asset-1", timeout, poll)
    return play(flow, *answers, clock=clock), clock


def validated(*answers, timeout=None, poll=TOKEN_POLL, clock=None, **options):
    """Wait for a validation."""
    clock = clock or ManualClock()
    return play(
        wait_until_validated(endpoint(clock=clock, **options), TOKEN, timeout, poll), *answers, clock=clock
    ), clock


# --- assets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Active", "active", "ACTIVE"])
def test_an_active_asset_ends_the_wait_at_once(status):
    """One look, no pause; without case."""
    played, _ = active(good(asset(status=status)))
    assert (played.result.id, played.waits, len(played.sent)) == ("asset-1", [], 1)
    assert played.sent[0].body == b'{"Id":"asset-1"}'


def test_a_wait_looks_every_three_seconds_and_tells():
    """The vendor's advice; an event for each look that did not find it finished."""
    played, clock = active(processing(), processing(), good(asset()))
    assert (played.result.status, played.waits, clock.monotonic()) == ("Active", [3.0, 3.0], 6.0)
    progress = [event for event in played.events if isinstance(event, WaitProgress)]
    facts = {"what": "asset", "id": "asset-1", "status": "Processing", "deadline": 60.0}
    assert progress == [WaitProgress(**facts, waited=0.0), WaitProgress(**facts, waited=3.0)]


@pytest.mark.parametrize(
    ("failure", "code", "text"),
    [
        ({"FailedReason": "FaceMismatch: Face consistency verification failed."}, "FaceMismatch", "consistency"),
        ({"Error": {"Code": "DownloadFailed", "Message": "m"}}, "DownloadFailed", "DownloadFailed: m"),
        ({"FailedReason": "The picture is dark."}, "", "failed: The picture is dark. "),
        ({}, "", "does not say why"),
    ],
)
def test_a_failed_asset_ends_the_wait_with_the_reason(failure, code, text):
    """The asset is on the error, and whether the same file may be tried again."""
    played, _ = active(processing(), good(asset(status="Failed", **failure)))
    assert isinstance(played.error, AssetFailed)
    assert (played.error.code, played.error.asset.id) == (code, "asset-1")
    assert played.error.retryable is (code == "DownloadFailed")
    assert text in str(played.error)


@pytest.mark.parametrize(("kind", "deadline"), [("Image", 60.0), ("Video", 180.0), ("Audio", 180.0), ("New", 60.0)])
def test_the_deadline_follows_the_type(kind, deadline):
    """60 seconds for an image, 180 for video and audio: the end is met to the second, with what was read last."""
    played, clock = active(processing(kind))
    assert isinstance(played.error, WaitTimeout)
    assert played.error.waited == deadline == clock.monotonic()
    assert played.error.last.id == "asset-1"
    assert "still Processing" in str(played.error)
    assert len(played.sent) == deadline / 3 + 1


def test_an_own_deadline_holds_for_every_type():
    """`timeout=` is the whole wait; the last pause is shortened to it."""
    played, clock = active(processing("Video"), timeout=7, poll=2)
    assert isinstance(played.error, WaitTimeout)
    assert (played.waits, clock.monotonic()) == ([2, 2, 2, 1], 7)
    played, _ = active(processing(), timeout=0)
    assert (len(played.sent), played.waits) == (1, [])


def test_a_status_outside_of_the_set_is_not_finished():
    """`Inactive` and the like wait on (contract §3)."""
    played, _ = active(good(asset(status="Inactive")), good(asset()))
    assert played.result.status == "Active"


def test_not_there_is_not_yet_vanished():
    """Reads lag behind a create: within ten seconds it may still appear."""
    played, _ = active(NOT_FOUND, NOT_FOUND, NOT_FOUND, good(asset()))
    assert played.result.status == "Active"
    assert [event.status for event in played.events if isinstance(event, WaitProgress)] == ["not found"] * 3


@pytest.mark.parametrize("before", [(), (processing(),)], ids=["never seen", "seen"])
def test_not_there_for_longer_has_vanished(before):
    """Ten seconds after it was first missed."""
    played, clock = active(*before, NOT_FOUND)
    assert isinstance(played.error, AssetVanished)
    assert isinstance(played.error.__cause__, Forbidden)
    assert played.error.asset_id == "asset-1"
    assert played.error.message == f"asset-1 {'was there, and is no longer' if before else 'is not there'}."
    missed = 3.0 * len(before)
    assert GRACE <= clock.monotonic() - missed < GRACE + POLL
    _, clock = active(NOT_FOUND, poll=GRACE / 2)
    assert clock.monotonic() == GRACE


@pytest.mark.parametrize("age", [3.0, None])
def test_a_create_of_another_process_is_waited_for(age):
    """The state knows how long ago it was, if it knows the asset; it is questions until it does."""
    questions = []
    played, _ = active(*[NOT_FOUND] * 6, good(asset()), create_age=lambda some_id: questions.append(some_id) or age)
    if age is None:
        assert isinstance(played.error, AssetVanished)
        assert questions == ["asset-1"] * 5
    else:
        assert played.result.status == "Active"
        assert questions == ["asset-1"]
        assert {event.status for event in played.events if isinstance(event, WaitProgress)} == {"not visible yet"}


@pytest.mark.parametrize("tries", [3, 999])
def test_a_call_into_a_fresh_group_is_tried_until_its_lag_is_over(tries):
    """Creates into a group that was created just now are refused for a while; into any other one, once."""
    clock = ManualClock()
    client = endpoint(clock=clock)
    client.recent.add("group-1", clock.monotonic() - 1.0)
    request = CreateAssetRequest(group_id="group-1", url="https://cdn.example/a.jpg", asset_type="Image")
    flow = call_when_visible(client, "group-1", lambda: client.call(CREATE_ASSET, request))
    played = play(flow, *[NOT_FOUND] * tries, good({"Id": "asset-1"}), clock=clock)
    progress = [event for event in played.events if isinstance(event, WaitProgress)]
    facts = {"what": "group", "id": "group-1", "status": "not visible yet", "deadline": VISIBILITY_LAG}
    assert progress[:2] == [WaitProgress(**facts, waited=1.0), WaitProgress(**facts, waited=4.0)]
    if tries == 3:
        assert (played.result.id, played.waits) == ("asset-1", [POLL] * 3)
    else:
        assert isinstance(played.error, Forbidden)
        assert clock.monotonic() == VISIBILITY_LAG - 1.0
    client.recent.discard("group-1")
    other = play(call_when_visible(client, "group-1", lambda: client.call(CREATE_ASSET, request)), NOT_FOUND)
    assert len(other.sent) == 1


@pytest.mark.parametrize("how", ["create_asset", "call", "upload_asset"])
def test_an_own_create_is_waited_for_until_the_deadline(colour, how):
    """visible-asset: "not found" for longer than the grace is "not visible yet", however it was created."""
    client, _ = colour.scripted(good({"Id": "asset-1"}), *[NOT_FOUND] * 15, good(asset()))
    creates = {
        "create_asset": lambda: (
            client.create_asset(group_id="group-1", url="https://x.example/a", asset_type="Image").id
        ),
        "call": lambda: client.call("CreateAsset", {"GroupId": "group-1"})["Id"],
        "upload_asset": lambda: client.upload_asset(PNG, group_id="group-1").id,
    }
    assert client.with_options(project="p").wait_until_active(creates[how]()).status == "Active"
    assert client.client._endpoint.clock.monotonic() == 45


def test_an_own_create_that_never_appears_is_not_visible_yet(colour):
    """visible-asset: at the deadline nobody is said to have deleted it."""
    client, _ = colour.scripted(good({"Id": "asset-1"}), NOT_FOUND)
    client.create_asset(group_id="group-1", url="https://x.example/a", asset_type="Image")
    with pytest.raises(WaitTimeout, match="not visible yet") as caught:
        client.wait_until_active("asset-1")
    assert "deleted" not in str(caught.value)
    (outcome,) = client.watch_assets(["asset-1"])
    assert isinstance(outcome.error, WaitTimeout)


@pytest.mark.parametrize("after", ["deleted", "read"])
def test_an_own_create_can_vanish(colour, after):
    """visible-asset: what was read, or what this client has deleted, is not waited for."""
    client, _ = colour.scripted(good({"Id": "asset-1"}), good({}) if after == "deleted" else processing(), NOT_FOUND)
    client.create_asset(group_id="group-1", url="https://x.example/a", asset_type="Image")
    if after == "deleted":
        client.delete_asset(id="asset-1")
    with pytest.raises(AssetVanished):
        client.wait_until_active("asset-1")


@pytest.mark.parametrize("read", ["get_asset", "wait_until_active", "watch_assets"])
def test_what_was_read_once_can_vanish_from_the_next_wait(colour, read):
    """visible-asset: no lag explains that it is gone, however fresh its create is; the next wait ends in the grace."""
    client, _ = colour.scripted(good({"Id": "asset-1"}), good(asset()), NOT_FOUND)
    client.create_asset(group_id="group-1", url="https://x.example/a", asset_type="Image")
    reads = {
        "get_asset": lambda: client.get_asset(id="asset-1"),
        "wait_until_active": lambda: client.wait_until_active("asset-1"),
        "watch_assets": lambda: list(client.watch_assets(["asset-1"])),
    }
    reads[read]()
    clock = client.client._endpoint.clock
    read_at = clock.monotonic()
    with pytest.raises(AssetVanished):
        client.wait_until_active("asset-1")
    assert clock.monotonic() - read_at < GRACE + POLL
    (outcome,) = client.watch_assets(["asset-1"])
    assert isinstance(outcome.error, AssetVanished)


def test_the_grace_begins_anew_when_it_was_seen():
    """Missed, seen, missed: each absence counts for itself."""
    played, _ = active(NOT_FOUND, NOT_FOUND, NOT_FOUND, processing(), NOT_FOUND, NOT_FOUND, NOT_FOUND, good(asset()))
    assert played.result.status == "Active"


def test_a_fault_between_two_absences_is_no_sight_of_it():
    """Missed, a lost answer, missed: it was not seen, and the grace goes on."""
    played, clock = active(NOT_FOUND, NOT_FOUND, LOST, NOT_FOUND, NOT_FOUND)
    assert isinstance(played.error, AssetVanished)
    assert clock.monotonic() == 12


FAULTS = [
    LOST,
    broken(FailureKind.CONNECT),
    broken(FailureKind.TIMEOUT),
    answer(b"<html>", 502),
    refused("UpstreamUnavailable"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_passing_fault_does_not_end_the_wait(fault):
    """One look is one attempt; the wait comes again by itself."""
    played, _ = active(processing(), fault, fault, good(asset()))
    assert played.result.status == "Active"
    assert played.waits == [3.0, 3.0, 3.0]
    progress = [event for event in played.events if isinstance(event, WaitProgress)]
    assert [event.status for event in progress] == ["Processing", "unknown", "unknown"]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_that_does_not_pass_is_the_cause_of_the_end(fault):
    """At the deadline the error says what was in the way."""
    played, clock = active(processing(), fault, timeout=10)
    assert isinstance(played.error, WaitTimeout)
    assert played.error.__cause__ is not None
    assert clock.monotonic() == 10
    assert played.error.last.status == "Processing"


def test_a_fault_that_passed_is_not_the_cause_of_the_end():
    """A lost answer at the beginning is not why it is still Processing at the end."""
    played, _ = active(LOST, processing(), timeout=10)
    assert isinstance(played.error, WaitTimeout)
    assert played.error.__cause__ is None


def test_a_refusal_that_waiting_cannot_mend_ends_the_wait():
    """A wrong key is wrong in a minute, too."""
    played, _ = active(refused("Unauthorized"))
    assert isinstance(played.error, AuthError)
    assert played.waits == []


@pytest.mark.parametrize("seconds", ["20", "3600"])
def test_a_pause_that_the_service_asks_for_stays_within_the_deadline(seconds):
    """Throttled: the next look is later, but the wait ends when it should."""
    played, clock = active(refused("RateLimitExceeded", status=429, retry_after=seconds), timeout=30)
    assert isinstance(played.error, WaitTimeout)
    assert clock.monotonic() == 30
    assert played.waits == ([20.0, 10.0] if seconds == "20" else [30.0])


def test_no_look_outlasts_the_wait_by_more_than_a_second():
    """Each call is given what is left, but at least a second."""
    played, _ = active(processing(), timeout=8, poll=3, timeouts=Timeouts(total=5.0))
    assert [request.timeouts.total for request in played.sent] == [5.0, 5.0, 2.0, 1.0]
    played, _ = active(processing(), timeouts=Timeouts(total=None))
    assert played.sent[0].timeouts.total == 60.0


@pytest.mark.parametrize(("timeout", "poll"), [(-1, 3), (10, 0), (10, -1), (float("nan"), 3), (10, float("nan"))])
def test_a_wait_takes_seconds(timeout, poll):
    """Negative times make no sense, and would poll without a pause."""
    for played, _ in (active(processing(), timeout=timeout, poll=poll), validated(PENDING, timeout=timeout, poll=poll)):
        assert isinstance(played.error, UsageError)
        assert played.sent == []


def test_a_look_may_come_within_a_second():
    """Half a second is a pause as any other."""
    played, _ = active(processing(), good(asset()), poll=0.5)
    assert played.waits == [0.5]


def test_a_minute_passes_in_milliseconds(colour):
    """Both clients sleep on the clock they were given."""
    client, script = colour.scripted(*[processing()] * 19, good(asset()))
    assert client.wait_until_active("asset-1").status == "Active"
    assert len(script.requests) == 20
    assert client.client._endpoint.clock.monotonic() == 57


# --- validations ----------------------------------------------------------------------------------------------------


def test_a_passed_validation_ends_the_wait():
    """Looks every two seconds until the group is there; events do not show the token."""
    played, clock = validated(PENDING, PENDING, GROUP)
    assert (played.result.group_id, clock.monotonic()) == ("group-1", 4.0)
    progress = [event for event in played.events if isinstance(event, WaitProgress)]
    assert [(event.what, event.id, event.status) for event in progress] == [("validation", "", "pending")] * 2
    assert TOKEN not in repr(played.events)


def test_a_session_is_as_good_as_its_token(colour):
    """What CreateVisualValidateSession answered can be passed on."""
    session = {"BytedToken": TOKEN, "H5Link": "https://h5.example/", "CallbackURL": "https://cdn.example/"}
    client, script = colour.scripted(good(session), GROUP)
    assert client.wait_until_validated(client.create_visual_validate_session(callback_url="https://x.example")).group_id
    assert script.requests[1].body == b'{"BytedToken":"%s"}' % TOKEN.encode()


@pytest.mark.parametrize(("code", "error"), [("TokenExpired", TokenExpired), ("InvalidToken", InvalidToken)])
def test_a_token_that_is_over_ends_the_wait(code, error):
    """Expired, unknown or used by somebody else."""
    played, _ = validated(PENDING, refused(code))
    assert type(played.error) is error


def test_a_validation_that_is_never_passed_ends_at_the_tokens_life():
    """120 seconds, or the time that was given."""
    played, clock = validated(PENDING)
    assert isinstance(played.error, WaitTimeout)
    assert isinstance(played.error.__cause__, ValidatePending)
    assert clock.monotonic() == 120
    played, clock = validated(PENDING, timeout=5)
    assert (clock.monotonic(), played.waits) == (5, [2.0, 2.0, 1.0])
    assert played.error.message == "The liveness check is not passed after 5 s."
    assert TOKEN not in str(played.error)


def test_after_a_validation_that_was_not_passed_a_new_one_is_advised():
    """advice-validated: the same token is of no use any more."""
    played, _ = validated(PENDING)
    assert "new validation" in played.error.advice
    assert "same id" not in str(played.error)


@pytest.mark.parametrize(
    "pending",
    [
        answer(body(error={"Code": f"NotFound.{TOKEN}", "Message": "The specified token is not found."}), 404),
        answer(b"", 404),
        good({"GroupId": ""}),
    ],
    ids=["404 NotFound", "an empty 404", "an empty GroupId"],
)
def test_the_three_forms_of_pending_on_ark_wait_on(pending):
    """Contract §10.9."""
    played, _ = validated(pending, pending, GROUP, dialect=ARK)
    assert played.result.group_id == "group-1"


def group(number, age):
    """A LivenessFace group that was made `age` seconds before the clock's start, 2026-03-18T00:00:00Z."""
    stamp = f"2026-03-17T23:{59 - age // 60:02d}:{59 - age % 60:02d}Z"
    return {"Id": f"group-{number}", "GroupType": "LivenessFace", "CreateTime": stamp}


def page(*groups, date="Wed, 18 Mar 2026 00:00:10 GMT"):
    """A page of groups; the service's clock stands over it."""
    listed = {"Items": list(groups), "TotalCount": len(groups), "PageNumber": 1, "PageSize": 100}
    return answer(body(listed), date=date) if date else good(listed)


USED = refused("InvalidToken")
FRESH, OLD = group("fresh", 0), group("old", 600)


@pytest.mark.parametrize(
    "before",
    [
        (LOST,),
        (broken(FailureKind.TIMEOUT),),
        (answer(b"<html>", 502),),
        (LOST, broken(FailureKind.CONNECT)),
        (LOST, refused("RateLimitExceeded")),
        (LOST, LOST),
    ],
    ids=["lost", "timeout", "a proxy's page", "lost, then no connection", "lost, then throttled", "lost twice"],
)
def test_the_group_of_a_lost_answer_is_found(before):
    """The token was used up by the answer that was lost: the one new LivenessFace group is it, once reads settle."""
    played, _ = validated(PENDING, *before, USED, page(FRESH, OLD))
    assert played.waits[-2:] == [10, 5]
    assert played.error is None
    assert played.result.group_id == "group-fresh"
    assert played.result.response.headers["date"] == "Wed, 18 Mar 2026 00:00:10 GMT"
    assert b'"GroupType":"LivenessFace"' in played.sent[-1].body


@pytest.mark.parametrize("code", ["InvalidToken", "TokenExpired"])
@pytest.mark.parametrize("lost", [(LOST,), (answer(b"<html>", 502),)], ids=["lost", "a proxy's page"])
def test_a_token_that_was_never_read_as_pending_leads_to_no_group(lost, code):
    """once-person: it may be anybody's, or nobody's; a group that is new at the same time is somebody else's."""
    played, _ = validated(*lost, refused(code), page(FRESH))
    assert isinstance(played.error, UnknownOutcome)
    assert isinstance(played.error.__cause__, SessionError)
    assert (len(played.sent), "new validation" in played.error.advice) == (2, True)


def test_a_group_that_lists_show_late_is_waited_for():
    """once-person: the list is read again for some seconds; a group that appears in no list is an unknown outcome."""
    played, _ = validated(PENDING, LOST, USED, page(), page(FRESH))
    assert played.result.group_id == "group-fresh"
    played, _ = validated(PENDING, LOST, USED, page())
    assert isinstance(played.error, UnknownOutcome)
    assert "new validation" in played.error.advice


def test_a_group_that_lists_show_before_the_persons_own_is_not_taken():
    """once-person: two passed in the same moment, and the list shows one of them first."""
    played, _ = validated(PENDING, LOST, USED, page(group("of-another", 0)), page(group("of-another", 0), FRESH))
    assert isinstance(played.error, UnknownOutcome)
    assert "group-fresh" in str(played.error)


def test_a_group_from_before_the_check_was_pending_is_somebody_elses():
    """Another person passed a moment earlier: that group is never given to this one."""
    played, _ = validated(PENDING, LOST, USED, page(group("somebody-elses", 30)))
    assert isinstance(played.error, UnknownOutcome)
    assert "somebody-elses" not in str(played.error)


def test_a_group_of_another_type_is_nobodys_face():
    """once-person: a list that does not keep to the type shows a group that somebody created meanwhile."""
    played, _ = validated(PENDING, LOST, USED, page({**FRESH, "GroupType": "AIGC"}))
    assert isinstance(played.error, UnknownOutcome)
    assert "group-fresh" not in str(played.error)


@pytest.mark.parametrize("date", ["Tue, 17 Mar 2026 23:59:50 GMT", ""], ids=["20 s ahead", "nobody knows"])
def test_a_clock_that_is_ahead_gives_nobody_anothers_group(date):
    """Our clock makes the person's own group look old: the only other one is not taken for it."""
    groups = (group("ones-own", 15), group("somebody-elses", 0))
    played, _ = validated(PENDING, LOST, USED, page(*groups, date=date))
    assert isinstance(played.error, UnknownOutcome)
    assert "ones-own" in str(played.error)


def test_a_token_that_expired_after_a_lost_answer_proves_nothing():
    """It may never have been used: a new group is named, not taken; without one it has simply expired."""
    played, _ = validated(PENDING, LOST, refused("TokenExpired"), page(FRESH))
    assert isinstance(played.error, UnknownOutcome)
    assert "group-fresh" in str(played.error)
    played, _ = validated(PENDING, LOST, refused("TokenExpired"), page(OLD))
    assert isinstance(played.error, TokenExpired)


def test_on_ark_the_groups_are_named_that_a_lost_answer_may_have_meant():
    """Contract §10.9, §10.13: a token that is pending to its end may have been used up; nobody's group is guessed."""
    answers = [PENDING, LOST, *[PENDING] * 59, page(FRESH, OLD)]
    played, clock = validated(*answers, dialect=ARK)
    assert isinstance(played.error, UnknownOutcome)
    assert played.error.message.endswith("new LivenessFace groups: group-fresh.")
    assert clock.monotonic() == 120 + 15
    expired = played.error.__cause__
    assert isinstance(expired, TokenExpired)
    assert (expired.code, expired.action, bool(expired.request_id)) == (
        "ValidatePending",
        "GetVisualValidateResult",
        True,
    )


def test_a_used_token_without_a_lost_answer_is_an_error():
    """Somebody else used it: nothing is looked for, and nobody's group is returned."""
    for before in ((), (PENDING,), (broken(FailureKind.CONNECT),), (LOST, PENDING), (refused("RateLimitExceeded"),)):
        played, _ = validated(*before, USED, page(FRESH))
        assert isinstance(played.error, InvalidToken)


@pytest.mark.parametrize("groups", [(), (OLD,), (FRESH, group("other", 1)), ({**FRESH, "CreateTime": "?"},)], ids=str)
def test_a_group_that_cannot_be_told_is_not_guessed(groups):
    """None, only old ones, or several: the outcome is unknown, and the error names the candidates."""
    played, _ = validated(PENDING, LOST, USED, page(*groups))
    assert isinstance(played.error, UnknownOutcome)
    assert played.error.may_have_executed
    assert isinstance(played.error.__cause__, InvalidToken)
    if len(groups) == 2:
        assert "group-fresh, group-other" in str(played.error)


def test_recovering_is_as_stubborn_as_any_call():
    """The list that looks for the group is sent again when it is lost."""
    played, _ = validated(PENDING, LOST, USED, LOST, page(FRESH))
    assert played.result.group_id == "group-fresh"


def test_a_network_that_stays_away_ends_the_wait():
    """With the transport's error as the cause."""
    played, clock = validated(broken(FailureKind.TIMEOUT))
    assert isinstance(played.error, WaitTimeout)
    assert isinstance(played.error.__cause__, Timeout)
    assert clock.monotonic() == 120
    assert {event.status for event in played.events if isinstance(event, WaitProgress)} == {"unknown"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-03-18T00:00:00Z", 1_773_792_000.0),
        ("2026-03-18T00:00:00", 1_773_792_000.0),
        ("2026-03-18T08:00:00+08:00", 1_773_792_000.0),
        ("", 0.0),
        ("soon", 0.0),
    ],
)
def test_times_of_the_wire_are_utc(monkeypatch, text, seconds):
    """Also without a zone, wherever this machine is; what cannot be read is long ago."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert parse_timestamp(text) == seconds
    finally:
        monkeypatch.undo()
        time.tzset()


# --- many assets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "items",
    [
        [asset("asset-1"), asset("asset-1"), asset("asset-2")],
        [asset("asset-of-another"), asset("ASSET-1"), asset(""), asset("asset-1"), asset("asset-2")],
    ],
    ids=["an item twice", "others"],
)
def test_items_that_were_not_asked_for_are_ignored(colour, items):
    """What a page shows besides, or once more, changes nothing; each asset has one outcome."""
    client, _ = colour.scripted(good({"Items": items, "TotalCount": len(items), "PageNumber": 1, "PageSize": 100}))
    outcomes = client.watch_assets(["asset-1", "asset-2"], group_ids=["group-1"], group_type="AIGC")
    assert [(outcome.id, outcome.state) for outcome in outcomes] == [("asset-1", "Active"), ("asset-2", "Active")]


def test_an_id_that_an_answer_spells_otherwise_is_the_same(colour):
    """Ids are compared without case where an answer echoes one."""
    client, _ = colour.scripted(good(asset("asset-X")))
    (outcome,) = client.watch_assets(["asset-x"])
    assert (outcome.id, outcome.state) == ("asset-x", "Active")
