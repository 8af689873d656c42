"""Contents become assets, each once: claimed one by one, created together, and looked for where an answer was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from attrs import define

from portrait.ensure.backend import Backend, NewContent, Target, usable, without
from portrait.ensure.batch import FATAL, EnsureOptions, Origin
from portrait.ensure.once import Creation
from portrait.errors import InvalidRequest, PortraitError, UnknownOutcome, UsageError
from portrait.events import FileProgress
from portrait.flow import Flow, Notify, RunBlocking
from portrait.pace import CreatePacer
from portrait.recent_creates import LAG
from portrait.s3 import check_public

Created = tuple[str, Origin]
"""What the asset is followed by, and how it came to be."""


@define(kw_only=True)
class Creating:
    """What the creates of one batch share.

    Attributes:
        backend: Of the client.
        options: Of the batch.
        target: The group.
        pace: Of the batch.
        listed_at: When the contents were seen not to be there, in monotonic seconds.
        fatal_error: The first error that every further create would meet, such as `QuotaExceeded`: nothing more is
            created, what was created is still waited for.
    """

    backend: Backend
    options: EnsureOptions
    target: Target
    pace: CreatePacer
    listed_at: float
    fatal_error: PortraitError | None = None


def create_assets(batch: Creating, new: Sequence[NewContent]) -> Flow[Mapping[str, Created | PortraitError]]:
    """Create the assets, but for those that another flow of this process creates or has created since the list.

    A create that is refused for a file in it is sent again in halves.

    Args:
        batch: What the creates share.
        new: Different contents of one type, as many as one create takes.

    Returns:
        By digest: what came of each content.

    Raises:
        UsageError: The one file cannot be read any more, or has changed.
        UnknownOutcome: The answer was lost, and looking did not help.
        Interrupted: The batch's deadline came first.
        PortraitError: The service refused.
    """
    if batch.fatal_error is not None:
        return {one.content.digest: batch.fatal_error for one in new}
    # Each content is claimed by itself, in the order that all processes have, and the creates are sent under the claims
    # together: two batches that share a content wait for each other, and do not wait in a circle.
    ordered = sorted(new, key=lambda each: each.content.digest)
    creation = Creation(batch.backend.endpoint, batch.options.memory, batch.target.scope)
    try:
        if batch.options.check_public:
            yield from _check_public(new)
        created = yield from creation.run(partial(_create, batch, creation, ordered))
    except FATAL as error:
        batch.fatal_error = error
        raise
    except (InvalidRequest, UsageError) as error:
        if len(new) == 1 or not _may_split(batch, error):
            raise
        return {**(yield from _create_half(batch, new[::2])), **(yield from _create_half(batch, new[1::2]))}
    for one in new:
        asset_id = batch.backend.asset_id(created[one.content.digest][0])
        yield Notify(FileProgress(source=one.content.source, stage="created", asset_id=asset_id))
    return created


def _check_public(new: Sequence[NewContent]) -> Flow[None]:
    for one in new:
        if one.store is not None and one.stored is not None:
            yield RunBlocking(partial(one.store.check_public, one.stored))
        elif one.content.url is not None:
            yield RunBlocking(partial(check_public, one.content.url))


def _may_split(batch: Creating, error: PortraitError) -> bool:
    """Whether the refusal may be about one file alone. Where each create makes a group, it has to say so."""
    return batch.target.group_id is not None or isinstance(error, UsageError) or "assets[" in str(error)


def _create_half(batch: Creating, new: Sequence[NewContent]) -> Flow[Mapping[str, Created | PortraitError]]:
    try:
        return (yield from create_assets(batch, new))
    except PortraitError as error:
        return {one.content.digest: error for one in new}


def _create(batch: Creating, creation: Creation, new: Sequence[NewContent]) -> Flow[dict[str, Created]]:
    created: dict[str, Created] = {}
    missing = []
    for one in new:
        # A list may lack what was created shortly before; an asset that it shows as failed it does not lack.
        since = batch.listed_at - LAG if one.replaces is None else batch.listed_at
        existing = yield from creation.claim(one.content.digest, since, partial(_find, batch, one))
        if existing is None:
            missing.append(one)
        else:
            created[one.content.digest] = existing, Origin.EXISTING
    for one in missing:
        if one.replaces is not None:
            yield from batch.backend.remove(one.replaces)
    if missing:
        created.update((yield from _send(batch, creation, missing)))
    return created


def _find(batch: Creating, one: NewContent) -> Flow[str | None]:
    """The asset of a content, where an earlier create of it was not answered.

    Raises:
        UnknownOutcome: There is nothing to look in.
    """
    if not batch.backend.can_find:
        if batch.options.resend_lost:
            return None
        raise _unknown(batch, one)
    found = yield from _find_together(batch, [one])
    return found[0] if found else None


def _find_together(batch: Creating, new: Sequence[NewContent]) -> Flow[list[str] | None]:
    """The assets of one create; None where it was not carried out.

    It is carried out for all of its contents or for none: beside one that is usable, one that failed is of it, too.

    Raises:
        UnknownOutcome: Some are there and some are not: a list lags, or others created some.
    """
    digest = new[0].content.digest if len(new) == 1 else None
    ignored = {*batch.options.ignored, *(one.replaces.id for one in new if one.replaces is not None)}
    assets = without((yield from batch.backend.find(batch.target, digest)), ignored)
    alive = [usable(assets.get(one.content.digest, ())) for one in new]
    if not any(alive):
        return None
    found = [same or assets.get(one.content.digest, [])[-1:] for one, same in zip(new, alive, strict=True)]
    if not all(found):
        count = sum(map(bool, found))
        raise UnknownOutcome(f"{count} of {len(new)} are there.", advice="Run again: what is not there is created.")
    return [same[0].id for same in found]


def _unknown(batch: Creating, one: NewContent) -> UnknownOutcome:
    title = batch.backend.endpoint.provider.title
    return UnknownOutcome(
        f"{batch.backend.action.name} {one.content.name!r}: an answer was lost, and {title} has no list to look in.",
        advice="Look at the provider's own pages; resend_lost=True creates it again.",
    )


def _send(batch: Creating, creation: Creation, new: Sequence[NewContent]) -> Flow[dict[str, Created]]:
    """Send one create for all that is claimed."""
    backend, target = batch.backend, batch.target
    try:
        ids, recovered = yield from creation.create(
            partial(backend.create, batch.pace.endpoint, target, new),
            partial(_find_together, batch, new) if backend.can_find else None,
            pace=batch.pace,
            source=new[0].content.source,
            what=f"{backend.action.name} {', '.join(repr(one.content.name) for one in new)}",
            group_id=target.group_id,
        )
    except PortraitError as error:
        if backend.can_find or not error.may_have_executed:
            raise
        raise _unknown(batch, new[0]) from error  # it stays recorded as one without an answer
    created: dict[str, Created] = {}
    for one, created_id in zip(new, ids, strict=True):
        creation.set_id(one.content.digest, created_id)
        created[one.content.digest] = created_id, _origin(one, recovered=recovered)
    return created


def _origin(new: NewContent, *, recovered: bool) -> Origin:
    if recovered:
        return Origin.RECOVERED
    return Origin.CREATED if new.replaces is None else Origin.REPLACED
