"""Following many assets to their end: pages of ListAssets instead of one GetAsset for each.

A `Watch` is a plain value that knows what is still open; a `look` is a flow that asks once and says what has ended. The
number of calls grows with the pages of 100 assets, not with the assets. Between two looks the value can be stored and
handed to a later process. Nothing here raises for one asset: each ends in an `AssetOutcome`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Any, Self

from attrs import asdict, define, evolve, field, frozen

from portrait.actions import GET_ASSET, GET_ASSET_GROUP, LIST_ASSETS
from portrait.errors import NotAccessible, PortraitError, Retry, UsageError
from portrait.events import WatchProgress
from portrait.flow import Flow, Notify, Sleep
from portrait.models import (
    Asset,
    AssetFilter,
    AssetPage,
    AssetStatus,
    GetAssetGroupRequest,
    GetAssetRequest,
    GroupType,
    ListAssetsRequest,
    SortBy,
    SortOrder,
)
from portrait.models.common import as_group_type, as_many
from portrait.retry import NO_RETRY
from portrait.uri import asset_uri, parse_asset_id
from portrait.wait import DEADLINES, GRACE, NOT_VISIBLE, POLL, asset_failed, asset_timeout, asset_vanished

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

PAGE = 100  # items, contract §2
STRAGGLERS = 5  # GetAsset calls in one look, for assets that no page showed


class OutcomeState(StrEnum):
    """How a watched asset ended."""

    ACTIVE = "Active"
    FAILED = "Failed"
    VANISHED = "Vanished"
    TIMED_OUT = "Late"


@frozen(kw_only=True)
class AssetOutcome:
    """How one watched asset ended.

    Attributes:
        id: The asset's id.
        state: Active, Failed, Vanished, or Late: not finished within its deadline.
        asset: What was read last, None if nothing was.
        error: What `wait_until_active` would have raised; None if it is Active.
    """

    id: str
    state: OutcomeState
    asset: Asset | None = None
    error: PortraitError | None = None

    @property
    def uri(self) -> str:
        """`asset://<id>`."""
        return asset_uri(self.id)

    def check(self) -> Asset:
        """The asset if it is Active.

        Raises:
            PortraitError: `error`, if it is not.
        """
        if self.error is not None:
            raise self.error
        assert self.asset is not None  # noqa: S101  (an Active one was read)
        return self.asset


@define(kw_only=True)
class _Pending:
    """What is known of an asset that has not ended: its group, its type, and since when it is missing."""

    group_id: str = ""
    asset_type: str = ""
    gone_since: float | None = None


@define(kw_only=True)
class Watch:
    """What is still open. Times are seconds since 1970, so that a later process goes on with the same deadlines.

    Attributes:
        started: When the watch began.
        timeout: Seconds in all; None takes 60 for an image and 180 for video and audio.
        open: By asset id.
        group_types: By group id; "" is not known yet.
        counts: How many ended how.
        last: Each as it was read last; not stored.
        asked: Seconds that the service asked to wait; not stored.
        walked: Groups whose pages were read through once; not stored.
    """

    started: float
    timeout: float | None = None
    open: dict[str, _Pending] = field(factory=dict)
    group_types: dict[str, str] = field(factory=dict)
    counts: dict[str, int] = field(factory=dict)
    last: dict[str, Asset] = field(factory=dict, repr=False)
    asked: float = 0.0
    walked: set[str] = field(factory=set, repr=False)

    @classmethod
    def over(
        cls,
        ids: Iterable[str] | Mapping[str, Any],
        now: float,
        *,
        group_ids: Iterable[str] | None = None,
        group_type: GroupType | str | None = None,
        timeout: float | None = None,
    ) -> Self:
        """A watch over assets, or one that goes on from a stored value.

        Args:
            ids: Ids or `asset://` addresses, or what `to_dict` gave; an id that comes twice is watched once.
            now: Seconds since 1970.
            group_ids: The groups to look in, where they are known; else the first asset tells.
            group_type: The type of all of those groups; else each is asked for it once.
            timeout: Seconds in all.

        Raises:
            UsageError: One string instead of several, or a mapping that is not the stored value of a watch.
        """
        if isinstance(ids, Mapping):
            return cls.from_dict(ids)
        kind = "" if group_type is None else str(as_group_type(group_type))
        rows = {parse_asset_id(asset_id): _Pending() for asset_id in as_many(ids) or ()}
        types = dict.fromkeys(as_many(group_ids) or (), kind)
        return cls(started=now, timeout=timeout, open=rows, group_types=types)

    def to_dict(self) -> dict[str, Any]:
        """A plain value for JSON; `from_dict` takes it back."""
        return asdict(self, filter=lambda attribute, _: attribute.name not in {"last", "asked", "walked"})

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """A watch that was stored.

        Raises:
            UsageError: The value is not a stored watch.
        """
        try:
            rows = {id: _Pending(**row) for id, row in value["open"].items()}  # noqa: A001
            return cls(**{**value, "open": rows})
        except (AttributeError, KeyError, TypeError) as error:
            raise UsageError("This is not the stored value of a watch.") from error

    def deadline(self, row: _Pending) -> float:
        """Seconds since 1970."""
        allowed = self.timeout if self.timeout is not None else DEADLINES.get(row.asset_type, DEADLINES["Image"])
        return self.started + allowed


def look(endpoint: Endpoint, watch: Watch, poll: float = POLL) -> Flow[list[AssetOutcome]]:
    """Ask once for everything that is open; pauses first if nothing ended the time before.

    Raises:
        PortraitError: Asking as such fails for good, such as a key that is refused. What is open stays open.
    """
    # Each call is one attempt: the next look comes by itself, and knows when to give up.
    endpoint = _poll_settings(endpoint, watch)
    ended: list[AssetOutcome] = []
    while watch.open and not ended:
        watch.asked = 0.0
        yield from _discover_groups(endpoint, watch, ended)
        unseen = yield from _poll_lists(endpoint, watch, ended)
        yield from _poll_missing(endpoint, watch, unseen, ended)
        _expire(endpoint, watch, ended)
        yield _progress(endpoint, watch)
        if watch.open and not ended:
            soonest = min(watch.deadline(row) for row in watch.open.values()) - endpoint.clock.now()
            yield Sleep(max(0.05, min(max(poll, watch.asked), soonest)))
    return ended


class _Watcher:
    """What the two iterators share: outcomes that were read and not yet given."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._ready: list[AssetOutcome] = []

    @property
    def state(self) -> dict[str, Any]:
        """What is still open, as a plain value for JSON: pass it to `watch_assets` in the place of ids."""
        value = self._watch.to_dict()
        # What was read but not given yet is open for whoever goes on.
        for outcome in self._ready:
            value["open"][outcome.id] = asdict(_Pending(group_id=outcome.asset.group_id if outcome.asset else ""))
        return value


