"""What the models of all resources share: converters of closed sets, pages, and where a result came from.

Values only. Nothing here knows wire names (`portrait.codec`), HTTP or who answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from portrait.enums import (
    AssetStatus,
    AssetType,
    AssetTypeName,
    GroupType,
    SortBy,
    SortByName,
    SortOrder,
    SortOrderName,
)
from portrait.errors import UsageError

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


def _one_of(kind: type[E], value: str) -> E:
    if type(value) is kind:  # of most requests
        return value
    try:
        return kind(value)
    except ValueError:
        raise UsageError(f"{kind.__name__} is one of {', '.join(kind)}, not {value!r}.") from None


# Converters: a plain string is as good as a member; anything outside of the closed set is a `UsageError`, and an error
# to a type checker.


def as_group_type(value: str) -> GroupType:
    """`"AIGC"` → `GroupType.AIGC`."""
    return _one_of(GroupType, value)


def as_asset_type(value: AssetType | AssetTypeName) -> AssetType:
    """`"Image"` → `AssetType.IMAGE`."""
    return _one_of(AssetType, value)


def as_statuses(values: Iterable[str] | None) -> tuple[AssetStatus, ...] | None:
    """`["Active"]` → `(AssetStatus.ACTIVE,)`."""
    return None if values is None else tuple(_one_of(AssetStatus, value) for value in as_many(values) or ())


def as_sort_by(value: SortBy | SortByName | None) -> SortBy | None:
    """`"UpdateTime"` → `SortBy.UPDATE_TIME`."""
    return None if value is None else _one_of(SortBy, value)


def as_sort_order(value: SortOrder | SortOrderName | None) -> SortOrder | None:
    """`"Asc"` → `SortOrder.ASC`."""
    return None if value is None else _one_of(SortOrder, value)


def as_many(value: Iterable[str] | None) -> tuple[str, ...] | None:
    """Any iterable of strings, but not one string."""
    if isinstance(value, str):
        raise UsageError(f"Several values are wanted: [{value!r}], not {value!r}.")
    if not isinstance(value, Iterable | None):
        raise UsageError(f"Several values are wanted, not {value!r}.")
    return None if value is None else tuple(value)


@frozen(kw_only=True)
class Response:
    """Where a result came from.

    Attributes:
        request_id: The service's id of the request, "" if it gave none.
        http_status: The HTTP status.
        headers: The answer's headers; names in lower case.
        body: The whole envelope as it came, unknown fields included.
        inferred: True where success is inferred: the answer to a deletion was lost, and sent again it was answered "not
            accessible", which is also the answer for an id that was never one's own.
    """

    request_id: str = ""
    http_status: int = 200
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: Mapping[str, Any] = field(factory=dict, repr=False)
    inferred: bool = False


_NOWHERE = Response()


@frozen(kw_only=True)
class Result:
    """The base of what an Action answers.

    Attributes:
        response: The raw answer; empty on a value that is not one by itself, such as an item of a page.
    """

    response: Response = field(default=_NOWHERE, eq=False, repr=False)


@frozen(kw_only=True)
class Empty(Result):
    """A result without fields: the call succeeded."""


@frozen(kw_only=True)
class Created(Result):
    """The id of what was created.

    Attributes:
        id: For example `asset-20260318035710-xxxxx`; its form is the provider's own.
    """

    id: str


@frozen(kw_only=True)
class Updated(Result):
    """An update worked. AllToken answers nothing, Ark the id (contract §10.5).

    Attributes:
        id: The id where the provider gives it, else None.
    """

    id: str | None = None


@frozen(kw_only=True)
class Page(Result, Generic[T]):
    """One page of a list.

    Attributes:
        items: The items of this page, in the order asked for. A page without them is not an empty page.
        total_count: How many match in all; None where the provider pages by cursor.
        page_number: From 1.
        page_size: 1 to 100.
        next_token: The cursor of the next page (Ark), None at the end.
    """

    items: tuple[T, ...]
    total_count: int | None = None
    page_number: int | None = None
    page_size: int | None = None
    next_token: str | None = None
