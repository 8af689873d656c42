"""Ark's data plane: `/api/v3/contents/generations/tasks`, with a Bearer key. Contract §7."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from attrs import evolve

from emulator.dialects.dialect import ErrorSpec
from emulator.domain import FURTHER_HANDLERS as HANDLERS
from emulator.domain.generations import GenerationId, ListRequest
from emulator.domain.reasons import Refusal
from emulator.messages import Call
from emulator.rest.fields import Fields, Query
from emulator.rest.operations import Exchange, Operation, Route, Wording
from emulator.rest.video_errors import ARK_VIDEO_ERRORS, write_ark_error
from emulator.rest.video_requests import read_ark_options, read_content_request
from emulator.rest.videos import ARK_STATUSES, write_ark, write_ark_page
from emulator.settings import Settings
from emulator.webhooks import Hook

PATH = "/api/v3/contents/generations/tasks"
_STATES = {word: state for state, word in ARK_STATUSES.items()}


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


def _read_id(_: Fields, call: Call) -> GenerationId:
    return GenerationId(call.resource)


# Contract §7: at every change, the final ones up to 3 more times without success in 5 s (D); the pauses are ours (I).
_HOOK = Hook(field="callback_url", reads="GetVideo", every_change=True, patience=5.0, delays=(5.0, 5.0, 5.0))
_OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "CreateVideo": Operation(
            handler=HANDLERS["CreateVideo"],
            read=lambda fields, _: evolve(read_content_request(fields), options=read_ark_options(fields)),
            write=lambda video, _: {"id": video.id},
            hook=_HOOK,
        ),
        "GetVideo": Operation(handler=HANDLERS["GetVideo"], read=_read_id, write=lambda video, _: write_ark(video)),
        "ListVideos": Operation(
            handler=HANDLERS["ListVideos"], read=_read_list, write=lambda page, _: write_ark_page(page)
        ),
        "DeleteVideo": Operation(handler=HANDLERS["DeleteVideo"], read=_read_id, write=lambda _, __: {}),
    }
)
ROUTES = (
    Route("POST", PATH, "CreateVideo"),
    Route("GET", PATH, "ListVideos"),
    Route("GET", f"{PATH}/*", "GetVideo"),
    Route("DELETE", f"{PATH}/*", "DeleteVideo"),
)


def operations(settings: Settings) -> Mapping[str, Operation]:
    """What can be called; no setting changes it."""
    del settings
    return _OPERATIONS


def _write(row: ErrorSpec, _: int, message: str, refusal: Refusal, exchange: Exchange) -> dict[str, Any]:
    del exchange
    return write_ark_error(row, message, refusal)


WORDING = Wording(errors=ARK_VIDEO_ERRORS, write=_write)
