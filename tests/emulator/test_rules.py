"""The grammar of rules and the plan that plays them."""

import pytest

from emulator.domain.reasons import Reason
from emulator.domain.verdicts import Verdict
from emulator.rules import RuleError, RuleSet, parse, parse_one_time
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
    (shown,) = plan.shown()
    assert (shown["id"], shown["seen"], shown["fired"]) == ("r", 6, pattern.count("1"))


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
    assert plan.match("GetAsset", "acme", "").http == (503, "html")
    assert [(rule["id"], rule["seen"]) for rule in plan.shown()] == [("rule-1", 2), ("second", 1)]
    assert plan.remove("second")
    assert not plan.remove("second")
    plan.remove()
    assert not plan.active


def test_what_a_rule_may_do():
    """The words of `do` become values."""
    review = {"status": "Failed", "code": "FaceMismatch", "reads": 2}
    assert parse({"do": {"review": review}}).do.review == Verdict(
        status=AssetStatus.FAILED, code="FaceMismatch", reads=2
    )
    assert parse({"do": {"review": {"code": "FaceMismatch"}}}).do.review.status is AssetStatus.FAILED
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
        ({"do": {"review": {}}, "match": {"action": "GetAsset"}}, "never fire"),
        ({"do": {"lag": 1}, "match": {"action": "CreateAsset"}}, "never fire"),
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


def test_two_rules_cannot_share_an_id():
    """The second is refused and the first stays as it was."""
    plan = RuleSet(0)
    plan.add({"id": "rule-1", "do": THROTTLE})
    assert plan.add({"do": THROTTLE})["id"] == "rule-2"
    with pytest.raises(RuleError, match="already"):
        plan.add({"id": "rule-1", "do": THROTTLE})
