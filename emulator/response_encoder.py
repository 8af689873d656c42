"""Results and refusals as HTTP replies, in the words of a dialect and in the contract's two forms.

The outcome that comes with a refusal is for logs: it holds no token.
"""

from __future__ import annotations

from typing import Any

import orjson

from emulator.dialects import ServerDialect
from emulator.dialects.dialect import wrap
from emulator.domain.reasons import Reason, Refusal
from emulator.messages import Reply
from portrait.actions import VERSION

_KEY_REASONS = frozenset({Reason.KEY_MISSING, Reason.KEY_UNKNOWN})


class ResponseEncoder:
    """Encodes the outcomes of one dialect.

    Args:
        dialect: Its tables.
        key_in_envelope: Are errors of keys in the envelope too? Contract §10.8.
    """

    def __init__(self, dialect: ServerDialect, *, key_in_envelope: bool) -> None:
        self._dialect = dialect
        self._serialize = dialect.serialize
        self._key_in_envelope = key_in_envelope

    def result(self, result: Any, action: str, request_id: str) -> Reply:
        """A success."""
        shown = self._serialize(result)
        return Reply(body=orjson.dumps(wrap(request_id=request_id, action=action, version=VERSION, result=shown)))

    def refusal(self, refusal: Refusal, action: str, version: str | None, request_id: str) -> tuple[Reply, str]:
        """A refusal as a reply, and its outcome in one word for logs."""
        row, error = self._dialect.render_error(refusal)
        outcome = row.code.format_map({"field": refusal.field, "detail": refusal.detail, "id": ""}).rstrip(".")
        in_envelope = self._key_in_envelope and refusal.reason in _KEY_REASONS
        if row.http_error_type is not None and not in_envelope:
            return (
                http_error(row.status, row.http_error_type, error["Message"], request_id, code=error["Code"]),
                outcome,
            )
        # What came in as Action and Version goes out as JSON, which not every query's text can.
        body = wrap(
            request_id=request_id,
            action=utf8_safe(action),
            version=utf8_safe(version or VERSION),
            result=None,
            error=error,
        )
        return Reply(status=200 if in_envelope else row.status, body=orjson.dumps(body)), outcome


def http_error(status: int, kind: str, message: str, request_id: str, *, code: str | None = None) -> Reply:
    """The form of HTTP's own errors: `{"error": {"message", "type", "code"?, "request_id"}}`. Contract §1 (D, M)."""
    error = {"message": message, "type": kind, "request_id": request_id}
    if code is not None:
        error["code"] = code
    return Reply(status=status, body=orjson.dumps({"error": error}))


def utf8_safe(text: str) -> str:
    """A text without what UTF-8 cannot carry."""
    return text.encode(errors="replace").decode()
