"""The errors: every row of the contract's tables (§4) by class, and a tree that survives pickle, copy and chaining."""

import copy
import inspect
import json
import pickle
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import portrait
from portrait import errors
from portrait.clock import SystemClock
from portrait.codes import CODES, MEDIA_CODES, ErrorRule, api_error, rule_for
from portrait.dialects import ALLTOKEN, ARK
from portrait.errors import (
    AccountError,
    AIGCNotAvailable,
    AmbiguousGroup,
    ApiError,
    AssetFailed,
    AssetVanished,
    AuthError,
    BadResponse,
    ConnectFailed,
    ConnectionLost,
    Forbidden,
    Interrupted,
    InvalidParameter,
    InvalidRequest,
    InvalidToken,
    MediaRejected,
    MissingParameter,
    NoFreeSlot,
    NotAccessible,
    NotFound,
    OutcomeError,
    PortraitError,
    QuotaExceeded,
    Retry,
    ServerError,
    SessionError,
    StateError,
    SubscriptionRequired,
    Throttled,
    Timeout,
    TokenExpired,
    TransportError,
    UnknownOutcome,
    UsageError,
    ValidatePending,
    ValidationFailed,
    WaitTimeout,
)
from tests.portrait.helpers import REQUEST_ID, answer, asset, body, decode, refused

GOLDEN = Path(__file__).parents[2] / "fixtures" / "wire-ark"
NEVER, BACKOFF, WINDOW, DELETE = Retry.NEVER, Retry.BACKOFF, Retry.IN_WINDOW, Retry.AFTER_DELETING

# Code, HTTP status, class, retry, detail. Contract §4, "alltoken".
ALLTOKEN_ROWS = [
    ("InvalidParameter", 200, InvalidParameter, NEVER, ""),
    ("MissingParameter", 200, MissingParameter, NEVER, ""),
    ("MissingParameter.GroupId", 200, MissingParameter, NEVER, "GroupId"),
    ("MissingParameter.Filter.GroupType", 200, MissingParameter, NEVER, "Filter.GroupType"),
    ("MissingParameter.Action", 200, MissingParameter, NEVER, "Action"),
    ("AIGCNotAvailable", 200, AIGCNotAvailable, NEVER, ""),
    ("ValidatePending", 200, ValidatePending, WINDOW, ""),
    ("InvalidToken", 200, InvalidToken, NEVER, ""),
    ("TokenExpired", 200, TokenExpired, NEVER, ""),
    ("QuotaExceeded", 200, QuotaExceeded, DELETE, ""),
    ("Forbidden", 200, Forbidden, NEVER, ""),
    ("NotFound", 200, NotFound, NEVER, ""),
    ("RateLimitExceeded", 200, Throttled, BACKOFF, ""),
    ("UpstreamUnavailable", 200, ServerError, BACKOFF, ""),
    ("Unauthorized", 200, AuthError, NEVER, ""),
    ("Unauthorized", 401, AuthError, NEVER, ""),
    ("SubscriptionRequired", 200, SubscriptionRequired, NEVER, ""),
    ("InvalidAccessKey", 200, AuthError, NEVER, ""),
    ("InvalidActionOrVersion", 200, InvalidRequest, NEVER, ""),
]
# Contract §4, "ark", and the front gateway's list.
ARK_ROWS = [
    ("MissingParameter.Id", 400, MissingParameter, NEVER, "Id"),
    ("MissingParameter.Filter", 400, MissingParameter, NEVER, "Filter"),
    ("InvalidParameter", 400, InvalidParameter, NEVER, ""),
    *[(f"InvalidParameter.{code}", 400, MediaRejected, NEVER, code) for code in sorted(MEDIA_CODES)],
    ("NotFound.group_id", 404, NotFound, NEVER, "group_id"),
    ("NotFound.asset_id", 404, NotFound, NEVER, "asset_id"),
    ("NotFound.model", 404, InvalidParameter, NEVER, "model"),
    ("InvalidEndpointOrModel", 404, InvalidParameter, NEVER, ""),
    ("InvalidEndpointOrModel.NotFound", 404, InvalidParameter, NEVER, "NotFound"),
    ("ModelNotOpen", 404, AccountError, NEVER, ""),
    ("NotFound.ProjectName", 404, InvalidParameter, NEVER, "ProjectName"),
    ("SubscriptionRequired", 403, SubscriptionRequired, NEVER, ""),
    ("QuotaSharedPoolExceeded", 429, QuotaExceeded, DELETE, ""),
    ("QuotaWriteQPMExceeded", 429, Throttled, BACKOFF, ""),
    ("AccountFlowLimitExceeded", 429, Throttled, BACKOFF, ""),
    ("RateLimitExceeded", 429, Throttled, BACKOFF, ""),
    ("Throttling", 429, Throttled, BACKOFF, ""),
    ("RequestLimitExceeded", 429, Throttled, BACKOFF, ""),
    ("FlowLimitExceeded", 429, Throttled, BACKOFF, ""),
    ("InternalError", 500, ServerError, BACKOFF, ""),
    ("ServiceUnavailable", 503, ServerError, BACKOFF, ""),
    ("MissingAuthenticationToken", 401, AuthError, NEVER, ""),
    ("MissingRequestInfo", 400, InvalidRequest, NEVER, ""),
    ("MissingSignature", 401, AuthError, NEVER, ""),
    ("InvalidAuthorization", 400, AuthError, NEVER, ""),
    ("InvalidCredential", 400, AuthError, NEVER, ""),
    ("InvalidTimestamp", 403, AuthError, NEVER, ""),
    ("InvalidTimestamp", 400, AuthError, NEVER, ""),
    ("ServiceNotFound", 404, InvalidRequest, NEVER, ""),
    ("InvalidActionOrVersion", 404, InvalidRequest, NEVER, ""),
    ("InvalidAccessKey", 401, AuthError, NEVER, ""),
    ("SignatureDoesNotMatch", 401, AuthError, NEVER, ""),
    ("LackPolicy", 403, AuthError, NEVER, ""),
    ("AccessDenied", 403, AuthError, NEVER, ""),
    ("InvalidSecretToken", 401, AuthError, NEVER, ""),
    ("InputTextSensitiveContentDetected", 400, MediaRejected, NEVER, ""),
    ("InputImageSensitiveContentDetected.PrivacyInformation", 400, MediaRejected, NEVER, "PrivacyInformation"),
    ("InputImageSensitiveContentDetected", 400, MediaRejected, NEVER, ""),
    ("InputVideoSensitiveContentDetected", 400, MediaRejected, NEVER, ""),
    ("InputAudioSensitiveContentDetected", 400, MediaRejected, NEVER, ""),
    ("AccountOverdueError", 403, AccountError, NEVER, ""),  # our own word for an empty balance on ark (I)
]
ROWS = [(ALLTOKEN, *row) for row in ALLTOKEN_ROWS] + [(ARK, *row) for row in ARK_ROWS]


