"""Strict reading of JSON objects and queries: each method returns a value or refuses the call.

`null` and an empty text count as absent, and unknown fields are ignored, as with the Actions (contract §2, I).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from emulator.domain import checks
from emulator.domain.reasons import Reason, Refusal

_DIGITS = 9  # of a number in a query


@frozen
class Fields:
    """An object of a request.

    Attributes:
        values: Its fields.
        place: Where it stands in the request: "", or `assets[2].`.
    """

    values: Mapping[str, Any]
    place: str = ""

    def has(self, name: str) -> bool:
        """Whether there is a value."""
        return self.values.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        """A text that may be absent."""
        if not self.has(name):
            return default
        value = self.values[name]
        if type(value) is not str:
            raise self.invalid(name, "must be a string")
        return value

    def required(self, name: str) -> str:
        """A text that has to be there."""
        if not self.has(name):
            raise Refusal(Reason.MISSING_FIELD, field=self.place + name)
        return self.text(name)

    def integer(self, name: str, default: int) -> int:
        """A whole number that may be absent."""
        if not self.has(name):
            return default
        value = self.values[name]
        if type(value) is not int:
            raise self.invalid(name, "must be a whole number")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self.values.get(name)
        if value is None:
            return default
        if type(value) is not bool:
            raise self.invalid(name, "must be true or false")
        return value

    def choice(self, name: str, words: Iterable[str], default: str) -> str:
        """One of a closed set."""
        value, known = self.text(name, default), tuple(words)
        if value not in known:
            raise self.invalid(name, f"must be one of {', '.join(filter(None, known))}")
        return value

    def object(self, name: str) -> Fields:
        """An object within this one; an empty one where it is absent."""
        value = self.values.get(name)
        if value is None:
            return Fields({}, f"{self.place}{name}.")
        if not isinstance(value, Mapping):
            raise self.invalid(name, "must be an object")
        return Fields(value, f"{self.place}{name}.")

    def objects(self, name: str) -> tuple[Fields, ...]:
        """An array of objects; an empty one where it is absent."""
        items = self._array(name)
        if not all(isinstance(item, Mapping) for item in items):
            raise self.invalid(name, "must be an array of objects")
        return tuple(Fields(item, f"{self.place}{name}[{index}].") for index, item in enumerate(items))

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of texts; an empty one where it is absent."""
        items = self._array(name)
        if not all(type(item) is str for item in items):
            raise self.invalid(name, "must be an array of strings")
        return tuple(items)

    def one_of(self, *names: str) -> str:
        """The name of the one field of these that is there: exactly one has to be."""
        there = [name for name in names if self.has(name)]
        if not there:
            raise Refusal(Reason.MISSING_FIELD, field=self.place + " or ".join(names))
        if len(there) > 1:
            raise self.invalid(there[1], f"cannot be combined with {there[0]}")
        return there[0]

    def invalid(self, name: str, why: str) -> Refusal:
        """The refusal of a value; `why` ends a sentence."""
        return checks.invalid(self.place + name, why)

    def _array(self, name: str) -> list[Any]:
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.invalid(name, "must be an array")
        return value


@frozen
class Query:
    """The parameters of a query.

    Attributes:
        values: By name; the first value of each.
    """

    values: Mapping[str, str]

    def text(self, name: str) -> str:
        """A text, "" where it is absent."""
        return self.values.get(name, "")

    def number(self, name: str, default: int, least: int, most: int | None = None) -> int:
        """A whole number within its bounds."""
        value = self.text(name)
        if not value:
            return default
        number = int(value) if value.isascii() and value.isdigit() and len(value) <= _DIGITS else -1
        if number < least or (most is not None and number > most):
            bounds = f"{least} or more" if most is None else f"from {least} to {most}"
            raise checks.invalid(name, f"must be a whole number, {bounds}")
        return number

    def choice(self, name: str, words: Iterable[str]) -> str:
        """One of a closed set, "" where it is absent."""
        value, known = self.text(name), tuple(words)
        if value and value not in known:
            raise checks.invalid(name, f"must be one of {', '.join(known)}")
        return value
