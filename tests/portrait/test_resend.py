"""The retry contract (contract §4, *What is safe to send again*), read from flows as lists of effects."""

import orjson
import pytest

from portrait import actions, models
from portrait.actions import ACTIONS, Idempotency
from portrait.errors import (
    ApiError,
    BadResponse,
    ConnectFailed,
    ConnectionLost,
    Forbidden,
    InvalidParameter,
    NotFound,
    QuotaExceeded,
    Retry,
    ServerError,
    Throttled,
    Timeout,
    UsageError,
)
from portrait.events import CallFinished, CallRetried
from portrait.flow import Notify, Send, Sleep
from portrait.http import FailureKind, HttpRequest, Timeouts
from portrait.rate_limiter import RateLimiter
from portrait.results import RawResult
from portrait.retry import NO_RETRY, RetryPolicy
from tests.portrait.helpers import HTML, KEY, REQUEST_ID, answer, body, broken, endpoint, good, play, refused

CALLS = {
    Idempotency.IDEMPOTENT: (actions.GET_ASSET, models.GetAssetRequest(id="asset-1"), {"Id": "asset-1"}),
    Idempotency.SELF_EXPIRING: (
        actions.CREATE_VISUAL_VALIDATE_SESSION,
        models.CreateVisualValidateSessionRequest(callback_url="https://cdn.example/back"),
        {"BytedToken": "t"},
    ),
    Idempotency.UNSAFE: (
        actions.CREATE_ASSET,
        models.CreateAssetRequest(group_id="group-1", url="https://cdn.example/a.jpg", asset_type="Image"),
        {"Id": "asset-1"},
    ),
}

