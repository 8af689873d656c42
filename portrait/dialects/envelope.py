"""The envelope around every answer of alltoken and ark (contract §1, *Envelope*), as a client reads it.

Whatever came ends as a `Result` object or an error. The body is read before the HTTP status, since proxies turn one
into the other.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from portrait.codes import BY_STATUS, BY_TYPE, BY_WORD, CODES, UNANSWERED, ErrorRule, api_error, code_within, rule_for
from portrait.errors import ApiError, BadResponse, Retry, Throttled, ValidatePending
from portrait.http import HttpResponse, retry_after
from portrait.models import Response
from portrait.urls import redact_url

if TYPE_CHECKING:
    from portrait.dialects.dialect import Dialect


def decode_envelope(
    response: HttpResponse, action: str, dialect: Dialect, secrets: Callable[[], tuple[str, ...]]
) -> tuple[Mapping[str, Any], Response]:
    """The `Result` of an answer, `{}` where it is null or absent, and where it came from; a `Decoder` of a dialect.

    Raises:
        ApiError: The service refused, or a gateway did in a form of its own.
        BadResponse: The body is not the protocol's.
    """
    if response.status == 404 and not response.body.strip():
        # Ark says "not found" of a token without a word, too. §10.9.
        pending = dialect.rule(action, "NotFound")
        if pending is not None:
            raise api_error("NotFound", "", http_status=404, rule=pending, action=action)
    body = read_object(response, action, secrets)
    metadata = body.get("ResponseMetadata")
    if isinstance(metadata, dict):
        error = metadata.get("Error")
        if response.status < 400 and (not error or _is_empty_error(error, body.get("Result"))):
            return _result(body, response, action, dialect)
        raise _api_error(redact(body, secrets()), response, action, dialect)
    raise gateway_error(redact(body, secrets()), response, action)


def read_object(response: HttpResponse, action: str, secrets: Callable[[], tuple[str, ...]]) -> dict[str, Any]:
    """The JSON object that is an answer's body.

    Raises:
        ApiError: It is a text with a known code in it.
        BadResponse: It is something else.
    """
    try:
        body = orjson.loads(response.body.removeprefix(BOM_UTF8))
    except orjson.JSONDecodeError:
        raise _text_error(_describe_body(response), response, action, secrets()) from None
    if not isinstance(body, dict):
        raise _text_error(f"answered a JSON {type(body).__name__}, not an object", response, action, secrets())
    return body


def _is_empty_error(error: Any, result: Any) -> bool:
    """An `Error` without a code beside a `Result` is a gateway's way of reporting a success. Contract §1 (M)."""
    fields = _error_fields(error)
    if not isinstance(error, dict) or not is_no_error(_first(fields, _ERROR_CODES)):
        return False
    return result is not None or not (_first(fields, _MESSAGES) or error.get("CodeN"))


def is_no_error(code: Any) -> bool:
    """Whether a code stands for success, or there is none."""
    return _text(code).strip().lower() in {"", "0", "200", "ok", "success"}


_ERROR_CODES = ("Code", "code")


def _error_fields(error: Any) -> Mapping[str, Any]:
    """The envelope's `Error` as an object; of a list its first one, and a text is a message."""
    if isinstance(error, list) and error:
        error = error[0]
    return error if isinstance(error, dict) else {"Message": error}


