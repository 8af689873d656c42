"""The errors of the task gateways: `{"error": {"code", "message", "type"}}` with the HTTP status as the code.

Contract §4, *task gateways*, and §8. The documented text comes first, and what is wrong behind it (I).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from emulator.dialects.dialect import ErrorSpec
from emulator.domain.reasons import SIGNATURE_REASONS, Reason
from portrait.gateways import ERRORS, FURTHER_ERRORS


def _row(status: int, detail: str = "", statuses: Mapping[str, int] | None = None) -> ErrorSpec:
    error = {**ERRORS, **FURTHER_ERRORS}[status]
    message = f"{error.message}：{detail}" if detail else error.message
    return ErrorSpec(status, str(status), message, http_error_type=error.type, statuses=statuses or {})


def _missing(code: str, what: str) -> ErrorSpec:
    """What the service behind the gateway does not find, in its own words. Contract §1 (M)."""
    return ErrorSpec(
        404, "404", f"[{code}] The specified {what} {{id}} is not found.", http_error_type="not_found_error"
    )


# Statuses and types of the documented table (D); the rest is inferred. A full quota is no 429: that one is throttled.
GATEWAY_ERRORS: Mapping[Reason, ErrorSpec] = MappingProxyType(
    {
        **dict.fromkeys(SIGNATURE_REASONS | {Reason.KEY_MISSING, Reason.KEY_UNKNOWN}, _row(401)),
        Reason.MISSING_ACTION: _row(400),
        Reason.UNKNOWN_ACTION: _row(400),
        Reason.MALFORMED_BODY: _row(400),
        Reason.BODY_TOO_LARGE: _row(413),
        Reason.FILE_TOO_LARGE: _row(413),
        Reason.MISSING_FIELD: _row(400, "{field} is missing."),
        Reason.INVALID_FIELD: _row(400, "{field} {message}."),
        Reason.MEDIA_REJECTED: _row(400, "[InvalidParameter.{detail}] {field}: {message}"),
        Reason.UNKNOWN_GROUP: _missing("NotFound.group_id", "asset_group"),
        Reason.UNKNOWN_ASSET: _missing("NotFound.asset_id", "asset"),
        Reason.ASSET_EXPIRED: _missing("NotFound.asset_id", "asset"),
        Reason.UNKNOWN_PROJECT: _missing("NotFound.ProjectName", "project"),
        Reason.VALIDATION_OPEN: _row(400, "[ValidatePending] The liveness check is not finished."),
        Reason.TOKEN_UNKNOWN: _row(400, "[InvalidToken] The byted_token is not valid."),
        Reason.TOKEN_SPENT: _row(400, "[InvalidToken] The byted_token is not valid."),
        Reason.TOKEN_EXPIRED: _row(400, "[TokenExpired] The byted_token has expired."),
        Reason.UNKNOWN_JOB: _row(404, statuses={"apimart": 400}),
        Reason.UNKNOWN_MODEL: _row(400, "the model {id} does not exist."),
        Reason.REFERENCE_REJECTED: _row(400, "{message}"),
        Reason.PERSON_SHOWN: _row(
            400, "[InputImageSensitiveContentDetected.PrivacyInformation] The input image may contain real person."
        ),
        Reason.JOB_ENDED: _row(400, "the task {id} has already ended."),
        Reason.JOB_RUNNING: _row(400, "the task {id} is running."),
        Reason.GROUP_NOT_EMPTY: ErrorSpec(
            409, "409", "The group {id} has assets: delete them first.", http_error_type="conflict_error"
        ),
        Reason.AIGC_NOT_AVAILABLE: _row(403, "[AIGCNotAvailable] AIGC groups are not enabled for this account."),
        Reason.SUBSCRIPTION_REQUIRED: _row(403, "[SubscriptionRequired] This API requires an active subscription."),
        Reason.BALANCE_EMPTY: _row(402),
        Reason.GROUP_QUOTA_FULL: _row(400, "[QuotaExceeded] The group quota is full."),
        Reason.ASSET_QUOTA_FULL: _row(400, "[QuotaExceeded] The asset quota is full."),
        Reason.CREATES_THROTTLED: _row(429),
        Reason.LISTS_THROTTLED: _row(429),
        Reason.THROTTLED: _row(429),
        Reason.UPSTREAM_UNAVAILABLE: _row(502),
        Reason.INTERNAL: _row(500),
    }
)


def write_error(row: ErrorSpec, status: int, message: str) -> dict[str, Any]:
    """The form of every error."""
    return {"error": {"code": status, "message": message, "type": row.http_error_type}}
