"""A batch of files, as values: how it is to be handled, what became of each file, and what an error means for one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from attrs import evolve, field, frozen

from portrait.arguments import COUNT, FLAG, NONE, SECONDS, SPAN, TEXT, check_keywords, either, having, literal, number
from portrait.ensure.content import Content
from portrait.errors import (
    AccountError,
    AuthError,
    ConnectFailed,
    Interrupted,
    PortraitError,
    QuotaExceeded,
    Throttled,
    TransportError,
    UnknownOutcome,
    UsageError,
)
from portrait.media import Violation
from portrait.memory import Memory
from portrait.models import Asset, AssetType, AssetTypeName, GroupType
from portrait.models.common import as_asset_type, as_group_type
from portrait.s3 import (
    ObjectStore,
    SourceChanged,
    SourceUnreadable,
    StorageBadResponse,
    StorageError,
    StorageThrottled,
    StorageUnavailable,
    StorageUnreachable,
)
from portrait.uri import asset_uri
from portrait.wait import POLL

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint


@frozen(kw_only=True)
class EnsureOptions:
    """How a batch of files is to be handled.

    Attributes:
        group_id: The group that the assets go into; None, in a plan, for one that is still to be created.
        group: Its name, where it is not known by its id.
        group_type: Its type; None asks for it.
        store: Object storage that gives files a public address; None sends them through the gateway's upload.
        asset_type: What addresses lead to; None goes by their endings. The type of a file comes from its content.
        name: For people, in the assets' Names; None takes each file's own.
        quota: Assets that the group may hold; None for no limit of ours.
        deadline: Seconds after which nothing more is created, for a service that limits creates; None for no limit as
            long as it accepts some.
        timeout: Seconds for the reviews; None for 60 for an image, 180 for video and audio.
        poll: Seconds between two looks.
        concurrency: Files at once.
        check_public: See from outside that a stored object, or an address, can be fetched before it is registered.
        memory: What the client remembers of creates.
        wait: False ends a file as Late as soon as its asset exists.
        ignored: Ids of assets that were deleted a short time ago: a list may still show them.
        resend_lost: Create again what an unanswered create may have made, where the provider has no list to look in.
    """

    group_id: str | None
    memory: Memory = field(repr=False)
    group: str | None = None
    group_type: GroupType | None = None
    store: ObjectStore | None = None
    asset_type: AssetType | None = None
    name: str | None = None
    quota: int | None = None
    deadline: float | None = None
    timeout: float | None = None
    poll: float = POLL
    concurrency: int = 8
    check_public: bool = False
    wait: bool = True
    ignored: frozenset[str] = frozenset()
    resend_lost: bool = False


class EnsureQuery(TypedDict, total=False):
    """The keywords of `ensure_assets`."""

    group_id: str | None
    group: str | None
    store: ObjectStore | None
    group_type: GroupType | str | None
    asset_type: AssetType | AssetTypeName | None
    name: str | None
    quota: int | Literal["documented"] | None
    deadline: float | None
    timeout: float | None
    poll: float
    concurrency: int
    check_public: bool
    wait: bool
    resend_lost: bool


_KINDS = {
    **dict.fromkeys(("group_id", "group", "name", "group_type", "asset_type"), either(TEXT, NONE)),
    **dict.fromkeys(("deadline", "timeout"), either(SECONDS, NONE)),
    **dict.fromkeys(("check_public", "wait", "resend_lost"), FLAG),
    "store": either(having("an ObjectStore", "put_many"), NONE),
    "quota": either(number("a whole number, 0 or more", int, low=0), literal("documented"), NONE),
    "poll": SPAN,
    "concurrency": COUNT,
}


def parse_options(memory: Memory, endpoint: Endpoint, query: EnsureQuery) -> EnsureOptions:
    """A client's keywords as options.

    Raises:
        UsageError: A value is of another kind or outside of its closed set, or two groups are named.
    """
    check_keywords(_KINDS, query)
    values: dict[str, Any] = dict(query)
    quota = values.pop("quota", "documented")
    values["group_id"] = values.get("group_id") or None
    if values["group_id"] and values.get("group") is not None:
        raise UsageError("A group has a name, group=, or an id, group_id=: give one of them.")
    for name, convert in (("group_type", as_group_type), ("asset_type", as_asset_type)):
        if values.get(name) is not None:
            values[name] = convert(values[name])
    return EnsureOptions(
        memory=memory,
        quota=endpoint.provider.asset_quota if quota == "documented" else quota,
        **values,
    )


class FileState(StrEnum):
    """How a file ended."""

    ACTIVE = "Active"  # usable as asset://
    REJECTED = "Rejected"  # does not fit; nothing was sent
    NO_ROOM = "NoRoom"  # the quota is full
    REFUSED = "Refused"  # the service, or the storage, said no
    FAILED = "Failed"  # the review said no
    VANISHED = "Vanished"  # somebody deleted the asset meanwhile
    TIMED_OUT = "Late"  # the review is not finished; a later run goes on
    UNKNOWN = "Unknown"  # an answer was lost and could not be found out
    STOPPED = "Stopped"  # not begun, since the run was stopped, the service throttled, or nobody could be reached


class Origin(StrEnum):
    """How an asset came to be."""

    EXISTING = "existing"
    CREATED = "created"
    RECOVERED = "recovered"  # created; its answer was lost and found again
    REPLACED = "replaced"  # created in the place of one that had failed through no fault of the file


RUN_AGAIN = "Run again: what was created is looked for first, and nothing is created twice."
"""What to do after an unknown outcome of an `ensure`."""

FATAL = (QuotaExceeded, AuthError, AccountError, ConnectFailed)
"""Errors that every further create would meet as well."""


def stops_other_groups(error: PortraitError | None) -> bool:
    """Whether every further group would meet the error as well; one that is full says nothing of another."""
    if isinstance(error, StorageError):
        return error.fatal
    return isinstance(error, FATAL) and not isinstance(error, QuotaExceeded)


# The nearest class in an error's ancestry decides; anything else is a refusal.
_STATE_BY_ERROR: Mapping[type[BaseException], FileState] = MappingProxyType(
    {
        QuotaExceeded: FileState.NO_ROOM,
        UnknownOutcome: FileState.UNKNOWN,
        TransportError: FileState.STOPPED,
        StorageBadResponse: FileState.STOPPED,
        StorageUnreachable: FileState.STOPPED,
        StorageUnavailable: FileState.STOPPED,
        StorageThrottled: FileState.STOPPED,
        Interrupted: FileState.STOPPED,
        Throttled: FileState.STOPPED,
        UsageError: FileState.REJECTED,
        SourceUnreadable: FileState.REJECTED,
        SourceChanged: FileState.REJECTED,
    }
)


def state_of_error(error: PortraitError) -> FileState:
    """What an error means for a file that was to be sent."""
    if isinstance(error, TransportError) and error.may_have_executed:
        return FileState.UNKNOWN
    kinds = type(error).__mro__
    return next((_STATE_BY_ERROR[kind] for kind in kinds if kind in _STATE_BY_ERROR), FileState.REFUSED)


@frozen(kw_only=True)
class FileOutcome:
    """What became of one file.

    Attributes:
        source: The path or address as given.
        state: How it ended.
        asset_id: The asset's id, "" if there is none.
        origin: How the asset came to be; None without one.
        sha256: Of the content, 64 hex digits; for an address of the address; "" if it could not be read.
        group_id: The group.
        name: The asset's Name.
        asset: As it was read last.
        faults: Everything that is wrong with the file.
        duplicates: Ids of further assets with the same content; none of them was touched.
        stored_key: The object's key, where the file went by object storage.
        error: What stands in the way; None if it is Active.
    """

    source: str
    state: FileState
    asset_id: str = ""
    origin: Origin | None = None
    sha256: str = ""
    group_id: str = ""
    name: str = ""
    asset: Asset | None = field(default=None, repr=False)
    faults: tuple[Violation, ...] = ()
    duplicates: tuple[str, ...] = ()
    stored_key: str = ""
    error: PortraitError | None = None

    @property
    def uri(self) -> str:
        """`asset://<id>`, "" without an asset."""
        return asset_uri(self.asset_id) if self.asset_id else ""

    def check(self) -> str:
        """`asset://<id>` if the asset is Active.

        Raises:
            PortraitError: `error`, if it is not.
        """
        if self.error is not None:
            raise self.error
        return self.uri


def rejection(source: str, error: PortraitError, content: Content | None = None, group_id: str = "") -> FileOutcome:
    """The outcome of a source that cannot be read, or that the service would not take."""
    outcome = FileOutcome(source=source, state=FileState.REJECTED, group_id=group_id, error=error)
    if content is None:
        return outcome
    return evolve(outcome, sha256=content.sha256, name=content.name, faults=content.faults)
