"""The `Backend` of `ensure` over tasks: up to 20 contents in one create, whose task is read until it names the assets.

Existing assets are found in the gateway's library, where it has one; else in the client's state, which records what was
created by which task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from portrait.actions import Action
from portrait.ensure.backend import ActionBackend, Finish, NewContent, Target, address_of, file_of
from portrait.ensure.content import Content, parse_digest
from portrait.ensure.groups import FoundGroup
from portrait.errors import AssetVanished, NotAccessible, PortraitError, Retry, WaitTimeout
from portrait.events import WatchProgress
from portrait.flow import Flow, Notify, RunBlocking, Sleep
from portrait.gateways import BATCH
from portrait.job_wait import may_be_invisible
from portrait.memory import open_state
from portrait.models import Asset, AssetStatus, AssetType, GroupType
from portrait.providers import Capability
from portrait.retry import NO_RETRY
from portrait.tasks.models import NewAsset, Task, TaskStatus
from portrait.tasks.operations import IMAGE_UPLOAD, PRIVATE_AVATAR, NewAssets, TaskService
from portrait.wait import DEADLINES, GRACE, asset_failed, asset_timeout, check_wait
from portrait.watch import AssetOutcome, OutcomeState

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.memory import Memory

_PREFIX = "task:"


@frozen
class Place:
    """Where an asset stands in a task, until the task gives its id.

    Attributes:
        task_id: The task.
        position: Of the asset among those of the task.
        count: How many the task has.
    """

    task_id: str
    position: int
    count: int

    def __str__(self) -> str:
        return f"{_PREFIX}{self.position}/{self.count}:{self.task_id}"

    @classmethod
    def parse(cls, text: str) -> Place | None:
        """The place that a text stands for; None for an asset's id."""
        if not text.startswith(_PREFIX):
            return None
        numbers, _, task_id = text.removeprefix(_PREFIX).partition(":")
        position, _, count = numbers.partition("/")
        return cls(task_id, int(position), int(count))


