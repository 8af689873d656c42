"""Erases a group, its assets and their stored objects, when somebody withdraws consent: a plan, then its execution.

What may be erased is decided here: an object that an asset outside of the group uses stays. Objects go first and the
group last, since the Names of its assets say which objects are theirs. What is to be deleted is recorded before
anything is, so that an erasure that was killed, or an object that could not be deleted, is taken up by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict

from attrs import evolve, field, frozen

from portrait import pagination
from portrait.actions import DELETE_ASSET_GROUP, GET_ASSET_GROUP
from portrait.arguments import TEXTS, check_keywords, one_of
from portrait.ensure.content import parse_digest, sha256_prefix
from portrait.errors import NotAccessible, PortraitError, StateError, UsageError
from portrait.flow import Flow, RunBlocking
from portrait.models import Asset, AssetGroup, DeleteAssetGroupRequest, GetAssetGroupRequest, GroupType
from portrait.s3 import ObjectStore, StorageError
from portrait.state import Erasure, Key, short_digest
from portrait.wait import call_when_visible

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.memory import Memory

_PREFIX = 32  # hex digits of a SHA-256, as many as a Name's digest stands for
_NONE: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class ErasureQuery(TypedDict, total=False):
    """The keywords of `plan_erasure` and `erase_group`."""

    stores: Iterable[ObjectStore]
    known_objects: Iterable[str]
    known_contents: Mapping[str, str]


@frozen(kw_only=True)
class ErasureOptions:
    """Where a group's objects are, and what is known besides the service's lists.

    Attributes:
        stores: Object storage that the group's objects are deleted from; without any, objects are left alone.
        known_objects: Addresses `s3://bucket/key` of objects that are the group's, such as a manifest names.
        known_contents: SHA-256 (64 hex digits) by asset id, for assets whose Name no longer says it.
        memory: Of the client: remembers what is still to be deleted.
    """

    stores: tuple[ObjectStore, ...] = ()
    known_objects: tuple[str, ...] = ()
    known_contents: Mapping[str, str] = field(factory=dict)
    memory: Memory = field(repr=False)


@frozen(kw_only=True)
class ErasurePlan:
    """What an erasure would take. Made by `plan_erasure`.

    Attributes:
        group_id: The group.
        name: Its name; "" once it is gone.
        exists: Whether the group is there.
        assets: The ids of its assets.
        objects: Addresses `s3://bucket/key` of the objects to delete.
        in_use: Objects that stay, each with the ids of the assets of other groups that use it.
        elsewhere: Objects that are known to be the group's and are in no store that was given.
    """

    group_id: str
    name: str = ""
    exists: bool = False
    assets: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    in_use: Mapping[str, tuple[str, ...]] = _NONE
    elsewhere: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Is there nothing that could be erased with these stores?"""
        return not (self.exists or self.objects)


@frozen(kw_only=True)
class ErasureOutcome:
    """What was erased.

    Attributes:
        plan: What was to be erased; an object that somebody began to use meanwhile has moved to `plan.in_use`.
        group_erased: Whether the group and its assets were deleted.
        objects: Addresses of the objects that were deleted.
        errors: Why something was not erased: by the address of an object, or the group's id.
    """

    plan: ErasurePlan
    group_erased: bool = False
    objects: tuple[str, ...] = ()
    errors: Mapping[str, PortraitError] = field(factory=dict)

    @property
    def complete(self) -> bool:
        """Is nothing left of the group but objects that others use?"""
        return not (self.errors or self.plan.elsewhere)

    def check(self) -> None:
        """Do nothing if all that was planned is erased.

        Raises:
            PortraitError: The first of `errors`.
        """
        for error in self.errors.values():
            raise error


_KINDS = {
    "stores": one_of("several ObjectStores", Iterable),
    "known_objects": TEXTS,
    "known_contents": one_of("digests by asset id", Mapping),
}


def parse_erasure_options(memory: Memory, query: ErasureQuery) -> ErasureOptions:
    """A client's keywords as options.

    Raises:
        UsageError: A value is of another kind.
    """
    check_keywords(_KINDS, query)
    return ErasureOptions(
        stores=tuple(query.get("stores", ())),
        known_objects=tuple(query.get("known_objects", ())),
        known_contents=query.get("known_contents", {}),
        memory=memory,
    )


