"""The clauses `when` and `do` of a rule, parsed strictly by two tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from emulator.domain import verdicts
from emulator.domain.reasons import Reason
from emulator.domain.verdicts import Verdict
from emulator.validation import WrongValue, fail, integer, object_, one_of, seconds, text


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
        delay: Seconds that pass on the emulator's clock before the call is carried out, and before everything above.
            A client that gives up meanwhile does not stop it.
    """

    error: tuple[Reason, str] | None = None
    http: tuple[int, str] | None = None
    close: str | None = None
    truncate: int | None = None
    review: Verdict | None = None
    lag: float | None = None
    delay: float = 0.0


# --- when ------------------------------------------------------------------------------------------------------------


def _nth(what: str, value: Any) -> frozenset[int]:
    if not isinstance(value, list) or not value:
        fail(f"{what} must be an array of whole numbers, each 1 or more: with an empty one it never fires")
    return frozenset(integer(f"each of {what}", item, 1) for item in value)


def _chance(what: str, value: Any) -> float:
    if type(value) not in {int, float} or not 0 < value <= 1:
        fail(f"{what} must be a number above 0 and at most 1: with 0 it never fires")
    return float(value)


_WHEN: Mapping[str, Callable[[str, Any], Any]] = {
    "first": lambda what, value: integer(what, value, 1),
    "nth": _nth,
    "every": lambda what, value: integer(what, value, 1),
    "chance": _chance,
}


def parse_when(value: Any) -> tuple[str, Any]:
    """When a rule fires: the word, and its number or numbers."""
    when = object_("when", value, _WHEN)
    if len(when) != 1:
        fail(f"when must have exactly one of {', '.join(_WHEN)}")
    ((kind, number),) = when.items()
    return kind, _WHEN[kind](f"when.{kind}", number)


# --- do --------------------------------------------------------------------------------------------------------------

MAX_DELAY = 86_400  # on a clock that sleeping moves, more would soon be the end of time
PAGES = ("html", "empty", "text")
# Reasons whose words have a gap, and what may fill it.
_DETAILS: Mapping[Reason, frozenset[str] | None] = {
    Reason.MEDIA_REJECTED: verdicts.SYNC_FAULTS,
    Reason.MISSING_FIELD: None,
    Reason.INVALID_FIELD: None,
}


def _error(what: str, value: Any) -> tuple[Reason, str]:
    head, _, detail = text(what, value).partition(".")
    try:
        reason = Reason(head)
    except ValueError:
        fail(f"{what} must be one of {', '.join(Reason)}, not {head!r}")
    if (reason in _DETAILS) != bool(detail):
        fail(f"{what}: {reason} {'needs a detail, such as ' + _example(reason) if not detail else 'takes no detail'}")
    allowed = _DETAILS.get(reason)
    if allowed is not None and detail not in allowed:
        fail(f"{what}: the detail of {reason} must be one of {', '.join(sorted(allowed))}")
    return reason, detail


def _example(reason: Reason) -> str:
    return f"{reason}.WidthTooSmall" if reason is Reason.MEDIA_REJECTED else f"{reason}.Name"


def _http(what: str, value: Any) -> tuple[int, str]:
    page = object_(what, value, ("status", "body"))
    status = integer(f"{what}.status", page.get("status"), 200)
    if status > 599:
        fail(f"{what}.status must be between 200 and 599")
    return status, one_of(f"{what}.body", page.get("body", "html"), PAGES)


def _review(what: str, value: Any) -> Verdict:
    review = object_(what, value, ("status", "code", "after", "reads"))
    if {"after", "reads"} <= set(review):
        fail(f"{what} may have after (seconds) or reads, not both")
    after = seconds(f"{what}.after", review["after"]) if "after" in review else None
    reads = integer(f"{what}.reads", review["reads"]) if "reads" in review else None
    status = review.get("status", "Failed" if "code" in review else "Active")
    code = text(f"{what}.code", review["code"]) if "code" in review else ""
    try:
        return verdicts.review(text(f"{what}.status", status), code, after=after, reads=reads)
    except WrongValue:
        raise
    except ValueError as error:
        fail(f"{what}.{error}")


_DO: Mapping[str, Callable[[str, Any], Any]] = {
    "error": _error,
    "http": _http,
    "close": lambda what, value: one_of(what, value, ("before", "after-commit")),
    "truncate": integer,
    "review": _review,
    "lag": seconds,
}


def parse_do(value: Any) -> Do:
    """What a rule does."""
    do = object_("do", value, (*_DO, "delay"))
    if len(set(do) - {"delay"}) > 1 or not do:
        fail(f"do must have one of {', '.join(_DO)}, and no more than one; delay goes with any of them, or alone")
    made = {kind: _DO[kind](f"do.{kind}", part) for kind, part in do.items() if kind != "delay"}
    delay = seconds("do.delay", do.get("delay", 0))
    if delay > MAX_DELAY:
        fail(f"do.delay must be at most {MAX_DELAY} seconds, a day")
    return Do(**made, delay=delay)
