"""What is there and what is to be done: a plan says for each source what `ensure_assets` would do. Nothing is written.

`decide` is pure: the same contents and the same group give the same plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from attrs import evolve, field, frozen

from portrait.ensure.backend import Backend, Target, usable
from portrait.ensure.batch import EnsureOptions
from portrait.ensure.content import Content, media_error
from portrait.ensure.groups import FoundGroup
from portrait.ensure.sources import Sources, identify_sources
from portrait.errors import AssetFailed, PortraitError, QuotaExceeded, UsageError
from portrait.flow import Flow, Sleep
from portrait.media import Violation
from portrait.memory import recall
from portrait.models import Asset, GroupType
from portrait.wait import asset_failed


class Verdict(StrEnum):
    """What is to be done about a source."""

    EXISTING = "existing"  # an asset has the content and is Active or in review: it is used
    NEW = "new"  # an asset is created
    REPLACE = "replace"  # the asset failed through no fault of the file: it is deleted and created again
    FAILED = "failed"  # the asset failed, finally for this file
    DUPLICATE = "duplicate"  # the content of an earlier source of the plan, whose outcome it shares
    REJECTED = "rejected"  # the file cannot be read, or the service would not take it
    NO_ROOM = "no room"  # the group is full


@frozen(kw_only=True)
class PlanEntry:
    """What is to be done about one source.

    Attributes:
        source: The path or address as given.
        verdict: What is to be done.
        content: What the source is; None if it could not be read.
        asset: The asset that is used, replaced, or has failed; None without one.
        duplicates: Ids of further assets with the same content; none of them is touched.
        error: Why nothing will come of it; None if something will.
    """

    source: str
    verdict: Verdict
    content: Content | None = None
    asset: Asset | None = None
    duplicates: tuple[str, ...] = ()
    error: PortraitError | None = None

    @property
    def faults(self) -> tuple[Violation, ...]:
        """Everything that the service would find wrong with the file."""
        return self.content.faults if self.content is not None else ()


@frozen(kw_only=True)
class AssetPlan:
    """What `ensure_assets` would do about some sources and one group. Made by `plan_assets`.

    Attributes:
        group_id: The group; None for one that is still to be created.
        group: Its name, where it was not known by its id; None otherwise.
        group_type: Its type.
        entries: One for each source, in order.
        quota: Assets that the group may hold; None for no limit.
        asset_count: Assets that it holds.
        listed_at: When the group was read, in the clock's monotonic seconds.
    """

    group_id: str | None
    group: str | None = None
    group_type: GroupType = GroupType.AIGC
    entries: tuple[PlanEntry, ...]
    quota: int | None = None
    asset_count: int = 0
    listed_at: float = field(default=0.0, repr=False, eq=False)

    @property
    def free(self) -> int | None:
        """Assets that the group has room for; None for no limit."""
        return None if self.quota is None else max(0, self.quota - self.asset_count)

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many sources have which verdict."""
        return Counter(entry.verdict for entry in self.entries)

    def entries_with(self, *verdicts: Verdict) -> Iterator[PlanEntry]:
        """The entries with one of these verdicts, in order."""
        return (entry for entry in self.entries if entry.verdict in verdicts)


@frozen
class GroupContents:
    """A group as it was read.

    Attributes:
        group_type: Its type.
        assets: Its assets by digest.
        listed_at: When, in monotonic seconds.
        group_id: Its id, where it was looked for by its name; None takes that of the options.
    """

    group_type: GroupType
    assets: Mapping[str, Sequence[Asset]]
    listed_at: float
    group_id: str | None = None


def plan_assets(
    backend: Backend, sources: Sources, options: EnsureOptions, group: FoundGroup | None = None
) -> Flow[AssetPlan]:
    """Read the sources and the group, and decide. Writes nothing.

    Args:
        backend: Of the client.
        sources: As they were given.
        options: Of the batch.
        group: The group, where it was looked for by its name before.

    Raises:
        UsageError: What was given are no sources.
        PortraitError: The group cannot be read, or the key is refused.
    """
    found = yield from identify_sources(backend.endpoint, sources, options)
    digests = {content.digest for _, content in found if isinstance(content, Content) and not content.faults}
    return decide(found, (yield from _read_group(backend, options, group, digests)), options)


