"""The grammar of rules and the plan that plays them."""

import pytest

from emulator.dialects import ALLTOKEN, DIALECTS
from emulator.domain.reasons import Reason
from emulator.domain.verdicts import PASS, Verdict
from emulator.rules import RuleError, RuleSet, parse, parse_one_time
from emulator.rules.clauses import HttpPage, Limit
from portrait.models import AssetStatus

THROTTLE = {"error": "Throttled"}


def fires(plan, times, action="GetAsset", customer="acme", name=""):
    """On which of so many calls something happened, as a string of 1 and 0."""
    return "".join("1" if plan.match(action, customer, name) else "0" for _ in range(times))


@pytest.mark.parametrize(
    ("when", "pattern"),
    [
        (None, "111111"),
        ({"first": 2}, "110000"),
        ({"nth": [2, 5]}, "010010"),
        ({"every": 3}, "001001"),
        ({"chance": 1}, "111111"),
    ],
)
def test_when_a_rule_fires(when, pattern):
    """Each word of `when` counts the calls that the rule sees; the counters are shown."""
    plan = RuleSet(0)
    plan.add({"id": "r", "do": THROTTLE} | ({"when": when} if when else {}))
    assert fires(plan, 6) == pattern
    (rule,) = plan.all()
    assert (rule["id"], rule["seen"], rule["fired"]) == ("r", 6, pattern.count("1"))


def test_chance_repeats_with_the_seed():
    """The same seed plays the same faults; another one others."""
    patterns = []
    for seed in (1, 1, 2):
        plan = RuleSet(seed)
        plan.add({"do": THROTTLE, "when": {"chance": 0.5}})
        patterns.append(fires(plan, 64))
    assert patterns[0] == patterns[1] != patterns[2]
    assert 10 < patterns[0].count("1") < 54


@pytest.mark.parametrize(
    ("match", "action", "customer", "name", "hit"),
    [
        ({}, "GetAsset", "acme", "", True),
        ({"action": "CreateAsset"}, "CreateAsset", "acme", "x", True),
        ({"action": "CreateAsset"}, "GetAsset", "acme", "x", False),
        ({"customer": "acme"}, "GetAsset", "zenith", "", False),
        ({"name": "bad-*"}, "CreateAsset", "acme", "bad-1", True),
        ({"name": "bad-*"}, "CreateAsset", "acme", "good", False),
        ({"name": "*"}, "GetAsset", "acme", "", False),  # GetAsset has no Name
    ],
)
def test_which_calls_a_rule_is_about(match, action, customer, name, hit):
    """Everything that `match` says has to hold."""
    assert parse({"match": match, "do": THROTTLE}).matches(action, customer, name) is hit


def test_the_first_rule_that_fires_is_the_one():
    """A later rule does not see the calls that an earlier one took."""
    plan = RuleSet(0)
    plan.add({"do": THROTTLE, "when": {"first": 1}})
    plan.add({"id": "second", "do": {"http": {"status": 503}}})
    assert plan.match("GetAsset", "acme", "").error == (Reason.THROTTLED, "")
    assert plan.match("GetAsset", "acme", "").http == HttpPage(status=503)
    assert [(rule["id"], rule["seen"]) for rule in plan.all()] == [("rule-1", 2), ("second", 1)]
    assert plan.remove("second")
    assert not plan.remove("second")
    plan.remove()
    assert not plan.active


