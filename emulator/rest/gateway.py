"""The mount of the task gateways: its operations, and the routes that lead to them. Contract §8."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from emulator.dialects.dialect import ErrorSpec
from emulator.domain import FURTHER_HANDLERS, tasks
from emulator.domain.generations import GenerationView, ModelList
from emulator.domain.reasons import Refusal
from emulator.domain.tasks import JobRequest
from emulator.rest.gateway_errors import GATEWAY_ERRORS, write_error
from emulator.rest.operations import Exchange, Operation, Route, Wording
from emulator.rest.tasks import read_private_avatar, read_real_avatar, write_created, write_task
from emulator.rest.video_requests import read_gateway_request
from emulator.rest.videos import write_gateway_created, write_gateway_task
from emulator.settings import Settings
from emulator.webhooks import Hook
from portrait import gateways

_BARE = frozenset({"xcompute"})  # whose newer page has it so; contract §8
_BARE_ERRORS = frozenset({"UploadImage"})  # without the wrapper `error`; contract §4 (M)

# Contract §8: at the end only (D, apimart).
HOOK = Hook(
    field="webhook",
    reads="GetTask",
    path=gateways.WEBHOOK_PATH,
    patience=gateways.WEBHOOK_PATIENCE,
    delays=gateways.WEBHOOK_DELAYS,
    client_error_ends=True,
)


# Contract §8: whether there is such a post is open, and its form is ours (I).
_PERSON_HOOK = Hook(
    field="callback_url", reads="GetScan", patience=gateways.WEBHOOK_PATIENCE, delays=gateways.WEBHOOK_DELAYS
)


def _wrap(value: dict[str, Any]) -> dict[str, Any]:
    return {"code": 200, "data": value}


def _language(exchange: Exchange) -> str:
    """Of messages. Contract §8: `?language=` (D, apimart)."""
    return exchange.call.parameters.get("language", "")


def _video_created(result: GenerationView, _: Exchange) -> dict[str, Any]:
    return {"code": 200, "data": write_gateway_created(result)}


def _video_models(result: ModelList, _: Exchange) -> dict[str, Any]:
    """The form is not documented (I)."""
    return {"object": "list", "data": [{"id": model.name, "object": "model"} for model in result.models]}


def write_created_task(result: Any, exchange: Exchange) -> dict[str, Any]:
    """What a call that creates a task answers."""
    return _wrap(write_created(result, _language(exchange)))


def _read_as(bare: bool) -> Callable[[Any, Exchange], dict[str, Any]]:  # noqa: FBT001
    def write(result: Any, exchange: Exchange) -> dict[str, Any]:
        is_video = isinstance(result, GenerationView)
        task = write_gateway_task(result) if is_video else write_task(result, _language(exchange))
        return task if bare and exchange.provider.name in _BARE else _wrap(task)

    return write


def operations(settings: Settings) -> Mapping[str, Operation]:
    """What the gateways can be asked."""
    handlers = FURTHER_HANDLERS
    return MappingProxyType(
        {
            "PrivateAvatar": Operation(
                handler=handlers["PrivateAvatar"],
                read=lambda fields, _: read_private_avatar(fields),
                write=write_created_task,
                hook=HOOK,
            ),
            "RealAvatar": Operation(
                handler=handlers["RealAvatar"],
                read=lambda fields, _: read_real_avatar(fields),
                write=write_created_task,
                hook=_PERSON_HOOK if settings.person_callback == "post" else None,
            ),
            "GetScan": Operation(  # for posts alone: no route leads to it
                handler=tasks.get_scan, read=lambda _, call: JobRequest(call.resource), write=write_created_task
            ),
            "CreateVideo": Operation(
                handler=handlers["CreateVideo"],
                read=lambda fields, _: read_gateway_request(fields),
                write=_video_created,
                hook=HOOK,
            ),
            "ListVideoModels": Operation(
                handler=handlers["ListVideoModels"], read=lambda _, __: None, write=_video_models
            ),
            "GetTask": Operation(
                handler=handlers["GetTask"],
                read=lambda _, call: JobRequest(call.resource),
                write=_read_as(settings.task_form == "bare"),
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


def _write(row: ErrorSpec, status: int, message: str, refusal: Refusal, exchange: Exchange) -> dict[str, Any]:
    del refusal
    error = write_error(row, status, message)
    return error["error"] if exchange.call.action in _BARE_ERRORS else error


WORDING = Wording(errors=GATEWAY_ERRORS, write=_write)
