"""Pages of lists, by number or by cursor: reading what is asked for, and the fields beside the items. Contract §2.

A cursor holds the position of a page's last item, so that what is created or deleted between two pages neither hides
nor repeats an item.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, Generic, TypeVar
from zlib import crc32

from attrs import field, frozen

from emulator.domain import checks, quotas
from emulator.domain.context import Context
from emulator.domain.ports import Position
from emulator.domain.records import Asset, Group
from portrait.models import ListAssetGroupsRequest, ListAssetsRequest, SortBy, SortOrder

ListRequest = ListAssetGroupsRequest | ListAssetsRequest
Record = TypeVar("Record", Asset, Group)
Item = TypeVar("Item", "AssetItem", Group)


@frozen
class AssetItem:
    """An asset as one read shows it.

    Attributes:
        asset: What is stored.
        url: The link that this read has signed; None while the asset is Processing.
    """

    asset: Asset
    url: str | None = field(repr=False)


@frozen(kw_only=True)
class Page(Generic[Item]):
    """One page of a list, with the fields beside its items.

    Attributes:
        items: Assets or groups.
        total_count: How many there are in all; None for a page by cursor, as number and size.
        page_number: From 1.
        page_size: As asked for.
        next_token: Leads to the page behind this one; None on the last page, and for a page by number.
    """

    items: Sequence[Item]
    total_count: int | None = None
    page_number: int | None = None
    page_size: int | None = None
    next_token: str | None = None


@frozen
class Window:
    """The page that a request asks for.

    Attributes:
        request: The request.
        size: How many items were asked for.
        limit: How many the page may have: a rule may limit it.
        number: From 1; None for a page by cursor.
        after: Where the page before ended; None for a first page, and for one by number.
    """

    request: ListRequest
    size: int
    limit: int
    number: int | None = None
    after: Position | None = None

    def query(self, ctx: Context) -> dict[str, Any]:
        """The fields that queries of groups and of assets have in common."""
        request = self.request
        return {
            "project": ctx.project(request.project_name),
            "kind": request.filter.group_type,
            "group_ids": request.filter.group_ids or (),
            "name": request.filter.name or "",
            "before": ctx.visible_until,
            "visible_at": ctx.visible_at,
            "sort": request.sort_by or SortBy.CREATE_TIME,
            "descending": request.sort_order is not SortOrder.ASC,
            **self._bounds(),
        }

    def _bounds(self) -> dict[str, Any]:
        """By cursor one record more than the page, which shows whether another page follows."""
        if self.number is None:
            return {"after": self.after, "limit": self.limit + 1}
        return {"offset": (self.number - 1) * self.limit, "limit": self.limit}

    def close(self, total: int, found: Sequence[Record]) -> tuple[Sequence[Record], dict[str, Any]]:
        """The records of the page, and the fields beside them. A page by cursor has no counts (D)."""
        if self.number is not None:
            return found, {"total_count": total, "page_number": self.number, "page_size": self.size}
        if len(found) <= self.limit:
            return found, {}
        items = found[: self.limit]
        return items, {"next_token": _write(items[-1], self.request)}


def window(ctx: Context, request: ListRequest, deepest: int) -> Window:
    """The page that a request asks for.

    Args:
        ctx: The context.
        request: The request.
        deepest: The largest PageSize × PageNumber where lists can be read by cursor as well.

    Raises:
        Refusal: Numbers and cursor are mixed, a value is out of range, or the account lists too much.
    """
    page = _window(ctx, request, deepest)
    customer = ctx.tx.customer
    if ctx.config.list_items is not None and customer.tier is not None:
        ctx.tx.save_customer(quotas.count_listed(customer, page.size, ctx.config.list_items, ctx.now))
    return page


def _window(ctx: Context, request: ListRequest, deepest: int) -> Window:
    numbered = request.page_number is not None or request.page_size is not None
    cursor = next((name for name in ("next_token", "max_results") if getattr(request, name) is not None), None)
    if numbered and cursor is not None:
        field = "NextToken" if cursor == "next_token" else "MaxResults"
        raise checks.invalid(field, "cannot be combined with PageNumber and PageSize")
    if ctx.config.cursors and not numbered:
        size = checks.page_size("MaxResults", request.max_results)
        return Window(request, size, ctx.clamp(size), after=_read(request) if request.next_token else None)
    number, size = checks.page(request.page_number, request.page_size)
    if ctx.config.cursors and number * size > deepest:
        raise checks.invalid("PageNumber", f"times PageSize must be at most {deepest}: read on by NextToken")
    return Window(request, size, ctx.clamp(size), number)


def _write(last: Asset | Group, request: ListRequest) -> str:
    """A token: the position, and a checksum of it and of the query that it belongs to."""
    position = [last.created, last.updated, last.number, getattr(last, "group_id", "")]
    return urlsafe_b64encode(json.dumps([*position, _checksum(position, request)]).encode()).decode().rstrip("=")


def _read(request: ListRequest) -> Position:
    wrong = checks.invalid("NextToken", "is not the token of a page of this list")
    token = request.next_token or ""
    try:
        *position, checksum = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, TypeError, RecursionError):
        raise wrong from None
    if checksum != _checksum(position, request):
        raise wrong
    created, updated, number, group_id = position
    return Position(created=created, updated=updated, number=number, group_id=group_id)


def _checksum(position: list[Any], request: ListRequest) -> int:
    query = (position, request.filter, request.sort_by, request.sort_order, request.project_name)
    return crc32(repr(query).encode(errors="replace"))
