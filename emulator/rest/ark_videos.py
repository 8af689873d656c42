"""Ark's data plane: `/api/v3/contents/generations/tasks`, with a Bearer key. Contract §7."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from attrs import evolve

from emulator.dialects import ARK, ErrorSpec
from emulator.domain import FURTHER_HANDLERS as HANDLERS
from emulator.domain.generations import FRAME_RATE, GenerationPage, GenerationRequest, GenerationView, ListRequest
from emulator.domain.reasons import SIGNATURE_REASONS, Reason, Refusal
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
from emulator.webhooks import Hook
from portrait.enums import VideoStatus

PATH = "/api/v3/contents/generations/tasks"
_STATES = {str(state): state for state in VideoStatus}
_FLAGS = ("generate_audio", "draft")
_NUMBERS = ("priority", "seed", "execution_expires_after")

# Contract §7: at every change, the final ones up to 3 more times without success in 5 s (D); the pauses are ours (I).
_HOOK = Hook(field="callback_url", reads="GetVideo", every_change=True, timeout=5.0, delays=(5.0, 5.0, 5.0))


# --- requests and results ---------------------------------------------------------------------------------------------


def _read_create(fields: Fields, _: Call) -> GenerationRequest:
    return evolve(read_content_request(fields), options=_read_options(fields))


def _read_options(fields: Fields) -> dict[str, Any]:
    """The options that a task repeats: fields of the official SDK's task (D)."""
    options: dict[str, Any] = {"service_tier": fields.text("service_tier", "default")}
    if fields.has("safety_identifier"):
        options["safety_identifier"] = fields.text("safety_identifier")
    options |= {name: fields.flag(name, default=False) for name in _FLAGS if fields.has(name)}
    return options | {name: fields.integer(name, 0) for name in _NUMBERS if fields.has(name)}


def _read_list(_: Fields, call: Call) -> ListRequest:
    """Pages of up to 500, and filters (D); a task's id is a parameter of its own for each (the official SDK)."""
    query = Query(call.parameters)
    size = query.number("page_size", 10, 1, 500)
    status, model = query.choice("filter.status", _STATES), query.text("filter.model")
    tier = query.text("filter.service_tier")
    return ListRequest(
        states=(_STATES[status],) if status else (),
        models=(model,) if model else (),
        ids=tuple(value for name, value in parse_qsl(call.query) if name == "filter.task_ids"),
        options={"service_tier": tier} if tier else {},
        offset=(query.number("page_num", 1, 1, 500) - 1) * size,
        limit=size,
    )


def _write(video: GenerationView, _: Exchange | None = None) -> dict[str, Any]:
    """The fields of a read, of an item of the list, and of what is posted to `callback_url` (D)."""
    written: dict[str, Any] = {
        "id": video.id,
        "model": video.model,
        "status": str(video.state),
        "created_at": int(video.created),
        "updated_at": int(video.updated),
        "duration": video.seconds,
        "resolution": video.resolution,
        "ratio": video.ratio,
        "framespersecond": FRAME_RATE,
        **video.options,
    }
    if video.url:
        written |= {"content": {"video_url": video.url, **write_last_frame(video)}, "usage": write_usage(video)}
    return written | write_failure(video)


def _write_page(page: GenerationPage, _: Exchange) -> dict[str, Any]:
    """`{"items", "total"}` (D)."""
    return {"items": [_write(video) for video in page.items], "total": page.total}


# --- errors -----------------------------------------------------------------------------------------------------------

_TYPES: Mapping[int, str] = MappingProxyType(
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


def _row(status: int, code: str, message: str) -> ErrorSpec:
    return ErrorSpec(status, code, message, http_error_type=_TYPES.get(status, "BadRequest"))


_BAD_KEY = _row(401, "AuthenticationError", "The API key or AK/SK in the request is missing or invalid.")
_THROTTLED = _row(429, "RateLimitExceeded", "The request rate has exceeded the limit.")

# The code and the form of InvalidParameter and of a person's face are known (M); the others are inferred.
_ERRORS: Mapping[Reason, ErrorSpec] = MappingProxyType(
    {
        **{reason: _row(row.status, row.code, row.message) for reason, row in ARK.errors.items()},
        **dict.fromkeys(SIGNATURE_REASONS | {Reason.KEY_MISSING, Reason.KEY_UNKNOWN}, _BAD_KEY),
        Reason.MISSING_FIELD: _row(400, "MissingParameter", MISSING_FIELD),
        Reason.INVALID_FIELD: _row(400, "InvalidParameter", INVALID_FIELD),
        Reason.CREATES_THROTTLED: _THROTTLED,
        Reason.LISTS_THROTTLED: _THROTTLED,
        Reason.THROTTLED: _THROTTLED,
    }
)


def _write_error(row: ErrorSpec, _: int, message: str, refusal: Refusal, __: Exchange) -> dict[str, Any]:
    """Code, message, param and type. Contract §7."""
    code = row.code.format_map({"field": refusal.field, "detail": refusal.detail, "id": refusal.id}).rstrip(".")
    return {"error": {"code": code, "message": message, "param": refusal.field, "type": row.http_error_type}}


# --- the mount's tables -----------------------------------------------------------------------------------------------

WORDING = Wording(errors=_ERRORS, write=_write_error)
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "CreateVideo": Operation(
            handler=HANDLERS["CreateVideo"], read=_read_create, write=lambda video, _: {"id": video.id}, hook=_HOOK
        ),
        "GetVideo": Operation(handler=HANDLERS["GetVideo"], read=read_id, write=_write),
        "ListVideos": Operation(handler=HANDLERS["ListVideos"], read=_read_list, write=_write_page),
        "DeleteVideo": Operation(handler=HANDLERS["DeleteVideo"], read=read_id, write=lambda _, __: {}),
    }
)
ROUTES = (
    Route("POST", PATH, "CreateVideo"),
    Route("GET", PATH, "ListVideos"),
    Route("GET", f"{PATH}/*", "GetVideo"),
    Route("DELETE", f"{PATH}/*", "DeleteVideo"),
)