def caught(response, dialect=ALLTOKEN, action="GetAsset"):
    """The error that an answer stands for."""
    with pytest.raises(PortraitError) as info:
        decode(dialect, response, action)
    return info.value


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0].name}-{row[1]}-{row[2]}")
def test_each_code_of_the_contract_is_its_class(row):
    """Class, retry and detail follow the table; advice, request id, Action, code and message are there to act on."""
    dialect, code, status, kind, retry, detail = row
    error = caught(refused(code, "The service's own words.", status), dialect)
    assert type(error) is kind
    assert (error.retry, error.detail, error.code) == (retry, detail, code)
    assert error.advice
    assert (error.request_id, error.action, error.http_status) == (REQUEST_ID, "GetAsset", status)
    assert error.message == "The service's own words."
    assert error.response["ResponseMetadata"]["Error"]["Code"] == code
    for part in ("GetAsset", code, "The service's own words.", error.advice, REQUEST_ID):
        assert part in str(error)


def test_the_tables_above_cover_every_listed_code():
    """A code that is added to CODES is added here too."""
    tested = {row[0] for row in ALLTOKEN_ROWS + ARK_ROWS}
    assert set(CODES) - tested == set()


@pytest.mark.parametrize("status", [200, 400, 403, 404, 429, 500, 503])
def test_full_and_throttled_cannot_be_confused(status):
    """The only base that the two share is ApiError, and a write throttle with "Quota" in its name is no quota."""
    assert next(c for c in QuotaExceeded.__mro__ if c in Throttled.__mro__) is ApiError
    assert type(caught(refused("QuotaWriteQPMExceeded", status=status))) is Throttled
    assert type(caught(refused("QuotaWriteQPMExceeded.Account", status=status))) is Throttled
    assert type(caught(refused("QuotaSharedPoolExceeded", status=status))) is QuotaExceeded
    assert QuotaExceeded.retry is not Throttled.retry