def test_what_a_rule_may_do():
    """The words of `do` become values."""
    review = parse({"do": {"review": {"status": "Failed", "code": "FaceMismatch", "reads": 2}}}).do.review
    assert review.apply(PASS) == Verdict(status=AssetStatus.FAILED, code="FaceMismatch", reads=2)
    assert parse({"do": {"review": {"code": "FaceMismatch"}}}).do.review.apply(PASS).status is AssetStatus.FAILED
    assert parse({"do": {"error": "MediaRejected.WidthTooSmall"}}).do.error == (Reason.MEDIA_REJECTED, "WidthTooSmall")
    assert parse({"do": {"close": "after-commit", "delay": 2}}).do.delay == 2
    assert parse({"do": {"truncate": 10}}).do.truncate == 10
    assert parse({"do": {"lag": 3}}).actions == {"GetAsset", "GetAssetGroup", "ListAssets", "ListAssetGroups"}
    assert parse({"do": {"delay": 0.5}}).do.delay == 0.5


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ([], "must be an object"),
        ({}, "needs do"),
        ({"do": THROTTLE, "then": 1}, "'then'"),
        ({"do": {}}, "one of error, http"),
        ({"do": {"explode": 1}}, "'explode'"),
        ({"do": {**THROTTLE, "truncate": 1}}, "one of"),
        ({"do": {"error": "Nope"}}, "'Nope'"),
        ({"do": {"error": 5}}, "string"),
        ({"do": {"error": "MediaRejected"}}, "needs a detail"),
        ({"do": {"error": "MediaRejected.Nope"}}, "must be one of"),
        ({"do": {"error": "MediaRejected.FaceMismatch"}}, "must be one of AspectRatioTooLarge, "),
        ({"do": {"error": "Throttled.Nope"}}, "takes no detail"),
        ({"do": {"http": {"status": 99}}}, "200 or more"),
        ({"do": {"http": {"status": 600}}}, "599"),
        ({"do": {"http": {}}}, "status"),
        ({"do": {"http": {"status": 502, "body": "pdf"}}}, "html, empty, text"),
        ({"do": {"close": "slowly"}}, "before, after-commit"),
        ({"do": {"truncate": -1}}, "whole number"),
        ({"do": {"truncate": True}}, "whole number"),
        ({"do": {"lag": "3"}}, "seconds"),
        ({"do": {"delay": -1}}, "seconds"),
        ({"do": {"review": {"status": "Pending"}}}, "Active or Failed"),
        ({"do": {"review": {"status": 5}}}, "string"),
        ({"do": {"review": {"status": "Active", "code": "FaceMismatch"}}}, "Failed only"),
        ({"do": {"review": {"code": "Nope"}}}, "'Nope'"),
        ({"do": {"review": {"after": 1, "reads": 1}}}, "not both"),
        ({"do": THROTTLE, "when": {}}, "one of first"),
        ({"do": THROTTLE, "when": {"first": 1, "every": 2}}, "one of first"),
        ({"do": THROTTLE, "when": {"sometimes": 1}}, "'sometimes'"),
        ({"do": THROTTLE, "when": {"first": 0}}, "1 or more"),
        ({"do": THROTTLE, "when": {"every": 0}}, "1 or more"),
        ({"do": THROTTLE, "when": {"nth": []}}, "never fires"),
        ({"do": THROTTLE, "when": {"nth": [0]}}, "1 or more"),
        ({"do": THROTTLE, "when": {"chance": 0}}, "never fires"),
        ({"do": THROTTLE, "match": {"project": "x"}}, "'project'"),
        ({"do": THROTTLE, "match": {"action": "Nope"}}, "must be one of"),
        ({"do": THROTTLE, "match": {"customer": ""}}, "not empty"),
        ({"do": THROTTLE, "match": {"action": "GetAsset", "name": "x"}}, "never fire"),
        ({"do": {"review": {"after": 1}}, "match": {"action": "GetAsset"}}, "never fire"),
        ({"do": {"lag": 1}, "match": {"action": "DeleteAsset"}}, "never fire"),
        ({"do": {"review": {}}}, "changes nothing"),
        ({"do": {"http": {"status": 429, "headers": []}}}, "headers must be an object"),
        ({"do": {"http": {"status": 429, "headers": {"a b": "x"}}}}, "no name of a header"),
        ({"do": {"http": {"status": 429, "headers": {"X": "a\r\nB: c"}}}}, "printable ASCII"),
        ({"do": {"http": {"status": 429, "headers": {"Content-Length": "1"}}}}, "frames the answer"),
        ({"do": {"limit": {"calls": 0, "seconds": 1}}}, "1 or more"),
        ({"do": {"limit": {"calls": 1, "seconds": 0}}}, "above 0"),
        ({"do": {"limit": {"calls": 1}}}, "seconds"),
        ({"do": {"limit": {"calls": 1, "seconds": 1}}, "when": {"first": 1}}, "no when"),
        ({"do": {"limit": {"calls": 1, "seconds": 1}, "lag": 1}}, "limit with error or http"),
        ({"do": {"page_size_max": 0}}, "1 or more"),
        ({"do": {"page_size_max": 100}}, "must be below 100"),
        ({"do": {"page_size_max": 5}, "match": {"action": "GetAsset"}}, "never fire"),
        ({"do": {"hide": "AIGC"}}, "LivenessFace"),
        ({"do": {"hide": "LivenessFace"}, "match": {"action": "ListAssets"}}, "never fire"),
        ({"do": {"lag": 1}, "match": {"name": "x"}}, "never fire"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_reason(rule, why):
    """Unknown words, wrong values and rules that can never fire are errors that say what is wrong."""
    with pytest.raises(RuleError, match=why):
        parse(rule)


def test_a_rule_for_one_request_has_no_when():
    """It fires at once or not at all."""
    assert parse_one_time({"do": THROTTLE}).do.error
    with pytest.raises(RuleError, match="no when"):
        parse_one_time({"do": THROTTLE, "when": {"first": 1}})
    with pytest.raises(RuleError, match="never fire with a limit"):
        parse_one_time({"do": {"limit": {"calls": 1, "seconds": 1}}})


@pytest.mark.parametrize(
    ("word", "reason", "detail"),
    [
        ("RateLimitExceeded", Reason.THROTTLED, ""),
        ("FlowLimitExceeded", Reason.THROTTLED, ""),
        ("QuotaExceeded", Reason.ASSET_QUOTA_FULL, ""),
        ("Forbidden", Reason.UNKNOWN_ASSET, ""),
        ("NotFound.group_id", Reason.UNKNOWN_GROUP, ""),
        ("MissingParameter.Name", Reason.MISSING_FIELD, "Name"),
        ("InvalidParameter.WidthTooSmall", Reason.MEDIA_REJECTED, "WidthTooSmall"),
        ("InvalidParameter", Reason.MALFORMED_BODY, ""),
        ("Throttled", Reason.THROTTLED, ""),
    ],
)
def test_an_error_is_a_reason_or_a_code_of_a_dialect(word, reason, detail):
    """emulator-rules-words: a code that a caller knows from the service stands for its reason."""
    assert parse({"do": {"error": word}}).do.error == (reason, detail)


def test_every_code_of_a_dialect_without_a_gap_is_understood():
    """emulator-rules-words: each fixed code of both dialects is said again in its own dialect."""
    for dialect in DIALECTS.values():
        for spec in dialect.errors.values():
            if "{" not in spec.code:
                reason, _ = parse({"do": {"error": spec.code}}).do.error
                assert dialect is not ALLTOKEN or dialect.errors[reason].code == spec.code


def test_a_limit_fires_beyond_its_calls_and_starts_again():
    """emulator-rules-more: 2 calls in 5 s of each customer; a window begins with its first call."""
    plan = RuleSet(0)
    plan.add({"do": {"limit": {"calls": 2, "seconds": 5}}})
    moments = (0.0, 1.0, 4.9, 5.0, 6.0, 7.0)
    assert [plan.match("GetAsset", "acme", "", now) is not None for now in moments] == [
        False, False, True, False, False, True,
    ]  # fmt: skip
    assert plan.match("GetAsset", "zenith", "", 7.0) is None
    assert plan.match("GetAsset", "acme", "", 8.0).error == (Reason.THROTTLED, "")
    (rule,) = plan.all()
    assert (rule["seen"], rule["fired"]) == (8, 3)


def test_a_limit_names_its_refusal():
    """emulator-rules-more: beside `limit` stands the page or the error of the calls beyond it."""
    page = {"status": 429, "body": "text", "headers": {"Retry-After": 2}}
    do = parse({"do": {"limit": {"calls": 5, "seconds": 5}, "http": page}}).do
    assert (do.limit, do.error) == (Limit(5, 5.0), None)
    assert do.http == HttpPage(status=429, body="text", headers={"Retry-After": "2"})


def test_a_lag_on_creates_is_named():
    """emulator-rules-more: without an Action reads are late; named, a create is."""
    rule = parse({"match": {"action": "CreateAsset"}, "do": {"lag": 3}})
    assert rule.actions == {"CreateAsset"}


def test_two_rules_cannot_share_an_id():
    """The second is refused and the first stays as it was."""
    plan = RuleSet(0)
    plan.add({"id": "rule-1", "do": THROTTLE})
    assert plan.add({"do": THROTTLE})["id"] == "rule-2"
    with pytest.raises(RuleError, match="already"):
        plan.add({"id": "rule-1", "do": THROTTLE})
