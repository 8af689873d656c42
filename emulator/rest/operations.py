"""Calls that are named by method and path: a mount's table of operations, and how requests and replies go through it.

An operation reads a request for the domain and writes its result as JSON; a table of errors words the refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from attrs import frozen

from emulator.dialects import ErrorSpec
from emulator.domain import checks
from emulator.domain.context import Handler, Measured
from emulator.domain.reasons import Reason, Refusal
from emulator.messages import Call, Reply
from emulator.rest.fields import Fields
from emulator.webhooks import Hook
from portrait.providers import Provider


@frozen
class Route:
    """A method and a path.

    Attributes:
        method: Of HTTP.
        path: `*` stands for an id.
        action: What is called; the name of its operation.
        file_limit: The largest file in bytes, for a form with one; None for a JSON body.
    """

    method: str
    path: str
    action: str
    file_limit: int | None = None


@frozen(kw_only=True)
class Exchange:
    """The call that is answered, for the functions that write results and errors.

    Attributes:
        call: The call.
        provider: The provider whose rules it goes by.
        request_id: Its id.
    """

    call: Call
    provider: Provider
    request_id: str


@frozen(kw_only=True)
class Operation:
    """One thing that can be called.

    Attributes:
        handler: Carries it out.
        read: The handler's request, of the body's fields and the call.
        write: The JSON of a result.
        status: HTTP status of a success.
        hook: How changes of what is created are posted; None where they are not.
    """

    handler: Handler
    read: Callable[[Fields, Call], Any]
    write: Callable[[Any, Exchange], Any]
    status: int = 200
    hook: Hook | None = None


@frozen(kw_only=True)
class Wording:
    """How refusals are worded.

    Attributes:
        errors: The row of each reason.
        write: The JSON of an error, of its row and its message.
    """

    errors: Mapping[Reason, ErrorSpec]
    write: Callable[[ErrorSpec, int, str, Refusal, Exchange], Any]


class RestDecoder:
    """Decodes the calls of a table of operations.

    Args:
        operations: By the action that a route stands for.
    """

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = operations

    def handler(self, call: Call) -> Handler:
        """The handler of the call's operation."""
        return self._operations[call.action].handler

    def request(self, call: Call, body: Mapping[str, Any]) -> tuple[Any, Mapping[str, Measured]]:
        """The handler's request."""
        operation, fields = self._operations[call.action], Fields(body)
        if operation.hook is not None and fields.has(operation.hook.field):
            checks.http_url(operation.hook.field, fields.text(operation.hook.field))
        return operation.read(fields, call), {}


class RestEncoder:
    """Encodes the outcomes of a table of operations.

    Args:
        operations: By the action that a route stands for.
        wording: How refusals are worded.
    """

    def __init__(self, operations: Mapping[str, Operation], wording: Wording) -> None:
        self._operations = operations
        self._wording = wording

    def result(self, result: Any, call: Call, request_id: str, provider: Provider) -> Reply:
        """A success."""
        operation = self._operations[call.action]
        value = operation.write(result, Exchange(call=call, provider=provider, request_id=request_id))
        return Reply(status=operation.status, body=orjson.dumps(value))

    def refusal(self, refusal: Refusal, call: Call, request_id: str, provider: Provider) -> tuple[Reply, str]:
        """A refusal, and its reason for logs."""
        row = self._wording.errors[refusal.reason]
        status = row.statuses.get(provider.name, row.status)
        values = {"field": refusal.field, "id": refusal.id, "detail": refusal.detail, "message": refusal.message}
        message = row.message.format_map(values)
        exchange = Exchange(call=call, provider=provider, request_id=request_id)
        body = self._wording.write(row, status, message, refusal, exchange)
        return Reply(status=status, body=orjson.dumps(body)), str(refusal.reason)
