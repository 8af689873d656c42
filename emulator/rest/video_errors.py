"""Errors of calls about videos, in AllToken's form and in Ark's: real HTTP statuses and `{"error"}`. Contract §7."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from emulator.dialects.alltoken import ALLTOKEN
from emulator.dialects.ark import ARK
from emulator.dialects.dialect import ErrorSpec
from emulator.domain.reasons import SIGNATURE_REASONS, Reason, Refusal

_REQUEST = "invalid_request_error"
_INVALID = "The parameter `{field}` specified in the request is not valid: it {message}."
_MISSING = "The request is missing the parameter `{field}`."


def _alltoken(status: int, code: str, message: str, kind: str = _REQUEST) -> ErrorSpec:
    return ErrorSpec(status, code, message, http_error_type=kind)


_ALLTOKEN_INVALID = _alltoken(400, "invalid_request", _INVALID)
_ALLTOKEN_THROTTLED = _alltoken(429, "rate_limit_exceeded", "Too many requests.", "rate_limit_error")

# Codes are documented (D); where the list has none, the Actions' error stands in (I).
ALLTOKEN_VIDEO_ERRORS: Mapping[Reason, ErrorSpec] = MappingProxyType(
    {
        **{reason: _alltoken(400, "invalid_request", row.message) for reason, row in ALLTOKEN.errors.items()},
        **{reason: row for reason, row in ALLTOKEN.errors.items() if row.http_error_type is not None},
        Reason.MALFORMED_BODY: _alltoken(400, "invalid_request", "The request body {message}."),
        Reason.MISSING_FIELD: _alltoken(400, "invalid_request", _MISSING),
        Reason.INVALID_FIELD: _ALLTOKEN_INVALID,
        Reason.CREATES_THROTTLED: _ALLTOKEN_THROTTLED,
        Reason.LISTS_THROTTLED: _ALLTOKEN_THROTTLED,
        Reason.THROTTLED: _ALLTOKEN_THROTTLED,
        Reason.SUBSCRIPTION_REQUIRED: _alltoken(
            403, "subscription_required", "This API requires an active subscription.", "permission_error"
        ),
        Reason.UPSTREAM_UNAVAILABLE: _alltoken(
            503, "upstream_error", "The upstream service is not available.", "server_error"
        ),
    }
)


def _ark(status: int, code: str, message: str) -> ErrorSpec:
    return ErrorSpec(status, code, message, http_error_type=_ARK_TYPES.get(status, "BadRequest"))


_ARK_TYPES: Mapping[int, str] = MappingProxyType(
    {
        401: "Unauthorized",
        403: "Forbidden",
        404: "NotFound",
        409: "Conflict",
        429: "TooManyRequests",
        500: "InternalServerError",
        503: "ServiceUnavailable",
    }
)
_ARK_KEY = _ark(401, "AuthenticationError", "The API key or AK/SK in the request is missing or invalid.")
_ARK_THROTTLED = _ark(429, "RateLimitExceeded", "The request rate has exceeded the limit.")

# The code and the form of InvalidParameter and of a person's face are known (M); the others are inferred.
ARK_VIDEO_ERRORS: Mapping[Reason, ErrorSpec] = MappingProxyType(
    {
        **{reason: _ark(row.status, row.code, row.message) for reason, row in ARK.errors.items()},
        **dict.fromkeys(SIGNATURE_REASONS | {Reason.KEY_MISSING, Reason.KEY_UNKNOWN}, _ARK_KEY),
        Reason.MISSING_FIELD: _ark(400, "MissingParameter", _MISSING),
        Reason.INVALID_FIELD: _ark(400, "InvalidParameter", _INVALID),
        Reason.CREATES_THROTTLED: _ARK_THROTTLED,
        Reason.LISTS_THROTTLED: _ARK_THROTTLED,
        Reason.THROTTLED: _ARK_THROTTLED,
    }
)


def write_alltoken_error(row: ErrorSpec, message: str, refusal: Refusal, request_id: str) -> dict[str, Any]:
    """The form of HTTP's own errors, with `param` where a field is meant. Contract §1 (D, M)."""
    error = {"message": message, "type": row.http_error_type, "code": row.code, "request_id": request_id}
    return {"error": {**error, **({"param": refusal.field} if refusal.field else {})}}


def write_ark_error(row: ErrorSpec, message: str, refusal: Refusal) -> dict[str, Any]:
    """Code, message, param and type. Contract §7."""
    code = row.code.format_map({"field": refusal.field, "detail": refusal.detail, "id": refusal.id}).rstrip(".")
    return {"error": {"code": code, "message": message, "param": refusal.field, "type": row.http_error_type}}