def plan_erasure(endpoint: Endpoint, group_id: str, options: ErasureOptions) -> Flow[ErasurePlan]:
    """What an erasure would take. Changes nothing.

    Raises:
        PortraitError: A list cannot be read whole, or the storage cannot be listed.
    """
    group = yield from _get_group(endpoint, group_id)
    own = [] if group is None else (yield from _list_assets(endpoint, group.group_type, (group_id,)))
    recorded = yield from find_erasure(endpoint, options.memory, group_id)
    plan = ErasurePlan(
        group_id=group_id,
        name="" if group is None else group.name,
        exists=group is not None,
        assets=tuple(asset.id for asset in own),
    )
    known = dict.fromkeys([*options.known_objects, *(recorded.objects if recorded else ())])
    if not options.stores:
        return evolve(plan, elsewhere=tuple(known))
    stored: frozenset[str] = yield RunBlocking(lambda: frozenset(_stored(options.stores)))
    users = yield from _other_users(endpoint, plan, options.known_contents)
    contents = _users(own, options.known_contents)
    return classify(plan, stored, [*known, *sorted(a for a in stored if _content_of(a) in contents)], users, options)


def classify(
    plan: ErasurePlan,
    stored: frozenset[str],
    candidates: Iterable[str],
    users: Mapping[str, tuple[str, ...]],
    options: ErasureOptions,
) -> ErasurePlan:
    """Sort objects into those to delete, those that others use, and those that are in no given store. Pure.

    Args:
        plan: Whose objects they are.
        stored: Addresses of what the stores hold.
        candidates: Addresses that are or may be the group's.
        users: Ids of assets of other groups by the content that they use.
        options: The stores.
    """
    objects, in_use, elsewhere = [], {}, []
    for address in dict.fromkeys(candidates):
        if others := users.get(_content_of(address)):
            in_use[address] = others
        elif address in stored:
            objects.append(address)
        elif not any(address.startswith(_address(store)) for store in options.stores):
            elsewhere.append(address)
    return evolve(plan, objects=tuple(objects), in_use=in_use, elsewhere=tuple(elsewhere))


def erase_group(endpoint: Endpoint, target: str | ErasurePlan, options: ErasureOptions) -> Flow[ErasureOutcome]:
    """Carry out a plan; for an id, make one first. Which content others use is read again before anything is deleted.

    Raises:
        UsageError: An object is in no given store; nothing was erased.
        StateError: What is to be erased cannot be recorded; nothing was erased.
        PortraitError: A list cannot be read whole; nothing was erased.
    """
    plan = target if isinstance(target, ErasurePlan) else (yield from plan_erasure(endpoint, target, options))
    stores = {address: _store_of(address, options.stores) for address in plan.objects}
    if plan.objects:
        users = yield from _other_users(endpoint, plan, options.known_contents)
        again = classify(plan, frozenset(plan.objects), plan.objects, users, options)
        plan = evolve(plan, objects=again.objects, in_use={**plan.in_use, **again.in_use})
    yield RunBlocking(lambda: _record(endpoint, options.memory, plan, [*plan.objects, *plan.elsewhere]))
    errors: dict[str, PortraitError] = yield RunBlocking(lambda: _delete_objects(plan.objects, stores))
    if plan.exists:
        try:
            yield from endpoint.call(DELETE_ASSET_GROUP, DeleteAssetGroupRequest(id=plan.group_id))
        except PortraitError as error:
            errors[plan.group_id] = error
    failed = [address for address in plan.objects if address in errors]
    with suppress(StateError):  # the first record names all that is left; what was erased must be reported all the same
        yield RunBlocking(lambda: _record(endpoint, options.memory, plan, [*failed, *plan.elsewhere]))
    return ErasureOutcome(
        plan=plan,
        group_erased=plan.exists and plan.group_id not in errors,
        objects=tuple(address for address in plan.objects if address not in errors),
        errors=errors,
    )


