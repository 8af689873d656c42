"""The envelope around every answer of alltoken and ark (contract §1, *Envelope*), as a client reads it.

Whatever came ends as a `Result` object or an error. The body is read before the HTTP status, since proxies turn one
into the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from portrait.codes import BY_TYPE, ErrorRule, api_error
from portrait.errors import ApiError, BadResponse, Retry, Throttled
from portrait.http import HttpResponse, retry_after
from portrait.models import Response
from portrait.urls import redact_url


def decode_envelope(
    response: HttpResponse, action: str, codes: Mapping[str, ErrorRule], secrets: Callable[[], tuple[str, ...]]
) -> tuple[Mapping[str, Any], Response]:
    """The `Result` of an answer, `{}` where it is null or absent, and where it came from.

    Args:
        response: The answer.
        action: The Action's name.
        codes: Codes that mean something else in an answer to this Action than in `portrait.codes.CODES`.
        secrets: Gives what is replaced by `<secret>` in an error; called only if there is one.

    Raises:
        ApiError: The service refused, in either of its two forms.
        BadResponse: The body is not the protocol's.
    """
    if response.status == 404 and not response.body.strip():
        # Ark says "not found" of a token without a word, too. §10.9.
        pending = codes.get("NotFound")
        if pending is not None:
            raise api_error("NotFound", "", http_status=404, rule=pending, action=action)
    body = _object(response, action)
    metadata = body.get("ResponseMetadata")
    if (isinstance(metadata, dict) and metadata.get("Error")) or body.get("error"):
        body = _redact(body, secrets())
        metadata = body.get("ResponseMetadata")
    info = _response_info(metadata, body, response)
    if isinstance(metadata, dict):
        error = metadata.get("Error")
        if error:
            raise _api_error(error, info, action, codes)
        if response.status >= 400:
            raise _api_error({}, info, action, codes)
        return _result(body, response, action), info
    if body.get("error"):
        if response.status in {404, 405}:
            # No id is ever answered so: it is the address that is not there.
            raise _bad_response(response, action, "answered that there is no such address")
        raise _http_error(body["error"], info, action)
    raise _bad_response(response, action, "answered JSON without ResponseMetadata")


def _object(response: HttpResponse, action: str) -> Mapping[str, Any]:
    try:
        body = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        raise _bad_response(response, action, _describe_body(response)) from None
    if not isinstance(body, dict):
        raise _bad_response(response, action, f"answered a JSON {type(body).__name__}, not an object")
    return body


_LONG_SECRET = 8  # characters; a shorter one may be a word, and is blanked only where it stands alone


def _redact(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            if len(secret) >= _LONG_SECRET:
                value = value.replace(secret, "<secret>")
            else:
                value = re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", "<secret>", value)
        return value
    if isinstance(value, dict):
        long = tuple(secret for secret in secrets if len(secret) >= _LONG_SECRET)  # a name such as Code stays a name
        return {_redact(name, long): _redact(part, secrets) for name, part in value.items()}
    return [_redact(part, secrets) for part in value] if isinstance(value, list) else value


def _describe_body(response: HttpResponse) -> str:
    """What an answer that is not JSON looks like, as the end of a sentence."""
    head = response.body[:512].lstrip().lower()
    if not head:
        return "answered an empty body"
    if head.startswith(b"<"):
        return "answered an HTML page"
    if head.startswith(b"{"):
        return "answered JSON that is cut off or damaged"
    return "answered something that is not JSON"


def _bad_response(response: HttpResponse, action: str, what: str) -> BadResponse:
    moved = redact_url(response.headers.get("location", "")) if 300 <= response.status < 400 else ""
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
        raise _bad_response(response, action, f"answered a Result that is a {type(result).__name__}, not an object")
    return result


def _response_info(metadata: Any, body: Mapping[str, Any], response: HttpResponse) -> Response:
    request_id = metadata.get("RequestId") if isinstance(metadata, dict) else None
    return Response(request_id=str(request_id or ""), http_status=response.status, headers=response.headers, body=body)


def _api_error(error: Any, info: Response, action: str, codes: Mapping[str, ErrorRule]) -> ApiError:
    """The envelope's `Error`; a dialect may read a code of one Action in its own way."""
    fields = error if isinstance(error, Mapping) else {"Message": str(error)}
    code = str(fields.get("Code") or "")
    built = api_error(
        code,
        str(fields.get("Message") or ""),
        rule=codes.get(code.partition(".")[0]),
        http_status=info.http_status,
        action=action,
        request_id=info.request_id,
        response=info.body,
    )
    built.retry_after = retry_after(info.headers, throttled=isinstance(built, Throttled))
    return built


def _http_error(error: Any, info: Response, action: str) -> ApiError:
    """AllToken's other form, for errors of HTTP's own level: `{"error": {"message", "type", "code"?}}`."""
    fields = error if isinstance(error, Mapping) else {"message": str(error)}
    kind = str(fields.get("type") or "")
    built = api_error(
        str(fields.get("code") or kind),
        str(fields.get("message") or ""),
        rule=BY_TYPE.get(kind) if info.http_status < 400 else None,
        http_status=info.http_status,
        action=action,
        request_id=str(fields.get("request_id") or info.body.get("request_id") or ""),
        response=info.body,
    )
    built.retry_after = retry_after(info.headers, throttled=isinstance(built, Throttled))
    return built
