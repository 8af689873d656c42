"""The values of a request's fields: lengths, addresses, pages. Owns what is refused before anybody's ids are looked at.

Must not know any record. Contract §10.12: values come after required fields and before ownership.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from emulator.domain.reasons import Reason, Refusal

_ADDRESS_LIMIT = 8192  # bytes would differ from characters only in an address that is not one
_SPACES = re.compile(r"[\x00-\x20\x7f]")
# The usual address, which need not be taken apart to be told: scheme, a plain name, and what ends it.
_PLAIN = re.compile(r"https?://([A-Za-z0-9][A-Za-z0-9.-]*)(?:[/?#]|$)")
_PAGE_SIZES = range(1, 101)


def invalid(field: str, why: str) -> Refusal:
    """A field has a value that is not taken; `why` ends a sentence."""
    return Refusal(Reason.INVALID_FIELD, field=field, message=why)


def length(field: str, value: str | None, limit: int | None) -> None:
    """Contract §1, *Name limit*: counted in characters, not bytes (D)."""
    if value is not None and limit is not None and len(value) > limit:
        raise invalid(field, f"must have at most {limit} characters")


def http_url(field: str, value: str) -> None:
    """An absolute http or https address with a host. Contract §2: `URL`, `CallbackURL` (D)."""
    if len(value) > _ADDRESS_LIMIT:
        raise invalid(field, f"must have at most {_ADDRESS_LIMIT} characters")
    if _SPACES.search(value) or not _is_http_url(value):
        raise invalid(field, "must be an absolute http or https address")


def page(number: int | None, size: int | None) -> tuple[int, int]:
    """PageNumber and PageSize with their defaults. Out of range is refused, not clamped. Contract §2 (D, I)."""
    number = 1 if number is None else number
    size = 10 if size is None else size
    if number < 1:
        raise invalid("PageNumber", "must be 1 or more")
    if size not in _PAGE_SIZES:
        raise invalid("PageSize", "must be between 1 and 100")
    return number, size


def host_of(url: str) -> str:
    """The host of an address that was found good, in lower case."""
    plain = _PLAIN.match(url)
    return plain[1].lower() if plain else urlsplit(url).hostname or ""


def _is_http_url(value: str) -> bool:
    if _PLAIN.match(value):
        return True
    try:
        parts = urlsplit(value)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        return False
