"""AllToken's errors and items: business errors inside of HTTP 200 (contract §1, §2, §4).

Tables only. Codes are the guide's (D); message texts are not public, so these are our own (I).
"""

from __future__ import annotations

from emulator.dialects.dialect import ErrorSpec, ItemRules, ServerDialect
from emulator.domain.reasons import SIGNATURE_REASONS, Reason
from portrait import dialects, models

# Contract §4, first table. Existence is hidden: an id of somebody else and one that never was say the same (§10.11).
_THROTTLED = ErrorSpec(200, "RateLimitExceeded", "Too many requests.")
_BAD_KEY = ErrorSpec(401, "Unauthorized", "The API key is not valid.", http_error_type="authentication_error")
_NOT_YOURS = ErrorSpec(200, "Forbidden", "The resource is not accessible with this API key.")


def _video(status: int, code: str, message: str) -> ErrorSpec:
    return ErrorSpec(status, code, message, http_error_type="invalid_request_error")


_ERRORS = {
    # AllToken signs nothing; what only signatures can have is a wrong key here.
    **dict.fromkeys(SIGNATURE_REASONS, _BAD_KEY),
    Reason.KEY_MISSING: ErrorSpec(
        401, "Unauthorized", "The request carries no API key.", http_error_type="authentication_error"
    ),
    Reason.KEY_UNKNOWN: _BAD_KEY,
    Reason.MISSING_ACTION: ErrorSpec(200, "MissingParameter.{field}", "The required parameter {field} is missing."),
    Reason.UNKNOWN_ACTION: ErrorSpec(200, "InvalidActionOrVersion", "Could not find operation {id}."),
    Reason.MALFORMED_BODY: ErrorSpec(200, "InvalidParameter", "The request body {message}."),
    Reason.BODY_TOO_LARGE: ErrorSpec(
        413, "request_too_large", "The request body is larger than 1 MB.", http_error_type="invalid_request_error"
    ),
    Reason.FILE_TOO_LARGE: ErrorSpec(
        413, "file_too_large", "The file is larger than 10 MB.", http_error_type="invalid_request_error"
    ),
    Reason.MISSING_FIELD: ErrorSpec(200, "MissingParameter.{field}", "The required parameter {field} is missing."),
    Reason.INVALID_FIELD: ErrorSpec(200, "InvalidParameter", "The parameter {field} {message}."),
    Reason.MEDIA_REJECTED: ErrorSpec(200, "InvalidParameter.{detail}", "{message}"),
    Reason.UNKNOWN_GROUP: _NOT_YOURS,
    Reason.UNKNOWN_ASSET: _NOT_YOURS,
    Reason.UNKNOWN_PROJECT: ErrorSpec(200, "NotFound.ProjectName", "The project is not found."),
    Reason.ASSET_EXPIRED: ErrorSpec(200, "NotFound", "The asset has expired."),
    Reason.VALIDATION_OPEN: ErrorSpec(200, "ValidatePending", "The liveness check is not finished."),
    Reason.TOKEN_UNKNOWN: ErrorSpec(200, "InvalidToken", "The BytedToken is not valid."),
    Reason.TOKEN_SPENT: ErrorSpec(200, "InvalidToken", "The BytedToken is not valid."),
    Reason.TOKEN_EXPIRED: ErrorSpec(200, "TokenExpired", "The BytedToken has expired."),
    # Contract §7: the codes of videos (D); the sentence about a reference is the service's behind it (M).
    Reason.UNKNOWN_JOB: _video(404, "not_found", "The video {id} is not found."),
    Reason.UNKNOWN_MODEL: _video(404, "upstream_model_not_found", "The model {id} does not exist."),
    Reason.REFERENCE_REJECTED: _video(400, "upstream_invalid_parameter", "{message}"),
    Reason.PERSON_SHOWN: _video(
        400, "upstream_content_violation", "The request failed because the input image may contain real person."
    ),
    Reason.JOB_ENDED: _video(409, "invalid_request", "The video {id} has already ended."),
    Reason.GROUP_NOT_EMPTY: ErrorSpec(200, "InvalidParameter", "The group has assets."),
    Reason.JOB_RUNNING: _video(409, "invalid_request", "The video {id} has begun and cannot be deleted."),
    Reason.AIGC_NOT_AVAILABLE: ErrorSpec(200, "AIGCNotAvailable", "AIGC groups are not enabled for this account."),
    Reason.SUBSCRIPTION_REQUIRED: ErrorSpec(200, "SubscriptionRequired", "This API requires an active subscription."),
    Reason.BALANCE_EMPTY: ErrorSpec(
        402, "insufficient_balance", "The account's balance is used up.", http_error_type="payment_required"
    ),
    Reason.GROUP_QUOTA_FULL: ErrorSpec(200, "QuotaExceeded", "The group quota is full."),
    Reason.ASSET_QUOTA_FULL: ErrorSpec(200, "QuotaExceeded", "The asset quota is full."),
    Reason.CREATES_THROTTLED: _THROTTLED,
    Reason.LISTS_THROTTLED: _THROTTLED,
    Reason.THROTTLED: _THROTTLED,
    Reason.UPSTREAM_UNAVAILABLE: ErrorSpec(200, "UpstreamUnavailable", "The upstream service is not available."),
    Reason.INTERNAL: ErrorSpec(500, "internal_error", "The server failed to answer.", http_error_type="server_error"),
}

# Contract §2, *Asset item*; `Status` and `UpstreamStatus` are sent both, equal (§10.1), URL not while Processing.
_ASSET = ItemRules(
    omit=frozenset({"Moderation", "LastInferenceTime"}),
    append={
        "UpstreamStatus": "status",
        "URL": "url",
        "FailedReason": lambda asset: asset.failure and f"{asset.failure.code}: {asset.failure.message}",
    },
)

ALLTOKEN = ServerDialect(
    client=dialects.ALLTOKEN,
    # Contract §2: groups cannot be sorted here; Moderation and cursors are Ark's.
    ignored_fields={
        "ListAssetGroups": frozenset({"SortBy", "SortOrder", "MaxResults", "NextToken"}),
        "ListAssets": frozenset({"MaxResults", "NextToken"}),
        "CreateAsset": frozenset({"Moderation"}),
    },
    errors=_ERRORS,
    item_rules={
        models.Asset: _ASSET,
        models.Updated: ItemRules(omit=frozenset({"Id"})),  # §10.5
        # Contract §5: the upload writes its status in lower case.
        models.UploadedAsset: ItemRules(replace={"Status": lambda asset: asset.status.lower()}),
    },
)
