"""AllToken's videos: `/v1/videos/generations` and `/v1/videos/models`. Contract §7."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from emulator.dialects.dialect import ErrorSpec
from emulator.domain import FURTHER_HANDLERS as HANDLERS
from emulator.domain.generations import GenerationId, GenerationView, ListRequest, ModelList
from emulator.domain.reasons import Refusal
from emulator.messages import Call
from emulator.rest.fields import Fields, Query
from emulator.rest.operations import Exchange, Operation, Route, Wording
from emulator.rest.video_errors import ALLTOKEN_VIDEO_ERRORS, write_alltoken_error
from emulator.rest.video_requests import read_content_request
from emulator.rest.videos import ALLTOKEN_STATUSES, write_alltoken, write_alltoken_page
from emulator.settings import Settings

PATH = "/v1/videos/generations"
_STATES = {word: state for state, word in ALLTOKEN_STATUSES.items()}


def _read_list(_: Fields, call: Call) -> ListRequest:
    """`limit` and `status` (D); `page` and the default of 20 are ours (I)."""
    query = Query(call.parameters)
    limit = query.number("limit", 20, 1, 100)
    status = query.choice("status", _STATES)
    states = (_STATES[status],) if status else ()
    return ListRequest(states=states, limit=limit, offset=(query.number("page", 1, 1) - 1) * limit)


def _write_models(models: ModelList, _: Exchange) -> dict[str, Any]:
    """The form is not documented (I)."""
    return {"items": [{"id": model.name} for model in models.models], "total": len(models.models)}


def _read_id(_: Fields, call: Call) -> GenerationId:
    return GenerationId(call.resource)


def _write_video(video: GenerationView, _: Exchange) -> dict[str, Any]:
    return write_alltoken(video)


_OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "CreateVideo": Operation(
            handler=HANDLERS["CreateVideo"],
            read=lambda fields, _: read_content_request(fields),
            write=_write_video,
            status=202,
        ),
        "GetVideo": Operation(handler=HANDLERS["GetVideo"], read=_read_id, write=_write_video),
        "CancelVideo": Operation(handler=HANDLERS["CancelVideo"], read=_read_id, write=_write_video),
        "ListVideos": Operation(
            handler=HANDLERS["ListVideos"], read=_read_list, write=lambda page, _: write_alltoken_page(page)
        ),
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


def operations(settings: Settings) -> Mapping[str, Operation]:
    """What can be called; no setting changes it."""
    del settings
    return _OPERATIONS


def _write(row: ErrorSpec, _: int, message: str, refusal: Refusal, exchange: Exchange) -> dict[str, Any]:
    return write_alltoken_error(row, message, refusal, exchange.request_id)


WORDING = Wording(errors=ALLTOKEN_VIDEO_ERRORS, write=_write)
