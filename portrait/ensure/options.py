"""How a batch of files is to be handled. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

from attrs import field, frozen
from attrs.validators import ge, optional

from portrait.errors import UsageError
from portrait.memory import Memory
from portrait.models import (
    AssetType,
    AssetTypeName,
    GroupType,
)
from portrait.models.common import as_asset_type, as_group_type
from portrait.s3 import ObjectStore
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
    deadline: float | None = field(default=None, validator=optional(ge(0)))
    timeout: float | None = None
    poll: float = POLL
    concurrency: int = field(default=8, validator=ge(1))
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


def parse_options(memory: Memory, endpoint: Endpoint, query: EnsureQuery) -> EnsureOptions:
    """A client's keywords as options.

    Raises:
        UsageError: A value is outside of its closed set, or two groups are named.
    """
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
