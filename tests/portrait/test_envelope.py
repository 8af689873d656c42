"""Unwrapping: odd answers as services and proxies really give them, one row each (contract §1, *Envelope*)."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.dialects.dialect import wrap
from portrait import codec, models
from portrait.actions import ACTIONS
from portrait.dialects import ALLTOKEN, ARK
from portrait.errors import (
    ApiError,
    AuthError,
    BadResponse,
    Forbidden,
    InvalidParameter,
    InvalidRequest,
    MediaRejected,
    NotFound,
    QuotaExceeded,
    Retry,
    ServerError,
    Throttled,
    ValidatePending,
)
from portrait.http import HttpResponse, retry_after
from portrait.results import decode_result
from tests.portrait.helpers import HTML, REQUEST_ID, answer, body, decode

GOOD = body({"Id": "asset-1"})
META = {
    "RequestId": REQUEST_ID,
    "Action": "GetAsset",
    "Version": "2024-01-01",
    "Service": "ark",
    "Region": "cn-beijing",
}
REFUSED = {"Code": "Forbidden", "Message": "No."}
PLAIN = {"message": "No.", "type": "authentication_error"}
BIG = orjson.dumps({"ResponseMetadata": META, "Result": {"Id": "a" * 100_000}})

# What came, and: the result, or the class of the error with a part of its text.
ANSWERS = {
    "a result": (answer(GOOD), {"Id": "asset-1"}),
    "a result with 4xx": (answer(GOOD, 404), (NotFound, "404")),
    "a result with 5xx": (answer(GOOD, 500), (ServerError, "500")),
    "a result with 201": (answer(GOOD, 201), {"Id": "asset-1"}),
    "Result null": (answer(body(None)), {}),
    "Result absent": (answer({"ResponseMetadata": META}), {}),
    "Result {}": (answer(body({})), {}),
    "Result a list": (answer(body([1])), (BadResponse, "list")),
    "Result a text": (answer(body("ok")), (BadResponse, "str")),
    "Result false": (answer(body(result=False)), (BadResponse, "bool")),
    "unknown fields": (answer(body({"Id": "a", "New": 1}, More=2)), {"Id": "a", "New": 1}),
    "an error in 200": (answer(body(error=REFUSED)), (Forbidden, "No.")),
    "an error in 500": (answer(body(error=REFUSED), 500), (Forbidden, "No.")),
    "an error and a result": (
        answer({"ResponseMetadata": {**META, "Error": REFUSED}, "Result": {}}),
        (Forbidden, "No."),
    ),
    "an error that is a text": (answer(body(error="Forbidden")), (ApiError, "Forbidden")),
    "an error without a code": (answer(body(error={"Message": "No."}), 403), (AuthError, "No.")),
    "an error without a message": (answer(body(error={"Code": "InvalidParameter"})), (InvalidParameter, "200")),
    "an error of nulls": (answer(body(error={"Code": None, "Message": None}), 400), (InvalidRequest, "400")),
    "an error with a number for a code": (
        answer(body(error={"Code": 100009, "Message": "No."}), 401),
        (AuthError, "100009"),
    ),
    "Error null": (answer({"ResponseMetadata": {**META, "Error": None}, "Result": {"Id": "a"}}), {"Id": "a"}),
    "Error {}": (answer({"ResponseMetadata": {**META, "Error": {}}, "Result": {"Id": "a"}}), {"Id": "a"}),
    "metadata null": (answer({"ResponseMetadata": None, "Result": {}}), (BadResponse, "without ResponseMetadata")),
    "metadata a list": (answer({"ResponseMetadata": [], "Result": {}}), (BadResponse, "without ResponseMetadata")),
    "metadata {}": (answer({"ResponseMetadata": {}, "Result": {"Id": "a"}}), {"Id": "a"}),
    "no metadata": (answer({"Result": {"Id": "a"}}), (BadResponse, "without ResponseMetadata")),
    "the plain form": (answer({"error": PLAIN}, 401), (AuthError, "No.")),
    "the plain form, a text": (answer({"error": "slow down"}, 429), (Throttled, "slow down")),
    "the plain form in 200": (answer({"error": PLAIN}), (AuthError, "No.")),
    "the plain form in 200, throttled": (
        answer({"error": {"type": "rate_limit_error", "message": "slow down"}}),
        (Throttled, "slow down"),
    ),
    "the plain form, no such path": (
        answer({"error": {"type": "not_found_error", "message": "There is nothing at /portrait/."}}, 404),
        (BadResponse, "no such address"),
    ),
    "the plain form, empty": (answer({"error": {}}, 500), (BadResponse, "without ResponseMetadata")),
    "another JSON": (
        answer({"message": "no Route matched"}, 404),
        (BadResponse, "no such address (HTTP status 404): no R"),
    ),
    "another JSON, 200": (answer({"data": [1]}), (BadResponse, "without ResponseMetadata")),
    "another JSON, 200, with a text": (
        answer({"code": 0, "message": "ok"}),
        (BadResponse, "ResponseMetadata (HTTP status 200): ok."),
    ),
    "HTML, 200": (answer(HTML, 200), (BadResponse, "an HTML page")),
    "HTML, 404": (answer(HTML, 404), (BadResponse, "an HTML page")),
    "HTML, 502": (answer(b"\r\n" + HTML, 502), (BadResponse, "an HTML page")),
    "empty, 200": (answer(b"", 200), (BadResponse, "an empty body")),
    "empty, 404": (answer(b"", 404), (BadResponse, "an empty body")),
    "empty, 204": (answer(b"", 204), (BadResponse, "an empty body")),
    "spaces": (answer(b" \r\n", 200), (BadResponse, "an empty body")),
    "cut off": (answer(GOOD[:-9]), (BadResponse, "cut off")),
    "cut off and large": (answer(BIG[:-1]), (BadResponse, "cut off")),
    "plain text": (answer(b"upstream connect error", 503), (BadResponse, "not JSON")),
    "a JSON list": (answer(b"[]"), (BadResponse, "list")),
    "a JSON null": (answer(b"null"), (BadResponse, "NoneType")),
    "not UTF-8": (answer(b'{"a": "\xff"}'), (BadResponse, "damaged")),
    "a byte order mark": (answer(b"\xef\xbb\xbf" + GOOD), {"Id": "asset-1"}),
    "a name twice": (answer(b'{"ResponseMetadata": 1, "ResponseMetadata": {}, "Result": {"Id": "a"}}'), {"Id": "a"}),
    "NaN": (answer(b'{"ResponseMetadata": NaN}'), (BadResponse, "damaged")),
    "very deep": (answer(b'{"a":' * 3000), (BadResponse, "damaged")),
    "a redirect": (
        answer(b"", 302, location="https://login.example/?next=secret"),
        (BadResponse, "points to https://login.example/; redirects"),
    ),
}


DEEP = b"[" * 900 + b"]" * 900
UNFOUND = "[NotFound.group_id] The specified asset_group group-x is not found."
FLOW = "CreateAsset failed: AccountFlowLimitExceeded"
# Refusals of gateways (contract §1, *Envelope*), by case and form.
ANSWERS |= {
    "answer-empty-error": (answer(body({"Id": "a"}, error={"Code": "", "Message": ""})), {"Id": "a"}),
    "answer-empty-error, null": (answer(body({"Id": "a"}, error={"Code": None, "Message": None})), {"Id": "a"}),
    "answer-empty-error, 0": (answer(body({"Id": "a"}, error={"Code": 0, "Message": "ok"})), {"Id": "a"}),
    "answer-empty-error, '0'": (answer(body({"Id": "a"}, error={"Code": "0"})), {"Id": "a"}),
    "answer-empty-error, OK": (answer(body({"Id": "a"}, error={"Code": "OK", "Message": "ok"})), {"Id": "a"}),
    "answer-empty-error, Success": (answer(body({"Id": "a"}, error={"Code": "Success"})), {"Id": "a"}),
    "answer-empty-error, 200": (answer(body({"Id": "a"}, error={"Code": 200, "Message": ""})), {"Id": "a"}),
    "answer-empty-error, 200 alone": (
        answer(body(error={"Code": 200, "Message": "No."})),
        (ApiError, "No."),
    ),
    "answer-empty-error, no result": (answer(body(error={"Code": "", "Message": ""})), {}),
    "answer-empty-error, no result but a text": (answer(body(error={"Code": "", "Message": "No."})), (ApiError, "No.")),
    "answer-empty-error, no result but a number": (answer(body(error={"Code": "", "CodeN": 1})), (ApiError, "200")),
    "answer-empty-error, 503": (answer(body({"Id": "a"}, error={"Code": ""}), 503), (ServerError, "503")),
    "answer-gateway": (answer({"success": False, "message": FLOW}, 400), (Throttled, FLOW)),
    "answer-gateway, 200": (answer({"success": False, "message": "Not now."}), (ApiError, "Not now.")),
    "answer-gateway, code": (answer({"code": "RateLimitExceeded", "message": "Slow."}, 400), (Throttled, "Slow.")),
    "answer-gateway, unknown code": (answer({"code": "E17", "message": "Bad."}, 400), (InvalidRequest, "E17: Bad.")),
    "answer-gateway, number": (answer({"success": False, "code": 429, "message": "Slow."}), (Throttled, "Slow.")),
    "answer-gateway, a number in 200": (answer({"code": 429, "msg": "Slow."}), (Throttled, "Slow.")),
    "answer-gateway, lower case": (answer(body(error={"code": "Forbidden", "message": "No."})), (Forbidden, "No.")),
    "answer-gateway, a list of errors": (
        answer({"errors": [{"message": "Slow.", "code": "RateLimitExceeded"}]}, 400),
        (Throttled, "Slow."),
    ),
    "answer-gateway, a list in the envelope": (answer(body(error=[{"Code": "Forbidden"}])), (Forbidden, "200")),
    "answer-gateway, detail of fields": (
        answer({"detail": [{"loc": ["body", "Name"], "msg": "field required"}]}, 422),
        (InvalidRequest, "body: Name: field required"),
    ),
    "answer-gateway, nested": (answer({"error": {"error": {"message": "No."}}}, 403), (AuthError, "No.")),
    "answer-gateway, detail": (answer({"detail": "No key."}, 401), (AuthError, "No key.")),
    "answer-gateway, errorCode": (answer({"errorCode": "Forbidden", "errorMessage": "No."}, 403), (Forbidden, "No.")),
    "answer-gateway, two texts": (answer({"error": "Bad", "message": "Worse."}, 400), (InvalidRequest, "Bad: Worse.")),
    "answer-gateway, upstream": (
        answer({"error": {"type": "upstream_error", "message": FLOW}}, 400),
        (Throttled, FLOW),
    ),
    "answer-gateway, in the envelope": (answer(body(error={"Code": "E", "Message": FLOW}), 400), (Throttled, FLOW)),
    "answer-gateway, a text": (answer(f"{FLOW}.".encode(), 503), (Throttled, FLOW)),
    "answer-gateway, another text": (answer(b"upstream connect error", 503), (BadResponse, "upstream connect error.")),
    "answer-gateway, a page": (
        answer(b"<html><title>Log in</title>", 200),
        (BadResponse, "(HTTP status 200): Log in."),
    ),
    "answer-gateway, half a result": (answer(b'{"Result": {"BytedToken": "secret'), (BadResponse, "cut off")),
    "answer-gateway, full in a sentence": (answer({"message": "[QuotaExceeded] x"}, 400), (InvalidRequest, "[Quota")),
    "answer-gateway, a plain word": (answer({"message": "InvalidToken given"}, 401), (AuthError, "InvalidToken")),
    "answer-404": (answer({"error": {"message": f"upstream_error: {UNFOUND}"}}, 404), (NotFound, UNFOUND)),
    "answer-404, a text": (
        answer({"error": {"message": "group-x is not found"}}, 404),
        (BadResponse, "group-x is not"),
    ),
    "answer-404, 405": (answer({"detail": "Method Not Allowed"}, 405), (BadResponse, "Method Not Allowed.")),
    "answer-format": (
        answer(body(error={"Code": "InvalidParameter.UnsupportedImageFormat"}), 400),
        (MediaRejected, "400"),
    ),
    "answer-quota": (answer(body(error={"Code": "QuotaExceeded.QPM", "Message": "Slow."}), 429), (Throttled, "Slow.")),
    "answer-quota, shared": (answer(body(error={"Code": "QuotaSharedPoolExceeded.X"}), 429), (Throttled, "429")),
    "answer-quota, full": (answer(body(error={"Code": "QuotaExceeded"}), 429), (QuotaExceeded, "429")),
    "answer-quota, 200": (answer(body(error={"Code": "QuotaExceeded.QPM", "Message": "Slow."})), (Throttled, "Slow.")),
    "answer-quota, 200, full": (answer(body(error={"Code": "QuotaExceeded.Group"})), (QuotaExceeded, "200")),
    "answer-quota, a type": (answer({"error": {"type": "insufficient_quota", "message": "x"}}, 429), (Throttled, "x")),
    "an error of 900 levels": (
        answer(body(error={"Code": "Forbidden", "Data": "_"}).replace(b'"_"', DEEP), 400),
        (Forbidden, "400"),
    ),
    "a code of 900 levels": (answer(body(error={"Code": "_"}).replace(b'"_"', DEEP), 400), (InvalidRequest, "400")),
    "a request id of 900 levels": (
        answer(b'{"ResponseMetadata": {"RequestId": _}, "Result": {"Id": "a"}}'.replace(b"_", DEEP)),
        {"Id": "a"},
    ),
}


@pytest.mark.parametrize("dialect", [ALLTOKEN, ARK], ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("name", ANSWERS)
def test_what_an_answer_means(name, dialect):
    """The body is read before the HTTP status; what is not the protocol is a BadResponse that says what it is."""
    response, meaning = ANSWERS[name]
    if isinstance(meaning, dict):
        result, source = decode(dialect, response, "GetAsset")
        assert result == meaning
        assert source.http_status == response.status
        assert source.body == orjson.loads(response.body.removeprefix(b"\xef\xbb\xbf"))
        return
    kind, text = meaning
    with pytest.raises(ApiError if issubclass(kind, ApiError) else BadResponse) as info:
        decode(dialect, response, "GetAsset")
    assert type(info.value) is kind
    assert text in str(info.value)
    assert "GetAsset" in str(info.value)
    assert info.value.http_status == response.status
    assert "secret" not in str(info.value)


@pytest.mark.parametrize(
    ("status", "executed", "retry"),
    [
        (200, True, Retry.BACKOFF),
        (302, False, Retry.NEVER),
        (404, False, Retry.NEVER),
        (408, True, Retry.BACKOFF),
        (425, False, Retry.BACKOFF),
        (499, True, Retry.BACKOFF),
        (500, True, Retry.BACKOFF),
        (504, True, Retry.BACKOFF),
    ],
)
def test_a_page_in_the_place_of_an_answer_says_whether_the_call_may_have_happened(status, executed, retry):
    """A 4xx turned the call away; a 200 or 5xx, or a proxy that gave up, says nothing of what was done behind it."""
    with pytest.raises(BadResponse) as info:
        decode(ALLTOKEN, answer(HTML, status), "CreateAsset")
    assert (info.value.may_have_executed, info.value.retry) == (executed, retry)


@pytest.mark.parametrize(("status", "words"), [(407, "proxy=http"), (413, "Send less"), (400, "base_url=")])
def test_a_page_advises_by_its_status(status, words):
    """advice-route: a proxy that wants a password, and one that takes less than was sent."""
    with pytest.raises(BadResponse) as info:
        decode(ALLTOKEN, answer(HTML, status), "CreateAsset")
    assert words in info.value.advice


@pytest.mark.parametrize("content", [HTML, b"", b"upstream request timeout", b"{", b"{}"])
@pytest.mark.parametrize("dialect", [ALLTOKEN, ARK])
def test_429_is_throttled_whatever_its_body_is(dialect, content):
    """answer-quota: a gateway's page as well, and its Retry-After counts."""
    response = HttpResponse(status=429, headers={"retry-after": "20"}, body=content)
    with pytest.raises(Throttled) as info:
        decode(dialect, response, "CreateAsset")
    assert (info.value.retry_after, info.value.may_have_executed, info.value.retry) == (20, False, Retry.BACKOFF)


