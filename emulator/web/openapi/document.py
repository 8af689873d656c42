"""The whole document, and its part about files and pages (contract §2 and §3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.dialects import ALLTOKEN, ARK
from emulator.dialects.dialect import REGION
from emulator.domain.uploads import UPLOADED_FILES
from emulator.domain.validations import PAGES
from emulator.mounts import ACTIONS_PATH, ARK_PATH
from emulator.settings import Settings
from emulator.signed_urls import SIGNED_FILES
from emulator.web.access import OPENAPI
from emulator.web.html import LANGUAGES
from emulator.web.openapi import actions, control
from emulator.web.openapi.responses import errors
from emulator.web.openapi.schemas import Schema, Section
from portrait._version import __version__
from portrait.providers import PROVIDERS

_ABOUT = """\
The portrait Actions as AllToken and as Volcengine and BytePlus speak them, answered by portrait-emulator, and the
emulator's own control plane.

An Action is called by `POST /v1/portrait/?Action=<name>` with a Bearer key, or by
`POST /?Action=<name>&Version=<version>` with a signature. OpenAPI has no operations by query, so each Action is listed
below a path with its name as the fragment, which is never sent: the parameter `Action` is what counts. Names of signed
operations and of their schemas begin with `Signed`."""
_SIGNATURE = """\
A V4 signature, HMAC-SHA256: `HMAC-SHA256 Credential=<access key>/<date>/<region>/ark/request,
SignedHeaders=content-type;host;x-content-sha256;x-date, Signature=<hex>`. The signed headers are sent as well."""

_TEXT: Schema = {"type": "string"}
_SIGNED = ("X-Tos-Expires", "X-Tos-Date", "X-Tos-Signature")
_BYTES: Schema = {"image/*": {"schema": {}}}
_HTML = {"text/html": {"schema": _TEXT}}
_REDIRECT = {"Location": {"required": True, "schema": {"type": "string", "pattern": "^https?://"}}}


def document(settings: Settings) -> dict[str, Any]:
    """The OpenAPI document of an emulator with these settings."""
    bearer, signed = _sections(settings)
    paths: dict[str, dict[str, Any]] = {}
    for path, operations in (
        *actions.paths(bearer),
        actions.upload_path(bearer),
        *actions.paths(signed),
        *_file_paths(),
        *control.paths(),
    ):
        paths.setdefault(path, {}).update(operations)
    paths[OPENAPI] = {"get": _own_operation()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "portrait-emulator", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**actions.components(bearer), **actions.components(signed)},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "signature": {"type": "apiKey", "in": "header", "name": "Authorization", "description": _SIGNATURE},
                "control": {"type": "apiKey", "in": "header", "name": "X-Emulator-Token"},
            },
        },
    }


def _sections(settings: Settings) -> tuple[Section, Section]:
    """The two mounts of Actions."""
    regions = tuple(provider.region for provider in PROVIDERS.values() if provider.dialect == ARK.name)
    return (
        Section(
            dialect=ALLTOKEN,
            settings=settings,
            path=ACTIONS_PATH,
            tag="Actions",
            security="key",
            regions=(REGION,),
        ),
        Section(
            dialect=ARK,
            settings=settings,
            path=ARK_PATH,
            tag="Signed Actions",
            prefix="Signed",
            security="signature",
            regions=regions,
        ),
    )


def _own_operation() -> dict[str, Any]:
    answer = {"description": "The document.", "content": {"application/json": {"schema": {"type": "object"}}}}
    responses = {"200": answer, **errors([(403, "permission_error", ())])}
    operation = {"operationId": "Description", "summary": "This document.", "tags": ["Control plane"]}
    return {**operation, "security": [{}, {"control": []}], "responses": responses}


def _file_paths() -> Iterator[tuple[str, Schema]]:
    """The paths of uploaded files, signed links and the page of a validation."""
    file = {"description": "The file.", "content": _BYTES}
    stored = {"200": file, **errors([(404, "not_found_error", ())])}
    linked = {
        "200": file,
        "302": {"description": "The address that was registered.", "headers": _REDIRECT},
        **errors([(403, "permission_error", ())]),
    }
    page = {
        "200": {"description": "The state of the check.", "content": _HTML},
        "404": {"description": "There is no such check.", "content": _HTML},
    }
    pressed = {
        "303": {"description": "To the CallbackURL.", "headers": _REDIRECT},
        "400": {"description": "No button of the page was pressed.", "content": _HTML},
        "404": page["404"],
        "409": {"description": "The check has ended: the button was pressed too late.", "content": _HTML},
        **errors([(413, "invalid_request_error", ())]),
    }
    token, language = (
        _query("bytedToken"),
        _query("lng", {"type": "string", "enum": list(LANGUAGES)}),
    )
    yield (
        f"{UPLOADED_FILES}{{key}}",
        {"get": _operation("ReadUpload", "An uploaded file.", stored, _path("key"))},
    )
    signed = [_path("asset"), *(_query(name) for name in _SIGNED)]
    yield (
        f"{SIGNED_FILES}{{asset}}",
        {"get": _operation("ReadAsset", "What a signed link leads to.", linked, *signed)},
    )
    yield (
        PAGES,
        {
            "get": _operation("ShowValidation", "The page behind an H5Link.", page, token, language),
            "post": _operation("CompleteValidation", "The page's button.", pressed, token, language),
        },
    )


def _operation(name: str, summary: str, responses: Schema, *parameters: Schema) -> Schema:
    operation = {"operationId": name, "summary": summary, "tags": ["Files and pages"]}
    return {**operation, "security": [], "parameters": list(parameters), "responses": responses}


def _query(name: str, schema: Schema | None = None) -> Schema:
    return {"name": name, "in": "query", "schema": schema or _TEXT}


def _path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