def _get_group(endpoint: Endpoint, group_id: str) -> Flow[AssetGroup | None]:
    request = GetAssetGroupRequest(id=group_id)
    try:
        return (yield from call_when_visible(endpoint, group_id, partial(endpoint.call, GET_ASSET_GROUP, request)))
    except NotAccessible:
        return None


def _list_assets(
    endpoint: Endpoint, group_type: GroupType | str, group_ids: tuple[str, ...] | None = None
) -> Flow[list[Asset]]:
    pages = pagination.asset_pages(group_type=group_type, group_ids=group_ids)
    (subject,) = group_ids or ("",)
    return call_when_visible(endpoint, subject, partial(pagination.list_complete, endpoint, pages))


def _other_users(
    endpoint: Endpoint, plan: ErasurePlan, known_contents: Mapping[str, str]
) -> Flow[dict[str, tuple[str, ...]]]:
    """The assets of all other groups by the content that they use."""
    others: list[Asset] = []
    for group_type in GroupType:
        others += yield from _list_assets(endpoint, group_type)
    own = set(plan.assets)
    return _users([asset for asset in others if asset.id not in own], known_contents)


def _users(assets: Sequence[Asset], known_contents: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Ids by content: what the Name says, and what is known where an asset was renamed."""
    users: dict[str, dict[str, None]] = {}
    for asset in assets:
        digest = parse_digest(asset.name)
        contents = {known_contents.get(asset.id, "")[:_PREFIX], sha256_prefix(digest) if digest else ""} - {""}
        for content in contents:
            users.setdefault(content, {})[asset.id] = None
    return {content: tuple(ids) for content, ids in users.items()}


def _content_of(address: str) -> str:
    """The beginning of the SHA-256 that an object is called by."""
    return PurePosixPath(address).stem[:_PREFIX]


def _address(store: ObjectStore) -> str:
    return f"s3://{store.location.bucket}/{store.location.key_prefix}"


def _stored(stores: Iterable[ObjectStore]) -> Iterable[str]:
    return (f"s3://{store.location.bucket}/{key}" for store in stores for key in store.list_objects())


def _store_of(address: str, stores: Iterable[ObjectStore]) -> ObjectStore:
    for store in stores:
        if address.startswith(_address(store)):
            return store
    raise UsageError(f"{address} is in no store that was given.", advice="Pass the stores that the plan was made with.")


def _delete_objects(addresses: Iterable[str], stores: Mapping[str, ObjectStore]) -> dict[str, PortraitError]:
    """Delete objects one by one; gives why some could not be deleted. A failure that all would meet ends it."""
    errors: dict[str, PortraitError] = {}
    fatal: StorageError | None = None
    for address in addresses:
        store = stores[address]
        try:
            if fatal is not None:
                raise fatal
            store.delete(address.removeprefix(f"s3://{store.location.bucket}/"))
        except StorageError as error:
            errors[address] = error
            fatal = error if error.fatal else None
    return errors


def find_erasure(endpoint: Endpoint, memory: Memory, group: str) -> Flow[Erasure | None]:
    """What the state remembers of the erasure of a group, by its id or a name that it had.

    Raises:
        StateError: The state cannot be read.
    """
    found: Erasure | None = yield RunBlocking(lambda: _find(endpoint, memory, group))
    return found


def _find(endpoint: Endpoint, memory: Memory, group: str) -> Erasure | None:
    state = memory.open_state()
    return None if state is None else state.erasures.find(_key(endpoint, memory, group))


def _record(endpoint: Endpoint, memory: Memory, plan: ErasurePlan, objects: Iterable[str]) -> None:
    """Record what is still to be deleted, under the group's id, its name, and every name that it had before."""
    state = memory.open_state()
    if state is not None:
        keys = [_key(endpoint, memory, name) for name in dict.fromkeys([plan.group_id, plan.name]) if name]
        state.erasures.record(keys, plan.group_id, objects)


def _key(endpoint: Endpoint, memory: Memory, group: str) -> Key:
    return Key(memory.account, short_digest("project", endpoint.project or "default"), short_digest(group))
