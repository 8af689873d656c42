"""The rules of the service, pure: records in, records and results out. No clock, randomness, input or output."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from emulator.domain import assets, groups, validations
from emulator.domain.context import Handler

# One handler per Action; a test holds this against `portrait.actions.ACTIONS`.
HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "CreateAssetGroup": groups.create,
        "GetAssetGroup": groups.get,
        "ListAssetGroups": groups.list_,
        "UpdateAssetGroup": groups.update,
        "DeleteAssetGroup": groups.delete,
        "CreateAsset": assets.create,
        "GetAsset": assets.get,
        "ListAssets": assets.list_,
        "UpdateAsset": assets.update,
        "DeleteAsset": assets.delete,
        "CreateVisualValidateSession": validations.create,
        "GetVisualValidateResult": validations.result,
    }
)

__all__ = ["HANDLERS"]