def test_a_code_of_a_hundred_thousand_characters_takes_no_time():
    """What is read of it is bounded, and not read once for each of its parts."""
    caught(refused("a." * 50_000, status=200))
    started = SystemClock().monotonic()
    assert type(caught(refused("a." * 50_000, "b." * 50_000, status=200))) is ApiError
    assert SystemClock().monotonic() - started < 0.3


@pytest.mark.parametrize("code", ["QuotaSomethingNewExceeded", "AssetQuotaReached", "TooManyRequests", ""])
def test_an_unknown_code_with_429_is_read_as_throttled(code):
    """That mistake costs a pause; taking it for full would cost somebody's assets."""
    assert type(caught(refused(code, status=429))) is Throttled


@pytest.mark.parametrize(
    ("code", "status", "kind", "detail"),
    [
        ("InvalidParameter.SomethingNew", 400, InvalidParameter, "SomethingNew"),
        ("InvalidParameter.WidthTooSmall.Left", 400, MediaRejected, "Left"),
        ("NotFound.20260318035710B4CC874F89A1B2C3D4E5", 404, NotFound, "20260318035710B4CC874F89A1B2C3D4E5"),
        ("Throttling.User.Api", 400, Throttled, "User.Api"),
        ("Throttling.MAX", 400, Throttled, "MAX"),
        ("QuotaReadQPMExceeded", 200, Throttled, ""),
        ("ModelAccountRpmRateLimitExceeded", 403, Throttled, ""),
        ("too_many_requests", 400, Throttled, ""),
        ("QuotaExceeded.RateLimit", 403, Throttled, "RateLimit"),
        ("GenerateLimitExceeded", 400, InvalidRequest, ""),
        ("HTTPMethodWrong", 400, InvalidRequest, ""),
        ("quotaexceeded", 200, QuotaExceeded, ""),
        ("QUOTAEXCEEDED", 429, Throttled, ""),
        ("invalidparameter.WIDTHTOOSMALL", 400, MediaRejected, "WIDTHTOOSMALL"),
        ("SomethingNew", 400, InvalidRequest, ""),
        ("SomethingNew", 401, AuthError, ""),
        ("SomethingNew", 402, AccountError, ""),
        ("SomethingNew", 403, AuthError, ""),
        ("SomethingNew", 404, NotFound, ""),
        ("SomethingNew", 413, InvalidRequest, ""),
        ("SomethingNew", 418, ApiError, ""),
        ("SomethingNew", 502, ServerError, ""),
        ("SomethingNew", 200, ApiError, ""),
        (".", 200, ApiError, ""),
        ("..a..", 200, ApiError, ""),
    ],
)
def test_an_unknown_code_falls_to_its_family(code, status, kind, detail):
    """The longest known prefix decides, in any spelling, then words of a rate, then the status; the code is kept."""
    error = caught(refused(code, status=status))
    assert type(error) is kind
    assert (error.code, error.detail) == (code, detail)


def test_an_unknown_model_is_not_taken_for_a_wrong_id():
    """A model is a value of a field: no id of one's own is missing."""
    for code in ("NotFound.model", "InvalidEndpointOrModel.NotFound"):
        error = caught(refused(code, status=404))
        assert type(error) is InvalidParameter
        assert "Use a model" in error.advice


def golden_errors():
    """The errors in the golden files of Ark, with the HTTP status and what is expected of each: number and data."""
    for path in sorted(GOLDEN.rglob("*.json")):
        response = json.loads(path.read_text(encoding="utf-8"))["response"]
        error = response.get("body", {}).get("ResponseMetadata", {}).get("Error")
        if error:
            yield response, error.get("CodeN"), error.get("Data") or {}


GOLDEN_ERRORS = [*golden_errors()]


def test_the_number_and_the_data_of_ark_are_typed(colour):
    """`CodeN` and `Data` are attributes, and survive pickling."""
    for response, number, data in GOLDEN_ERRORS:
        client, _ = colour.scripted(answer(response["body"], response["status"]), retry=None)
        with pytest.raises(ApiError) as info:
            client.get_asset(id="asset-1")
        for error in (info.value, pickle.loads(pickle.dumps(info.value))):
            assert (error.code_number, error.data) == (number, data)


