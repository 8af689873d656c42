"""Uploaded files, signed links and the H5 page as operations of an OpenAPI document. Contract §2 and §3."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.web.languages import LANGUAGES
from emulator.web.openapi.actions import errors
from emulator.web.openapi.schemas import Schema
from emulator.web.paths import PAGES, SIGNED_FILES, UPLOADED_FILES

_TEXT: Schema = {"type": "string"}
_SIGNED = ("X-Tos-Expires", "X-Tos-Date", "X-Tos-Signature")
_BYTES: Schema = {"image/*": {"schema": {}}}
_PAGE = {"text/html": {"schema": _TEXT}}
_REDIRECT = {"Location": {"required": True, "schema": {"type": "string", "pattern": "^https?://"}}}


def paths() -> Iterator[tuple[str, Schema]]:
    """The paths of uploaded files, signed links and the page of a validation."""
    file = {"description": "The file.", "content": _BYTES}
    stored = {"200": file, **errors([(404, "not_found_error", ())])}
    linked = {
        "200": file,
        "302": {"description": "The address that was registered.", "headers": _REDIRECT},
        **errors([(403, "permission_error", ())]),
    }
    page = {
        "200": {"description": "The state of the check.", "content": _PAGE},
        "404": {"description": "There is no such check.", "content": _PAGE},
    }
    redirect = {"303": {"description": "To the CallbackURL.", "headers": _REDIRECT}, **page}
    token, language = _query("bytedToken"), _query("lng", {"type": "string", "enum": list(LANGUAGES)})
    yield f"{UPLOADED_FILES}{{key}}", {"get": _operation("ReadUpload", "An uploaded file.", stored, _path("key"))}
    signed = [_path("asset"), *(_query(name) for name in _SIGNED)]
    yield f"{SIGNED_FILES}{{asset}}", {"get": _operation("ReadAsset", "What a signed link leads to.", linked, *signed)}
    yield (
        PAGES,
        {
            "get": _operation("ShowValidation", "The page behind an H5Link.", page, token, language),
            "post": _operation("CompleteValidation", "The page's button.", redirect, token, language),
        },
    )


def _operation(name: str, summary: str, responses: Schema, *parameters: Schema) -> Schema:
    operation = {"operationId": name, "summary": summary, "tags": ["Files and pages"]}
    return {**operation, "security": [], "parameters": list(parameters), "responses": responses}


def _query(name: str, schema: Schema | None = None) -> Schema:
    return {"name": name, "in": "query", "schema": schema or _TEXT}


def _path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