def _text(value: Any) -> str:
    """A string or a number as a string; "" for anything else."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


_LONG_SECRET = 8  # characters; a shorter one may be a word, and is blanked only where it stands alone


_DEEPEST = 64  # levels of JSON that an error keeps


def redact(value: Any, secrets: tuple[str, ...], depth: int = 0) -> Any:
    """A JSON value without secrets, and without what lies deeper than errors keep."""
    if isinstance(value, str):
        for secret in secrets:
            if len(secret) >= _LONG_SECRET:
                value = value.replace(secret, "<secret>")
            else:
                value = re.sub(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", "<secret>", value)
        return value
    if isinstance(value, dict | list) and depth == _DEEPEST:
        return "…"
    if isinstance(value, dict):
        long = tuple(secret for secret in secrets if len(secret) >= _LONG_SECRET)  # a name such as Code stays a name
        return {redact(name, long): redact(part, secrets, depth + 1) for name, part in value.items()}
    return [redact(part, secrets, depth + 1) for part in value] if isinstance(value, list) else value


def _describe_body(response: HttpResponse) -> str:
    """A description of a body that is not JSON, as the end of a sentence."""
    head = response.body[:512].lstrip().lower()
    if not head:
        return "answered an empty body"
    if head.startswith(b"<"):
        return "answered an HTML page"
    if head.startswith(b"{"):
        return "answered JSON that is cut off or damaged"
    return "answered something that is not JSON"


def _bad_response(
    response: HttpResponse, action: str, what: str, text: str = "", secrets: tuple[str, ...] = ()
) -> BadResponse:
    """The error for an answer outside of the protocol, with its text but without secrets."""
    moved = redact_url(response.headers.get("location", "")) if 300 <= response.status < 400 else ""
    moved = redact(moved, secrets)
    where = f", which points to {moved}; redirects are not followed" if moved else ""
    content = f": {_excerpt(text)}" if text else "."
    error = BadResponse(
        f"{action or 'The server'}: something {what} (HTTP status {response.status}{where}){content}",
        action=action,
        http_status=response.status,
        # A 4xx says that the call was turned away; a good status or a 5xx says nothing about what was done.
        may_have_executed=not 300 <= response.status < 500 or response.status in UNANSWERED,
        advice=_STATUS_ADVICE.get(response.status),
    )
    error.retry_after = retry_after(response.headers, throttled=False)
    if 300 <= response.status < 500 and response.status not in {*UNANSWERED, HTTPStatus.TOO_EARLY}:
        error.retry = Retry.NEVER
    return error


_STATUS_ADVICE: Mapping[int, str | None] = {
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: (
        "The proxy wants a user and a password: proxy=http://user:password@host:port."
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BY_STATUS[413].advice,
}
_EXCERPT = 300  # characters


def _excerpt(text: str) -> str:
    """A text on one line, with a full stop; "" for none."""
    line = " ".join(text.split())
    if not line:
        return ""
    line = line if len(line) <= _EXCERPT else f"{line[:_EXCERPT]}…"
    return line if line.endswith((".", "!", "?", "…")) else f"{line}."


_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


def _text_error(what: str, response: HttpResponse, action: str, secrets: tuple[str, ...]) -> ApiError | BadResponse:
    """The error for a body that is no JSON object. A known code in it counts, and 429 is throttled with any body.

    What looks like damaged JSON is not repeated: it may be half of a result, and hold a token.
    """
    body = response.body[:_READ].decode(errors="replace").strip()
    if body.startswith("<"):
        title = _TITLE.search(body)
        text = title[1] if title else ""
    else:
        text = "" if body.startswith(("{", "[", "\ufeff")) else body
    text = redact(text, secrets)
    if code_within(text) or response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _with_delay(api_error("", text, http_status=response.status, action=action), response)
    return _bad_response(response, action, what, text, secrets)


_READ = 4096  # bytes of a body that is no JSON object


def _result(
    body: Mapping[str, Any], response: HttpResponse, action: str, dialect: Dialect
) -> tuple[Mapping[str, Any], Response]:
    result = body.get("Result")
    if result is None:
        result = {}
    elif not isinstance(result, dict):
        raise _bad_response(response, action, f"answered a Result that is a {type(result).__name__}, not an object")
    info = Response(
        request_id=_text(body["ResponseMetadata"].get("RequestId")),
        http_status=response.status,
        headers=response.headers,
        body=body,
    )
    needed = dialect.pending_without.get(action)
    if needed is not None and not result.get(needed):
        raise ValidatePending(
            f"The answer has no {needed} yet.",
            action=action,
            request_id=info.request_id,
            http_status=info.http_status,
            response=info.body,
        )
    return result, info


def _api_error(body: Mapping[str, Any], response: HttpResponse, action: str, dialect: Dialect) -> ApiError:
    """The envelope's `Error`; a dialect may read a code of one Action in its own way."""
    metadata = body["ResponseMetadata"]
    fields = _error_fields(metadata.get("Error"))
    code, number, data = _first(fields, _ERROR_CODES), fields.get("CodeN"), fields.get("Data")
    built = api_error(
        code,
        _first(fields, _MESSAGES),
        code_number=number if type(number) is int else None,
        data=data if isinstance(data, dict) else None,
        rule=dialect.rule(action, code.partition(".")[0]),
        http_status=response.status,
        action=action,
        request_id=_text(metadata.get("RequestId")),
        response=body,
    )
    return _with_delay(built, response)


