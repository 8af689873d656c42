"""Results and refusals of Actions as HTTP replies: in the envelope, or in the form of HTTP errors. Contract §1.

The outcome that comes with a refusal is for logs: it holds no token.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

from emulator.dialects import ServerDialect
from emulator.dialects.dialect import wrap
from emulator.dialects.items import ResultSerializer
from emulator.domain.reasons import Reason, Refusal
from emulator.messages import Call, Reply, utf8_safe
from portrait.actions import VERSION
from portrait.providers import Provider

_KEY_REASONS = frozenset({Reason.KEY_MISSING, Reason.KEY_UNKNOWN})


class ResponseEncoder:
    """Encodes the outcomes of one dialect.

    Args:
        dialect: Its tables.
        key_in_envelope: Whether errors of keys are in the envelope, too. Contract §10.8.
        pending: The setting for how an open validation is answered. Contract §10.9.
    """

    def __init__(self, dialect: ServerDialect, *, key_in_envelope: bool, pending: str = "") -> None:
        self._dialect = dialect
        self._serialize = ResultSerializer(dialect)
        self._key_in_envelope = key_in_envelope
        self._pending = dialect.pending.get(pending)

    def result(self, result: Any, call: Call, request_id: str, provider: Provider) -> Reply:
        """A success."""
        before, after = _envelope(call.action, provider.region)
        return Reply(body=b"".join((before, request_id.encode(), after, orjson.dumps(self._serialize(result)), b"}")))

    def refusal(self, refusal: Refusal, call: Call, request_id: str, provider: Provider) -> tuple[Reply, str]:
        """A refusal as a reply, and its outcome in one word for logs."""
        row, error = self._dialect.render_error(refusal)
        outcome = row.code.format_map({"field": refusal.field, "detail": refusal.detail, "id": ""}).rstrip(".")
        if self._pending is not None and refusal.reason is Reason.VALIDATION_OPEN:
            return _pending(*self._pending, call.action, request_id, provider), outcome
        in_envelope = self._key_in_envelope and refusal.reason in _KEY_REASONS
        if row.http_error_type is not None and not in_envelope:
            return (
                http_error(row.status, row.http_error_type, error["Message"], request_id, code=error["Code"]),
                outcome,
            )
        # What came in as Action and Version goes out as JSON, which not every query's text can.
        body = wrap(
            request_id=request_id,
            action=utf8_safe(call.action),
            version=utf8_safe(call.version or VERSION),
            result=None,
            error=error,
            region=provider.region,
        )
        status = 200 if in_envelope else row.statuses.get(provider.name, row.status)
        return Reply(status=status, body=orjson.dumps(body)), outcome


@cache
def _envelope(action: str, region: str) -> tuple[bytes, bytes]:
    """The envelope of a success, before its request id and from there to its result."""
    envelope = orjson.dumps(wrap(request_id="", action=action, version=VERSION, region=region))
    before, after = envelope.split(b'""', 1)
    return before + b'"', b'"' + after.removesuffix(b"null}")


def _pending(status: int, result: Any, action: str, request_id: str, provider: Provider) -> Reply:
    if result is None:
        return Reply(status=status)
    envelope = wrap(request_id=request_id, action=action, version=VERSION, result=result, region=provider.region)
    return Reply(status=status, body=orjson.dumps(envelope))


def http_error(status: int, kind: str, message: str, request_id: str, *, code: str | None = None) -> Reply:
    """The form of HTTP's own errors: `{"error": {"message", "type", "code"?, "request_id"}}`. Contract §1 (D, M)."""
    error = {"message": message, "type": kind, "request_id": request_id}
    if code is not None:
        error["code"] = code
    return Reply(status=status, body=orjson.dumps({"error": error}))
