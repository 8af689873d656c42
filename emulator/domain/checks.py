"""Checks of a request's values: lengths, addresses, page numbers and sizes.

Contract §10.12: values are checked after required fields and before ownership.
"""

from __future__ import annotations

from emulator.domain.reasons import Reason, Refusal
from portrait.urls import parse_http_url

ADDRESS_LIMIT = 8192  # bytes would differ from characters only in an address that is not one
MAX_PAGE_SIZE = 100  # items; contract §2, *Page* (D)


def invalid(field: str, why: str) -> Refusal:
    """The refusal of a field's value; `why` ends a sentence that begins with the field."""
    return Refusal(Reason.INVALID_FIELD, field=field, message=why)


def length(field: str, value: str | None, limit: int | None) -> None:
    """Contract §1, *Name limit*: counted in characters, not bytes (D)."""
    if value is not None and limit is not None and len(value) > limit:
        raise invalid(field, f"must have at most {limit} characters")


def http_url(field: str, value: str) -> None:
    """An absolute http or https address with a host. Contract §2: `URL`, `CallbackURL` (D)."""
    if len(value) > ADDRESS_LIMIT:
        raise invalid(field, f"must have at most {ADDRESS_LIMIT} characters")
    try:
        parse_http_url(value)
    except ValueError:
        raise invalid(field, "must be an absolute http or https address") from None


def page(number: int | None, size: int | None) -> tuple[int, int]:
    """PageNumber and PageSize with their defaults. Out of range is refused, not clamped. Contract §2 (D, I)."""
    number = 1 if number is None else number
    if number < 1:
        raise invalid("PageNumber", "must be 1 or more")
    return number, page_size("PageSize", size)


def page_size(field: str, size: int | None) -> int:
    """How many items a page is to have: from 1 to 100, by default 10. Contract §2 (D, I)."""
    size = 10 if size is None else size
    if not 1 <= size <= MAX_PAGE_SIZE:
        raise invalid(field, f"must be between 1 and {MAX_PAGE_SIZE}")
    return size
