"""Following many assets to their end: what is still open, as a plain value, and the iterators over outcomes.

`portrait.poll` asks for what a `Watch` has open. Between two polls the value can be stored and handed to a later
process. Nothing here raises for one asset: each ends in an `AssetOutcome`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Self

from attrs import asdict, define, field, frozen

from portrait.errors import PortraitError, UsageError
from portrait.models import Asset, AssetStatus, GroupType
from portrait.models.common import as_group_type, as_many
from portrait.uri import asset_uri, parse_asset_id
from portrait.wait import DEADLINES


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


_NOT_STORED = frozenset({"last", "retry_after", "walked", "changed_until", "is_fresh"})


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
        retry_after: Seconds that the service asked to wait; not stored.
        walked: Groups whose pages were read through once; not stored.
        changed_until: By type of group: the time of the newest change that a poll has seen; not stored.
        is_fresh: Whether all that is open was read a moment ago, so that the first poll comes after a pause; not
            stored.
    """

    started: float
    timeout: float | None = None
    open: dict[str, _Pending] = field(factory=dict)
    group_types: dict[str, str] = field(factory=dict)
    counts: dict[str, int] = field(factory=dict)
    last: dict[str, Asset] = field(factory=dict, repr=False)
    retry_after: float = 0.0
    walked: set[str] = field(factory=set, repr=False)
    changed_until: dict[str, str] = field(factory=dict, repr=False)
    is_fresh: bool = False

    @classmethod
    def start(
        cls,
        ids: Iterable[str | Asset] | Mapping[str, Any],
        now: float,
        *,
        group_ids: Iterable[str] | None = None,
        group_type: GroupType | str | None = None,
        timeout: float | None = None,
    ) -> Self:
        """A watch over assets, or one that goes on from a stored value.

        Args:
            ids: Ids, `asset://` addresses, assets as they were read a moment ago, or what `to_dict` gave; an id that
                comes twice is watched once.
            now: Seconds since 1970.
            group_ids: The groups to look in, where they are known; else GetAsset of the first one gives it.
            group_type: The type of all of those groups; else each is asked for it once.
            timeout: Seconds in all.

        Raises:
            UsageError: One string instead of several, or a mapping that is not the stored value of a watch.
        """
        if isinstance(ids, Mapping):
            return cls.from_dict(ids)
        kind = "" if group_type is None else str(as_group_type(group_type))
        many: tuple[Any, ...] = as_many(ids) or ()  # type: ignore[arg-type]  # it takes assets as well
        groups = as_many(group_ids) or ()
        read = {each.id: each for each in many if isinstance(each, Asset)}
        rows = {each.id: _Pending(group_id=each.group_id, asset_type=str(each.asset_type)) for each in read.values()}
        for each in many:
            if not isinstance(each, Asset):
                rows.setdefault(parse_asset_id(each), _Pending())
        watch = cls(started=now, timeout=timeout, open=rows, group_types=dict.fromkeys(groups, kind), last=read)
        if groups and len(read) == len(rows) and all(each.status == AssetStatus.PROCESSING for each in read.values()):
            watch.is_fresh, watch.walked = True, set(groups)
        return watch

    def to_dict(self) -> dict[str, Any]:
        """A plain value for JSON; `from_dict` takes it back."""
        return asdict(self, filter=lambda attribute, _: attribute.name not in _NOT_STORED)

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
            raise UsageError("This is not the stored value of a watch.", advice="Pass what `state` gave.") from error

    def deadlines(self) -> dict[str, float]:
        """When the wait for each asset ends, by id, in seconds since 1970."""
        return {
            asset_id: self.started
            + (DEADLINES.get(row.asset_type, DEADLINES["Image"]) if self.timeout is None else self.timeout)
            for asset_id, row in self.open.items()
        }


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

    def __init__(self, watch: Watch, poll: Callable[[Watch], list[AssetOutcome]]) -> None:
        super().__init__(watch)
        self._poll = poll

    def __next__(self) -> AssetOutcome:
        if not self._ready and self._watch.open:
            self._ready = self._poll(self._watch)
        if not self._ready:
            raise StopIteration
        return self._ready.pop(0)


class AsyncAssetWatcher(_Watcher, AsyncIterator[AssetOutcome]):
    """Outcomes as they come; `state` can be stored at any time."""

    def __init__(self, watch: Watch, poll: Callable[[Watch], Awaitable[list[AssetOutcome]]]) -> None:
        super().__init__(watch)
        self._poll = poll

    async def __anext__(self) -> AssetOutcome:
        if not self._ready and self._watch.open:
            self._ready = await self._poll(self._watch)
        if not self._ready:
            raise StopAsyncIteration
        return self._ready.pop(0)