@frozen(kw_only=True)
class TaskBackend:
    """A `Backend` over tasks.

    Attributes:
        service: The gateway.
        memory: Of the client.
    """

    service: TaskService
    memory: Memory = field(repr=False)
    action: Action[Any, Any] = field(default=PRIVATE_AVATAR, init=False)
    batch_size: int = field(default=BATCH, init=False)
    knows_ids: bool = field(default=False, init=False)

    @property
    def endpoint(self) -> Endpoint:
        """Of the client."""
        return self.service.endpoint

    @property
    def can_find(self) -> bool:
        """Whether the gateway has a library."""
        return self.endpoint.provider.can(Capability.LIBRARY)

    @property
    def _library(self) -> ActionBackend:
        return ActionBackend(endpoint=self.endpoint, memory=self.memory)

    def find_group(self, name: str, *, create: bool) -> Flow[FoundGroup | None]:
        """As `Backend.find_group`."""
        return (yield from self._library.find_group(name, create=create)) if self.can_find else None

    def group_type(self, group_id: str) -> Flow[GroupType]:
        """As `Backend.group_type`; without a library it is AIGC, unless `group_type=` says otherwise."""
        if not self.can_find:
            return GroupType.AIGC
        return (yield from self._library.group_type(group_id))

    def find(self, target: Target, digest: str | None = None) -> Flow[dict[str, list[Asset]]]:
        """As `Backend.find`: by the library, or as far as the state knows."""
        if self.can_find:
            newest_first = yield from self._library.find(target, digest)
            return {each: assets[::-1] for each, assets in newest_first.items()}
        state = yield from open_state(self.memory)
        if state is None:
            return {}
        account = self.memory.account
        creates = yield RunBlocking(lambda: state.creates.answered(account, target.scope))
        return {
            create.key.item: [_remembered(create.result_id)]
            for create in creates
            if digest in {None, create.key.item} and create.result_id is not None
        }

    def create(self, endpoint: Endpoint, target: Target, new: Sequence[NewContent]) -> Flow[list[str]]:
        """As `Backend.create`."""
        service = evolve(self.service, endpoint=endpoint)
        files = []
        for one in new:
            url = yield from address_of(one)
            if url is None:
                url = (yield from service.upload((yield from file_of(one.content, IMAGE_UPLOAD)))).url
            files.append(NewAsset(url, one.content.name))
        request = NewAssets(
            assets=tuple(files),
            asset_type=new[0].content.asset_type or AssetType.IMAGE,
            group=target.group if target.group_id is None else None,
            group_id=target.group_id,
        )
        real = target.group_type is GroupType.LIVENESS_FACE
        task = yield from (service.create_real(request) if real else service.create_private(request))
        return [str(Place(task.id, position, len(new))) for position in range(len(new))]

    def remove(self, failed: Asset) -> Flow[None]:
        """As `Backend.remove`."""
        if self.can_find:
            yield from self._library.remove(failed)

    def asset_id(self, created_id: str) -> str:
        """As `Backend.asset_id`."""
        return "" if Place.parse(created_id) else created_id

    def follow(  # noqa: PLR0917
        self,
        created: Mapping[str, Content],
        read: Mapping[str, Asset],
        target: Target,
        timeout: float | None,
        poll: float,
        finish: Finish,
    ) -> Flow[None]:
        """As `Backend.follow`. What is known by its asset's id was Active before, or is in the library."""
        known = {each: content for each, content in created.items() if Place.parse(each) is None}
        places = {each: content for each, content in created.items() if each not in known}

        def settle(outcome: AssetOutcome) -> Flow[None]:
            yield from self._remember(outcome)
            yield from finish(outcome)

        if places:
            yield from self._follow_tasks(places, timeout, poll, settle)
        if known and self.can_find:
            yield from self._library.follow(known, read, target, timeout, poll, finish)
        elif known:
            for asset_id, content in known.items():
                asset = evolve(_remembered(asset_id), name=content.name)
                yield from finish(AssetOutcome(id=asset_id, state=OutcomeState.ACTIVE, asset=asset))

    def _follow_tasks(
        self, places: Mapping[str, Content], timeout: float | None, poll: float, finish: Finish
    ) -> Flow[None]:
        """Read each task until it has ended; what it makes is looked for in it by name."""
        following = _Following(evolve(self.service, endpoint=evolve(self.endpoint, policy=NO_RETRY)), places)
        limit = max(_deadline(content) for content in places.values()) if timeout is None else timeout
        check_wait(limit, poll)
        started, ended = self.endpoint.clock.monotonic(), dict.fromkeys(map(str, OutcomeState), 0)
        while True:
            waited = self.endpoint.clock.monotonic() - started
            for outcome in (yield from following.read(waited)):
                ended[outcome.state] += 1
                yield from finish(outcome)
            remaining = limit - (self.endpoint.clock.monotonic() - started)
            if not following.tasks or remaining <= 0:
                break
            open_count = sum(map(len, following.tasks.values()))
            yield Notify(WatchProgress(open=open_count, ended=ended, waited=waited))
            yield Sleep(min(max(poll, following.pause), remaining))
        for outcome in following.expired(limit):
            yield from finish(outcome)

    def _remember(self, outcome: AssetOutcome) -> Flow[None]:
        """Know an asset by its id from now on; forget one that may be created again."""
        place, asset = outcome.id, outcome.asset
        failed = asset_failed(asset) if asset is not None and outcome.state is OutcomeState.FAILED else None
        again = outcome.state is OutcomeState.VANISHED or (failed is not None and failed.retryable)
        if again:
            self.memory.single_flight.forget(place)
        state = yield from open_state(self.memory)
        if state is None:
            return
        account = self.memory.account
        if outcome.state is OutcomeState.ACTIVE and asset is not None:
            yield RunBlocking(lambda: state.creates.rename(account, place, asset.id))
        elif again:
            yield RunBlocking(lambda: state.creates.forget(account, place))