class AssetWatcher(_Watcher, Iterator[AssetOutcome]):
    """Outcomes as they come; `state` can be stored at any time."""

    def __init__(self, watch: Watch, look: Callable[[Watch], list[AssetOutcome]]) -> None:
        super().__init__(watch)
        self._look = look

    def __next__(self) -> AssetOutcome:
        if not self._ready:
            self._ready = self._look(self._watch)
        if not self._ready:
            raise StopIteration
        return self._ready.pop(0)


class AsyncAssetWatcher(_Watcher, AsyncIterator[AssetOutcome]):
    """Outcomes as they come; `state` can be stored at any time."""

    def __init__(self, watch: Watch, look: Callable[[Watch], Awaitable[list[AssetOutcome]]]) -> None:
        super().__init__(watch)
        self._look = look

    async def __anext__(self) -> AssetOutcome:
        if not self._ready:
            self._ready = await self._look(self._watch)
        if not self._ready:
            raise StopAsyncIteration
        return self._ready.pop(0)


def _discover_groups(endpoint: Endpoint, watch: Watch, ended: list[AssetOutcome]) -> Flow[None]:
    """Where no group is known, one asset tells its own; the pages of that group show the others."""
    if not watch.group_types and watch.open:
        first = next(iter(watch.open))
        yield from _poll_one(endpoint, watch, first, ended)
    if not watch.open:
        return
    for group_id in [group for group, kind in watch.group_types.items() if not kind]:
        group = yield from _call_or_none(endpoint, watch, GET_ASSET_GROUP, GetAssetGroupRequest(id=group_id))
        if group is not None:
            watch.group_types[group_id] = str(group.group_type)