# What comes back, the error it stands for, whether the call may have happened, whether that is ever a reason to resend.
PLAIN_429 = {"error": {"message": "slow down", "type": "rate_limit_error"}}
FAILURES = {
    "no connection": (broken(FailureKind.CONNECT), ConnectFailed, False, True),
    "no connection in time": (broken(FailureKind.CONNECT_TIMEOUT), Timeout, False, True),
    "no answer in time": (broken(FailureKind.TIMEOUT), Timeout, True, True),
    "connection lost": (broken(FailureKind.DISCONNECTED), ConnectionLost, True, True),
    "cut off": (broken(FailureKind.INCOMPLETE), BadResponse, True, True),
    "an HTML page, 502": (answer(HTML, 502), BadResponse, True, True),
    "an HTML page, 200": (answer(HTML, 200), BadResponse, True, True),
    "an HTML page, 404": (answer(HTML, 404), BadResponse, False, False),
    "an HTML page, 429": (answer(HTML, 429), Throttled, False, True),
    "an empty body, 200": (answer(b""), BadResponse, True, True),
    "a redirect": (answer(b"", 307, location="https://cdn.example/"), BadResponse, False, False),
    "half an envelope": (answer(body({})[:40]), BadResponse, True, True),
    "throttled": (refused("RateLimitExceeded"), Throttled, False, True),
    "throttled, the plain form": (answer(PLAIN_429, 429), Throttled, False, True),
    "write throttled, ark": (refused("QuotaWriteQPMExceeded", status=429), Throttled, False, True),
    "upstream away": (refused("UpstreamUnavailable"), ServerError, True, True),
    "internal error": (refused("InternalError", status=500), ServerError, True, True),
    "an unknown code, 503": (refused("Overloaded", status=503), ServerError, True, True),
    "invalid": (refused("InvalidParameter"), InvalidParameter, False, False),
    "full": (refused("QuotaExceeded"), QuotaExceeded, False, False),
    "full, ark": (refused("QuotaSharedPoolExceeded", status=429), QuotaExceeded, False, False),
    "not yours": (refused("Forbidden"), Forbidden, False, False),
    "an unknown code, 200": (refused("SomethingNew"), ApiError, False, False),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("idempotency", Idempotency, ids=lambda idempotency: idempotency.value)
def test_a_failed_call_is_sent_again_only_where_that_does_no_harm(idempotency, failure):
    """Sent again: what was surely not carried out; and what may have been, if its Action bears it. Else: the error."""
    reply, error, executed, ever = FAILURES[failure]
    action, request, result = CALLS[idempotency]
    assert action.idempotency is idempotency
    again = ever and (idempotency is not Idempotency.UNSAFE or not executed)

    played = play(endpoint().call(action, request), reply, good(result))

    assert len(played.sent) == (2 if again else 1)
    if again:
        assert played.error is None
        assert played.sent[0] == played.sent[1]
    else:
        assert type(played.error) is error
        assert played.error.may_have_executed is executed
        assert played.error.action == action.name
    finished = [event for event in played.events if isinstance(event, CallFinished)]
    assert finished[0].error == error.__name__
    assert finished[0].action == action.name


@pytest.mark.parametrize("failure", [name for name, row in FAILURES.items() if row[3]])
def test_a_call_that_keeps_failing_ends_with_its_last_error(failure):
    """After four attempts the error is raised, with growing pauses between them and an event for each."""
    reply, error, executed, _ = FAILURES[failure]
    action, request, _ = CALLS[Idempotency.IDEMPOTENT]
    played = play(endpoint().call(action, request), reply)
    assert len(played.sent) == 4
    assert played.waits == [0.375, 0.75, 1.5]  # three quarters of 0.5, 1 and 2 seconds
    assert type(played.error) is error
    assert played.error.may_have_executed is executed
    assert [e.attempt for e in played.events if isinstance(e, CallRetried)] == [1, 2, 3]
    assert [e.attempt for e in played.events if isinstance(e, CallFinished)] == [1, 2, 3, 4]


def test_a_call_is_this_list_of_effects():
    """Send; report the failure; report the retry; wait; send the same again; report the end."""
    flow = endpoint().call(actions.GET_ASSET, models.GetAssetRequest(id="asset-1"))
    request = HttpRequest(
        method="POST",
        url="http://localhost:1/v1/portrait/?Action=GetAsset&Version=2024-01-01",
        headers={"Authorization": f"Bearer {KEY}"},
        body=b'{"Id":"asset-1"}',
        timeouts=Timeouts(),
    )
    assert next(flow) == Send(request)
    facts = {"action": "GetAsset", "attempt": 1}
    assert flow.throw(broken(FailureKind.DISCONNECTED)) == Notify(
        CallFinished(**facts, seconds=0.0, error="ConnectionLost")
    )
    assert next(flow) == Notify(CallRetried(**facts, delay=0.375, error="ConnectionLost"))
    assert next(flow) == Sleep(0.375)
    assert next(flow) == Send(request)
    assert flow.send(good({"Id": "asset-1"})) == Notify(
        CallFinished(action="GetAsset", attempt=2, seconds=0.0, http_status=200, request_id=REQUEST_ID)
    )
    with pytest.raises(StopIteration) as end:
        next(flow)
    assert end.value.value == models.Asset(id="asset-1")
    assert end.value.value.response.request_id == REQUEST_ID


@pytest.mark.parametrize("idempotency", list(Idempotency), ids=lambda idempotency: idempotency.value)
def test_an_error_never_invites_to_repeat_a_create_blindly(idempotency):
    """advice-lost: `retry` and `advice` say "look first" where again would make a second one."""
    action, request, _ = CALLS[idempotency]
    lost = [broken(kind) for kind in (FailureKind.DISCONNECTED, FailureKind.TIMEOUT, FailureKind.INCOMPLETE)]
    for no_help in (*lost, answer(HTML, 502), refused("InternalError"), good({"Id": None, "PageNumber": "?"})):
        played = play(endpoint(policy=NO_RETRY).call(action, request), no_help)
        assert played.error.may_have_executed
        assert ("Look at the lists" in played.error.advice) == (idempotency is Idempotency.UNSAFE)
        assert played.error.retry is (Retry.VERIFY_FIRST if idempotency is Idempotency.UNSAFE else Retry.BACKOFF)
    played = play(endpoint(policy=NO_RETRY).call(action, request), broken(FailureKind.CONNECT))
    assert played.error.retry is Retry.BACKOFF


def test_a_transport_error_names_the_host_and_nothing_else_of_the_address():
    """Whoever mistyped the address sees it; the path and the query stay away."""
    played = play(
        endpoint(policy=NO_RETRY).call(*CALLS[Idempotency.IDEMPOTENT][:2]),
        broken(FailureKind.CONNECT, "connection refused"),
    )
    assert played.error.message == "GetAsset: could not connect to localhost:1 (connection refused)."


def test_an_error_says_that_an_earlier_attempt_may_have_happened():
    """Lost, then refused a connection until the end: the call may have happened, whatever the last attempt met."""
    request = models.UpdateAssetRequest(id="asset-1", name="new")
    played = play(
        endpoint().call(actions.UPDATE_ASSET, request),
        broken(FailureKind.DISCONNECTED),
        *[broken(FailureKind.CONNECT)] * 2,
        good(),
    )
    assert played.error is None
    played = play(
        endpoint().call(actions.UPDATE_ASSET, request), broken(FailureKind.DISCONNECTED), broken(FailureKind.CONNECT)
    )
    assert isinstance(played.error, ConnectFailed)
    assert played.error.may_have_executed is True
    assert "may have been carried out" in str(played.error)
    played = play(
        endpoint().call(actions.UPDATE_ASSET, request), broken(FailureKind.DISCONNECTED), refused("Forbidden")
    )
    assert isinstance(played.error, Forbidden)
    assert played.error.may_have_executed is True


DELETES = {
    "DeleteAsset": models.DeleteAssetRequest(id="asset-1"),
    "DeleteAssetGroup": models.DeleteAssetGroupRequest(id="group-1"),
}


@pytest.mark.parametrize("code", ["Forbidden", "NotFound", "NotFound.asset_id", "NotFound.group_id"])
@pytest.mark.parametrize(
    "lost", [broken(FailureKind.DISCONNECTED), broken(FailureKind.TIMEOUT), answer(HTML, 502)], ids=str
)
@pytest.mark.parametrize("name", DELETES)
def test_a_resent_delete_that_hears_not_accessible_is_done(name, lost, code):
    """once-delete: "not accessible" then means that the goal is reached, and the result says that it was inferred."""
    played = play(endpoint().call(ACTIONS[name], DELETES[name]), lost, refused(code))
    assert played.error is None
    assert played.result == models.Empty()
    assert (played.result.response.request_id, played.result.response.inferred) == (REQUEST_ID, True)


@pytest.mark.parametrize("name", DELETES)
def test_a_delete_that_was_answered_is_not_inferred(name):
    """once-delete: also where its first answer was lost."""
    played = play(endpoint().call(ACTIONS[name], DELETES[name]), broken(FailureKind.DISCONNECTED), good({}))
    assert played.result.response.inferred is False


@pytest.mark.parametrize("before", [(), (broken(FailureKind.CONNECT),), (refused("RateLimitExceeded"),)], ids=str)
@pytest.mark.parametrize("name", DELETES)
def test_a_delete_that_surely_was_not_carried_out_before_hears_an_error(name, before):
    """A first attempt, and one after attempts that never arrived, takes "not accessible" for what it is."""
    played = play(endpoint().call(ACTIONS[name], DELETES[name]), *before, refused("Forbidden"))
    assert isinstance(played.error, Forbidden)
    assert len(played.sent) == len(before) + 1


def test_only_deletes_take_not_accessible_for_success():
    """An update that was lost and then hears "not accessible" is an error."""
    request = models.UpdateAssetRequest(id="asset-1", name="new")
    played = play(
        endpoint().call(actions.UPDATE_ASSET, request), broken(FailureKind.DISCONNECTED), refused("NotFound.asset_id")
    )
    assert isinstance(played.error, NotFound)


def test_a_raw_call_is_resent_by_the_table_of_actions():
    """`call("DeleteAsset", …)` has the same contract as the typed call."""
    played = play(
        endpoint().call_raw("DeleteAsset", {"Id": "a"}), broken(FailureKind.DISCONNECTED), refused("Forbidden")
    )
    assert (played.error, played.result) == (None, {})
    assert isinstance(played.result, RawResult)


def test_an_unlisted_action_is_never_repeated_blindly():
    """What is not in the table may do anything: lost is lost; but no connection is no risk."""
    assert len(play(endpoint().call_raw("MakeCoffee", {}), broken(FailureKind.DISCONNECTED), good()).sent) == 1
    assert len(play(endpoint().call_raw("MakeCoffee", {}), broken(FailureKind.CONNECT), good()).sent) == 2


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"retry_after": "7"}, [7.0]),
        ({"retry_after": "1.5"}, [1.5]),
        ({"x_ratelimit_reset": "9"}, [9.0]),
        ({"retry_after": "5", "x_ratelimit_reset": "9"}, [5.0]),
        ({"x_ratelimit_reset": "1773792060"}, [0.375]),  # a moment, not a span
        ({"retry_after": "soon"}, [0.375]),
        ({"retry_after": "nan"}, [0.375]),
        ({"retry_after": "-1"}, [0.375]),
        ({"retry_after": "3_0"}, [0.375]),
        ({"retry_after": "\u0663"}, [0.375]),
        ({"retry_after": ""}, [0.375]),
        ({}, [0.375]),
    ],
    ids=str,
)
def test_a_pause_that_the_service_asks_for_is_kept(headers, waits):
    """`retry-after`, else `x-ratelimit-reset` in seconds; else a pause of our own."""
    action, request, result = CALLS[Idempotency.UNSAFE]
    played = play(endpoint().call(action, request), refused("RateLimitExceeded", status=429, **headers), good(result))
    assert played.error is None
    assert played.waits == waits


