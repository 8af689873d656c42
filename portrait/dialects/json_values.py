"""Parts of an answer that may have any type: each function gives a value of the one that is wanted, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def json_mapping(value: Any) -> Mapping[str, Any]:
    """An object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def json_sequence(value: Any) -> Sequence[Any]:
    """An array; an empty one for anything else."""
    return value if isinstance(value, list | tuple) else ()


def json_text(value: Any) -> str | None:
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def json_number(value: Any) -> float | None:
    """A number."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def json_integer(value: Any) -> int | None:
    """A whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
