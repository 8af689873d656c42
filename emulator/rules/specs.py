"""The grammar of rules as typed dicts, so that a type checker reads the rules of a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Required, TypedDict


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
