"""The whole document."""

from __future__ import annotations

from typing import Any

from emulator.dialects import ALLTOKEN, ARK
from emulator.dialects.dialect import REGION
from emulator.mounts import ACTIONS_PATH, ARK_PATH
from emulator.settings import Settings
from emulator.web.openapi import actions, control, files
from emulator.web.openapi.schemas import Section
from emulator.web.paths import OPENAPI
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


def document(settings: Settings) -> dict[str, Any]:
    """The OpenAPI document of an emulator with these settings."""
    bearer, signed = _sections(settings)
    paths: dict[str, dict[str, Any]] = {}
    for path, operations in (
        *actions.paths(bearer),
        actions.upload_path(bearer),
        *actions.paths(signed),
        *files.paths(),
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
    responses = {"200": answer, **actions.errors([(403, "permission_error", ())])}
    operation = {"operationId": "Description", "summary": "This document.", "tags": ["Control plane"]}
    return {**operation, "security": [{}, {"control": []}], "responses": responses}
