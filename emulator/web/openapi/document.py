"""The whole document."""

from __future__ import annotations

from typing import Any

from emulator.dialects import ALLTOKEN
from emulator.settings import Settings
from emulator.web.openapi import actions, control, files
from emulator.web.paths import OPENAPI
from portrait._version import __version__

_ABOUT = """\
The portrait Actions as AllToken speaks them, answered by portrait-emulator, and the emulator's own control plane.

An Action is called by `POST /v1/portrait/?Action=<name>`. OpenAPI has no operations by query, so each Action is listed
below a path with its name as the fragment, which is never sent: the parameter `Action` is what counts."""


def document(settings: Settings) -> dict[str, Any]:
    """The OpenAPI document of an emulator with these settings."""
    context = actions.DialectContext(ALLTOKEN, settings)
    paths: dict[str, dict[str, Any]] = {}
    for path, operations in (*actions.paths(context), *files.paths(), *control.paths()):
        paths.setdefault(path, {}).update(operations)
    paths[OPENAPI] = {"get": _own_operation()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "portrait-emulator", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": actions.components(context),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "control": {"type": "apiKey", "in": "header", "name": "X-Emulator-Token"},
            },
        },
    }


def _own_operation() -> dict[str, Any]:
    answer = {"description": "The document.", "content": {"application/json": {"schema": {"type": "object"}}}}
    responses = {"200": answer, **actions.errors([(403, "permission_error", ())])}
    operation = {"operationId": "Description", "summary": "This document.", "tags": ["Control plane"]}
    return {**operation, "security": [{}, {"control": []}], "responses": responses}
