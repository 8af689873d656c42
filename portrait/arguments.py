"""What users may pass: the kinds of arguments, and the one check that refuses a value of another kind.

Each table of arguments stands beside what takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import inf
from numbers import Integral, Real
from typing import Any

from attrs import frozen

from portrait.errors import UsageError
from portrait.urls import parse_http_url


@frozen
class Kind:
    """What an argument may be.

    Attributes:
        text: As a message names it.
        fits: Whether a value is of it.
    """

    text: str
    fits: Callable[[Any], bool]


def one_of(text: str, *types: type) -> Kind:
    """Values of some classes."""
    return Kind(text, lambda value: isinstance(value, types))


def having(text: str, *methods: str) -> Kind:
    """Objects of any class that have these methods."""
    return Kind(text, lambda value: all(callable(getattr(value, name, None)) for name in methods))


def number(text: str, kind: type = Real, *, low: float = -inf, above: float = -inf, finite: bool = False) -> Kind:
    """Numbers of a class, from `low` on, above `above`; True, False and "not a number" are none."""

    def fits(value: Any) -> bool:
        if not isinstance(value, kind) or isinstance(value, bool):
            return False
        limited: Any = value
        return bool(limited >= low and limited > above and not (finite and limited == inf))

    return Kind(text, fits)


def literal(value: str) -> Kind:
    """That one text."""
    return Kind(f'"{value}"', lambda found: found == value)


def either(*kinds: Kind) -> Kind:
    """Values of one of several kinds."""
    return Kind(" or ".join(kind.text for kind in kinds), lambda value: any(kind.fits(value) for kind in kinds))


def is_text(value: str) -> bool:
    """Whether it can be sent: half of a surrogate pair, as a name in another encoding may have it, cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


TEXT = Kind("a string", lambda value: isinstance(value, str) and is_text(value))
FLAG = one_of("True or False", bool)
NONE = one_of("None", type(None))
COUNT = number("a whole number from 1 on", Integral, low=1)
SECONDS = number("a number of seconds, 0 or more", low=0)
SPAN = number("a number of seconds above zero", above=0)
CALLABLE = Kind("a function", callable)
TEXTS = Kind("several strings", lambda value: isinstance(value, Iterable) and not isinstance(value, str | bytes))


def check_keywords(kinds: Mapping[str, Kind], keywords: Mapping[str, Any]) -> None:
    """See that there are keywords of these names, and that their values are of their kinds.

    Raises:
        UsageError: There is none of a name, or a value does not fit.
    """
    for name in keywords:
        if name not in kinds:
            raise UsageError(f"There is no option {name}=.", advice=f"There are: {', '.join(sorted(kinds))}.")
    check_arguments(kinds, keywords)


def check_arguments(kinds: Mapping[str, Kind], arguments: Mapping[str, Any]) -> None:
    """See that arguments are of their kinds; one without a kind is left alone.

    Args:
        kinds: By the arguments' names.
        arguments: The values by the same names.

    Raises:
        UsageError: One is not. A text is not repeated: it may be a secret.
    """
    for name, value in arguments.items():
        kind = kinds.get(name)
        if kind is not None and not kind.fits(value):
            actual = repr(value) if isinstance(value, Real | None) else type(value).__name__
            if isinstance(value, str) and not is_text(value):
                actual = "one with half of a surrogate pair"
            raise UsageError(f"{name}= takes {kind.text}, not {actual}.")


def check_address(subject: str, url: str) -> None:
    """Refuse an address that parsers read differently: another host might be fetched. Contract §2, CreateAsset.

    Args:
        subject: The Action's name, or the address without its secrets.
        url: The address of a file.

    Raises:
        UsageError: It is no absolute http or https address, or could be read in two ways.
    """
    check_arguments({"url": TEXT}, {"url": url})
    try:
        parse_http_url(url)
    except ValueError as error:
        raise UsageError(
            f"{subject}: the address {error}.",
            advice="It looks like https://cdn.example/a.jpg; a file of this machine is uploaded instead.",
        ) from None
