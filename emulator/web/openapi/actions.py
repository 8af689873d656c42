"""The Actions and the upload as operations of an OpenAPI document, with links between producers and consumers of ids.

OpenAPI identifies an operation by path and method, the protocol by the parameter `Action`. So each Action has a path of
its own with its name as the fragment, `/v1/portrait/#GetAsset`. Clients send no fragment; the required parameter
`Action` selects it. Each mount is a section of its own, with its dialect's schemas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.mounts import UPLOAD_PATH
from emulator.web.openapi import responses, schemas
from emulator.web.openapi.schemas import Schema, Section, obj, one_of
from portrait import models
from portrait.actions import ACTIONS, VERSION, Action
from portrait.codec import wire_fields
from portrait.media import limits_for

_OK = 200
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


def paths(section: Section) -> Iterator[tuple[str, Schema]]:
    """The paths of a mount's Actions."""
    for name, action in ACTIONS.items():
        yield f"{section.path}#{name}", {"post": _operation(action, section)}


def upload_path(section: Section) -> tuple[str, Schema]:
    """The path of the upload."""
    return UPLOAD_PATH, {"post": _upload(section)}


def components(section: Section) -> dict[str, Schema]:
    """The shared schemas: items of pages, and the refusals."""
    items = {"Asset": (models.Asset, schemas.ASSET_ID), "AssetGroup": (models.AssetGroup, schemas.GROUP_ID)}
    found = {name: schemas.result_schema(cls, section, form) for name, (cls, form) in items.items()}
    found |= {
        _refusal(status): responses.refusal(rows, section) for status, rows in responses.enveloped(section).items()
    }
    return {section.prefix + name: schema for name, schema in found.items()}


def _refusal(status: int) -> str:
    """The component of the refusals of a status: business errors of AllToken have 200."""
    return "Refusal" if status == _OK else f"Refusal{status}"


def _operation(action: Action[Any, Any], section: Section) -> Schema:
    body = schemas.request_schema(action, section)
    return {
        "operationId": section.prefix + action.name,
        "summary": action.summary,
        "tags": [section.tag],
        "security": [{section.security: []}],
        "parameters": [
            _query("Action", {"const": action.name}, required=True),
            _query("Version", {"const": VERSION}, required=section.dialect.version_required),
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": _responses(action.name, _result(action, section), section),
    }


def _result(action: Action[Any, Any], section: Section) -> Schema:
    if action.result.__name__ in {"Asset", "AssetGroup"}:
        return section.component(action.result.__name__)
    form = schemas.GROUP_ID if "Group" in action.name else schemas.ASSET_ID
    schema = schemas.result_schema(action.result, section, form)
    _, pending = section.dialect.pending.get(section.settings.pending, (None, None))
    if action.result is models.VisualValidateResult and pending is not None:  # contract §10.9
        return {"oneOf": [schema, {"const": pending}]}
    return schema


def _upload(section: Section) -> Schema:
    """Contract §5."""
    limits = limits_for(section.dialect.name, endpoint="upload")[models.AssetType.IMAGE]
    formats = f"{', '.join(limits.formats)}; at most {limits.size.high} bytes"
    fields = {
        "file": {"type": "string", "format": "binary", "description": formats},
        "GroupId": {"type": "string", "minLength": 1},
        "Name": {"type": "string", "maxLength": section.dialect.name_limit},
        "AssetType": one_of([models.AssetType.IMAGE]),
        "ProjectName": {"type": "string"},
    }
    result = schemas.result_schema(models.UploadedAsset, section, schemas.ASSET_ID)
    schema = obj(fields, ("file", "GroupId"), closed=False)
    return {
        "operationId": "Upload",
        "summary": "Keep a picture and register it.",
        "tags": [section.tag],
        "security": [{section.security: []}],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}},
        "responses": _responses("Upload", result, section),
    }


def _query(name: str, schema: Schema, *, required: bool) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": {"type": "string", **schema}}


def _responses(name: str, result: Schema, section: Section) -> Schema:
    """Contract §4: the dialect's table has the status of each error, which in the envelope of AllToken is 200."""
    success = responses.success("CreateAsset" if name == "Upload" else name, result, section)
    forms: dict[int, list[Schema]] = {_OK: [success]}
    for status in responses.enveloped(section):
        forms.setdefault(status, []).append(section.component(_refusal(status)))
    for status, kinds in responses.by_status([_DAMAGED_BODY, *_rows(section)]).items():
        forms.setdefault(status, []).append(responses.plain(kinds))
    found = {str(status): _response(status, each) for status, each in sorted(forms.items())}
    links = dict(_links(name, section))
    if links:
        found[str(_OK)]["links"] = links
    return found


def _response(status: int, forms: list[Schema]) -> Schema:
    """A response in one of several forms."""
    description = "The result, or why there is none." if status == _OK else "Why there is no result."
    schema = forms[0] if len(forms) == 1 else {"oneOf": forms}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _rows(section: Section) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for row in section.errors.values():
        if row.http_error_type is not None and row.status < 500:
            yield row.status, row.http_error_type, (row.code,)


def _links(name: str, section: Section) -> Iterator[tuple[str, Schema]]:
    """Links from an operation to every other of the section that takes an id of a kind that it produces."""
    for producer, field, kind in _PRODUCERS:
        if producer != name:
            continue
        value = f"$response.body#/Result/{field}"
        for consumer, part, parameter, consumed in [*_action_consumers(section.prefix), *_CONSUMERS]:
            if consumed == kind:
                target: Mapping[str, Any] = {parameter: value}
                yield f"{field}To{consumer}", {"operationId": consumer, part: target}


def _action_consumers(prefix: str) -> Iterator[tuple[str, str, str, str]]:
    """The Actions that take an id as a field."""
    kinds = {"GroupId": "group", "BytedToken": "token"}
    for action_name, action in ACTIONS.items():
        for _, (field, *_), _, _ in wire_fields(action.request):
            kind = ("group" if "Group" in action_name else "asset") if field == "Id" else kinds.get(field)
            if kind is not None:
                yield prefix + action_name, "requestBody", field, kind
