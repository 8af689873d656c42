"""The envelope around every answer of alltoken and ark, both ways (contract §1, *Envelope*).

A server wraps an outcome; a client unwraps whatever came and ends with a `Result` object or an error. The body is read
before the HTTP status, since proxies turn one into the other. This module knows no Action and no transport.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

import orjson

from portrait.dialects.dialect import Dialect
from portrait.errors import TYPES, ApiError, BadResponse, Retry, Throttled, api_error
from portrait.http import HttpResponse
from portrait.models import Response

SERVICE = "ark"
REGION = "cn-beijing"


def wrap(
    *,
    request_id: str,
    action: str,
    version: str,
    result: Any = None,
    error: Mapping[str, Any] | None = None,
    region: str = REGION,
) -> dict[str, Any]:
    """The five metadata fields are always there; `Error` and `Result` exclude each other (D)."""
    metadata = {"RequestId": request_id, "Action": action, "Version": version, "Service": SERVICE, "Region": region}
    if error is not None:
        metadata["Error"] = error  # type: ignore[assignment]
        return {"ResponseMetadata": metadata}
    return {"ResponseMetadata": metadata, "Result": result}


def unwrap(
    response: HttpResponse, *, action: str, dialect: Dialect, secrets: Callable[[], tuple[str, ...]] = tuple
) -> tuple[Mapping[str, Any], Response]:
    """The `Result` of an answer, `{}` where it is null or absent, and where it came from.

    Args:
        response: The answer.
        action: What was called.
        dialect: How the service speaks.
        secrets: Gives what is blanked where a refusal repeats it.

    Raises:
        ApiError: The service refused, in either of its two forms.
        BadResponse: The body is not the protocol's.
    """
    if response.status == 404 and not response.body.strip():
        # Ark says "not found" of a token without a word, too. §10.9.
        pending = dialect.codes.get(action, {}).get("NotFound")
        if pending is not None:
            raise api_error("NotFound", "", http_status=404, rule=pending, action=action)
    body = _object(response, action)
    metadata = body.get("ResponseMetadata")
    if (isinstance(metadata, dict) and metadata.get("Error")) or body.get("error"):
        body = _blanked(body, secrets())
        metadata = body.get("ResponseMetadata")
    source = _source(metadata, body, response)
    if isinstance(metadata, dict):
        refused = metadata.get("Error")
        if refused:
            raise _refusal(refused, source, action, dialect)
        if response.status >= 400:
            raise _refusal({}, source, action, dialect)
        return _result(body, response, action), source
    if body.get("error"):
        if response.status in {404, 405}:
            # No id is ever answered so: it is the address that is not there.
            raise _bad(response, action, "answered that there is no such address")
        raise _plain(body["error"], source, action)
    raise _bad(response, action, "answered JSON without ResponseMetadata")


def retry_after(headers: Mapping[str, str], *, throttled: bool) -> float | None:
    """Seconds to wait, from `retry-after`, or `x-ratelimit-reset` where that is what stopped the call; else None."""
    asked = _seconds(headers.get("retry-after", ""))
    if asked is None and throttled:
        reset = _seconds(headers.get("x-ratelimit-reset", ""))
        # Larger numbers are moments, not spans; what they count from is not documented.
        asked = reset if reset is not None and reset <= 3600 else None
    return asked


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < inf else None


def _object(response: HttpResponse, action: str) -> Mapping[str, Any]:
    try:
        body = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        raise _bad(response, action, _look(response)) from None
    if not isinstance(body, dict):
        raise _bad(response, action, f"answered a JSON {type(body).__name__}, not an object")
    return body


def _blanked(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "<secret>")
        return value
    if isinstance(value, dict):
        return {_blanked(name, secrets): _blanked(part, secrets) for name, part in value.items()}
    return [_blanked(part, secrets) for part in value] if isinstance(value, list) else value


def _look(response: HttpResponse) -> str:
    """What an answer that is not JSON looks like, in words."""
    head = response.body[:512].lstrip().lower()
    if not head:
        return "answered an empty body"
    if head.startswith(b"<"):
        return "answered an HTML page"
    if head.startswith(b"{"):
        return "answered JSON that is cut off or damaged"
    return "answered something that is not JSON"


def _bad(response: HttpResponse, action: str, what: str) -> BadResponse:
    moved = response.headers.get("location", "").partition("?")[0] if 300 <= response.status < 400 else ""
    where = f", which points to {moved}; redirects are not followed" if moved else ""
    error = BadResponse(
        f"{action or 'The server'}: something {what} (HTTP status {response.status}{where}).",
        action=action,
        http_status=response.status,
        # A 4xx says that the call was turned away; a good status or a 5xx says nothing about what was done.
        may_have_executed=not 300 <= response.status < 500,
    )
    if 300 <= response.status < 500 and response.status not in {408, 425, 429}:
        error.retry = Retry.NEVER
    return error


def _result(body: Mapping[str, Any], response: HttpResponse, action: str) -> Mapping[str, Any]:
    result = body.get("Result")
    if result is None:
        return {}
    if not isinstance(result, dict):
        raise _bad(response, action, f"answered a Result that is a {type(result).__name__}, not an object")
    return result


def _source(metadata: Any, body: Mapping[str, Any], response: HttpResponse) -> Response:
    request_id = metadata.get("RequestId") if isinstance(metadata, dict) else None
    return Response(request_id=str(request_id or ""), http_status=response.status, headers=response.headers, body=body)


def _refusal(refused: Any, source: Response, action: str, dialect: Dialect) -> ApiError:
    """The envelope's `Error`; a dialect may read a code of one Action in its own way."""
    facts = refused if isinstance(refused, Mapping) else {"Message": str(refused)}
    code = str(facts.get("Code") or "")
    error = api_error(
        code,
        str(facts.get("Message") or ""),
        rule=dialect.codes.get(action, {}).get(code.partition(".")[0]),
        http_status=source.http_status,
        action=action,
        request_id=source.request_id,
        response=source.body,
    )
    error.retry_after = retry_after(source.headers, throttled=isinstance(error, Throttled))
    return error


def _plain(refused: Any, source: Response, action: str) -> ApiError:
    """AllToken's other form, for errors of HTTP's own level: `{"error": {"message", "type", "code"?}}`."""
    facts = refused if isinstance(refused, Mapping) else {"message": str(refused)}
    kind = str(facts.get("type") or "")
    error = api_error(
        str(facts.get("code") or kind),
        str(facts.get("message") or ""),
        rule=TYPES.get(kind) if source.http_status < 400 else None,
        http_status=source.http_status,
        action=action,
        request_id=str(facts.get("request_id") or source.body.get("request_id") or ""),
        response=source.body,
    )
    error.retry_after = retry_after(source.headers, throttled=isinstance(error, Throttled))
    return error