def _read_group(
    backend: Backend, options: EnsureOptions, group: FoundGroup | None, digests: set[str]
) -> Flow[GroupContents]:
    """The group's assets, once no create of a killed process can be missing from the list any more."""
    endpoint, group_id, group_type = backend.endpoint, options.group_id, options.group_type
    if group_id is None and options.group is not None:
        group = yield from backend.find_group(options.group, create=False)
    if group is not None:
        group_id, group_type = group.group.id, group_type or GroupType.AIGC
    nowhere = group_id is None and (options.group is None or backend.can_find)
    if nowhere or not digests or (group is not None and group.is_new):
        return GroupContents(group_type or GroupType.AIGC, {}, endpoint.clock.monotonic(), group_id)
    if group_type is None:
        group_type = GroupType.AIGC if group_id is None else (yield from backend.group_type(group_id))
    target = Target(group_id=group_id, group=options.group, group_type=group_type)
    listed_at = endpoint.clock.monotonic()
    assets = yield from backend.find(target)
    known, lag = yield from recall(endpoint, options.memory, target.scope, digests - assets.keys())
    if lag > 0 and backend.can_find:
        yield Sleep(lag)
        listed_at = endpoint.clock.monotonic()
        assets = yield from backend.find(target)
    for digest in known.keys() - assets.keys():
        assets[digest] = [Asset(id=known[digest], group_id=group_id or "")]
    return GroupContents(group_type, assets, listed_at, group_id)


def decide(
    found: Sequence[tuple[str, Content | PortraitError]], group: GroupContents, options: EnsureOptions
) -> AssetPlan:
    """The verdict for each source, in the light of what the group holds and has room for. Pure."""
    entries: list[PlanEntry] = []
    seen: set[str] = set()
    for source, content in found:
        if isinstance(content, PortraitError):
            entry = PlanEntry(source=source, verdict=Verdict.REJECTED, error=content)
        elif content.faults:
            entry = PlanEntry(source=source, verdict=Verdict.REJECTED, content=content, error=media_error(content))
        elif content.digest in seen:
            entry = PlanEntry(source=source, verdict=Verdict.DUPLICATE, content=content)
        else:
            seen.add(content.digest)
            entry = _match(source, content, group.assets.get(content.digest, []))
        entries.append(entry)
    plan = AssetPlan(
        group_id=options.group_id or group.group_id,
        group=options.group,
        group_type=group.group_type,
        entries=tuple(entries),
        quota=options.quota,
        asset_count=sum(map(len, group.assets.values())),
        listed_at=group.listed_at,
    )
    return evolve(plan, entries=tuple(_within_room(plan)))


def _match(source: str, content: Content, assets: Sequence[Asset]) -> PlanEntry:
    """An Active asset or one in review is used; a failed one is replaced only if its code says that it may pass."""
    entry = PlanEntry(source=source, verdict=Verdict.NEW, content=content)
    if not assets:
        return entry
    if alive := usable(assets):
        others = tuple(asset.id for asset in alive[1:])
        return evolve(entry, verdict=Verdict.EXISTING, asset=alive[0], duplicates=others)
    failed = min(assets, key=lambda asset: (asset.create_time, asset.id))
    error: AssetFailed = asset_failed(failed)
    if error.retryable:
        return evolve(entry, verdict=Verdict.REPLACE, asset=failed)
    return evolve(entry, verdict=Verdict.FAILED, asset=failed, error=error)


def _within_room(plan: AssetPlan) -> Iterator[PlanEntry]:
    """The entries of a plan; new ones beyond the room are marked. A replacement needs none."""
    wanted, planned = plan.counts[Verdict.NEW], 0
    for entry in plan.entries:
        if entry.verdict is not Verdict.NEW:
            yield entry
            continue
        planned += 1
        if plan.free is None or planned <= plan.free:
            yield entry
        else:
            message = f"The group holds {plan.asset_count} of {plan.quota} assets, and {wanted} more are wanted."
            yield evolve(entry, verdict=Verdict.NO_ROOM, error=QuotaExceeded(message))


def check_group(sources: Sources | AssetPlan, options: EnsureOptions) -> None:
    """There is a group that something can be created in.

    Raises:
        UsageError: There is none.
    """
    plan = sources if isinstance(sources, AssetPlan) else None
    if not any((options.group_id, options.group, plan and plan.group_id, plan and plan.group)):
        raise UsageError("group_id= is missing.", advice="Give group_id=, or the group's name by group=.")
