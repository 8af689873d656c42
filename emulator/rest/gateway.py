"""The mount of the task gateways: its operations, the routes that lead to them, and its errors. Contract §8."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from emulator.dialects import ErrorSpec
from emulator.domain import FURTHER_HANDLERS as HANDLERS
from emulator.domain import tasks
from emulator.domain.generations import GenerationView, ModelList
from emulator.domain.reasons import SIGNATURE_REASONS, Reason, Refusal
from emulator.domain.tasks import JobRequest
from emulator.messages import Call
from emulator.rest.fields import Fields
from emulator.rest.gateway_tasks import (
    read_private_avatar,
    read_real_avatar,
    read_video,
    write_created,
    write_created_video,
    write_task,
    write_video,
)
from emulator.rest.operations import Exchange, Operation, Route, Wording
from emulator.settings import Settings
from emulator.webhooks import Hook
from portrait import gateways
from portrait.gateways import ERRORS, FURTHER_ERRORS

_BARE = frozenset({"xcompute"})  # whose newer page has it so; contract §8
_BARE_ERRORS = frozenset({"UploadImage"})  # without the wrapper `error`; contract §4 (M)

# Contract §8: at the end only (D, apimart).
_HOOK = Hook(
    field="webhook",
    reads="GetTask",
    path=gateways.WEBHOOK_PATH,
    timeout=gateways.WEBHOOK_TIMEOUT,
    delays=gateways.WEBHOOK_DELAYS,
    client_error_ends=True,
)
# Contract §8: whether there is such a post is open, and its form is ours (I).
_PERSON_HOOK = Hook(
    field="callback_url", reads="GetScan", timeout=gateways.WEBHOOK_TIMEOUT, delays=gateways.WEBHOOK_DELAYS
)


# --- requests and results ---------------------------------------------------------------------------------------------


def _read_id(_: Fields, call: Call) -> JobRequest:
    return JobRequest(call.resource)


def _wrap(value: Any) -> dict[str, Any]:
    return {"code": 200, "data": value}


def _language(exchange: Exchange) -> str:
    """Of messages. Contract §8: `?language=` (D, apimart)."""
    return exchange.call.parameters.get("language", "")


def _write_models(result: ModelList, _: Exchange) -> dict[str, Any]:
    """The form is not documented (I)."""
    return {"object": "list", "data": [{"id": model.name, "object": "model"} for model in result.models]}


def write_created_task(result: Any, exchange: Exchange) -> dict[str, Any]:
    """The answer to a call that has created a task."""
    return _wrap(write_created(result, _language(exchange)))


def _write_job(result: Any, exchange: Exchange) -> dict[str, Any]:
    """A task or a video, which is shown as a task."""
    return write_video(result) if isinstance(result, GenerationView) else write_task(result, _language(exchange))


def _write_wrapped(result: Any, exchange: Exchange) -> dict[str, Any]:
    return _wrap(_write_job(result, exchange))


def _write_bare(result: Any, exchange: Exchange) -> dict[str, Any]:
    job = _write_job(result, exchange)
    return job if exchange.provider.name in _BARE else _wrap(job)


def operations(settings: Settings) -> Mapping[str, Operation]:
    """The operations of the gateways; two of them depend on a setting that contract §8 leaves open."""
    return MappingProxyType(
        {
            "PrivateAvatar": Operation(
                handler=HANDLERS["PrivateAvatar"],
                read=lambda fields, _: read_private_avatar(fields),
                write=write_created_task,
                hook=_HOOK,
            ),
            "RealAvatar": Operation(
                handler=HANDLERS["RealAvatar"],
                read=lambda fields, _: read_real_avatar(fields),
                write=write_created_task,
                hook=_PERSON_HOOK if settings.person_callback == "post" else None,
            ),
            # For posts alone: no route leads to it.
            "GetScan": Operation(handler=tasks.get_scan, read=_read_id, write=write_created_task),
            "CreateVideo": Operation(
                handler=HANDLERS["CreateVideo"],
                read=lambda fields, _: read_video(fields),
                write=lambda video, _: _wrap(write_created_video(video)),
                hook=_HOOK,
            ),
            "ListVideoModels": Operation(
                handler=HANDLERS["ListVideoModels"], read=lambda _, __: None, write=_write_models
            ),
            "GetTask": Operation(
                handler=HANDLERS["GetTask"],
                read=_read_id,
                write=_write_bare if settings.task_form == "bare" else _write_wrapped,
            ),
        }
    )


ROUTES = (
    Route("POST", f"/v1{gateways.PRIVATE_AVATAR_PATH}", "PrivateAvatar"),
    Route("POST", f"/v1{gateways.REAL_AVATAR_PATH}", "RealAvatar"),
    Route("GET", f"/v1{gateways.TASKS_PATH}/*", "GetTask"),
    Route("POST", "/v1/videos/generations", "CreateVideo"),
    Route("GET", "/v1/videos/models", "ListVideoModels"),
)


# --- errors -----------------------------------------------------------------------------------------------------------
# `{"error": {"code", "message", "type"}}` with the HTTP status as the code. Contract §4, *task gateways*, and §8. The
# documented text comes first, and what is wrong behind it (I).


def _row(status: int, detail: str = "", statuses: Mapping[str, int] | None = None) -> ErrorSpec:
    error = {**ERRORS, **FURTHER_ERRORS}[status]
    message = f"{error.message}：{detail}" if detail else error.message
    return ErrorSpec(status, str(status), message, http_error_type=error.type, statuses=statuses or {})


def _missing(code: str, what: str) -> ErrorSpec:
    """An unknown id, in the words of the service behind the gateway. Contract §1 (M)."""
    return ErrorSpec(
        404, "404", f"[{code}] The specified {what} {{id}} is not found.", http_error_type="not_found_error"
    )


# Statuses and types of the documented table (D); the rest is inferred. A full quota is no 429: that one is throttled.
_ERRORS: Mapping[Reason, ErrorSpec] = MappingProxyType(
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


def _write_error(row: ErrorSpec, status: int, message: str, _: Refusal, exchange: Exchange) -> dict[str, Any]:
    error = {"code": status, "message": message, "type": row.http_error_type}
    return error if exchange.call.action in _BARE_ERRORS else {"error": error}


WORDING = Wording(errors=_ERRORS, write=_write_error)