def test_the_golden_errors_have_numbers_and_data():
    """Otherwise the test above tests nothing."""
    assert {100010, 100018} <= {number for _, number, _ in GOLDEN_ERRORS}
    assert {"__Message.parameter": "Id"} in [data for *_, data in GOLDEN_ERRORS]


@pytest.mark.parametrize("number", [True, "100009", 1.5, None, [100009]])
def test_a_number_that_is_none_and_data_that_are_no_object_are_left_out(number):
    """They are in `response` as they came."""
    error = caught(answer(body(error={"Code": "Forbidden", "Message": "No.", "CodeN": number, "Data": "x"})))
    assert (error.code_number, error.data) == (None, {})
    assert error.response["ResponseMetadata"]["Error"]["CodeN"] == number


@given(st.text(max_size=40), st.integers(100, 599))
def test_any_code_has_a_rule(code, status):
    """No code that a service may think of is too odd."""
    rule, _ = rule_for(code, status)
    assert issubclass(rule.error, ApiError)
    assert api_error(code, "", http_status=status).message


# Contract §1: HTTP-level errors of AllToken use the other envelope.
@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, InvalidRequest, {"type": "invalid_request_error"}),
        (401, AuthError, {"type": "authentication_error"}),
        (401, AuthError, {"type": "authentication_error", "code": "invalid_api_key"}),
        (402, AccountError, {"type": "payment_required", "code": "insufficient_balance"}),
        (413, InvalidRequest, {"type": "invalid_request_error", "code": "request_too_large"}),
        (429, Throttled, {"type": "rate_limit_error"}),
        (500, ServerError, {"type": "server_error"}),
        (503, ServerError, {"type": "upstream_error"}),
        (401, AuthError, {"code": 401, "type": "authentication_error"}),  # the task gateways' form
    ],
    ids=str,
)
@pytest.mark.parametrize("where", ["inside", "top"])
def test_the_plain_error_form_is_its_class_by_status(status, kind, words, where):
    """`{"error": …}`: class by HTTP status, request id from inside or from the top."""
    content = {"error": {"message": "The words.", **words}}
    (content if where == "top" else content["error"])["request_id"] = "req-9"
    error = caught(answer(content, status))
    assert type(error) is kind
    assert error.message == "The words."
    assert error.request_id == "req-9"
    assert error.code == str(words.get("code", words["type"]))
    assert error.advice


# --- the tree -------------------------------------------------------------------------------------------------------

# Design §4, "Errors": every name with its base.
TREE = {
    UsageError: PortraitError,
    StateError: PortraitError,
    TransportError: PortraitError,
    ConnectFailed: TransportError,
    ConnectionLost: TransportError,
    Timeout: TransportError,
    BadResponse: TransportError,
    ApiError: PortraitError,
    InvalidRequest: ApiError,
    MissingParameter: InvalidRequest,
    InvalidParameter: InvalidRequest,
    MediaRejected: InvalidRequest,
    AuthError: ApiError,
    AccountError: ApiError,
    AIGCNotAvailable: AccountError,
    SubscriptionRequired: AccountError,
    NotAccessible: ApiError,
    Forbidden: NotAccessible,
    NotFound: NotAccessible,
    SessionError: ApiError,
    ValidatePending: SessionError,
    InvalidToken: SessionError,
    TokenExpired: SessionError,
    QuotaExceeded: ApiError,
    Throttled: ApiError,
    ServerError: ApiError,
    OutcomeError: PortraitError,
    AssetFailed: OutcomeError,
    WaitTimeout: OutcomeError,
    ValidationFailed: OutcomeError,
    AssetVanished: OutcomeError,
    AmbiguousGroup: OutcomeError,
    NoFreeSlot: OutcomeError,
    UnknownOutcome: OutcomeError,
    Interrupted: OutcomeError,
}


def test_the_tree_is_complete():
    """Every name stands under its one base, nothing stands beside the tree, and all are public."""
    found = {c: c.__base__ for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, PortraitError)}
    assert found == {PortraitError: Exception, **TREE}
    for kind in found:
        assert kind.__name__ in errors.__all__
        assert kind.__doc__


