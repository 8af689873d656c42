"""The 12 Actions as one table: the single source of truth for client, emulator, documentation and tests.

An `Action` is a record of all that is true of it: its name on the wire, the classes that go in and come out, and what
may be done when its answer was lost. No other module has a list of Actions' names.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from attrs import frozen

from portrait import models

Req = TypeVar("Req")
Resp = TypeVar("Resp", bound=models.Result)

VERSION = "2024-01-01"


class Idempotency(StrEnum):
    """May a call whose answer was lost be sent again? Contract §2, last column."""

    IDEMPOTENT = "safe"  # the second call changes nothing that the first did not
    SELF_EXPIRING = "harmless"  # the second makes another thing, which dies by itself
    UNSAFE = "recover"  # never blindly: look what is there, then decide


@frozen(kw_only=True)
class Action(Generic[Req, Resp]):
    """One Action, and all that is true of it.

    Attributes:
        name: As on the wire.
        request: The class of what goes in.
        result: The class of what comes out.
        summary: One line for documentation.
        idempotency: What may be done after an unknown outcome.
        reads: True if it changes nothing.
        not_found_is_success: True where a repeated call that is answered "not accessible" has reached its end.
        required: Wire fields without which it is refused; `Name|Title` means one of them. Dialects may differ.
        secrets: Wire fields of the request that no message may repeat; the queries of addresses are secrets anyway.
        asset_id_field: The field of `request` that holds an asset's id, and may be given as `asset://<id>`.
        address_field: The field of `request` that holds an address which the service is to fetch.
        echoes_id: True where the `id` of the result is that of the request.
        created_id: The wire field of the result that holds the id of something new, "" where nothing is.
    """

    name: str
    request: type[Req]
    result: type[Resp]
    summary: str
    idempotency: Idempotency = Idempotency.UNSAFE
    reads: bool = False
    not_found_is_success: bool = False
    required: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    asset_id_field: str | None = None
    address_field: str | None = None
    echoes_id: bool = False
    created_id: str = ""

    @property
    def lists(self) -> bool:
        """True if it answers a page of items."""
        return issubclass(self.result, models.Page)


def operation(name: str, summary: str, **fields: Any) -> Action[Any, Any]:
    """What is named by a path and not by Action=: JSON goes in and comes out, as the module that calls it reads it.

    Args:
        name: For messages, logs and limits.
        summary: As the attribute.
        **fields: Further attributes of `Action`.
    """
    return Action(name=name, request=dict, result=models.Empty, summary=summary, **fields)


# Idempotency: contract §2, last column. Required fields: contract §2 (D); `Filter.GroupType` (I).
CREATE_ASSET_GROUP = Action(
    name="CreateAssetGroup",
    request=models.CreateAssetGroupRequest,
    result=models.Created,
    summary="Make an AIGC group.",
    created_id="Id",
    required=("Name|Title", "GroupType"),
)
GET_ASSET_GROUP = Action(
    name="GetAssetGroup",
    request=models.GetAssetGroupRequest,
    result=models.AssetGroup,
    summary="Read a group.",
    idempotency=Idempotency.IDEMPOTENT,
    reads=True,
    echoes_id=True,
    required=("Id",),
)
LIST_ASSET_GROUPS = Action(
    name="ListAssetGroups",
    request=models.ListAssetGroupsRequest,
    result=models.GroupPage,
    summary="Read one page of groups.",
    idempotency=Idempotency.IDEMPOTENT,
    reads=True,
    required=("Filter", "Filter.GroupType"),
)
UPDATE_ASSET_GROUP = Action(
    name="UpdateAssetGroup",
    request=models.UpdateAssetGroupRequest,
    result=models.Updated,
    summary="Rename or describe a group.",
    idempotency=Idempotency.IDEMPOTENT,
    required=("Id",),
)
DELETE_ASSET_GROUP = Action(
    name="DeleteAssetGroup",
    request=models.DeleteAssetGroupRequest,
    result=models.Empty,
    summary="Delete a group and every asset in it.",
    idempotency=Idempotency.IDEMPOTENT,
    not_found_is_success=True,
    required=("Id",),
)
CREATE_ASSET = Action(
    name="CreateAsset",
    request=models.CreateAssetRequest,
    result=models.Created,
    summary="Register a file by its public address.",
    created_id="Id",
    required=("GroupId", "URL", "AssetType"),
    address_field="url",
)
GET_ASSET = Action(
    name="GetAsset",
    request=models.GetAssetRequest,
    result=models.Asset,
    summary="Read an asset and its status.",
    idempotency=Idempotency.IDEMPOTENT,
    reads=True,
    echoes_id=True,
    required=("Id",),
    asset_id_field="id",
)
LIST_ASSETS = Action(
    name="ListAssets",
    request=models.ListAssetsRequest,
    result=models.AssetPage,
    summary="Read one page of assets.",
    idempotency=Idempotency.IDEMPOTENT,
    reads=True,
    required=("Filter", "Filter.GroupType"),
)
UPDATE_ASSET = Action(
    name="UpdateAsset",
    request=models.UpdateAssetRequest,
    result=models.Updated,
    summary="Rename an asset.",
    idempotency=Idempotency.IDEMPOTENT,
    required=("Id",),
    asset_id_field="id",
)
DELETE_ASSET = Action(
    name="DeleteAsset",
    request=models.DeleteAssetRequest,
    result=models.Empty,
    summary="Delete an asset.",
    idempotency=Idempotency.IDEMPOTENT,
    not_found_is_success=True,
    required=("Id",),
    asset_id_field="id",
)
CREATE_VISUAL_VALIDATE_SESSION = Action(
    name="CreateVisualValidateSession",
    request=models.CreateVisualValidateSessionRequest,
    result=models.VisualValidateSession,
    summary="Open a liveness check for one person.",
    idempotency=Idempotency.SELF_EXPIRING,
    created_id="BytedToken",
    required=("CallbackURL",),
)
GET_VISUAL_VALIDATE_RESULT = Action(
    name="GetVisualValidateResult",
    request=models.GetVisualValidateResultRequest,
    result=models.VisualValidateResult,
    summary="Exchange the token of a passed liveness check for its group.",
    created_id="GroupId",
    required=("BytedToken",),
    secrets=("BytedToken",),
)

_ALL: tuple[Action[Any, Any], ...] = (
    CREATE_ASSET_GROUP,
    GET_ASSET_GROUP,
    LIST_ASSET_GROUPS,
    UPDATE_ASSET_GROUP,
    DELETE_ASSET_GROUP,
    CREATE_ASSET,
    GET_ASSET,
    LIST_ASSETS,
    UPDATE_ASSET,
    DELETE_ASSET,
    CREATE_VISUAL_VALIDATE_SESSION,
    GET_VISUAL_VALIDATE_RESULT,
)
ACTIONS: Mapping[str, Action[Any, Any]] = MappingProxyType({action.name: action for action in _ALL})


def get_action(name: str) -> Action[Any, Any]:
    """The Action of that name. One that is not listed may do anything and hold any secret, and is never repeated."""
    action = ACTIONS.get(name)
    if action is not None:
        return action
    secrets = tuple({secret: None for listed in _ALL for secret in listed.secrets})
    return Action(name=name, request=dict, result=models.Empty, summary="", secrets=secrets)