@pytest.mark.parametrize("status", [408, 425, 503])
def test_a_page_may_ask_for_a_pause_as_well(status):
    """answer-date: a proxy's page for maintenance, with the date that it ends; what may be there is not sent again."""
    action, request, result = CALLS[Idempotency.IDEMPOTENT]
    dates = {"retry_after": "Wed, 18 Mar 2026 00:00:20 GMT", "date": "Wed, 18 Mar 2026 00:00:00 GMT"}
    played = play(endpoint().call(action, request), answer(HTML, status, **dates), good(result))
    assert (played.error, played.waits) == (None, [20.0])


@pytest.mark.parametrize("seconds", ["61", "3600", "86400"])
def test_a_service_that_asks_for_too_long_a_pause_gets_none(seconds):
    """Over 60 seconds, the patience: the error is raised at once, and says how long."""
    action, request, _ = CALLS[Idempotency.IDEMPOTENT]
    played = play(endpoint().call(action, request), refused("RateLimitExceeded", status=429, retry_after=seconds))
    assert len(played.sent) == 1
    assert isinstance(played.error, Throttled)
    assert played.error.retry_after == float(seconds)
    patient = endpoint(policy=RetryPolicy(patience=100_000))
    assert play(patient.call(action, request), played_once(seconds), good({"Id": "a"})).waits == [float(seconds)]