# Contract §10.9: three answers for a token that gives no group (yet).
PENDING = {
    "404 NotFound.<token>": answer(
        body(error={"Code": "NotFound.2026AB", "Message": "The specified token is not found."}), 404
    ),
    "an empty 404": answer(b"", 404),
}


@pytest.mark.parametrize("name", PENDING)
def test_pending_on_ark_is_pending(name):
    """While the window is open each of them may still turn into a group; only for this Action, and only on ark."""
    with pytest.raises(ValidatePending) as info:
        decode(ARK, PENDING[name], "GetVisualValidateResult")
    assert info.value.retry is Retry.IN_WINDOW
    assert info.value.http_status == 404
    for action, dialect in (("GetAsset", ARK), ("GetVisualValidateResult", ALLTOKEN)):
        with pytest.raises((NotFound, BadResponse)):
            decode(dialect, PENDING[name], action)


def test_a_404_is_read_in_both_ways():
    """answer-404: an id that is not there, or an address that is not the service's."""
    for content in ({"message": UNFOUND}, {"error": {"message": "group-x is not found"}}, {"detail": "Not Found"}):
        with pytest.raises((NotFound, BadResponse)) as info:
            decode(ALLTOKEN, answer(content, 404), "GetAssetGroup")
        assert "the id does not exist" in info.value.advice
        assert "base_url" in info.value.advice


