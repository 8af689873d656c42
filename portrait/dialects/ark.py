"""Ark's dialect, which Volcengine and BytePlus speak: real HTTP statuses and Ark's own items (contract §1, §2, §4).

Tables only. Requests are signed; nothing of that is here.
"""

from __future__ import annotations

from typing import Any

from portrait.dialects.dialect import Dialect, ErrorSpec
from portrait.dialects.shared import PRESENTERS, REQUIRED, page
from portrait.errors import ErrorRule, ValidatePending
from portrait.models import Asset, AssetPage, Moderation, Updated
from portrait.reasons import Reason

# One answer for every token that gives no group. Contract §3, token table (M).
_NO_TOKEN = ErrorSpec(404, "NotFound.{id}", "The specified token Visual Face token is not found.")
_FULL = "Asset quota exceeded: the shared pool for projects without explicit allocation is full."

# Contract §4, second table and the front gateway's list (M); where neither names a code, AllToken's stands in (I).
_REFUSALS = {
    Reason.KEY_MISSING: ErrorSpec(
        401, "MissingAuthenticationToken", "Request is missing Authentication Token.", 100003
    ),
    Reason.KEY_UNKNOWN: ErrorSpec(
        401, "InvalidAccessKey", "The accesskey [{id}] included in the request is invalid.", 100009
    ),
    Reason.MISSING_ACTION: ErrorSpec(400, "MissingParameter", "The request is missing Action parameter.", 100002),
    Reason.UNKNOWN_ACTION: ErrorSpec(404, "InvalidActionOrVersion", "Could not find operation {id}.", 100008),
    Reason.MALFORMED_BODY: ErrorSpec(400, "InvalidParameter", "The request body {why}."),
    Reason.BODY_TOO_LARGE: ErrorSpec(413, "InvalidParameter", "The request body is too large."),
    Reason.FILE_TOO_LARGE: ErrorSpec(413, "InvalidParameter.FileSizeTooLarge", "The file is too large."),
    Reason.MISSING_FIELD: ErrorSpec(
        400, "MissingParameter.{field}", "The required parameter {field} is missing.", data=True
    ),
    Reason.INVALID_FIELD: ErrorSpec(400, "InvalidParameter", "The specified parameter {field} is invalid.", data=True),
    Reason.MEDIA_REJECTED: ErrorSpec(400, "InvalidParameter.{detail}", "{why}"),
    Reason.UNKNOWN_GROUP: ErrorSpec(404, "NotFound.group_id", "The specified asset_group {id} is not found."),
    Reason.UNKNOWN_ASSET: ErrorSpec(404, "NotFound.asset_id", "The specified asset {id} is not found."),
    Reason.UNKNOWN_PROJECT: ErrorSpec(404, "NotFound.ProjectName", "The specified project {id} is not found."),
    Reason.ASSET_EXPIRED: ErrorSpec(404, "NotFound.asset_id", "The specified asset {id} is not found."),
    Reason.VALIDATION_OPEN: _NO_TOKEN,
    Reason.TOKEN_UNKNOWN: _NO_TOKEN,
    Reason.TOKEN_SPENT: _NO_TOKEN,
    Reason.TOKEN_EXPIRED: _NO_TOKEN,
    Reason.AIGC_NOT_AVAILABLE: ErrorSpec(403, "AIGCNotAvailable", "AIGC groups are not enabled for this account."),
    Reason.SUBSCRIPTION_REQUIRED: ErrorSpec(403, "SubscriptionRequired", "This API requires an active subscription."),
    Reason.BALANCE_EMPTY: ErrorSpec(403, "AccountOverdueError", "The account has an overdue balance."),
    Reason.GROUP_QUOTA_FULL: ErrorSpec(429, "QuotaSharedPoolExceeded", _FULL),
    Reason.ASSET_QUOTA_FULL: ErrorSpec(429, "QuotaSharedPoolExceeded", _FULL),
    Reason.THROTTLED: ErrorSpec(429, "FlowLimitExceeded", "The request flow has exceeded the limit.", 100018),
    Reason.UPSTREAM_UNAVAILABLE: ErrorSpec(503, "ServiceUnavailable", "The service is not available."),
    Reason.INTERNAL: ErrorSpec(500, "InternalError", "The service encountered an internal error."),
}


def _asset(asset: Asset) -> dict[str, Any]:
    """Contract §2, *Asset item*: `URL` is empty while Processing, `Error` stands only on a failed one."""
    moderation = asset.moderation or Moderation(strategy="Default")
    shown: dict[str, Any] = {
        "Id": asset.id,
        "GroupId": asset.group_id,
        "Name": asset.name,
        "AssetType": asset.asset_type,
        "Status": asset.status,
        "URL": asset.url or "",
        "ProjectName": asset.project_name,
        "CreateTime": asset.create_time,
        "UpdateTime": asset.update_time,
        "Moderation": {"Strategy": moderation.strategy},
    }
    if asset.last_inference_time is not None:
        shown["LastInferenceTime"] = asset.last_inference_time
    if asset.failure is not None:
        shown["Error"] = {"Code": asset.failure.code, "Message": asset.failure.message}
    return shown


ARK = Dialect(
    name="ark",
    action_path="/",
    version_required=True,
    name_limit=64,
    description_limit=300,
    required={**REQUIRED, "CreateAssetGroup": ("Name|Title",)},  # GroupType defaults to AIGC,
    refusals=_REFUSALS,
    presenters={
        **PRESENTERS,
        Asset: _asset,
        AssetPage: lambda shown: page(shown, [_asset(item) for item in shown.items]),
        Updated: lambda result: {"Id": result.id},  # §10.5
    },
    # A token that gives no group may still give one while its window is open. §10.9.
    codes={"GetVisualValidateResult": {"NotFound": ErrorRule(ValidatePending)}},
)