class _Following:
    """The tasks that are read until they have ended, with the contents that each was created for.

    Args:
        service: Reads each task once.
        places: The contents, by their places as texts.

    Attributes:
        tasks: The contents of the tasks that go on.
        pause: Seconds that the gateway asked for in the last round.
    """

    def __init__(self, service: TaskService, places: Mapping[str, Content]) -> None:
        self._service = service
        self.pause = 0.0
        self.tasks: dict[str, dict[str, Content]] = {}
        for text, content in places.items():
            place = Place.parse(text)
            if place is not None:
                self.tasks.setdefault(place.task_id, {})[text] = content

    def read(self, waited: float) -> Flow[list[AssetOutcome]]:
        """Read each task once; returns the outcomes of those that have ended.

        Args:
            waited: Seconds so far: a task that was created a moment ago may not be visible yet (contract §3).

        Raises:
            PortraitError: Asking as such fails for good.
        """
        ends: list[AssetOutcome] = []
        self.pause = 0.0
        for task_id, contents in list(self.tasks.items()):
            try:
                task = yield from self._service.get(task_id)
            except NotAccessible:
                if not may_be_invisible(self._service.endpoint, task_id, waited):
                    ends += [_vanished(f"The task {task_id} is not known any more.", text) for text in contents]
                    del self.tasks[task_id]
            except PortraitError as error:
                if error.retry is not Retry.BACKOFF:
                    raise
                self.pause = max(self.pause, getattr(error, "retry_after", None) or 0.0)
            else:
                self._service.endpoint.recent.discard(task_id)
                lacks_result = task.status is TaskStatus.COMPLETED and not task.assets
                if task.status.is_final and not (lacks_result and waited < GRACE):
                    ends += [_outcome(task, text, content) for text, content in contents.items()]
                    del self.tasks[task_id]
        return ends

    def expired(self, limit: float) -> Iterator[AssetOutcome]:
        """The contents of tasks that go on at the deadline."""
        for task_id, contents in self.tasks.items():
            for text in contents:
                error = WaitTimeout(
                    f"The task {task_id} is still processing after {limit:.0f} s.",
                    waited=limit,
                    advice="Its assets may still come: give the same sources to the same group again.",
                )
                yield AssetOutcome(id=text, state=OutcomeState.TIMED_OUT, error=error)


def _vanished(message: str, text: str) -> AssetOutcome:
    error = AssetVanished(message, asset_id=text, advice="Run again: it is created anew.")
    return AssetOutcome(id=text, state=OutcomeState.VANISHED, error=error)


def _outcome(task: Task, text: str, content: Content) -> AssetOutcome:
    """By the digest in the name; by its place, where the task gives no names and no item is missing (contract §8)."""
    named = {digest: asset for asset in task.assets if (digest := parse_digest(asset.name))}
    asset, place = named.get(content.digest), Place.parse(text)
    if asset is None and not named and place is not None and len(task.assets) == place.count:
        asset = task.assets[place.position]
    if asset is None:
        return _vanished(f"The task {task.id} is {task.status}, and has no asset {content.name}.", text)
    asset = evolve(asset, name=content.name, asset_type=content.asset_type or asset.asset_type)
    if asset.status == AssetStatus.ACTIVE:
        return AssetOutcome(id=text, state=OutcomeState.ACTIVE, asset=asset)
    if asset.status == AssetStatus.FAILED:
        return AssetOutcome(id=text, state=OutcomeState.FAILED, asset=asset, error=asset_failed(asset))
    error = asset_timeout(asset.id, str(asset.status), 0.0, asset)
    return AssetOutcome(id=text, state=OutcomeState.TIMED_OUT, asset=asset, error=error)


def _remembered(result_id: str) -> Asset:
    """An asset as the state knows it: Active, or Processing in a task that may go on."""
    return Asset(id=result_id, status=AssetStatus.PROCESSING if Place.parse(result_id) else AssetStatus.ACTIVE)


def _deadline(content: Content) -> float:
    return DEADLINES.get(content.asset_type or AssetType.IMAGE, 180.0)
