"""The clauses `when` and `do` of a rule, parsed strictly by two tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from emulator.dialects import REASONS_BY_CODE
from emulator.domain import verdicts
from emulator.domain.checks import MAX_PAGE_SIZE
from emulator.domain.reasons import Reason
from emulator.domain.verdicts import ReviewChange
from emulator.json_checks import WrongValue, fail, integer, object_, one_of, seconds, text
from portrait.models import GroupType

_BAD_GATEWAY = b"<html><head><title>Error</title></head><body><h1>Error</h1><hr>proxy</body></html>\n"
PAGES: Mapping[str, tuple[bytes, str]] = MappingProxyType(
    {
        "html": (_BAD_GATEWAY, "text/html"),
        "empty": (b"", "text/html"),
        "text": (b"upstream request timeout", "text/plain"),
    }
)
"""Answers of proxies and gateways: body and Content-Type, by the names of `http.body`."""


class RuleError(ValueError):
    """A rule is invalid; the message says why."""


@frozen(kw_only=True)
class HttpPage:
    """An answer that is not the service's own.

    Attributes:
        status: HTTP status.
        body: One of the `PAGES`.
        headers: Besides the usual ones, or in their place.
    """

    status: int
    body: str = "html"
    headers: Mapping[str, str] = field(factory=dict)


@frozen
class Limit:
    """So many calls of one customer in so many seconds."""

    calls: int
    seconds: float


@frozen(kw_only=True)
class Do:
    """The effect of a rule that fires: one, except that `limit` may stand beside `error` or `http`.

    Attributes:
        error: Refuse with that reason and its detail: a fault of a file, or a field.
        http: Answer with that page, without carrying the call out.
        close: Drop the connection `before` the call is carried out, or `after-commit`.
        truncate: Carry the call out, and send that many bytes of the answer.
        review: What changes in the verdict of the created asset's review.
        lag: Seconds; a read does not see what is younger, and what a create makes is not seen before.
        limit: Only calls beyond it are refused: with `error` or `http`, else as throttled.
        page_size_max: Lists have at most that many items a page, whatever PageSize they repeat.
        hide: The kind of group that ListAssetGroups does not show.
        delay: Seconds that pass on the emulator's clock before the call is carried out, and before everything above.
            A client that gives up meanwhile does not stop it.
    """

    error: tuple[Reason, str] | None = None
    http: HttpPage | None = None
    close: str | None = None
    truncate: int | None = None
    review: ReviewChange | None = None
    lag: float | None = None
    limit: Limit | None = None
    page_size_max: int | None = None
    hide: GroupType | None = None
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
    """Parse the clause `when`: the word, and its number or numbers."""
    when = object_("when", value, _WHEN)
    if len(when) != 1:
        fail(f"when must have exactly one of {', '.join(_WHEN)}")
    ((kind, number),) = when.items()
    return kind, _WHEN[kind](f"when.{kind}", number)


# --- do --------------------------------------------------------------------------------------------------------------

MAX_DELAY = 86_400  # on a clock that sleeping moves, more would soon be the end of time
# Reasons whose words have a gap, and what may fill it.
_DETAILS: Mapping[Reason, frozenset[str] | None] = {
    Reason.MEDIA_REJECTED: verdicts.SYNC_FAULTS,
    Reason.MISSING_FIELD: None,
    Reason.INVALID_FIELD: None,
}


# Codes whose part behind the point is the detail of a reason.
CODES_WITH_DETAIL: Mapping[str, Reason] = {
    "InvalidParameter": Reason.MEDIA_REJECTED,
    "MissingParameter": Reason.MISSING_FIELD,
}


def _error(what: str, value: Any) -> tuple[Reason, str]:
    """A neutral reason, or a code of a dialect; both with the detail behind a point where there is one."""
    if text(what, value) in REASONS_BY_CODE:
        return REASONS_BY_CODE[value], ""
    head, _, detail = value.partition(".")
    try:
        reason = CODES_WITH_DETAIL.get(head) or Reason(head)
    except ValueError:
        fail(f"{what} must be a reason ({', '.join(Reason)}) or a code ({', '.join(REASONS_BY_CODE)}), not {value!r}")
    if (reason in _DETAILS) != bool(detail):
        fail(f"{what}: {reason} {'needs a detail, such as ' + _example(reason) if not detail else 'takes no detail'}")
    allowed = _DETAILS.get(reason)
    if allowed is not None and detail not in allowed:
        fail(f"{what}: the detail of {reason} must be one of {', '.join(sorted(allowed))}")
    return reason, detail


def _example(reason: Reason) -> str:
    return f"{reason}.WidthTooSmall" if reason is Reason.MEDIA_REJECTED else f"{reason}.Name"


def _http(what: str, value: Any) -> HttpPage:
    page = object_(what, value, ("status", "body", "headers"))
    status = integer(f"{what}.status", page.get("status"), 200)
    if status > 599:
        fail(f"{what}.status must be between 200 and 599")
    headers = page.get("headers", {})
    if not isinstance(headers, Mapping):
        fail(f"{what}.headers must be an object")
    return HttpPage(
        status=status,
        body=one_of(f"{what}.body", page.get("body", "html"), tuple(PAGES)),
        headers={_header_name(what, name): _header_value(what, name, value) for name, value in headers.items()},
    )


HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, field-name
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})


def _header_name(what: str, name: str) -> str:
    if not HEADER_NAME.fullmatch(name):
        fail(f"{what}.headers has {name!r}, which is no name of a header")
    if name.lower() in _FRAMING:
        fail(f"{what}.headers must not have {name}, which frames the answer; close and truncate break it")
    return name


def _header_value(what: str, name: str, value: Any) -> str:
    line = str(value) if type(value) is int else text(f"{what}.headers.{name}", value)
    if not (line.isascii() and line.isprintable()):
        fail(f"{what}.headers.{name} must be printable ASCII")
    return line


def _page_size_max(what: str, value: Any) -> int:
    size = integer(what, value, 1)
    if size >= MAX_PAGE_SIZE:
        fail(f"{what} must be below {MAX_PAGE_SIZE}: no list can ask for more items a page")
    return size


def _limit(what: str, value: Any) -> Limit:
    limit = object_(what, value, ("calls", "seconds"))
    calls, period = integer(f"{what}.calls", limit.get("calls"), 1), seconds(f"{what}.seconds", limit.get("seconds"))
    if not period:
        fail(f"{what}.seconds must be above 0: no call is beyond a limit of no time")
    return Limit(calls, period)


def _review(what: str, value: Any) -> ReviewChange:
    review = object_(what, value, ("status", "code", "after", "reads"))
    if {"after", "reads"} <= set(review):
        fail(f"{what} may have after (seconds) or reads, not both")
    after = seconds(f"{what}.after", review["after"]) if "after" in review else None
    reads = integer(f"{what}.reads", review["reads"]) if "reads" in review else None
    if not review:
        fail(f"{what} must have status, code, after or reads: without one it changes nothing")
    code = text(f"{what}.code", review["code"]) if "code" in review else ""
    status = review.get("status", "Failed" if code else None)
    try:
        return ReviewChange(
            verdict=None if status is None else verdicts.review(text(f"{what}.status", status), code),
            code_named=bool(code),
            after=after,
            reads=reads,
        )
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
    "limit": _limit,
    "page_size_max": _page_size_max,
    "hide": lambda what, value: GroupType(one_of(what, value, (GroupType.LIVENESS_FACE.value,))),
}
# What may stand beside `limit`: the refusal of the calls beyond it.
REFUSALS = frozenset({"error", "http"})


def parse_do(value: Any) -> Do:
    """Parse the clause `do`."""
    do = object_("do", value, (*_DO, "delay"))
    effects = set(do) - {"delay"}
    if "limit" in effects and len(effects) == 2:
        effects -= REFUSALS
    if len(effects) > 1 or not do:
        fail(
            f"do must have one of {', '.join(_DO)}, and no more than one; delay goes with any of them, or alone, "
            "and limit with error or http"
        )
    values = {kind: _DO[kind](f"do.{kind}", part) for kind, part in do.items() if kind != "delay"}
    if values.keys() == {"limit"}:
        values["error"] = Reason.THROTTLED, ""
    delay = seconds("do.delay", do.get("delay", 0))
    if delay > MAX_DELAY:
        fail(f"do.delay must be at most {MAX_DELAY} seconds, a day")
    return Do(**values, delay=delay)
