"""Answers without an envelope, as task gateways and video generation give them: the body is the result.

A refusal is `{"error": {…}}` or one of the forms that gateways have for it (contract §4, *task gateways*, §7, §8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from portrait.dialects.envelope import gateway_error, is_no_error, read_object, redact
from portrait.http import HttpResponse
from portrait.models import Response

if TYPE_CHECKING:
    from portrait.dialects.dialect import Dialect

# Who answers one of these has answered what was asked: an `error` beside them is that of the task or the video.
_SUBJECTS = frozenset({"id", "task_id", "data", "items", "status", "url"})

_NOTHING: tuple[Any, ...] = (None, {}, [])


def decode_plain(
    response: HttpResponse, action: str, dialect: Dialect, secrets: Callable[[], tuple[str, ...]]
) -> tuple[Mapping[str, Any], Response]:
    """The body of an answer, and where it came from; a `Decoder` of a dialect.

    An empty body with a good status is an empty object.

    Raises:
        ApiError: The service refused.
        BadResponse: The body is no JSON object.
    """
    good = response.status < 400
    body = {} if good and not response.body.strip() else read_object(response, action, secrets)
    if not good or _is_refusal(body):
        raise gateway_error(redact(body, secrets()), response, action, dialect=dialect, id_in_path=True)
    request_id = response.headers.get("x-request-id", "")
    return body, Response(request_id=request_id, http_status=response.status, headers=response.headers, body=body)


def _is_refusal(body: Mapping[str, Any]) -> bool:
    """Whether a body with a good HTTP status is a refusal all the same."""
    if any(body.get(name) not in _NOTHING for name in _SUBJECTS):
        return False
    return bool(body.get("error")) or body.get("success") is False or not is_no_error(body.get("code"))


def unwrap(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object that is meant: gateways wrap one, or one in an array, and some do not. Contract §8."""
    data = body.get("data", body)
    if isinstance(data, Sequence) and data and not isinstance(data, str):
        data = data[0]
    return data if isinstance(data, Mapping) else body