def _poll_lists(endpoint: Endpoint, watch: Watch, ended: list[AssetOutcome]) -> Flow[list[str]]:
    """Read the groups' pages for what is open; returns what was on none of them."""
    unseen = dict.fromkeys(watch.open)
    for kind in sorted(set(watch.group_types.values()) - {""}):
        groups = [group for group, its in watch.group_types.items() if its == kind]
        new = [group for group in groups if group not in watch.walked]
        if new:
            yield from _Pages(endpoint, watch, kind, new, unseen, ended).walk()
        else:
            yield from _Pages(endpoint, watch, kind, groups, unseen, ended).read_changes()
    return list(unseen)


@define
class _Pages:
    """The pages of some groups of one type, read for what is open and was not seen in this poll.

    Attributes:
        unseen: Ids of open assets; those that a page shows are taken out.
        ended: Outcomes are added here.
    """

    endpoint: Endpoint
    watch: Watch
    kind: str
    groups: list[str]
    unseen: dict[str, None]
    ended: list[AssetOutcome]

    def read_changes(self) -> Flow[None]:
        """Read the newest changes: whatever ends its review is among them.

        At most one page more than would hold all that is open: lists move while they are read.
        """
        wanted, read, number, more = len(self.unseen), 0, 0, True
        while self.unseen and more and read < wanted + PAGE:
            number += 1
            page, _, more = yield from self._read(number, SortBy.UPDATE_TIME, SortOrder.DESC)
            read += len(page.items) if page else 0

    def walk(self) -> Flow[None]:
        """Look for what was never read, once: from both ends, going on at the one that brings something.

        It ends where as many pages brought nothing as there are assets left to ask for one by one.
        """
        numbers, order, fruitless, read, more = dict.fromkeys(SortOrder, 0), SortOrder.DESC, 0, 0, True
        while self.unseen and more and fruitless < len(self.unseen):
            numbers[order] += 1
            page, found, more = yield from self._read(numbers[order], SortBy.CREATE_TIME, order)
            if page is None:
                return
            read += len(page.items)
            more = more and read < (page.total_count or inf)
            if not found:
                fruitless += 1
                order = SortOrder.ASC if order is SortOrder.DESC else SortOrder.DESC
        self.watch.walked.update(self.groups)

    def _read(self, number: int, sort_by: SortBy, order: SortOrder) -> Flow[tuple[AssetPage | None, int, bool]]:
        """One page, how many open assets it showed, and whether there may be more pages; None if the call failed."""
        request = ListAssetsRequest(
            filter=AssetFilter(group_type=self.kind, group_ids=self.groups),
            page_number=number,
            page_size=PAGE,
            sort_by=sort_by,
            sort_order=order,
        )
        page = yield from _call_or_none(self.endpoint, self.watch, LIST_ASSETS, request)
        if page is None:
            return None, 0, False
        found = [asset for asset in page.items if asset.id in self.unseen]
        for asset in found:
            if self.unseen.pop(asset.id, asset) is None:  # an item that comes twice counts once
                _update(self.watch, asset.id, asset, self.ended)
        # A service may give smaller pages than asked for; an empty one is the end whatever it says.
        return page, len(found), bool(page.items) and len(page.items) >= min(PAGE, page.page_size or PAGE)


def _poll_missing(endpoint: Endpoint, watch: Watch, unseen: list[str], ended: list[AssetOutcome]) -> Flow[None]:
    """Ask one by one for a few that no page showed; the others have their turn next time.

    One that tells a new group ends it: the pages of that group may show the others.
    """
    known = len(watch.group_types)
    for asset_id in unseen[:STRAGGLERS]:
        if asset_id in watch.open and len(watch.group_types) == known:
            row = watch.open.pop(asset_id)
            watch.open[asset_id] = row  # to the end of the queue
            yield from _poll_one(endpoint, watch, asset_id, ended)


def _poll_one(endpoint: Endpoint, watch: Watch, asset_id: str, ended: list[AssetOutcome]) -> Flow[None]:
    try:
        asset = yield from _call_or_none(endpoint, watch, GET_ASSET, GetAssetRequest(id=asset_id))
    except NotAccessible:
        _mark_missing(endpoint, watch, asset_id, ended)
    else:
        if asset is not None:
            _update(watch, asset_id, asset, ended)


