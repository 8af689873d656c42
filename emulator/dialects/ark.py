"""Ark's errors and items, which Volcengine and BytePlus share: real HTTP statuses (contract §1, §2, §4).

Tables, and the form of one time. Requests are signed; nothing of that is here.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from emulator.dialects.dialect import REQUIRED, ErrorSpec, ItemRules, ServerDialect
from emulator.domain.reasons import Reason
from portrait import dialects, models

# One answer for every token that gives no group. Contract §3, token table (M).
_NO_TOKEN = ErrorSpec(404, "NotFound.{id}", "The specified token Visual Face token is not found.")
_WRONG_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. Check your Secret Access Key and "
    "signing method. Consult the service documentation for details."
)
_FULL = "Asset quota exceeded: the shared pool for projects without explicit allocation is full."

# Contract §4, second table and the front gateway's list (M); where neither names a code, AllToken's stands in (I).
_ERRORS = {
    Reason.KEY_MISSING: ErrorSpec(
        401, "MissingAuthenticationToken", "Request is missing Authentication Token.", 100003
    ),
    Reason.KEY_UNKNOWN: ErrorSpec(
        401, "InvalidAccessKey", "The accesskey [{id}] included in the request is invalid.", 100009
    ),
    Reason.MALFORMED_AUTHORIZATION: ErrorSpec(
        400, "InvalidAuthorization", "The Authorization header of the request is invalid."
    ),
    Reason.MALFORMED_CREDENTIAL: ErrorSpec(
        400, "InvalidCredential", "The Credential in the Authorization header is invalid."
    ),
    Reason.SIGNATURE_MISSING: ErrorSpec(401, "MissingSignature", "The request is missing signature.", 100005),
    Reason.SIGNATURE_WRONG: ErrorSpec(401, "SignatureDoesNotMatch", _WRONG_SIGNATURE, 100010),
    Reason.SESSION_TOKEN_UNKNOWN: ErrorSpec(401, "InvalidSecretToken", "The security token is invalid.", 100026),
    Reason.DATE_MISSING: ErrorSpec(400, "MissingRequestInfo", "The request info is missing.", 100004),
    Reason.DATE_STALE: ErrorSpec(
        403, "InvalidTimestamp", "The Signature of the request is expired", 100006, statuses={"byteplus": 400}
    ),
    Reason.UNKNOWN_SERVICE: ErrorSpec(404, "ServiceNotFound", "The service is not found.", 100007),
    Reason.MISSING_ACTION: ErrorSpec(400, "MissingParameter", "The request is missing {field} parameter.", 100002),
    Reason.UNKNOWN_ACTION: ErrorSpec(
        404, "InvalidActionOrVersion", "Could not find operation {id} for version {detail}.", 100008
    ),
    Reason.MALFORMED_BODY: ErrorSpec(400, "InvalidParameter", "The request body {message}."),
    Reason.BODY_TOO_LARGE: ErrorSpec(413, "InvalidParameter", "The request body is too large."),
    Reason.FILE_TOO_LARGE: ErrorSpec(413, "InvalidParameter.FileSizeTooLarge", "The file is too large."),
    Reason.MISSING_FIELD: ErrorSpec(
        400, "MissingParameter.{field}", "The required parameter {field} is missing.", names_field=True
    ),
    Reason.INVALID_FIELD: ErrorSpec(
        400, "InvalidParameter", "The specified parameter {field} is invalid.", names_field=True
    ),
    Reason.MEDIA_REJECTED: ErrorSpec(400, "InvalidParameter.{detail}", "{message}"),
    Reason.UNKNOWN_GROUP: ErrorSpec(404, "NotFound.group_id", "The specified asset_group {id} is not found."),
    Reason.UNKNOWN_ASSET: ErrorSpec(404, "NotFound.asset_id", "The specified asset {id} is not found."),
    Reason.UNKNOWN_PROJECT: ErrorSpec(404, "NotFound.ProjectName", "The specified project {id} is not found."),
    Reason.ASSET_EXPIRED: ErrorSpec(404, "NotFound.asset_id", "The specified asset {id} is not found."),
    Reason.VALIDATION_OPEN: _NO_TOKEN,
    Reason.TOKEN_UNKNOWN: _NO_TOKEN,
    Reason.TOKEN_SPENT: _NO_TOKEN,
    Reason.TOKEN_EXPIRED: _NO_TOKEN,
    # Contract §7: the code and the sentence about a reference, and the code of a person's face (M); the others (I).
    Reason.UNKNOWN_JOB: ErrorSpec(404, "NotFound.task_id", "The specified task {id} is not found."),
    # The vendor's table of error codes, volcengine.com/docs/82379/1299023 (D).
    Reason.UNKNOWN_MODEL: ErrorSpec(
        404,
        "InvalidEndpointOrModel.NotFound",
        "The model or endpoint {id} does not exist or you do not have access to it.",
    ),
    Reason.REFERENCE_REJECTED: ErrorSpec(400, "InvalidParameter", "{message}"),
    Reason.PERSON_SHOWN: ErrorSpec(
        400,
        "InputImageSensitiveContentDetected.PrivacyInformation",
        "The request failed because the input image may contain real person.",
    ),
    Reason.JOB_ENDED: ErrorSpec(409, "InvalidParameter", "The specified task {id} has already ended."),
    Reason.GROUP_NOT_EMPTY: ErrorSpec(409, "InvalidParameter", "The specified asset_group {id} has assets."),
    Reason.JOB_RUNNING: ErrorSpec(409, "InvalidParameter", "The specified task {id} is running or cancelled."),
    Reason.AIGC_NOT_AVAILABLE: ErrorSpec(403, "AIGCNotAvailable", "AIGC groups are not enabled for this account."),
    Reason.SUBSCRIPTION_REQUIRED: ErrorSpec(403, "SubscriptionRequired", "This API requires an active subscription."),
    Reason.BALANCE_EMPTY: ErrorSpec(403, "AccountOverdueError", "The account has an overdue balance."),
    Reason.GROUP_QUOTA_FULL: ErrorSpec(429, "QuotaSharedPoolExceeded", _FULL),
    Reason.ASSET_QUOTA_FULL: ErrorSpec(429, "QuotaSharedPoolExceeded", _FULL),
    Reason.CREATES_THROTTLED: ErrorSpec(429, "QuotaWriteQPMExceeded", "Too many requests."),
    Reason.LISTS_THROTTLED: ErrorSpec(429, "AccountFlowLimitExceeded", "Too many requests."),
    Reason.THROTTLED: ErrorSpec(429, "FlowLimitExceeded", "The request flow has exceeded the limit.", 100018),
    Reason.UPSTREAM_UNAVAILABLE: ErrorSpec(503, "ServiceUnavailable", "The service is not available."),
    Reason.INTERNAL: ErrorSpec(500, "InternalError", "The service encountered an internal error."),
}

_BEIJING = timezone(timedelta(hours=8))


def _last_inference_time(asset: models.Asset) -> str | None:
    """The one time that was seen with an offset: `2026-03-19T16:00:00+08:00`. Contract §2, *Asset item* (M)."""
    used = asset.last_inference_time
    return used and datetime.fromisoformat(used).astimezone(_BEIJING).isoformat()


# Contract §2, *Asset item*: `URL` is empty while Processing, `Error` stands only on a failed one.
_ASSET = ItemRules(
    omit=frozenset({"FailedReason"}),
    replace={"URL": lambda asset: asset.url or ""},
    append={
        "Moderation": lambda asset: {"Strategy": asset.moderation.strategy if asset.moderation else "Default"},
        "LastInferenceTime": _last_inference_time,
        "Error": lambda asset: asset.failure and {"Code": asset.failure.code, "Message": asset.failure.message},
    },
)

ARK = ServerDialect(
    client=dialects.ARK,
    version_required=True,
    description_limit=300,
    required={
        **REQUIRED,
        "CreateAssetGroup": ("Name|Title",),  # GroupType defaults to AIGC
        "CreateAsset": (*REQUIRED["CreateAsset"], "Moderation?.Strategy"),
    },
    errors=_ERRORS,
    pending={"empty-404": (404, None), "empty-group": (200, {"GroupId": ""}), "empty-result": (200, {})},  # §10.9 (M)
    item_rules={models.Asset: _ASSET},
)
