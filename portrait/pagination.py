"""Walking through the pages of a list: which page to ask for next, and which of its items are new. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack

from attrs import evolve, fields

from portrait.actions import LIST_ASSET_GROUPS, LIST_ASSETS, Action
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
    SortOrder,
)

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.flow import Flow

Item = TypeVar("Item", Asset, AssetGroup)

MAX_PASSES = 4  # at most; a list that shrinks all the time is never seen whole
PAGE_SIZE = 100  # items; the most that a page may have, contract §2


class GroupQuery(TypedDict, total=False):
    """Which groups to walk through; see `GroupFilter` and `ListAssetGroupsRequest`."""

    group_type: GroupType | str
    group_ids: Iterable[str] | None
    name: str | None
    page_size: int | None
    project_name: str | None


class AssetQuery(GroupQuery, total=False):
    """Which assets to walk through, and in which order; see `AssetFilter` and `ListAssetsRequest`."""

    statuses: Iterable[AssetStatus | str] | None
    sort_by: SortBy | str | None
    sort_order: SortOrder | str | None


class Paginator(Generic[Item]):
    """A walk through one list.

    Lists move while they are read. What is created meanwhile pushes items to later pages, so an item may come twice: it
    is given once. What is deleted meanwhile may hide an item; who needs certainty walks again.

    Attributes:
        action: What to call with each request.
    """

    def __init__(self, action: Action[Any, Any], request: Any) -> None:
        self.action = action
        self._request = evolve(request, page_number=1, page_size=request.page_size or PAGE_SIZE)
        self._seen: set[str] = set()
        self._more = True

    def next_request(self) -> Any | None:
        """The request for the next page; None at the end."""
        return self._request if self._more else None

    def take(self, page: Any) -> Iterator[Item]:
        """The page's items that were not given before."""
        number = self._request.page_number
        size = min(self._request.page_size, page.page_size or PAGE_SIZE)  # a service may give smaller pages
        fresh = [item for item in page.items if item.id not in self._seen]
        self._seen.update(item.id for item in fresh)
        # A short page is the surest sign of the end; where there is no total, so is one that brings nothing new.
        further = number * size < page.total_count if page.total_count is not None else bool(fresh)
        self._more = bool(page.items) and len(page.items) >= size and further
        self._request = evolve(self._request, page_number=number + 1)
        yield from fresh


def walk(endpoint: Endpoint, pages: Callable[[], Paginator[Item]]) -> Flow[list[Item]]:
    """Every item, surely: the walk is begun again while fewer were seen than the first page counted.

    What is deleted between two pages moves others forward, past the reader. For who decides by what is *not* there.
    """
    found: list[Item] = []
    for _ in range(MAX_PASSES):
        walked, found, counted = pages(), [], 0
        while (request := walked.next_request()) is not None:
            page = yield from endpoint.call(walked.action, request)
            counted = counted or page.total_count or 0
            found += walked.take(page)
        if len(found) >= counted:
            break
    return found


def assets(**query: Unpack[AssetQuery]) -> Paginator[Asset]:
    """A walk through assets.

    Raises:
        UsageError: A value is outside of its closed set.
    """
    chosen, rest = _divided(query, AssetFilter)
    return Paginator(LIST_ASSETS, ListAssetsRequest(filter=AssetFilter(**chosen), **rest))


def groups(**query: Unpack[GroupQuery]) -> Paginator[AssetGroup]:
    """A walk through groups.

    Raises:
        UsageError: A value is outside of its closed set.
    """
    chosen, rest = _divided(query, GroupFilter)
    return Paginator(LIST_ASSET_GROUPS, ListAssetGroupsRequest(filter=GroupFilter(**chosen), **rest))


def _divided(query: Mapping[str, Any], part: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keywords that `part` takes, and the rest."""
    names = {field.name for field in fields(part)}
    return {k: v for k, v in query.items() if k in names}, {k: v for k, v in query.items() if k not in names}
