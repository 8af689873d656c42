"""The grammar of rules: as typed dicts, for type checkers of tests, and as a strict parser.

Unknown keys, wrong values and rules that can never fire are refused with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal, Required, TypedDict

import attrs
from attrs import field, frozen

from emulator.domain import FURTHER_HANDLERS
from emulator.json_checks import WrongValue, fail, object_, one_of, text
from emulator.rules.clauses import Do, RuleError, parse_do, parse_when
from portrait.actions import ACTIONS


class MatchSpec(TypedDict, total=False):
    """Which calls a rule is about; everything named has to hold. `name` is a pattern such as `bad-*`."""

    action: str
    customer: str
    name: str


class WhenSpec(TypedDict, total=False):
    """On which of those calls it fires: exactly one key. Without `when` it fires on each."""

    first: int
    nth: Sequence[int]
    every: int
    chance: float


class HttpSpec(TypedDict, total=False):
    """An answer that is not the service's own; `headers` come besides the usual ones or in their place."""

    status: Required[int]
    body: Literal["html", "empty", "text"]
    headers: Mapping[str, str | int]


class ReviewSpec(TypedDict, total=False):
    """A change of a review; `after` in seconds, or `reads` in GetAsset calls."""

    status: Literal["Active", "Failed"]
    code: str
    after: float
    reads: int


class LimitSpec(TypedDict):
    """So many calls of one customer in so many seconds; those beyond are refused."""

    calls: int
    seconds: float


class DoSpec(TypedDict, total=False):
    """The effect: one key, and `delay` in seconds beside it or alone; `limit` may stand beside `error` or `http`."""

    error: str
    http: HttpSpec
    close: Literal["before", "after-commit"]
    truncate: int
    review: ReviewSpec
    lag: float
    limit: LimitSpec
    page_size_max: int
    hide: Literal["LivenessFace"]
    delay: float


class RuleParts(TypedDict, total=False):
    """The parts of a rule, all but `do` optional."""

    id: str
    match: MatchSpec
    when: WhenSpec
    do: DoSpec


class RuleSpec(RuleParts):
    """A whole rule."""

    do: Required[DoSpec]  # type: ignore[misc]  # the same key, and no rule without it


@frozen(kw_only=True)
class Rule:
    """One rule.

    Attributes:
        id: What it is called; "" where the plan shall name it.
        actions: On which Actions it can fire.
        customer: On whose calls; None means everybody's.
        name: A pattern for the request's Name; None means any.
        when: `always`, `first`, `nth`, `every` or `chance`, and its number or numbers.
        do: What then happens.
        source: The rule as it was given, its customer by name.
    """

    id: str
    actions: frozenset[str]
    customer: str | None
    name: str | None
    when: tuple[str, Any]
    do: Do
    source: Mapping[str, Any] = field(eq=False, repr=False)

    def matches(self, action: str, customer: str, name: str) -> bool:
        """Is this a call that the rule is about?"""
        return (
            action in self.actions
            and (self.customer is None or self.customer == customer)
            and (self.name is None or fnmatchcase(name, self.name))
        )


def parse(source: Any, find_customer: Callable[[str], str] = str) -> Rule:
    """Read a rule.

    Args:
        source: The rule as it was given.
        find_customer: The name of the customer that `match` means, perhaps by its key.

    Raises:
        RuleError: It has unknown words, wrong values, or could never fire.
    """
    try:
        return _read(source, find_customer)
    except WrongValue as wrong:
        raise RuleError(str(wrong)) from None


def parse_one_time(source: Any, find_customer: Callable[[str], str] = str) -> Rule:
    """Read the rule of a single request, for which `when` and `limit` make no sense; arguments as of `parse`.

    Raises:
        RuleError: As `parse`, and for a `when` or `limit`.
    """
    if isinstance(source, Mapping) and "when" in source:
        raise RuleError("a rule for one request takes no when: it fires at once")
    rule = parse(source, find_customer)
    if rule.do.limit is not None:
        raise RuleError("a rule for one request can never fire with a limit: it sees one call")
    return rule


def _read(source: Any, find_customer: Callable[[str], str]) -> Rule:
    rule = object_("a rule", source, ("id", "match", "when", "do"))
    if "do" not in rule:
        fail("a rule needs do, which says what happens")
    match = object_("match", rule.get("match", {}), ("action", "customer", "name"))
    if "customer" in match:
        match = {**match, "customer": find_customer(text("match.customer", match["customer"]))}
        rule = {**rule, "match": match}
    do = parse_do(rule["do"])
    if do.limit is not None and "when" in rule:
        fail("a rule with a limit takes no when: it fires on every call beyond the limit")
    return Rule(
        id=text("id", rule["id"]) if "id" in rule else "",
        actions=_actions(match, do),
        customer=match.get("customer"),
        name=text("match.name", match["name"]) if "name" in match else None,
        when=parse_when(rule["when"]) if "when" in rule else ("always", None),
        do=do,
        source=rule,
    )


_ALL = frozenset(ACTIONS) | frozenset(FURTHER_HANDLERS)
_WITH_NAME = frozenset(name for name, action in ACTIONS.items() if "name" in attrs.fields_dict(action.request))
_READS = frozenset({"GetAsset", "GetAssetGroup", "ListAssets", "ListAssetGroups"})
_CREATES = frozenset({"CreateAsset", "CreateAssetGroup"})
# Effects that make a difference to some Actions only.
_AFFECTED: Mapping[str, frozenset[str]] = {
    "review": frozenset({"CreateAsset", "PrivateAvatar", "RealAvatar", "CreateVideo"}),
    "lag": _READS | _CREATES,
    "page_size_max": frozenset({"ListAssets", "ListAssetGroups"}),
    "hide": frozenset({"ListAssetGroups"}),
}
# Where a rule names no Action it makes reads late: what they see, and not when things come to be.
_UNLESS_NAMED: Mapping[str, frozenset[str]] = {"lag": _READS}


def _actions(match: Mapping[str, Any], do: Do) -> frozenset[str]:
    actions = _ALL
    if "action" in match:
        actions &= {one_of("match.action", match["action"], (*ACTIONS, *FURTHER_HANDLERS))}
    for effect, affected in _AFFECTED.items():
        if getattr(do, effect) is not None:
            actions &= affected if "action" in match else _UNLESS_NAMED.get(effect, affected)
            if not actions:
                fail(f"the rule can never fire: {effect} makes a difference to {', '.join(sorted(affected))} only")
    if "name" in match:
        actions &= _WITH_NAME
        if not actions:
            fail(f"the rule can never fire: only {', '.join(sorted(_WITH_NAME))} take a Name")
    return actions