def example_of(kind):
    """One error of each class, with all that it can carry."""
    item = portrait.Asset(id="asset-1", name="a", response=portrait.models.Response())
    special = {
        AssetFailed: lambda: AssetFailed("Failed.", asset=item, code="DownloadFailed"),
        WaitTimeout: lambda: WaitTimeout("Late.", waited=60.0, last=item),
        ValidationFailed: lambda: ValidationFailed("Failed.", code=41007, sub_code=0, meaning="no living person"),
        AssetVanished: lambda: AssetVanished("Gone.", asset_id="asset-1"),
        AmbiguousGroup: lambda: AmbiguousGroup("Two.", group_ids=("group-1", "group-2")),
        NoFreeSlot: lambda: NoFreeSlot("None is free.", leases=()),
    }
    if kind in special:
        return special[kind]()
    if issubclass(kind, TransportError):
        return kind("No answer.", action="GetAsset", may_have_executed=True, http_status=502, advice="Wait.")
    if issubclass(kind, ApiError):
        return kind(
            "No.",
            code="A.b",
            detail="b",
            action="GetAsset",
            request_id="r",
            http_status=429,
            retry_after=1.5,
            response={"a": [1]},
            advice="Rest.",
            retry=Retry.BACKOFF,
        )
    return kind("No.", advice="Do.")


@pytest.mark.parametrize("kind", [PortraitError, *TREE], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "through",
    [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)
def test_an_error_survives_the_way_through(through, kind):
    """Pickled (as between processes) or copied, an error has its class, text, facts and notes."""
    error = example_of(kind)
    error.add_note("seen in batch 7")
    other = through(error)
    assert type(other) is kind
    assert (str(other), repr(other), other.args) == (str(error), repr(error), error.args)
    assert other.__dict__ == error.__dict__
    assert other.__notes__ == ["seen in batch 7"]
    assert str(error) in "".join(traceback.format_exception(other))


@pytest.mark.parametrize("through", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy], ids=["pickle", "copy"])
def test_an_error_takes_no_signed_link_elsewhere(through):
    """Its asset does not lose it here; what is pickled is stored and logged by others."""
    answer = portrait.models.Response(body={"Result": {"URL": "https://tos.example/?X-Tos-Signature=s"}})
    asset = portrait.Asset(id="asset-1", url="https://tos.example/?X-Tos-Signature=s", response=answer)
    for error, name in (
        (AssetFailed("No.", asset=asset), "asset"),
        (WaitTimeout("Late.", waited=1, last=asset), "last"),
    ):
        assert getattr(through(error), name) == portrait.Asset(id="asset-1")
        assert "X-Tos-Signature" not in repr(pickle.dumps(error))
        assert getattr(error, name) is asset


@pytest.mark.parametrize("kind", [PortraitError, *TREE], ids=lambda kind: kind.__name__)
def test_an_error_may_be_raised_from_another(kind):
    """`raise … from …` keeps the cause, and the error can be raised twice."""
    error, cause = example_of(kind), ValueError("why")
    for _ in range(2):
        with pytest.raises(kind) as info:
            raise error from cause
        assert info.value.__cause__ is cause


@pytest.mark.parametrize("kind", [PortraitError, *TREE], ids=lambda kind: kind.__name__)
def test_text_and_repr_say_what_happened(kind):
    """The text has the message and the advice; the repr has the class, and neither is empty."""
    error = example_of(kind)
    assert error.message in str(error)
    assert error.advice in str(error)
    assert repr(error).startswith(kind.__name__ + "(")


def test_doubt_is_part_of_the_text():
    """A lost call says in words that it may have been carried out."""
    assert "may have been carried out" in str(ConnectionLost("Lost.", may_have_executed=True))
    assert "may have been carried out" not in str(ConnectFailed("Refused."))


@pytest.mark.parametrize("code", sorted(MEDIA_CODES))
def test_a_failed_review_says_whether_the_file_may_be_tried_again(code):
    """Three faults lie with the service, the rest are final for that file (contract §3, M)."""
    again = code in {"DownloadFailed", "InternalError", "ModerationServiceErrorUploadFailed"}
    error = AssetFailed("Failed.", asset=portrait.Asset(id="asset-1"), code=code)
    assert error.retryable is again
    assert asset()["Id"] == error.asset.id


