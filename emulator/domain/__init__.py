"""The rules of the service, pure: records in, records and results out. No clock, randomness, input or output."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from emulator.domain import assets, generations, groups, tasks, uploads, validations
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

# What can be called besides the Actions, by the names that rules and the call log know.
FURTHER_HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "PrivateAvatar": tasks.create_assets,
        "RealAvatar": tasks.create_real,
        "GetTask": tasks.get,
        "CreateVideo": generations.create,
        "GetVideo": generations.get,
        "ListVideos": generations.list_,
        "CancelVideo": generations.cancel,
        "DeleteVideo": generations.delete,
        "ListVideoModels": generations.models,
        "UploadImage": uploads.upload_picture,
    }
)

__all__ = ["FURTHER_HANDLERS", "HANDLERS"]
