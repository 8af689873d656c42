"""Events: one frozen class for each thing that `on_event` is called with.

Events carry no secret: neither keys nor tokens nor signed addresses. A callback is called in the thread or task that
made the call and must return soon; what it raises is logged, and changes nothing. One that is marked with `listens_to`
is called with the events that it names; what nobody listens to is not made for every call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from attrs import frozen

__all__ = [
    "AssetEvicted",
    "CallCancelled",
    "CallFinished",
    "CallRetried",
    "CreateDelayed",
    "Event",
    "FileProgress",
    "GroupFound",
    "LeaseGranted",
    "LeaseLost",
    "LeaseWaiting",
    "WaitProgress",
    "WatchProgress",
    "listens_to",
]

C = TypeVar("C", bound=Callable[..., None])


@frozen(kw_only=True)
class Event:
    """The base of all events."""


@frozen(kw_only=True)
class CallFinished(Event):
    """One attempt of a call ended.

    Attributes:
        action: The Action.
        attempt: From 1.
        seconds: How long this attempt took.
        http_status: None if no answer came.
        request_id: The service's id of the request, "" if it gave none.
        error: The class name of the error, None on success.
        code: The service's code, "" if there is none.
    """

    action: str
    attempt: int
    seconds: float
    http_status: int | None = None
    request_id: str = ""
    error: str | None = None
    code: str = ""


@frozen(kw_only=True)
class CallRetried(Event):
    """A call will be sent again.

    Attributes:
        action: The Action.
        attempt: The attempt that failed, from 1.
        delay: Seconds until the next one.
        error: The class name of what went wrong.
    """

    action: str
    attempt: int
    delay: float
    error: str


@frozen(kw_only=True)
class CallCancelled(Event):
    """The caller stopped waiting, by cancellation or an interrupt, while a call was under way.

    Attributes:
        action: The Action.
        may_have_executed: True unless the call changes nothing.
    """

    action: str
    may_have_executed: bool


@frozen(kw_only=True)
class WaitProgress(Event):
    """A wait polled, and the state has not come yet.

    Attributes:
        what: `asset`, `group`, `validation`, `video` or `task`.
        id: What is waited for; "" for a validation, whose token is a secret.
        status: What was read, such as `Processing`.
        waited: Seconds so far.
        deadline: Seconds after which the wait gives up.
    """

    what: str
    id: str
    status: str
    waited: float
    deadline: float


@frozen(kw_only=True)
class WatchProgress(Event):
    """A watch over many assets polled.

    Attributes:
        open: How many have not ended.
        ended: How many ended how: `Active`, `Failed`, `Vanished`, `Late`.
        waited: Seconds so far.
    """

    open: int
    ended: Mapping[str, int]
    waited: float


@frozen(kw_only=True)
class CreateDelayed(Event):
    """A create waits: the service limits creates, which is no reason to delete anything.

    Attributes:
        source: The path or address as given, or the name of a group.
        delay: Seconds until it is sent.
    """

    source: str
    delay: float


@frozen(kw_only=True)
class GroupFound(Event):
    """The group of a batch was named, and is found or created; the files follow.

    Attributes:
        name: As given.
        group_id: Its id.
        is_new: Whether it was created for this batch.
    """

    name: str
    group_id: str
    is_new: bool


@frozen(kw_only=True)
class FileProgress(Event):
    """A file of a batch came a step further.

    Attributes:
        source: The path or address as given.
        stage: `checked`, `stored`, `created` or `ended`.
        asset_id: Once there is one.
    """

    source: str
    stage: str
    asset_id: str = ""


@frozen(kw_only=True)
class LeaseWaiting(Event):
    """A lease waits for a slot of a pool.

    Attributes:
        group_id: The pool's group.
        holder: Who waits.
        before: How many are served before it.
        waited: Seconds so far.
        deadline: Seconds after which it gives up.
    """

    group_id: str
    holder: str
    before: int
    waited: float
    deadline: float


@frozen(kw_only=True)
class LeaseGranted(Event):
    """A holder has leased assets of a pool.

    Attributes:
        group_id: The pool's group.
        holder: Who has.
        asset_ids: The assets, each once.
    """

    group_id: str
    holder: str
    asset_ids: tuple[str, ...]


@frozen(kw_only=True)
class LeaseLost(Event):
    """Leases ended although their holder still runs: it was suspended, or could not reach the state, for longer than
    their ttl. Their assets may be deleted.

    Attributes:
        group_id: The pool's group.
        holder: Whose they were.
    """

    group_id: str
    holder: str


@frozen(kw_only=True)
class AssetEvicted(Event):
    """A pool deleted an asset that nobody leased, to make room.

    Attributes:
        group_id: The pool's group.
        asset_id: The asset.
        item: The digest of its content.
    """

    group_id: str
    asset_id: str
    item: str


def listens_to(*kinds: type[Event]) -> Callable[[C], C]:
    """Mark a callback for `on_event=`: it is called with these events only.

    Args:
        *kinds: Classes of events.
    """

    def mark(callback: C) -> C:
        callback.kinds = kinds  # type: ignore[attr-defined]
        return callback

    return mark


def kinds_of(callback: Any) -> tuple[type[Event], ...]:
    """The events that a callback is called with; none without a callback."""
    return () if callback is None else getattr(callback, "kinds", (Event,))
