"""Reads answers as the vendor's own SDK does: by its generated models, and strictly, so that a wrong type shows."""

import json

# The result of each Action; None stands for `{}`, for which the vendor has no class.
RESULTS = {
    "CreateAssetGroup": "CreateAssetGroupResult",
    "GetAssetGroup": "AssetGroupItem",
    "ListAssetGroups": "ListAssetGroupsResult",
    "UpdateAssetGroup": None,
    "DeleteAssetGroup": None,
    "CreateAsset": "CreateAssetResult",
    "GetAsset": "AssetItem",
    "ListAssets": "ListAssetsResult",
    "UpdateAsset": None,
    "DeleteAsset": None,
    "CreateVisualValidateSession": "CreateVisualValidateSessionResult",
    "GetVisualValidateResult": "GetVisualValidateResultResult",
}
REQUESTS = {
    action: {"CreateVisualValidateSession": "CreateVisualValidateSessionRequest",
             "GetVisualValidateResult": "GetVisualValidateResultRequest"}.get(action, f"{action}Request")
    for action in RESULTS
} | dict.fromkeys(("GetAssetGroup", "DeleteAssetGroup", "GetAsset", "DeleteAsset"), "PortraitIDRequest")  # fmt: skip

# What the guide has and the vendor's schema has not. Contract §10.1.
BESIDES = {("AssetItem", "UpstreamStatus")}


def read(vendor, action, raw, body):
    """The model of an answer; raises what pydantic raises where it does not fit.

    Args:
        vendor: The module of the models.
        action: The Action, or `upload`.
        raw: The answer's bytes.
        body: The same as JSON.
    """
    if "error" in body:
        return vendor.ErrorResponse.model_validate_json(raw, strict=True)
    if action == "upload":
        return vendor.PortraitUploadEnvelope.model_validate_json(raw, strict=True)
    envelope = vendor.PortraitEnvelope.model_validate_json(raw, strict=True)
    if envelope.response_metadata.error is None:
        result = RESULTS[action]
        if result is None:
            assert body["Result"] == {}
        else:
            part = getattr(vendor, result).model_validate_json(json.dumps(body["Result"]), strict=True)
            envelope.result = part
    return envelope


def strangers(model, value, name=None):
    """Every (model, key) of a JSON value that the model has no field for."""
    name = name or type(model).__name__
    fields = {field.alias or key: key for key, field in type(model).model_fields.items()}
    found = {(name, key) for key in value if key not in fields}
    for key, field in fields.items():
        part = getattr(model, field)
        parts = part if isinstance(part, list) else [part]
        values = value.get(key) if isinstance(value.get(key), list) else [value.get(key)]
        for each, its in zip(parts, values, strict=False):
            if hasattr(type(each), "model_fields") and isinstance(its, dict):
                found |= strangers(each, its)
    return found