# How gateways name the parts of a refusal. Contract §1, *Envelope*, and §4, *task gateways* (M).
_CODES = ("code", "Code", "errorCode", "error_code", "type")
_MESSAGES = ("message", "Message", "errorMessage", "error_message", "error_description", "detail", "msg")
_NESTED = ("error", "Error", "errors", "detail")
_REQUEST_IDS = ("request_id", "requestId", "RequestId")


def gateway_error(
    body: Mapping[str, Any],
    response: HttpResponse,
    action: str,
    *,
    dialect: Dialect | None = None,
    id_in_path: bool = False,
) -> ApiError | BadResponse:
    """A refusal outside of the envelope: `{"error": {…}}`, or one of the forms that gateways have for it.

    Args:
        body: The answer's JSON, without secrets.
        response: The answer.
        action: The Action's name.
        dialect: Which may read a code of one Action in its own way.
        id_in_path: True where the request's path names an id, so that 404 is about that.
    """
    error = body.get("error") or body.get("Error")
    fields = error if isinstance(error, dict) else body
    texts = [_text(error), _first(fields, _MESSAGES)]
    message = ": ".join(text for text in texts if text)
    code = _first(fields, _CODES)
    if not (code or message):
        message = _excerpt(": ".join(text for name in _NESTED for text in _texts(body.get(name)) if text))
    throttled = rule_for(code, response.status)[0].error is Throttled
    own = None if dialect is None or throttled else dialect.rule(action, code.partition(".")[0])
    known = code in CODES or code_within(f"{code} {message}")
    if not (code or message or response.status == HTTPStatus.TOO_MANY_REQUESTS):
        return _bad_response(response, action, "answered JSON without ResponseMetadata")
    if response.status in {404, 405} and not known and not id_in_path:
        unfound = _bad_response(response, action, "answered that there is no such address", message)
        unfound.advice = _NOT_FOUND
        return unfound
    in_200 = None if response.status >= 400 else _rule_in_200(fields)
    if not (known or error or in_200 or response.status >= 400 or body.get("success") is False):
        return _bad_response(response, action, "answered JSON without ResponseMetadata", message)
    built = api_error(
        code,
        message,
        rule=own or (None if known else BY_WORD.get(code) or in_200),
        http_status=response.status,
        action=action,
        request_id=_first(fields, _REQUEST_IDS) or _first(body, _REQUEST_IDS),
        response=body,
    )
    if response.status == 404 and not id_in_path:
        built.advice = _NOT_FOUND
    return _with_delay(built, response)


_NOT_FOUND = "Either the id does not exist, or base_url leads to another service: it ends in /v1 for AllToken."


def _rule_in_200(fields: Mapping[str, Any]) -> ErrorRule | None:
    """The rule by the body's status, where a proxy has changed HTTP's."""
    number = _text(fields.get("code"))
    by_number = BY_STATUS.get(int(number)) if number.isascii() and number.isdigit() and len(number) == 3 else None
    return BY_TYPE.get(_text(fields.get("type"))) or by_number


def _texts(value: Any) -> Iterator[str]:
    """The texts inside of a JSON value, in order."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
    else:
        yield _text(value)


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of these fields that has a value."""
    return next((text for name in names if (text := _text(fields.get(name)).strip())), "")


def _with_delay(error: ApiError, response: HttpResponse) -> ApiError:
    error.retry_after = retry_after(response.headers, throttled=isinstance(error, Throttled))
    return error
