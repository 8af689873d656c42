"""AllToken's videos: `/v1/videos/generations` and `/v1/videos/models`. Contract §7."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from emulator.dialects import ALLTOKEN, ErrorSpec
from emulator.domain import FURTHER_HANDLERS as HANDLERS
from emulator.domain.generations import GenerationPage, GenerationView, ListRequest, ModelList
from emulator.domain.reasons import Reason, Refusal
from emulator.messages import Call
from emulator.rest.fields import Fields, Query
from emulator.rest.operations import Exchange, Operation, Route, Wording
from emulator.rest.videos import (
    INVALID_FIELD,
    MISSING_FIELD,
    read_content_request,
    read_id,
    write_failure,
    write_last_frame,
    write_usage,
)
from portrait.enums import VideoStatus

PATH = "/v1/videos/generations"

# Where a word differs from the state's own (D).
STATUSES: Mapping[VideoStatus, str] = MappingProxyType(
    {
        **{state: str(state) for state in VideoStatus},
        VideoStatus.RUNNING: "processing",
        VideoStatus.SUCCEEDED: "completed",
    }
)
_STATES = {word: state for state, word in STATUSES.items()}


# --- requests and results ---------------------------------------------------------------------------------------------


def _read_list(_: Fields, call: Call) -> ListRequest:
    """`limit` and `status` (D); `page` and the default of 20 are ours (I)."""
    query = Query(call.parameters)
    limit = query.number("limit", 20, 1, 100)
    status = query.choice("status", _STATES)
    states = (_STATES[status],) if status else ()
    return ListRequest(states=states, limit=limit, offset=(query.number("page", 1, 1) - 1) * limit)


def _write(video: GenerationView, _: Exchange | None = None) -> dict[str, Any]:
    """The fields of a create and of a read (D); `usage` and `error` are ours (I)."""
    written: dict[str, Any] = {
        "id": video.id,
        "status": STATUSES[video.state],
        "model": video.model,
        "is_expired": video.expired,
        "created_at": int(video.created),
    }
    if video.url:
        written |= {"video_url": video.url, **write_last_frame(video), "expires_at": int(video.expires or 0)}
        written |= {"usage": write_usage(video)}
    return written | write_failure(video)


def _write_page(page: GenerationPage, _: Exchange) -> dict[str, Any]:
    """`{"items", "total"}` (D)."""
    return {"items": [_write(video) for video in page.items], "total": page.total}


def _write_models(models: ModelList, _: Exchange) -> dict[str, Any]:
    """The form is not documented (I)."""
    return {"items": [{"id": model.name} for model in models.models], "total": len(models.models)}


# --- errors -----------------------------------------------------------------------------------------------------------


def _row(status: int, code: str, message: str, kind: str = "invalid_request_error") -> ErrorSpec:
    return ErrorSpec(status, code, message, http_error_type=kind)


_THROTTLED = _row(429, "rate_limit_exceeded", "Too many requests.", "rate_limit_error")

# Codes are documented (D); where the list has none, the Actions' error stands in (I).
_ERRORS: Mapping[Reason, ErrorSpec] = MappingProxyType(
    {
        **{reason: _row(400, "invalid_request", row.message) for reason, row in ALLTOKEN.errors.items()},
        **{reason: row for reason, row in ALLTOKEN.errors.items() if row.http_error_type is not None},
        Reason.MALFORMED_BODY: _row(400, "invalid_request", "The request body {message}."),
        Reason.MISSING_FIELD: _row(400, "invalid_request", MISSING_FIELD),
        Reason.INVALID_FIELD: _row(400, "invalid_request", INVALID_FIELD),
        Reason.CREATES_THROTTLED: _THROTTLED,
        Reason.LISTS_THROTTLED: _THROTTLED,
        Reason.THROTTLED: _THROTTLED,
        Reason.SUBSCRIPTION_REQUIRED: _row(
            403, "subscription_required", "This API requires an active subscription.", "permission_error"
        ),
        Reason.UPSTREAM_UNAVAILABLE: _row(
            503, "upstream_error", "The upstream service is not available.", "server_error"
        ),
    }
)


def _write_error(row: ErrorSpec, _: int, message: str, refusal: Refusal, exchange: Exchange) -> dict[str, Any]:
    """The form of HTTP's own errors, with `param` where a field is meant. Contract §1 (D, M)."""
    error = {"message": message, "type": row.http_error_type, "code": row.code, "request_id": exchange.request_id}
    return {"error": {**error, **({"param": refusal.field} if refusal.field else {})}}


# --- the mount's tables -----------------------------------------------------------------------------------------------

WORDING = Wording(errors=_ERRORS, write=_write_error)
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "CreateVideo": Operation(
            handler=HANDLERS["CreateVideo"],
            read=lambda fields, _: read_content_request(fields),
            write=_write,
            status=202,
        ),
        "GetVideo": Operation(handler=HANDLERS["GetVideo"], read=read_id, write=_write),
        "CancelVideo": Operation(handler=HANDLERS["CancelVideo"], read=read_id, write=_write),
        "ListVideos": Operation(handler=HANDLERS["ListVideos"], read=_read_list, write=_write_page),
        "ListVideoModels": Operation(handler=HANDLERS["ListVideoModels"], read=lambda _, __: None, write=_write_models),
    }
)
ROUTES = (
    Route("POST", PATH, "CreateVideo"),
    Route("GET", PATH, "ListVideos"),
    Route("GET", f"{PATH}/*", "GetVideo"),
    Route("POST", f"{PATH}/*/cancel", "CancelVideo"),
    Route("GET", "/v1/videos/models", "ListVideoModels"),
)
