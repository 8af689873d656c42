"""The result of a call: as it came, or as the class that its Action says, with where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from portrait import codec
from portrait.actions import Action
from portrait.errors import ApiError, BadResponse, NotFound
from portrait.models import Response, Result
from portrait.retry import require_verification

R = TypeVar("R", bound=Result)


class RawResult(dict[str, Any]):
    """A `Result` object as it came, with where it came from.

    Attributes:
        response: Request id, HTTP status, headers and the whole envelope.
    """

    def __init__(self, result: Mapping[str, Any], response: Response) -> None:
        super().__init__(result)
        self.response = response


def decode_result(action: Action[Any, R], result: Mapping[str, Any], response: Response) -> R:
    """A typed result that carries its raw answer.

    Raises:
        BadResponse: The answer lacks what the class needs; the call was carried out all the same.
    """
    kind: Any = action.result
    if action.created_id and not str(result.get(action.created_id) or "").strip():
        raise _misfit(action, response, action.created_id, "is empty")
    try:
        value: R = codec.decoder(kind)(result, kind)
    except codec.DecodeError as error:
        raise _misfit(action, response, error.path or "Result", error.message) from None
    # The value was made a moment ago and nobody else holds it: setting the field beats making it again.
    object.__setattr__(value, "response", response)
    return value


def _misfit(action: Action[Any, Any], response: Response, path: str, message: str) -> BadResponse:
    error = BadResponse(
        f"{action.name}: the answer does not fit: {path} {message}.",
        action=action.name,
        http_status=response.http_status,
        may_have_executed=True,
    )
    require_verification(action.idempotency, error)
    return error


def check_subject(action: Action[Any, Any], wanted: str, found: str) -> None:
    """Refuse an answer about another id: a proxy may have mixed up two answers.

    Args:
        action: What was called.
        wanted: The id that was asked for.
        found: The id in the answer.

    Raises:
        BadResponse: They differ.
    """
    if found.lower() != wanted.lower():
        raise BadResponse(
            f"{action.name}: the answer is about {found!r}, not about {wanted!r}.",
            action=action.name,
            advice="Something between here and the service mixes answers up: look at caches and proxies.",
        )


def as_not_found(error: ApiError) -> NotFound:
    """The refusal of a read by id as what it means: apimart answers 400 for an unknown id. Contract §8 (D)."""
    return NotFound(
        error.message,
        code=error.code,
        action=error.action,
        request_id=error.request_id,
        http_status=error.http_status,
        response=error.response,
    )
