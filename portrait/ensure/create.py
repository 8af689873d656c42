"""One content becomes one asset, and one name one group, whatever gets lost.

A create is sent under single flight, is recorded before it is sent, and is looked for if its answer is lost. Contract
§4, *What is safe to send again*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from portrait import pagination, upload
from portrait.actions import CREATE_ASSET, DELETE_ASSET
from portrait.clock import Clock
from portrait.ensure.create_log import CreateLog
from portrait.ensure.options import EnsureOptions
from portrait.ensure.outcomes import RUN_AGAIN, Origin
from portrait.ensure.pace import CreatePacer
from portrait.ensure.sources import Content, parse_digest, read_again
from portrait.errors import NotAccessible, PortraitError, UnknownOutcome
from portrait.flow import Await, Flow, RunBlocking, Sleep
from portrait.models import (
    Asset,
    AssetStatus,
    AssetType,
    CreateAssetRequest,
    DeleteAssetRequest,
    GroupType,
    SortBy,
    SortOrder,
)
from portrait.pagination import Paginator
from portrait.s3 import ObjectStore, StoredObject
from portrait.single_flight import Key, LeaderCancelled, SingleFlight
from portrait.wait import call_when_visible

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint

T = TypeVar("T")

# Seconds before each look after a lost answer. Together they exceed the 10 s by which reads may lag (contract §3).
VERIFY_DELAYS = (3.0, 4.0, 4.0)
LAG = sum(VERIFY_DELAYS)
MAX_CREATES = 3  # each after it was seen that the one before was not carried out


def settle_delay(created_at: float | None, now: float) -> float:
    """Seconds until a list that lacks what was created then can be believed; both on the same scale of seconds."""
    return 0.0 if created_at is None else min(max(0.0, created_at + LAG - now), LAG)


def create_single_flight(
    single_flight: SingleFlight,
    key: Key,
    since: float,
    *,
    clock: Clock,
    create: Callable[[], Flow[tuple[str, T]]],
    find: Callable[[], Flow[str | None]],
) -> Flow[tuple[str, T | None]]:
    """Create a thing, or take it from the flow of this process that creates it.

    Returns its id, and the other value of `create`; None where another flow has created it.

    Args:
        single_flight: Of this process.
        key: Where and what.
        since: Results that are younger than that, in monotonic seconds, are taken.
        clock: Of the client.
        create: Creates it.
        find: Looks for it after a leader was cancelled, whose create may have been carried out.

    Raises:
        PortraitError: The create failed, here or there.
    """
    while True:
        future, is_leader = single_flight.join(key, since)
        if is_leader:
            try:
                created_id, value = yield from create()
            except BaseException as error:
                single_flight.complete(key, clock.monotonic(), error)
                raise
            single_flight.complete(key, clock.monotonic(), created_id)
            return created_id, value
        try:
            return (yield Await(future)), None
        except LeaderCancelled:
            yield Sleep(LAG)
        since = clock.monotonic() - LAG
        found = yield from find()
        if found is not None:
            return found, None


def create_exactly_once(
    create: Callable[[], Flow[T]], find: Callable[[], Flow[T | None]], what: str
) -> Flow[tuple[T, bool]]:
    """Create a thing exactly once; returns it, and whether its answer was lost and it had to be found.

    Raises:
        UnknownOutcome: Answers were lost, and looking did not tell what was done.
        PortraitError: The create was refused.
    """
    lost: PortraitError | None = None
    for _ in range(MAX_CREATES):
        try:
            return (yield from create()), False
        except PortraitError as error:
            if not error.may_have_executed:
                raise
            lost = error
        found = yield from _verify(find, what, lost)
        if found is not None:
            return found, True
    raise UnknownOutcome(f"{what}: {MAX_CREATES} answers were lost.", advice=RUN_AGAIN) from lost


def _verify(find: Callable[[], Flow[T | None]], what: str, lost: PortraitError) -> Flow[T | None]:
    """Look until reads can no longer lag. A look that failed, for whatever reason, does not mean "not there"."""
    failed: PortraitError | None = None
    for delay in VERIFY_DELAYS:
        try:
            yield Sleep(delay)
            found = yield from find()
        except PortraitError as error:
            failed = error
        else:
            failed = None
            if found is not None:
                return found
    if failed is not None:
        message = f"{what}: the answer was lost, and looking for it failed: {failed}"
        raise UnknownOutcome(message, advice=RUN_AGAIN) from lost
    return None


def logged(
    create_log: CreateLog | None, clock: Clock, group_id: str, digest: str, create: Callable[[], Flow[T]]
) -> Flow[T]:
    """Run a create that is recorded in the log until its outcome is known.

    Raises:
        UsageError: The log cannot be written; nothing was sent.
        PortraitError: The create failed.
    """
    if create_log is None:
        return (yield from create())
    now = clock.now()
    yield RunBlocking(lambda: create_log.record(group_id, digest, now))
    try:
        created = yield from create()
    except PortraitError as error:
        if not error.may_have_executed:
            yield RunBlocking(lambda: create_log.resolve(group_id, digest))
        raise
    yield RunBlocking(lambda: create_log.resolve(group_id, digest))
    return created


def visibility_lag(
    endpoint: Endpoint,
    single_flight: SingleFlight,
    create_log: CreateLog | None,
    group_id: str,
    digests: Iterable[tuple[str, str]],
) -> Flow[float]:
    """Seconds for which creates of this process, or of one that was killed, may be missing from a list.

    Args:
        endpoint: Of the client.
        single_flight: Of this process.
        create_log: Remembers creates across processes.
        group_id: Where, as the log has it.
        digests: What is missing: its name in single flight, and in the log.
    """
    pending = {} if create_log is None else (yield RunBlocking(lambda: create_log.pending(group_id)))
    now, monotonic = endpoint.clock.now(), endpoint.clock.monotonic()
    return max(
        (
            max(
                settle_delay(single_flight.completed_at((group_id, name)), monotonic),
                settle_delay(pending.get(digest), now),
            )
            for name, digest in digests
        ),
        default=0.0,
    )


def create_asset(
    endpoint: Endpoint,
    options: EnsureOptions,
    group: tuple[str, GroupType],
    content: Content,
    stored: StoredObject | None,
    *,
    pace: CreatePacer,
    listed_at: float,
    replaces: Asset | None = None,
) -> Flow[tuple[str, Origin]]:
    """Create the asset, unless another flow of this process does or has done so since the group was listed.

    Args:
        endpoint: Of the client.
        options: Of the batch.
        group: The group's id and type.
        content: What to create.
        stored: The object of the batch's store, if the file went to one.
        pace: Of the batch.
        listed_at: When the content was seen not to be there, in monotonic seconds.
        replaces: A failed asset that is deleted first.

    Raises:
        UsageError: The file cannot be read any more, or has changed.
        UnknownOutcome: The answer was lost, and looking did not help.
        Interrupted: The batch's deadline came first.
        PortraitError: The service refused.
    """
    group_id, group_type = group

    def send() -> Flow[str]:
        # A create into a group that was created a moment ago may not find it (contract §3).
        sending = call_when_visible(
            endpoint, group_id, lambda: _send(pace.endpoint, options.store, group_id, content, stored)
        )
        return (yield from sending)

    def find() -> Flow[str | None]:
        assets = yield from list_by_digest(endpoint, group_id, group_type, content.digest)
        alive = usable(assets.get(content.digest, []))
        return alive[0].id if alive else None

    def create() -> Flow[tuple[str, Origin]]:
        if replaces is not None:
            yield from _remove(endpoint, replaces)
        created_id, recovered = yield from logged(
            options.create_log,
            endpoint.clock,
            group_id,
            content.digest,
            lambda: create_exactly_once(
                lambda: pace.create(content.source, send), find, f"CreateAsset {content.name!r}"
            ),
        )
        origin = Origin.RECOVERED if recovered else Origin.REPLACED if replaces is not None else Origin.CREATED
        return created_id, origin

    created_id, origin = yield from create_single_flight(
        options.single_flight,
        (group_id, content.digest),
        # A list may lack what was created shortly before; an asset that it shows as failed it does not lack.
        listed_at - LAG if replaces is None else listed_at,
        clock=endpoint.clock,
        create=create,
        find=find,
    )
    return created_id, origin or Origin.EXISTING


def _send(
    endpoint: Endpoint, store: ObjectStore | None, group_id: str, content: Content, stored: StoredObject | None
) -> Flow[str]:
    url = content.url
    if store is not None and stored is not None:  # a presigned address begins to expire when it is signed
        url = yield RunBlocking(lambda: store.url(stored.key))
    if url is not None:
        asset_type = content.asset_type or AssetType.IMAGE
        request = CreateAssetRequest(group_id=group_id, url=url, asset_type=asset_type, name=content.name)
        created = yield from endpoint.call(CREATE_ASSET, request)
        return created.id
    data = yield RunBlocking(lambda: read_again(content))
    filename = content.path.name if content.path is not None else content.name
    uploaded = yield from upload.upload(endpoint, (data, filename), group_id, content.name, None, None)
    return uploaded.id


def _remove(endpoint: Endpoint, failed: Asset) -> Flow[None]:
    """A failed asset takes a quota slot: it makes room for its replacement."""
    try:
        yield from endpoint.call(DELETE_ASSET, DeleteAssetRequest(id=failed.id))
    except NotAccessible:
        return


def list_by_digest(
    endpoint: Endpoint, group_id: str, group_type: GroupType, digest: str | None = None
) -> Flow[dict[str, list[Asset]]]:
    """The group's assets by the digest in their names, the oldest first; "" holds those without one.

    Raises:
        PortraitError: The list cannot be read whole.
    """

    def pages() -> Paginator[Asset]:
        # Oldest first: what is created while pages are read comes at the end and moves nothing.
        return pagination.asset_pages(
            group_type=group_type,
            group_ids=(group_id,),
            name=digest,
            sort_by=SortBy.CREATE_TIME,
            sort_order=SortOrder.ASC,
        )

    by_digest: dict[str, list[Asset]] = {}
    listing = call_when_visible(endpoint, group_id, lambda: pagination.list_complete(endpoint, pages))
    for asset in (yield from listing):
        by_digest.setdefault(parse_digest(asset.name) or "", []).append(asset)
    return by_digest


def usable(assets: Sequence[Asset]) -> list[Asset]:
    """Those that are or may become Active, the oldest first: everybody who looks agrees on the first.

    They come oldest first from the list, which knows the order of creation; CreateTime has whole seconds only. Going by
    Id within a second would let a later create win over one that its own process has settled on already.
    """
    alive = [asset for asset in assets if asset.status != AssetStatus.FAILED]
    return sorted(alive, key=lambda asset: asset.create_time)
