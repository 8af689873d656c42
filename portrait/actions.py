"""The 12 Actions as one table: the single source of truth for client, emulator, documentation and tests.

An `Action` ties a name of the wire to the classes that go in and come out, and to what may be done when its answer was
lost. It knows neither how a call is sent nor how it is carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from attrs import frozen

from portrait import models

Req = TypeVar("Req")
Resp = TypeVar("Resp", bound=models.Result)

VERSION = "2024-01-01"


class Idempotency(Enum):
    """May a call whose answer was lost be sent again? Contract §2, last column."""

    IDEMPOTENT = "safe"  # the second call changes nothing that the first did not
    SELF_EXPIRING = "harmless"  # the second makes another thing, which dies by itself
    UNSAFE = "recover"  # never blindly: look what is there, then decide


@frozen
class Action(Generic[Req, Resp]):
    """One Action.

    Attributes:
        name: As on the wire.
        request: The class of what goes in.
        result: The class of what comes out.
        idempotency: What may be done after an unknown outcome.
        not_found_is_success: True where a re-sent call that hears "not accessible" has reached its end.
        summary: One line for documentation.
    """

    name: str
    request: type[Req]
    result: type[Resp]
    idempotency: Idempotency
    summary: str
    not_found_is_success: bool = False


CREATE_ASSET_GROUP = Action(
    "CreateAssetGroup", models.CreateAssetGroupRequest, models.Created, Idempotency.UNSAFE, "Make an AIGC group."
)
GET_ASSET_GROUP = Action(
    "GetAssetGroup", models.GetAssetGroupRequest, models.AssetGroup, Idempotency.IDEMPOTENT, "Read a group."
)
LIST_ASSET_GROUPS = Action(
    "ListAssetGroups",
    models.ListAssetGroupsRequest,
    models.GroupPage,
    Idempotency.IDEMPOTENT,
    "Read one page of groups.",
)
UPDATE_ASSET_GROUP = Action(
    "UpdateAssetGroup",
    models.UpdateAssetGroupRequest,
    models.Updated,
    Idempotency.IDEMPOTENT,
    "Rename or describe a group.",
)
DELETE_ASSET_GROUP = Action(
    "DeleteAssetGroup",
    models.DeleteAssetGroupRequest,
    models.Empty,
    Idempotency.IDEMPOTENT,
    "Delete a group and every asset in it.",
    not_found_is_success=True,
)
CREATE_ASSET = Action(
    "CreateAsset",
    models.CreateAssetRequest,
    models.Created,
    Idempotency.UNSAFE,
    "Register a file by its public address.",
)
GET_ASSET = Action(
    "GetAsset", models.GetAssetRequest, models.Asset, Idempotency.IDEMPOTENT, "Read an asset and its status."
)
LIST_ASSETS = Action(
    "ListAssets", models.ListAssetsRequest, models.AssetPage, Idempotency.IDEMPOTENT, "Read one page of assets."
)
UPDATE_ASSET = Action(
    "UpdateAsset", models.UpdateAssetRequest, models.Updated, Idempotency.IDEMPOTENT, "Rename an asset."
)
DELETE_ASSET = Action(
    "DeleteAsset",
    models.DeleteAssetRequest,
    models.Empty,
    Idempotency.IDEMPOTENT,
    "Delete an asset.",
    not_found_is_success=True,
)
CREATE_VISUAL_VALIDATE_SESSION = Action(
    "CreateVisualValidateSession",
    models.CreateVisualValidateSessionRequest,
    models.VisualValidateSession,
    Idempotency.SELF_EXPIRING,
    "Open a liveness check for one person.",
)
GET_VISUAL_VALIDATE_RESULT = Action(
    "GetVisualValidateResult",
    models.GetVisualValidateResultRequest,
    models.VisualValidateResult,
    Idempotency.UNSAFE,
    "Exchange the token of a passed liveness check for its group.",
)

ACTIONS: Mapping[str, Action[Any, Any]] = MappingProxyType(
    {
        action.name: action
        for action in (
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
    }
)