@pytest.mark.parametrize(
    ("kind", "facts", "text"),
    [
        (PortraitError, {}, "No. {advice}"),
        (PortraitError, {"advice": "Do."}, "No. Do."),
        (ConnectFailed, {}, "No. {advice}"),
        (ConnectFailed, {"advice": ""}, "No. {advice}"),
        (ConnectFailed, {"advice": "Do."}, "No. Do."),
        (ConnectionLost, {}, "No. {advice}"),
        (ConnectionLost, {"may_have_executed": True}, "No. {advice} The call may have been carried out."),
        (ApiError, {}, "No. {advice}"),
        (ApiError, {"advice": "Do."}, "No. Do."),
        (ApiError, {"action": "GetAsset"}, "GetAsset: No. {advice}"),
        (ApiError, {"code": "A.b"}, "A.b: No. {advice}"),
        (ApiError, {"request_id": "r"}, "No. {advice} (request id r)"),
        (ApiError, {"code": "A", "action": "GetAsset", "request_id": "r"}, "GetAsset: A: No. {advice} (request id r)"),
    ],
)
def test_the_text_holds_what_is_known_and_no_more(kind, facts, text):
    """advice-lost: action, code, message, request id leave no trace where an error has none; advice it always has."""
    error = kind("No.", **facts)
    assert str(error) == text.format(advice=kind.advice)
    assert error.args == ("No.",)


def test_a_repr_is_for_those_who_look_for_a_cause():
    """An error of the service shows by what it can be found there, any other its message."""
    assert repr(ConnectFailed("No.")) == "ConnectFailed('No.')"
    refusal = Throttled("No.", code="A.b", action="GetAsset", request_id="r")
    assert repr(refusal) == "Throttled('No.', code='A.b', action='GetAsset', request_id='r')"


def test_an_error_that_knows_nothing_says_so_plainly():
    """Every fact that was not given is empty, None or the class's own."""
    lost, api = ConnectionLost("No."), Throttled("No.")
    assert (lost.action, lost.http_status, lost.may_have_executed) == ("", None, False)
    assert (api.code, api.detail, api.action, api.request_id) == ("", "", "", "")
    assert (api.http_status, api.retry_after, api.response) == (None, None, None)
    assert (api.retry, api.advice) == (Retry.BACKOFF, Throttled.advice)
    assert ApiError("No.", retry=Retry.IN_WINDOW).retry is Retry.IN_WINDOW
    assert (AssetFailed("No.", asset=portrait.Asset(id="a")).code, ServerError("No.").may_have_executed) == ("", True)
    assert AmbiguousGroup("Two.", group_ids=("group-1", "group-2")).group_ids == ("group-1", "group-2")


@pytest.mark.parametrize("name", sorted(set(errors.__all__) - {"Retry"}))
def test_every_error_says_what_to_do(name):
    """advice-lost: whatever can be raised has advice, a sentence, and an empty one does not take its place."""
    kind = getattr(errors, name)
    assert kind.advice[0].isupper()
    assert kind.advice.endswith(".")
    assert PortraitError("No.", advice="").advice == PortraitError.advice


def test_no_place_takes_the_advice_away():
    """advice-lost: nowhere in the library is an error raised with empty advice."""
    library = Path(portrait.__file__).parent
    assert [path for path in library.rglob("*.py") if 'advice=""' in path.read_text()] == []


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_has_the_advice_of_its_row_or_its_class(code):
    """What a row of the table says goes before what its class says."""
    error = api_error(code, "No.", http_status=200)
    assert error.advice == (CODES[code].advice or CODES[code].error.advice)
    assert error.retry is (CODES[code].retry or CODES[code].error.retry)


def test_a_dialect_may_know_a_code_better():
    """A rule that is given goes before the table, in class, advice and retry; the detail stays the code's."""
    rule = ErrorRule(NotFound, retry=Retry.BACKOFF, advice="Ask again.")
    error = api_error("InvalidParameter.Name", "  ", http_status=404, rule=rule, action="GetAsset")
    assert (type(error), error.retry, error.advice) == (NotFound, Retry.BACKOFF, "Ask again.")
    assert (error.code, error.detail, error.http_status) == ("InvalidParameter.Name", "Name", 404)
    assert (error.message, error.action) == ("The service refused the call with HTTP status 404.", "GetAsset")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("400", 400, InvalidParameter),
        ("task_failed", 400, InvalidParameter),
        ("InvalidToken", 400, InvalidToken),
        ("500", 500, ServerError),
        ("429", 429, Throttled),
    ],
)
def test_arks_sentence_about_a_parameter_stands_for_its_code(code, status, kind):
    """Contract §7 (M): a gateway passes it on under a code of its own; a code or a status that says more wins."""
    text = "请求参数无效：The parameter `image_urls[0]` specified in the request is not valid: no."
    assert type(api_error(code, text, http_status=status)) is kind
