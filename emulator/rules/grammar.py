"""The grammar of rules, read strictly: what is not understood, and what could never fire, is refused with a reason.

Owns the words of a rule and their meaning as values; must not know when a rule fires or how its effect is carried out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NoReturn

import attrs
from attrs import field, frozen

from emulator.domain import verdicts
from emulator.domain.verdicts import Verdict
from portrait.actions import ACTIONS
from portrait.errors import MEDIA_CODES
from portrait.reasons import Reason


class RuleError(ValueError):
    """A rule that is not one; its text says why, for people."""


@frozen(kw_only=True)
class Do:
    """What happens when a rule fires; only one of the first six is there.

    Attributes:
        error: Refuse with that reason and its detail: a fault of a file, or a field.
        http: Answer with that HTTP status and one of the `PAGES`, without carrying the call out.
        close: Drop the connection `before` the call is carried out, or `after-commit`.
        truncate: Carry the call out, and send that many bytes of the answer.
        review: What the review of the created asset shall say.
        lag: Seconds; a read does not see what is younger.
        delay: Seconds to let pass first.
    """

    error: tuple[Reason, str] | None = None
    http: tuple[int, str] | None = None
    close: str | None = None
    truncate: int | None = None
    review: Verdict | None = None
    lag: float | None = None
    delay: float = 0.0


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
        source: The rule as it was given.
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


def parse(source: Any) -> Rule:
    """Read a rule.

    Raises:
        RuleError: It has unknown words, wrong values, or could never fire.
    """
    rule = _object("a rule", source, {"id", "match", "when", "do"})
    if "do" not in rule:
        _refuse("a rule needs do: what shall happen")
    match = _object("match", rule.get("match", {}), {"action", "customer", "name"})
    do = _do(rule["do"])
    return Rule(
        id=_text("id", rule["id"]) if "id" in rule else "",
        actions=_actions(match, do),
        customer=_text("match.customer", match["customer"]) if "customer" in match else None,
        name=_text("match.name", match["name"]) if "name" in match else None,
        when=_when(rule["when"]) if "when" in rule else ("always", None),
        do=do,
        source=rule,
    )


def parse_one_time(source: Any) -> Rule:
    """Read the rule of a single request, for which `when` makes no sense."""
    if isinstance(source, Mapping) and "when" in source:
        _refuse("a rule for one request has no when: it fires at once")
    return parse(source)


def _refuse(why: str) -> NoReturn:
    raise RuleError(why)


def _object(what: str, value: Any, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        _refuse(f"{what} must be an object")
    unknown = sorted(set(value) - known)
    if unknown:
        _refuse(f"{what} has no {unknown[0]!r}; it may have {', '.join(sorted(known))}")
    return value


def _one_of(what: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        _refuse(f"{what} must be one of {', '.join(known)}")
    return str(value)


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        _refuse(f"{what} must be a text that is not empty")
    return value


def _whole(what: str, value: Any, least: int = 0) -> int:
    if type(value) is not int or value < least:
        _refuse(f"{what} must be a whole number, {least} or more")
    return value


def _number(what: str, value: Any) -> float:
    if type(value) not in {int, float} or not 0 <= value < math.inf:
        _refuse(f"{what} must be a number of seconds, 0 or more")
    return float(value)


# --- when ------------------------------------------------------------------------------------------------------------


def _nth(what: str, value: Any) -> frozenset[int]:
    if not isinstance(value, list) or not value:
        _refuse(f"{what} must be an array of whole numbers, 1 or more: an empty one never fires")
    return frozenset(_whole(f"each of {what}", item, 1) for item in value)


def _chance(what: str, value: Any) -> float:
    if type(value) not in {int, float} or not 0 < value <= 1:
        _refuse(f"{what} must be a number above 0 and up to 1: with 0 it never fires")
    return float(value)


_WHEN: Mapping[str, Callable[[str, Any], Any]] = {
    "first": lambda what, value: _whole(what, value, 1),
    "nth": _nth,
    "every": lambda what, value: _whole(what, value, 1),
    "chance": _chance,
}


def _when(value: Any) -> tuple[str, Any]:
    when = _object("when", value, set(_WHEN))
    if len(when) != 1:
        _refuse(f"when says one of {', '.join(_WHEN)}")
    ((kind, number),) = when.items()
    return kind, _WHEN[kind](f"when.{kind}", number)


# --- do --------------------------------------------------------------------------------------------------------------

PAGES = ("html", "empty", "text")
# Reasons whose words have a gap, and what may fill it.
_DETAILS: Mapping[Reason, frozenset[str] | None] = {
    Reason.MEDIA_REJECTED: MEDIA_CODES,
    Reason.MISSING_FIELD: None,
    Reason.INVALID_FIELD: None,
}


def _error(what: str, value: Any) -> tuple[Reason, str]:
    head, _, detail = _text(what, value).partition(".")
    try:
        reason = Reason(head)
    except ValueError:
        _refuse(f"{what} must be one of {', '.join(Reason)}, not {head!r}")
    if (reason in _DETAILS) != bool(detail):
        _refuse(f"{what}: {reason} {'needs a detail, such as ' + _example(reason) if not detail else 'has no detail'}")
    allowed = _DETAILS.get(reason)
    if allowed is not None and detail not in allowed:
        _refuse(f"{what}: the detail of {reason} must be one of {', '.join(sorted(allowed))}")
    return reason, detail


def _example(reason: Reason) -> str:
    return f"{reason}.WidthTooSmall" if reason is Reason.MEDIA_REJECTED else f"{reason}.Name"


def _http(what: str, value: Any) -> tuple[int, str]:
    page = _object(what, value, {"status", "body"})
    status = _whole(f"{what}.status", page.get("status"), 200)
    if status > 599:
        _refuse(f"{what}.status must be between 200 and 599")
    return status, _one_of(f"{what}.body", page.get("body", "html"), PAGES)


def _review(what: str, value: Any) -> Verdict:
    review = _object(what, value, {"status", "code", "after", "reads"})
    if {"after", "reads"} <= set(review):
        _refuse(f"{what} ends after seconds or after reads, not both")
    after = _number(f"{what}.after", review["after"]) if "after" in review else None
    reads = _whole(f"{what}.reads", review["reads"]) if "reads" in review else None
    status = review.get("status", "Failed" if "code" in review else "Active")
    code = _text(f"{what}.code", review["code"]) if "code" in review else ""
    try:
        return verdicts.review(_text(f"{what}.status", status), code, after=after, reads=reads)
    except RuleError:
        raise
    except ValueError as error:
        raise RuleError(f"{what}.{error}") from None


_DO: Mapping[str, Callable[[str, Any], Any]] = {
    "error": _error,
    "http": _http,
    "close": lambda what, value: _one_of(what, value, ("before", "after-commit")),
    "truncate": _whole,
    "review": _review,
    "lag": _number,
}


def _do(value: Any) -> Do:
    do = _object("do", value, {*_DO, "delay"})
    if len(set(do) - {"delay"}) > 1 or not do:
        _refuse(f"do says one of {', '.join(_DO)}, and may say delay")
    made = {kind: _DO[kind](f"do.{kind}", part) for kind, part in do.items() if kind != "delay"}
    return Do(**made, delay=_number("do.delay", do.get("delay", 0)))


# --- which calls -----------------------------------------------------------------------------------------------------

_ALL = frozenset(ACTIONS)
_NAMED = frozenset(name for name, action in ACTIONS.items() if "name" in attrs.fields_dict(action.request))
# Effects that only some Actions can feel.
_FELT: Mapping[str, frozenset[str]] = {
    "review": frozenset({"CreateAsset"}),
    "lag": frozenset({"GetAsset", "GetAssetGroup", "ListAssets", "ListAssetGroups"}),
}


def _actions(match: Mapping[str, Any], do: Do) -> frozenset[str]:
    actions = _ALL
    if "action" in match:
        actions &= {_one_of("match.action", match["action"], tuple(ACTIONS))}
    for effect, felt in _FELT.items():
        if getattr(do, effect) is not None:
            actions &= felt
            if not actions:
                _refuse(f"the rule can never fire: {effect} is felt by {', '.join(sorted(felt))} only")
    if "name" in match:
        actions &= _NAMED
        if not actions:
            _refuse(f"the rule can never fire: only {', '.join(sorted(_NAMED))} have a Name")
    return actions
