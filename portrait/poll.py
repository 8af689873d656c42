"""One poll of everything that a `Watch` has open: pages of ListAssets instead of one GetAsset for each.

The number of calls grows with the pages of 100 assets, not with the assets.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any

from attrs import define, evolve

from portrait.actions import GET_ASSET, GET_ASSET_GROUP, LIST_ASSETS
from portrait.errors import NotAccessible, PortraitError, Retry
from portrait.events import WatchProgress
from portrait.flow import Flow, Notify, Sleep
from portrait.models import (
    Asset,
    AssetFilter,
    AssetPage,
    AssetStatus,
    GetAssetGroupRequest,
    GetAssetRequest,
    ListAssetsRequest,
    SortBy,
    SortOrder,
)
from portrait.retry import NO_RETRY
from portrait.wait import (
    GRACE,
    NOT_VISIBLE,
    POLL,
    asset_failed,
    asset_timeout,
    asset_vanished,
    parse_timestamp,
    recall_create,
)
from portrait.watch import AssetOutcome, OutcomeState, Watch

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

PAGE = 100  # items, contract §2
STRAGGLERS = 5  # GetAsset calls in one poll, for assets that no page showed


def poll_watch(endpoint: Endpoint, watch: Watch, poll: float = POLL) -> Flow[list[AssetOutcome]]:
    """Poll until at least one asset ended, with pauses in between; returns what ended.

    Raises:
        PortraitError: Asking as such fails for good, such as a key that is refused. What is open stays open.
    """
    # Each call is one attempt: the next poll repeats it, and the deadline ends them.
    endpoint = _poll_settings(endpoint, watch)
    ended: list[AssetOutcome] = []
    while watch.open and not ended:
        watch.retry_after = 0.0
        if not watch.is_fresh:
            yield from _discover_groups(endpoint, watch, ended)
            unseen = yield from _poll_lists(endpoint, watch, ended)
            yield from _poll_missing(endpoint, watch, unseen, ended)
        watch.is_fresh = False
        now, deadlines = endpoint.clock.now(), watch.deadlines()
        _expire(endpoint, watch, now, deadlines, ended)
        yield Notify(WatchProgress(open=len(watch.open), ended=dict(watch.counts), waited=now - watch.started))
        if watch.open and not ended:
            soonest = min(deadlines.values()) - now
            yield Sleep(max(0.05, min(max(poll, watch.retry_after), soonest)))
    return ended


def _discover_groups(endpoint: Endpoint, watch: Watch, ended: list[AssetOutcome]) -> Flow[None]:
    """Where no group is known, GetAsset of one asset gives its group, whose pages have the others."""
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

        At most one page more than would hold all that is open: lists move while they are read. Where others have
        changed more than that since the poll before, it goes on, as far as `walk` does.
        """
        known, newest, limit = self.watch.changed_until.get(self.kind, ""), "", len(self.unseen) + PAGE
        read, number, fruitless, more, is_new = 0, 0, 0, True, False
        while self.unseen and more and (read < limit or (is_new and fruitless < len(self.unseen))):
            number += 1
            page, found, more = yield from self._read(number, SortBy.UPDATE_TIME, SortOrder.DESC)
            times = [asset.update_time for asset in page.items] if page else []
            read, fruitless, newest = read + len(times), 0 if found else fruitless + 1, newest or "".join(times[:1])
            is_new = bool(known) and more and read >= limit and parse_timestamp(times[-1]) > parse_timestamp(known)
        self.watch.changed_until[self.kind] = newest or known

    def walk(self) -> Flow[None]:
        """Search the pages for what was never read, once: from both ends, on at the end that shows something.

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

    One that shows a new group ends it: the pages of that group may show the others.
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
        yield from recall_create(endpoint, asset_id)
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
        watch.retry_after = max(watch.retry_after, getattr(error, "retry_after", None) or 0.0)
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
    """An asset vanishes after a delay: reads may lag, and longer after its own create. Contract §3 (M)."""
    row, now = watch.open[asset_id], endpoint.clock.now()
    row.gone_since = now if row.gone_since is None else row.gone_since
    if now - row.gone_since >= GRACE and not _is_invisible(endpoint, watch, asset_id):
        last = watch.last.get(asset_id)
        error = asset_vanished(asset_id, last)
        _finish(watch, AssetOutcome(id=asset_id, state=OutcomeState.VANISHED, asset=last, error=error), ended)


def _is_invisible(endpoint: Endpoint, watch: Watch, asset_id: str) -> bool:
    """Whether this client created it a short time ago and no read has shown it yet."""
    row = watch.open[asset_id]
    return not row.asset_type and endpoint.recent.lag_left(asset_id, endpoint.clock.monotonic()) > 0


def _expire(
    endpoint: Endpoint, watch: Watch, now: float, deadlines: Mapping[str, float], ended: list[AssetOutcome]
) -> None:
    for asset_id in [asset_id for asset_id, deadline in deadlines.items() if now >= deadline]:
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
    last = max(watch.deadlines().values(), default=0.0)
    remaining, usual = max(1.0, last - endpoint.clock.now()), endpoint.timeouts
    total = remaining if usual.total is None else min(usual.total, remaining)
    return evolve(endpoint, policy=NO_RETRY, timeouts=evolve(usual, total=total))
