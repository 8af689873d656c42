"""The Actions and the upload as operations of an OpenAPI document, with links between producers and consumers of ids.

OpenAPI identifies an operation by path and method, the protocol by the parameter `Action`. So each Action has a path of
its own with its name as the fragment, `/v1/portrait/#GetAsset`. Clients send no fragment; the required parameter
`Action` selects it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from emulator.dialects import ServerDialect
from emulator.domain.reasons import FURTHER_REASONS
from emulator.mounts import ACTIONS_PATH, UPLOAD_PATH
from emulator.settings import Settings
from emulator.web.openapi import schemas
from emulator.web.openapi.schemas import Schema, obj, one_of
from portrait import models
from portrait.actions import ACTIONS, VERSION, Action
from portrait.codec import wire_fields
from portrait.media import limits_for

_DAMAGED_BODY = (400, "invalid_request_error", ())

# Operation, field of its result that holds an id, kind of the id.
_PRODUCERS = (
    ("CreateAssetGroup", "Id", "group"),
    ("GetVisualValidateResult", "GroupId", "group"),
    ("CreateAsset", "Id", "asset"),
    ("Upload", "Id", "asset"),
    ("CreateVisualValidateSession", "BytedToken", "token"),
    ("Upload", "R2Key", "file"),
)
# Consumers of ids besides the Actions: operation, part of the link, parameter, kind of the id.
_CONSUMERS = (
    ("Upload", "requestBody", "GroupId", "group"),
    ("DecideAsset", "parameters", "path.name", "asset"),
    ("FinishValidation", "parameters", "path.name", "token"),
    ("ShowValidation", "parameters", "query.bytedToken", "token"),
    ("CompleteValidation", "parameters", "query.bytedToken", "token"),
    ("ReadUpload", "parameters", "path.key", "file"),
)


@frozen
class DialectContext:
    """The dialect of the document and the emulator's settings."""

    dialect: ServerDialect
    settings: Settings


def paths(context: DialectContext) -> Iterator[tuple[str, Schema]]:
    """The paths of all Actions and of the upload."""
    for name, action in ACTIONS.items():
        yield f"{ACTIONS_PATH}#{name}", {"post": _operation(action, context)}
    yield UPLOAD_PATH, {"post": _upload(context)}


def components(context: DialectContext) -> dict[str, Schema]:
    """The shared schemas: items of pages, and the refusal."""
    items = {"Asset": (models.Asset, schemas.ASSET_ID), "AssetGroup": (models.AssetGroup, schemas.GROUP_ID)}
    items_schemas = {name: schemas.result_schema(cls, context.dialect, form) for name, (cls, form) in items.items()}
    return {**items_schemas, "Refusal": schemas.refusal(context.dialect, context.settings)}


def _operation(action: Action[Any, Any], context: DialectContext) -> Schema:
    body = schemas.request_schema(action, context.dialect, context.settings)
    return {
        "operationId": action.name,
        "summary": action.summary,
        "tags": ["Actions"],
        "security": [{"key": []}],
        "parameters": [
            _query("Action", {"const": action.name}, required=True),
            _query("Version", {"const": VERSION}, required=context.dialect.version_required),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": _responses(action.name, _result(action, context), context),
    }


def _result(action: Action[Any, Any], context: DialectContext) -> Schema:
    if action.result.__name__ in {"Asset", "AssetGroup"}:
        return {"$ref": f"#/components/schemas/{action.result.__name__}"}
    form = schemas.GROUP_ID if "Group" in action.name else schemas.ASSET_ID
    return schemas.result_schema(action.result, context.dialect, form)


def _upload(context: DialectContext) -> Schema:
    """Contract §5."""
    limits = limits_for(context.dialect.name, endpoint="upload")[models.AssetType.IMAGE]
    formats = f"{', '.join(limits.formats)}; at most {limits.size.high} bytes"
    fields = {
        "file": {"type": "string", "format": "binary", "description": formats},
        "GroupId": {"type": "string", "minLength": 1},
        "Name": {"type": "string", "maxLength": context.dialect.name_limit},
        "AssetType": one_of([models.AssetType.IMAGE]),
        "ProjectName": {"type": "string"},
    }
    result = schemas.result_schema(models.UploadedAsset, context.dialect, schemas.ASSET_ID)
    schema = obj(fields, ("file", "GroupId"), closed=False)
    return {
        "operationId": "Upload",
        "summary": "Keep a picture and register it.",
        "tags": ["Actions"],
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}},
        "responses": _responses("Upload", result, context),
    }


def _query(name: str, schema: Schema, *, required: bool) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": {"type": "string", **schema}}


def _responses(name: str, result: Schema, context: DialectContext) -> Schema:
    """Contract §4: business errors have status 200, the others the status in the dialect's table."""
    success = schemas.success("CreateAsset" if name == "Upload" else name, result)
    answer: Schema = {
        "description": "The result, or why there is none.",
        "content": {"application/json": {"schema": {"oneOf": [success, {"$ref": "#/components/schemas/Refusal"}]}}},
    }
    links = dict(_links(name))
    if links:
        answer["links"] = links
    return {"200": answer, **errors([_DAMAGED_BODY, *_rows(context)])}


def _rows(context: DialectContext) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for reason, row in context.dialect.errors.items():
        if reason not in FURTHER_REASONS and row.http_error_type is not None and row.status < 500:
            yield row.status, row.http_error_type, (row.code,)


def errors(rows: Iterable[tuple[int, str, tuple[str, ...]]]) -> Schema:
    """Error responses outside of the envelope, from rows of status, type and codes."""
    by_status: dict[int, dict[str, tuple[str, ...]]] = {}
    for status, kind, codes in rows:
        known = by_status.setdefault(status, {})
        known[kind] = (*known.get(kind, ()), *codes)
    return {
        str(status): {
            "description": ", ".join(kinds),
            "content": {"application/json": {"schema": schemas.plain(kinds)}},
        }
        for status, kinds in sorted(by_status.items())
    }


def _links(name: str) -> Iterator[tuple[str, Schema]]:
    """Links from an operation to every other that takes an id of a kind that it produces."""
    for producer, field, kind in _PRODUCERS:
        if producer != name:
            continue
        value = f"$response.body#/Result/{field}"
        for consumer, part, parameter, consumed in [*_action_consumers(), *_CONSUMERS]:
            if consumed == kind:
                target: Mapping[str, Any] = {parameter: value}
                yield f"{field}To{consumer}", {"operationId": consumer, part: target}


def _action_consumers() -> Iterator[tuple[str, str, str, str]]:
    """The Actions that take an id as a field."""
    kinds = {"GroupId": "group", "BytedToken": "token"}
    for name, action in ACTIONS.items():
        for _, (field, *_), _, _ in wire_fields(action.request):
            kind = ("group" if "Group" in name else "asset") if field == "Id" else kinds.get(field)
            if kind is not None:
                yield name, "requestBody", field, kind