@pytest.mark.parametrize(
    "content",
    [
        b"key sk-planted-key is not valid",
        b"<title>sk-planted-key</title>",
        {"message": "key sk-planted-key is not valid"},
        {"error": "sk-planted-key"},
        {"errorCode": "x", "errorMessage": "sk-planted-key"},
        {"ResponseMetadata": {"Error": "sk-planted-key"}},
        {"ResponseMetadata": {}, "Result": "sk-planted-key"},
    ],
)
def test_a_text_is_repeated_without_secrets(content):
    """answer-gateway: whatever the form, what the request held as a secret is blanked."""
    for status in (200, 400, 404, 500):
        with pytest.raises((ApiError, BadResponse)) as info:
            decode(ALLTOKEN, answer(content, status), "GetAsset", lambda: ("sk-planted-key",))
        error = info.value
        assert "planted" not in f"{error} {error!r} {error.__dict__}"


def test_a_wrapped_answer_is_decoded_again():
    """What `wrap` writes for a server, `decode` reads for a client."""
    facts = {"request_id": REQUEST_ID, "action": "GetAsset", "version": "2024-01-01"}
    result, source = decode(ALLTOKEN, answer(wrap(**facts, result={"Id": "a"})), "GetAsset")
    assert (result, source.request_id) == ({"Id": "a"}, REQUEST_ID)
    with pytest.raises(Forbidden):
        decode(ALLTOKEN, answer(wrap(**facts, error=REFUSED)), "GetAsset")
    wrapped = wrap(**facts)
    assert set(wrapped["ResponseMetadata"]) == {"RequestId", "Action", "Version", "Service", "Region"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)