def played_once(seconds):
    """A throttled answer that asks for a pause."""
    return refused("RateLimitExceeded", status=429, retry_after=seconds)


def test_the_rate_limit_header_counts_only_where_the_call_was_throttled():
    """`x-ratelimit-reset` may stand on every answer; a fault of the upstream does not last until then."""
    action, request, result = CALLS[Idempotency.IDEMPOTENT]
    played = play(
        endpoint().call(action, request), refused("UpstreamUnavailable", x_ratelimit_reset="900"), good(result)
    )
    assert played.waits == [0.375]


def test_no_retry_sends_once():
    """`retry=None`: every failure is an error at once."""
    action, request, _ = CALLS[Idempotency.IDEMPOTENT]
    assert len(play(endpoint(policy=NO_RETRY).call(action, request), broken(FailureKind.CONNECT)).sent) == 1


def test_the_pace_comes_before_each_attempt():
    """At two calls a second the second call, and each attempt of a call, waits for its slot."""
    slow = endpoint(pace=RateLimiter(2))
    action, request, result = CALLS[Idempotency.IDEMPOTENT]
    assert play(slow.call(action, request), good(result), clock=slow.clock).waits == []
    assert play(slow.call(action, request), good(result), clock=slow.clock).waits == [0.5]
    played = play(slow.call(action, request), broken(FailureKind.CONNECT), good(result), clock=slow.clock)
    assert played.waits == [0.5, 0.375, 0.125]


def test_the_wrong_request_class_is_a_usage_error():
    """Nothing is sent, and the message names both classes."""
    played = play(endpoint().call(actions.GET_ASSET, models.DeleteAssetRequest(id="a")), good())
    assert isinstance(played.error, UsageError)
    assert "GetAssetRequest" in str(played.error)
    assert "DeleteAssetRequest" in str(played.error)
    assert played.sent == []


@pytest.mark.parametrize("name", ["", "Get Asset", "GetAsset&Version=1", "Größe", "../upload"])
def test_an_actions_name_is_letters_and_digits(name):
    """A raw call cannot change the URL beyond the Action."""
    played = play(endpoint().call_raw(name, {}), good())
    assert isinstance(played.error, UsageError)


@pytest.mark.parametrize("value", [{1, 2}, object(), {"a": float}, "\ud800"], ids=["set", "object", "class", "lone"])
def test_a_request_that_is_not_json_is_a_usage_error(value):
    """It is found before anything is sent."""
    played = play(endpoint().call_raw("GetAsset", {"Id": value}), good())
    assert isinstance(played.error, UsageError)
    assert played.sent == []


