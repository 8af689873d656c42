"""The control plane over HTTP: JSON in, a method of `emulator.control.Control`, JSON out.

One table has all routes. `emulator.web.access` decides who may call them; `Control` checks the values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import orjson
from attrs import frozen

from emulator.control import Control, ControlError
from emulator.messages import Reply, ReplyFlow
from emulator.service import Service
from emulator.web.access import CONTROL, OPENAPI, check_access
from emulator.web.body_reader import BodyReader, BufferedBody, deferred
from emulator.web.request_head import Head, decode_segment
from portrait.media import MB

BODY_LIMIT = 16 * MB
_KINDS = {403: "permission_error", 404: "not_found_error", 405: "invalid_request_error", 409: "conflict_error"}


@frozen
class ControlRequest:
    """A request to the control plane.

    Attributes:
        name: The last segment of the path where it is an id, a token or a customer; else empty.
        query: The parameters of the query.
        body: The JSON object; empty without a body.
    """

    name: str
    query: Mapping[str, str]
    body: dict[str, Any]


def _without_body(request: ControlRequest) -> ControlRequest:
    """Refuse what looks like a snapshot that was sent along: only the state of this emulator is saved."""
    if request.body:
        raise ControlError(400, "a snapshot is saved and loaded by its name, without a body; --load starts with a file")
    return request


# By method and path below `/_emulator/`; * stands for a name.
_ROUTES: Mapping[tuple[str, str], Callable[[Control, ControlRequest], dict[str, Any] | bytes]] = {
    ("GET", "health"): lambda control, _: control.health(),
    ("POST", "reset"): lambda control, _: control.reset(),
    ("GET", "state"): lambda control, _: control.state(),
    ("GET", "calls"): lambda control, request: control.calls(**request.query),
    ("GET", "clock"): lambda control, _: control.clock(),
    ("POST", "clock"): lambda control, request: control.set_clock(**request.body),
    ("POST", "validations/*"): lambda control, request: control.finish_validation(request.name, **request.body),
    ("POST", "assets/*"): lambda control, request: control.set_asset(request.name, **request.body),
    ("PATCH", "customers/*"): lambda control, request: control.patch_customer(request.name, **request.body),
    ("GET", "rules"): lambda control, _: control.rules(),
    ("POST", "rules"): lambda control, request: control.add_rule(request.body),
    ("DELETE", "rules"): lambda control, _: control.delete_rules(),
    ("DELETE", "rules/*"): lambda control, request: control.delete_rules(request.name),
    ("GET", "snapshots"): lambda control, _: control.snapshots.all(),
    ("PUT", "snapshots/*"): lambda control, request: control.snapshots.save(_without_body(request).name),
    ("POST", "snapshots/*"): lambda control, request: control.snapshots.load(_without_body(request).name),
    ("GET", "snapshots/*"): lambda control, request: control.snapshots.read(request.name),
    ("DELETE", "snapshots/*"): lambda control, request: control.snapshots.delete(request.name),
}


# What reads, settles or frees all of a customer or more: done in a thread, slice by slice.
_LONG = frozenset(
    {
        ("GET", "state"),
        ("PATCH", "customers/*"),
        ("POST", "reset"),
        *((method, "snapshots/*") for method in ("GET", "PUT", "POST", "DELETE")),
    }
)


class ControlPlane:
    """The control plane over HTTP.

    Args:
        service: The emulator.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def methods(self, path: str) -> list[str]:
        """The methods of a path below `/_emulator/`; all of them for an unknown path, to answer 404."""
        methods = [method for method, pattern in _ROUTES if pattern == _pattern(path)]
        return methods or ["GET", "POST", "PUT", "PATCH", "DELETE"]

    def route(self, head: Head) -> Reply | BodyReader:
        """Check access, then read the body and reply."""
        refused = self._refuse_access(head)
        if refused is not None:
            return refused
        if head.content_length > BODY_LIMIT:
            return self._too_large()
        return BufferedBody(BODY_LIMIT, self._too_large, lambda body: self._answer(head, body))

    def openapi(self, head: Head) -> Reply:
        """The emulator's OpenAPI document."""
        return self._refuse_access(head) or Reply(body=self._document)

    @cached_property
    def _document(self) -> bytes:
        from emulator.web.openapi import document  # noqa: PLC0415 - loaded with the first request

        return orjson.dumps(document(self._service.settings))

    def _refuse_access(self, head: Head) -> Reply | None:
        message = check_access(head, self._service.settings.control_token)
        return None if message is None else self._error(403, message)

    def _answer(self, head: Head, body: bytes) -> ReplyFlow:
        blocks = self._service.store.blocks or (head.method, _pattern(head.path)) in _LONG
        return deferred(partial(self._reply, head, body), blocks=blocks)

    def _reply(self, head: Head, body: bytes) -> Reply:
        try:
            result = self._call(head, body)
        except ControlError as error:
            return self._error(error.status, error.message)
        if isinstance(result, bytes):
            return Reply(body=result)
        return Reply(body=orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    def _call(self, head: Head, body: bytes) -> dict[str, Any] | bytes:
        method = "GET" if head.method == "HEAD" else head.method
        route = _ROUTES.get((method, _pattern(head.path)))
        if route is None:
            known = ", ".join(sorted({path for _, path in _ROUTES} | {OPENAPI.removeprefix(CONTROL)}))
            raise ControlError(404, f"The control plane has no such address; below {CONTROL} there are: {known}.")
        name = head.path.removeprefix(CONTROL).partition("/")[2]
        return route(self._service.control, ControlRequest(decode_segment(name), head.parameters, _object(body)))

    def _too_large(self) -> Reply:
        return self._error(413, f"The body is too large: the control plane takes at most {BODY_LIMIT // MB} MB.")

    def _error(self, status: int, message: str) -> Reply:
        return self._service.http_error(status, _KINDS.get(status, "invalid_request_error"), message)


def _pattern(path: str) -> str:
    """`/_emulator/rules/lost` → `rules/*`."""
    what, _, name = path.removeprefix(CONTROL).partition("/")
    return f"{what}/*" if name else what


def _object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ControlError(400, f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise ControlError(400, "The body must be a JSON object.")
    return value