RESULT_FIELDS = sorted(
    {codec.wire_name(f.name) for a in ACTIONS.values() for f in a.result.__attrs_attrs__} | {"Error", "FailedReason"}
)
RESULTS = st.dictionaries(st.sampled_from(RESULT_FIELDS), JSON | st.lists(st.just({"Id": "a"})), max_size=5) | JSON
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "ResponseMetadata": st.dictionaries(st.sampled_from(["RequestId", "Error", "Action"]), JSON | st.just(REFUSED))
        | JSON,
        "Result": RESULTS,
        "error": JSON,
    },
)


@given(ENVELOPES | JSON, st.integers(100, 599), st.sampled_from(sorted(ACTIONS)), st.sampled_from([ALLTOKEN, ARK]))
def test_any_json_is_a_result_or_a_documented_error(content, status, action, dialect):
    """Whatever a service answers, a call ends with its result class, an ApiError or a BadResponse; nothing else."""
    try:
        result, source = decode(dialect, answer(orjson.dumps(content), status), action)
        value = decode_result(ACTIONS[action], result, source)
    except (ApiError, BadResponse) as error:
        ending = f"{error}{error!r}"
    else:
        ending = value
        assert isinstance(value.response, models.Response)
    assert isinstance(ending, ACTIONS[action].result) or ending


@given(st.binary(max_size=200), st.integers(100, 599))
def test_any_bytes_are_a_documented_error(content, status):
    """Nothing that is not JSON passes, and nothing else is raised."""
    with pytest.raises((ApiError, BadResponse)):
        decode(ALLTOKEN, answer(content, status), "GetAsset")


@pytest.mark.parametrize(
    ("moment", "date", "seconds"),
    [
        ("Wed, 21 Oct 2015 07:28:20 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 20.0),
        ("Wednesday, 21-Oct-15 07:28:20 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 20.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:20 GMT", "", None),
        ("Wed, 21 Oct 2015 07:28:20 GMT", "yesterday", None),
        ("soon", "Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("Wed, 99 Xyz 99999 99:99:99 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_a_date_in_retry_after_counts_from_the_answers_own_date(moment, date, seconds):
    """answer-date: this machine's clock plays no part."""
    assert retry_after({"retry-after": moment, "date": date}, throttled=True) == seconds
