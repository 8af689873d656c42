"""What stands around the Actions as operations of an OpenAPI document: files, signed links, the H5 page.

Contract §2 and §3. Must not know the Actions.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.web.openapi.actions import errors
from emulator.web.openapi.schemas import Schema

_TEXT: Schema = {"type": "string"}
_SIGNED = ("X-Tos-Expires", "X-Tos-Date", "X-Tos-Signature")
_BYTES: Schema = {"image/*": {"schema": {}}}
_PAGE = {"text/html": {"schema": _TEXT}}
_ELSEWHERE = {"Location": {"required": True, "schema": {"type": "string", "pattern": "^https?://"}}}


def paths() -> Iterator[tuple[str, Schema]]:
    """Uploaded files, what a signed link leads to, and the page of a validation."""
    file = {"description": "The file.", "content": _BYTES}
    stored = {"200": file, **errors([(404, "not_found_error", ())])}
    linked = {
        "200": file,
        "302": {"description": "The address that was registered.", "headers": _ELSEWHERE},
        **errors([(403, "permission_error", ())]),
    }
    page = {
        "200": {"description": "How the check stands.", "content": _PAGE},
        "404": {"description": "There is no such check.", "content": _PAGE},
    }
    on = {"303": {"description": "To the CallbackURL.", "headers": _ELSEWHERE}, **page}
    token, language = _query("bytedToken"), _query("lng", {"type": "string", "enum": ["zh", "en", "zh-Hant"]})
    yield "/r2/{key}", {"get": _operation("ReadUpload", "An uploaded file.", stored, _path("key"))}
    signed = [_path("asset"), *(_query(name) for name in _SIGNED)]
    yield "/files/{asset}", {"get": _operation("ReadAsset", "What a signed link leads to.", linked, *signed)}
    yield (
        "/h5/",
        {
            "get": _operation("ShowValidation", "The page behind an H5Link.", page, token, language),
            "post": _operation("CompleteValidation", "The page's button.", on, token, language),
        },
    )


def _operation(name: str, summary: str, responses: Schema, *parameters: Schema) -> Schema:
    operation = {"operationId": name, "summary": summary, "tags": ["Files and pages"]}
    return {**operation, "security": [], "parameters": list(parameters), "responses": responses}


def _query(name: str, schema: Schema | None = None) -> Schema:
    return {"name": name, "in": "query", "schema": schema or _TEXT}


def _path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