def _call_or_none(endpoint: Endpoint, watch: Watch, action: Any, request: Any) -> Flow[Any]:
    """One call; None if it failed in a way that may pass, or if its subject is not accessible and is not an asset."""
    try:
        return (yield from endpoint.call(action, request))
    except NotAccessible:
        if action is GET_ASSET:
            raise
        return None
    except PortraitError as error:
        if error.retry is not Retry.BACKOFF:
            raise
        watch.asked = max(watch.asked, getattr(error, "retry_after", None) or 0.0)
        return None


def _update(watch: Watch, asset_id: str, asset: Asset, ended: list[AssetOutcome]) -> None:
    row = watch.open[asset_id]
    # In a list of AllToken's the group may be empty: what is known stays. Contract §2 (D).
    row.group_id, row.asset_type, row.gone_since = asset.group_id or row.group_id, str(asset.asset_type), None
    if row.group_id:
        watch.group_types.setdefault(row.group_id, "")
    watch.last[asset_id] = asset
    if asset.status == AssetStatus.ACTIVE:
        _finish(watch, AssetOutcome(id=asset_id, state=OutcomeState.ACTIVE, asset=asset), ended)
    elif asset.status == AssetStatus.FAILED:
        error = asset_failed(asset)
        _finish(watch, AssetOutcome(id=asset_id, state=OutcomeState.FAILED, asset=asset, error=error), ended)


def _mark_missing(endpoint: Endpoint, watch: Watch, asset_id: str, ended: list[AssetOutcome]) -> None:
    """Not there is not yet vanished: reads may lag, and longer behind an own create. Contract §3 (M)."""
    row, now = watch.open[asset_id], endpoint.clock.now()
    row.gone_since = now if row.gone_since is None else row.gone_since
    if now - row.gone_since >= GRACE and not _is_invisible(endpoint, watch, asset_id):
        last = watch.last.get(asset_id)
        error = asset_vanished(asset_id, last)
        _finish(watch, AssetOutcome(id=asset_id, state=OutcomeState.VANISHED, asset=last, error=error), ended)


def _is_invisible(endpoint: Endpoint, watch: Watch, asset_id: str) -> bool:
    """Has this client created it a short time ago, and no read shown it yet?"""
    row = watch.open[asset_id]
    return not row.asset_type and endpoint.recent.lag_left(asset_id, endpoint.clock.monotonic()) > 0


def _expire(endpoint: Endpoint, watch: Watch, ended: list[AssetOutcome]) -> None:
    now = endpoint.clock.now()
    for asset_id in [i for i, row in watch.open.items() if now >= watch.deadline(row)]:
        last = watch.last.get(asset_id)
        unread = NOT_VISIBLE if _is_invisible(endpoint, watch, asset_id) else "unknown"
        error = asset_timeout(asset_id, str(last.status) if last else unread, now - watch.started, last)
        _finish(watch, AssetOutcome(id=asset_id, state=OutcomeState.TIMED_OUT, asset=last, error=error), ended)


def _finish(watch: Watch, outcome: AssetOutcome, ended: list[AssetOutcome]) -> None:
    del watch.open[outcome.id]
    watch.last.pop(outcome.id, None)
    watch.counts[outcome.state] = watch.counts.get(outcome.state, 0) + 1
    ended.append(outcome)


def _poll_settings(endpoint: Endpoint, watch: Watch) -> Endpoint:
    """One attempt for each call, which does not outlast the watch by more than a second."""
    last = max((watch.deadline(row) for row in watch.open.values()), default=0.0)
    left, usual = max(1.0, last - endpoint.clock.now()), endpoint.timeouts
    total = left if usual.total is None else min(usual.total, left)
    return evolve(endpoint, policy=NO_RETRY, timeouts=evolve(usual, total=total))


def _progress(endpoint: Endpoint, watch: Watch) -> Notify:
    waited = endpoint.clock.now() - watch.started
    return Notify(WatchProgress(open=len(watch.open), ended=dict(watch.counts), waited=waited))