def test_a_project_fills_typed_calls_and_no_raw_ones():
    """`project=` stands in where a typed request names none; a raw mapping goes out as given."""
    mine = endpoint(project="shop")
    action, request, result = CALLS[Idempotency.IDEMPOTENT]
    sent = play(mine.call(action, request), good(result)).sent
    assert orjson.loads(sent[0].body) == {"Id": "asset-1", "ProjectName": "shop"}
    named = models.GetAssetRequest(id="asset-1", project_name="other")
    assert orjson.loads(play(mine.call(action, named), good(result)).sent[0].body)["ProjectName"] == "other"
    assert play(mine.call_raw("GetAsset", {"Id": "a"}), good()).sent[0].body == b'{"Id":"a"}'


@pytest.mark.parametrize("id", ["asset-1", "asset://asset-1", "Asset://Asset-1", "ASSET-1"])
def test_an_address_is_as_good_as_an_id(id):  # noqa: A002
    """`asset://` and capitals are taken from users and not passed on (contract §1, M)."""
    played = play(endpoint().call(actions.GET_ASSET, models.GetAssetRequest(id=id)), good({"Id": "asset-1"}))
    assert played.sent[0].body == b'{"Id":"asset-1"}'


@pytest.mark.parametrize(
    ("result", "field"), [({}, "Id"), ({"Id": None}, "Id"), ({"Id": "a", "Name": {"zh": "x"}}, "Name")], ids=str
)
def test_a_good_answer_without_what_the_class_needs_is_a_bad_response(result, field):
    """The wire field is named, and the call may have been carried out: it is not sent again."""
    played = play(endpoint().call(*CALLS[Idempotency.IDEMPOTENT][:2]), good(result))
    assert isinstance(played.error, BadResponse)
    assert played.error.may_have_executed
    assert field in str(played.error)
    assert len(played.sent) == 1


def test_what_was_created_a_moment_ago_may_not_be_visible_yet():
    """visible-create: the advice to use one's own ids would be wrong; it is, of what is somebody else's."""
    mine = endpoint()
    request = models.CreateAssetGroupRequest(name="hosts", group_type="AIGC")
    play(mine.call(actions.CREATE_ASSET_GROUP, request), good({"Id": "group-1"}), clock=mine.clock)
    for group_id, words in (("group-1", "a moment ago"), ("group-2", "your own key")):
        asset_request = models.CreateAssetRequest(group_id=group_id, url="https://cdn.example/a", asset_type="Image")
        played = play(mine.call(actions.CREATE_ASSET, asset_request), refused("Forbidden"), clock=mine.clock)
        assert (type(played.error), words in played.error.advice) == (Forbidden, True)


@pytest.mark.parametrize("created_id", ["", " ", None, False, [], {}], ids=repr)
def test_a_create_without_an_id_in_its_answer_may_have_happened(created_id):
    """Nothing can be done with an empty id, and somebody has to look what was created."""
    action, request, _ = CALLS[Idempotency.UNSAFE]
    played = play(endpoint().call(action, request), good({"Id": created_id}))
    assert (type(played.error), len(played.sent)) == (BadResponse, 1)
    assert (played.error.may_have_executed, played.error.retry) == (True, Retry.VERIFY_FIRST)


@pytest.mark.parametrize("token", ["", " ", None])
def test_a_session_without_a_token_is_none(token):
    """Nobody is sent to a check whose result cannot be asked for."""
    request = models.CreateVisualValidateSessionRequest(callback_url="https://cdn.example/")
    result = good({"BytedToken": token, "H5Link": "https://h5.example/"})
    played = play(endpoint().call(actions.CREATE_VISUAL_VALIDATE_SESSION, request), result)
    assert (type(played.error), "BytedToken" in str(played.error)) == (BadResponse, True)


SUBJECTS = [
    (actions.GET_ASSET, models.GetAssetRequest(id="asset-1")),
    (actions.GET_ASSET, models.GetAssetRequest(id="Asset://asset-1")),
    (actions.GET_ASSET_GROUP, models.GetAssetGroupRequest(id="asset-1")),
]


@pytest.mark.parametrize(("action", "request_"), SUBJECTS)
def test_an_answer_about_another_id_is_none(action, request_):
    """Neither an asset nor a group of somebody else is handed out; other spellings of the id are the same id."""
    played = play(endpoint().call(action, request_), good({"Id": "asset-2", "Status": "Active"}))
    assert type(played.error) is BadResponse
    assert "'asset-2'" in str(played.error)
    assert not played.error.may_have_executed
    played = play(endpoint().call(action, request_), good({"Id": "ASSET-1", "Status": "Active"}))
    assert played.result.id == "ASSET-1"
