"""Checked by mypy, never run: the types of rules. An error that does not come is an error, too."""

from emulator.rules.grammar import RuleSpec
from emulator.test_controls import Rules


def a_rule_is_typed_by_its_parts(rules: Rules) -> None:
    """Known keys and values pass; others are errors."""
    rules.add(match={"action": "CreateAsset"}, when={"first": 2}, do={"error": "RateLimitExceeded"})
    rules.add(do={"limit": {"calls": 5, "seconds": 5}, "http": {"status": 429, "headers": {"Retry-After": 2}}})
    rules.add(do={"explode": 1})  # type: ignore[typeddict-unknown-key]
    rules.add(do={"close": "slowly"})  # type: ignore[typeddict-item]
    rules.add(then=1)  # type: ignore[call-arg]


def a_rule_is_typed_as_a_whole(rules: Rules) -> None:
    """A rule that stands in a variable needs its `do`."""
    rule: RuleSpec = {"match": {"name": "bad-*"}, "do": {"review": {"code": "FaceMismatch"}}}
    rules.add(rule)
    rules.add({"id": "x"})  # type: ignore[arg-type]
