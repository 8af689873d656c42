"""The pages of a list: which page to request next, which of its items are new, and when a list was read whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack

from attrs import evolve, fields

from portrait.actions import LIST_ASSET_GROUPS, LIST_ASSETS, Action
from portrait.errors import BadResponse
from portrait.models import (
    Asset,
    AssetFilter,
    AssetGroup,
    AssetStatus,
    GroupFilter,
    GroupType,
    ListAssetGroupsRequest,
    ListAssetsRequest,
    SortBy,
    SortByName,
    SortOrder,
    SortOrderName,
)

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.flow import Flow

Item = TypeVar("Item", Asset, AssetGroup)

MAX_PASSES = 4  # over a list that changes while it is read
MAX_STALE_PAGES = 5  # in a row that bring nothing new
PAGE_SIZE = 100  # items; the most that a page may have, contract §2


class GroupQuery(TypedDict, total=False):
    """Which groups to list; see `GroupFilter` and `ListAssetGroupsRequest`."""

    group_type: GroupType | str
    group_ids: Iterable[str] | None
    name: str | None
    page_size: int | None
    project_name: str | None


class AssetQuery(GroupQuery, total=False):
    """Which assets to list, and in which order; see `AssetFilter` and `ListAssetsRequest`."""

    statuses: Iterable[AssetStatus | str] | None
    sort_by: SortBy | SortByName | None
    sort_order: SortOrder | SortOrderName | None


class Paginator(Generic[Item]):
    """The pages of one list.

    Lists move while they are read. What is created meanwhile pushes items to later pages, so an item may come twice: it
    is given once. What is deleted meanwhile may hide an item; `list_complete` is for who needs certainty. Of a service
    that does not keep to the filter, what is surely of another group or type is left out: it is somebody else's.

    Args:
        request: For the first page.

    Attributes:
        action: What to call with each request.
        by_cursor: Follow `NextToken` (Ark, which refuses deep pages by number) instead of counting pages.
        total_count: Of the page that was read last; None where the provider does not count.
        seen: The ids that were read, also of what was left out.
    """

    def __init__(self, action: Action[Any, Any], request: Any, *, by_cursor: bool = False) -> None:
        self.action = action
        self.by_cursor = by_cursor
        self._first = request
        self._group_ids = {group_id.lower() for group_id in request.filter.group_ids or ()}
        self.restart()

    def restart(self) -> None:
        """Begin again at the first page."""
        self.total_count: int | None = None
        self._request = self._first
        self.seen: set[str] = set()
        self._stale_pages = 0
        self._more = True

    def next_request(self) -> Any | None:
        """The request for the next page; None at the end."""
        return self._request if self._more else None

    def consume(self, page: Any) -> list[Item]:
        """The page's items that were not given before.

        Gateways give shorter pages than they were asked for, whatever `PageSize` they say: a list ends where its total
        is reached, or with an empty page (contract §3).

        Raises:
            BadResponse: Page after page brings nothing new, and the total is not reached.
        """
        fresh = {item.id: item for item in page.items if item.id not in self.seen}
        self.seen.update(fresh)
        self._stale_pages = 0 if fresh else self._stale_pages + 1
        self.total_count = page.total_count
        self._more = self._has_more(page, fresh)
        if self._more and self._stale_pages >= MAX_STALE_PAGES:
            raise BadResponse(
                f"{self.action.name}: {self._stale_pages} pages in a row brought nothing new, though "
                f"only {len(self.seen)} items were read of {page.total_count or 'a list that goes on'}.",
                action=self.action.name,
                advice="The service does not page its list. Narrow it by a group or a name.",
            )
        if self._more and self.by_cursor:
            self._request = evolve(self._request, next_token=page.next_token)
        elif self._more:
            self._request = evolve(self._request, page_number=self._request.page_number + 1)
        group_type = self._first.filter.group_type
        return [item for item in fresh.values() if _may_be_of(item, self._group_ids, group_type)]

    def _has_more(self, page: Any, fresh: Collection[str]) -> bool:
        if self.by_cursor:
            return bool(page.next_token)
        total = page.total_count
        # Where nobody counts, or less than there is, a page that brings nothing new is the end.
        further = bool(fresh) if total is None or total < len(self.seen) else len(self.seen) < total
        return bool(page.items) and further


def _may_be_of(item: Asset | AssetGroup, group_ids: Collection[str], group_type: str) -> bool:
    """Whether an item is of one of these groups, and a group of that type; what is not known of it is believed."""
    group_id = item.group_id if isinstance(item, Asset) else item.id
    if group_ids and group_id and group_id.lower() not in group_ids:
        return False
    return isinstance(item, Asset) or item.group_type == group_type or item.group_type not in set(GroupType)


def list_complete(endpoint: Endpoint, pages: Paginator[Item]) -> Flow[list[Item]]:
    """Every item of a list, for decisions that depend on what is *not* in it.

    What is deleted between two pages moves later items forward, past the reader, and a create in the same moment hides
    that from the total. So several pages are believed once they were read again and nothing that the first pass showed
    was missing from the second: then nothing was deleted while the first one ran.

    Raises:
        BadResponse: The list moves all the time, or shows fewer items than it counts.
        PortraitError: A page cannot be read.
    """
    before: set[str] | None = None
    for _ in range(MAX_PASSES):
        pages.restart()
        found, counts = [], []
        while (request := pages.next_request()) is not None:
            found += pages.consume((yield from endpoint.call(pages.action, request)))
            counts.append(pages.total_count or 0)
        whole = len(pages.seen) >= counts[0]
        if whole and (len(counts) == 1 or (before is not None and before <= pages.seen)):
            return found
        before = pages.seen if whole else None
    raise BadResponse(
        f"{pages.action.name}: the list could not be read whole: it changed during each of {MAX_PASSES} passes, or "
        "counts items that it does not show.",
        action=pages.action.name,
        advice="Run again when nobody else changes the list.",
    )


def asset_pages(*, by_cursor: bool = False, **query: Unpack[AssetQuery]) -> Paginator[Asset]:
    """The pages of a list of assets.

    Raises:
        UsageError: A value is outside of its closed set.
    """
    criteria, rest = _split_filter(query, AssetFilter)
    page = _first_page(rest, by_cursor=by_cursor)
    request = ListAssetsRequest(filter=AssetFilter(**criteria), **page)
    return Paginator(LIST_ASSETS, request, by_cursor=by_cursor)


def group_pages(*, by_cursor: bool = False, **query: Unpack[GroupQuery]) -> Paginator[AssetGroup]:
    """The pages of a list of groups.

    Raises:
        UsageError: A value is outside of its closed set.
    """
    criteria, rest = _split_filter(query, GroupFilter)
    page = _first_page(rest, by_cursor=by_cursor)
    request = ListAssetGroupsRequest(filter=GroupFilter(**criteria), **page)
    return Paginator(LIST_ASSET_GROUPS, request, by_cursor=by_cursor)


def _split_filter(query: Mapping[str, Any], part: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keywords that `part` takes, and the rest."""
    names = {field.name for field in fields(part)}
    return {k: v for k, v in query.items() if k in names}, {k: v for k, v in query.items() if k not in names}


def _first_page(query: Mapping[str, Any], *, by_cursor: bool) -> dict[str, Any]:
    """The same keywords, with those that ask for a first page in the place of `page_size`."""
    size = query.get("page_size") or PAGE_SIZE
    page = {"page_size": None, "max_results": size} if by_cursor else {"page_number": 1, "page_size": size}
    return {**query, **page}
