"""The flow of one call: encode, keep the pace, send, decode, and send again where that is right.

Everything a client needs in order to call is in a `Endpoint`, an immutable value. What an Action means to the service,
how bytes travel and how long an application is willing to wait for a state are not known here.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
from attrs import evolve, field, frozen

from portrait import codec
from portrait.actions import ACTIONS, VERSION, Action, Idempotency
from portrait.clock import Clock
from portrait.dialects import Dialect
from portrait.dialects.envelope import unwrap
from portrait.errors import (
    ApiError,
    BadResponse,
    ConnectFailed,
    ConnectionLost,
    NotAccessible,
    PortraitError,
    Retry,
    Timeout,
    TransportError,
    UsageError,
)
from portrait.events import CallCancelled, CallFinished, CallRetried
from portrait.flow import Flow, Notify, Send, Sleep
from portrait.http import FailureKind, HttpRequest, HttpResponse, Timeouts, TransportFailure
from portrait.models import DeleteAssetRequest, GetAssetRequest, Response, Result, UpdateAssetRequest
from portrait.providers import Provider
from portrait.rate_limiter import RateLimiter
from portrait.retry import RetryPolicy, pause, should_retry
from portrait.uri import parse_asset_id

R = TypeVar("R", bound=Result)

_LOG = logging.getLogger("portrait")
# These change nothing; others may be safe to repeat, and still change what they are given.
_READS = frozenset({"GetAsset", "GetAssetGroup", "ListAssets", "ListAssetGroups"})
_BY_ASSET_ID = (GetAssetRequest, UpdateAssetRequest, DeleteAssetRequest)


class RawResult(dict[str, Any]):
    """A `Result` object as it came, with where it came from.

    Attributes:
        response: Request id, HTTP status, headers and the whole envelope.
    """

    def __init__(self, result: Mapping[str, Any], response: Response) -> None:
        super().__init__(result)
        self.response = response


@frozen(kw_only=True)
class Endpoint:
    """How a client calls.

    Attributes:
        base_url: Without a slash at its end.
        dialect: How the provider speaks.
        headers: That go with every call, the key among them.
        project: Fills a `ProjectName` that a typed request leaves out.
        timeouts: For one attempt.
        policy: How stubborn to be.
        clock: For measuring and waiting.
        pace: The client's own speed limit.
        chance: Spreads pauses.
        provider: Who answers, for its documented limits.
        has_listener: Does anybody listen to events? A call that went well is not reported to nobody.
    """

    base_url: str
    dialect: Dialect
    headers: Mapping[str, str] = field(repr=False)
    project: str | None
    timeouts: Timeouts
    policy: RetryPolicy
    clock: Clock
    pace: RateLimiter | None = None
    chance: random.Random = field(factory=random.Random, repr=False)
    provider: Provider
    has_listener: bool = True

    def call(self, action: Action[Any, R], request: Any, timeouts: Timeouts | None = None) -> Flow[R]:
        """A typed call; its result carries the raw answer as `response`.

        Raises:
            UsageError: The request is of another class than the Action takes.
            TransportError: No usable answer.
            ApiError: The service refused.
        """
        if not isinstance(request, action.request):
            raise UsageError(
                f"{action.name} takes a {action.request.__name__}, not a {type(request).__name__}.",
                advice="For a plain mapping, name the Action by a string.",
            )
        if self.project is not None and request.project_name is None:
            request = evolve(request, project_name=self.project)
        if isinstance(request, _BY_ASSET_ID) and (bare := parse_asset_id(request.id)) != request.id:
            request = evolve(request, id=bare)
        result, response = yield from self._exchange(action.name, codec.encode(request), timeouts)
        return decoded(action.result, result, response, action.name)

    def call_raw(self, name: str, body: Mapping[str, Any], timeouts: Timeouts | None = None) -> Flow[RawResult]:
        """A call by name: the mapping goes out as given, `Result` comes back as given."""
        if not name or not name.isascii() or not name.isalnum():
            raise UsageError(f"An Action's name is letters and digits, not {name!r}.")
        result, response = yield from self._exchange(name, body, timeouts)
        return RawResult(result, response)

    def _exchange(
        self, name: str, body: Mapping[str, Any], timeouts: Timeouts | None
    ) -> Flow[tuple[Mapping[str, Any], Response]]:
        request = HttpRequest(
            method="POST",
            url=f"{self.base_url}{self.dialect.action_path}?Action={name}&Version={VERSION}",
            headers=self.headers,
            body=_json(name, body),
            timeouts=timeouts or self.timeouts,
        )
        action = ACTIONS.get(name)
        # What is not listed may do anything: it is never repeated blindly.
        idempotency = action.idempotency if action else Idempotency.UNSAFE
        not_found_is_success, secrets = bool(action and action.not_found_is_success), partial(_secrets, body)
        return self.exchange(name, request, idempotency, not_found_is_success=not_found_is_success, secrets=secrets)

    def exchange(
        self,
        name: str,
        request: HttpRequest,
        idempotency: Idempotency,
        *,
        not_found_is_success: bool = False,
        secrets: Callable[[], tuple[str, ...]] = tuple,
    ) -> Flow[tuple[Mapping[str, Any], Response]]:
        """Send a request until it is answered or there is no point in sending it again.

        Args:
            name: What is called.
            request: The request.
            idempotency: May it be sent again after an unknown outcome?
            not_found_is_success: Does "not accessible" mean that a repeated call has reached its end?
            secrets: Gives what a refusal may not repeat, besides the key.
        """
        attempt, uncertain = 1, False
        while True:
            error = None
            try:
                return (yield from self._attempt(name, request, attempt, secrets))
            except NotAccessible as gone:
                # The first attempt may have deleted it already. Contract §4, last paragraph.
                if not_found_is_success and uncertain:
                    return {}, Response(
                        request_id=gone.request_id, http_status=gone.http_status or 0, body=gone.response or {}
                    )
                gone.may_have_executed = uncertain
                raise
            except PortraitError as failed:
                error = failed
            delay = (
                pause(self.policy, attempt, error, self.chance.random()) if should_retry(idempotency, error) else None
            )
            uncertain = uncertain or error.may_have_executed
            if delay is None:
                error.may_have_executed = uncertain
                if uncertain and idempotency is Idempotency.UNSAFE and error.retry is Retry.BACKOFF:
                    error.retry = Retry.VERIFY_FIRST
                raise error
            _LOG.info("%s failed with %s; again in %.1f s", name, type(error).__name__, delay)
            yield Notify(CallRetried(action=name, attempt=attempt, delay=delay, error=type(error).__name__))
            yield Sleep(delay)
            attempt += 1

    def _attempt(
        self, name: str, request: HttpRequest, attempt: int, secrets: Callable[[], tuple[str, ...]]
    ) -> Flow[tuple[Mapping[str, Any], Response]]:
        if self.pace is not None and (delay := self.pace.reserve(name, self.clock.monotonic())) > 0:
            yield Sleep(delay)
        started = self.clock.monotonic()
        answer: HttpResponse | None = None
        try:
            answer = yield Send(request)
            result, source = unwrap(
                answer, action=name, dialect=self.dialect, secrets=lambda: self._with_key(secrets())
            )
        except TransportFailure as failure:
            lost = failed(name, failure, request.url)
            yield self._finished(name, attempt, started, answer, lost)
            raise lost from failure
        except PortraitError as refused:
            yield self._finished(name, attempt, started, answer, refused)
            raise
        except BaseException as interrupt:
            yield from _abandoned(name, interrupt)
            raise
        if self.has_listener or _LOG.isEnabledFor(logging.DEBUG):
            yield self._finished(name, attempt, started, answer, source)
        return result, source

    def _with_key(self, secrets: tuple[str, ...]) -> tuple[str, ...]:
        return _secret_enough(*secrets, self.headers.get("Authorization", "").rpartition(" ")[2])

    def _finished(
        self, name: str, attempt: int, started: float, answer: HttpResponse | None, end: Response | PortraitError
    ) -> Notify:
        error = end if isinstance(end, PortraitError) else None
        request_id = end.request_id if isinstance(end, Response | ApiError) else ""
        event = CallFinished(
            action=name,
            attempt=attempt,
            seconds=self.clock.monotonic() - started,
            http_status=answer.status if answer else None,
            request_id=request_id,
            error=type(error).__name__ if error else None,
            code=error.code if isinstance(error, ApiError) else "",
        )
        _LOG.debug(
            "%s %s %s in %.3f s, request id %s",
            name,
            event.http_status,
            event.code or event.error or "ok",
            event.seconds,
            request_id or "-",
        )
        return Notify(event)


def decoded(cls: type[R], result: Mapping[str, Any], response: Response, name: str) -> R:
    """A typed result that carries its raw answer.

    Raises:
        BadResponse: The answer lacks what the class needs; the call was carried out all the same.
    """
    try:
        value = codec.decode(cls, result)
    except codec.DecodeError as fault:
        raise BadResponse(
            f"{name}: the answer does not fit: {fault.path or 'Result'} {fault.why}.",
            action=name,
            http_status=response.http_status,
            may_have_executed=True,
        ) from None
    # The value was made a moment ago and nobody else holds it: setting the field beats making it again.
    object.__setattr__(value, "response", response)
    return value


def failed(name: str, failure: TransportFailure, url: str) -> TransportError:
    """The error for a request that got no whole answer; it names the host, and nothing else of the address."""
    detail = f" ({failure.detail})" if failure.detail else ""
    message = f"{name}: {failure.kind.value.format(host=urlsplit(url).netloc)}{detail}."
    match failure.kind:
        case FailureKind.CONNECT:
            return ConnectFailed(message, action=name)
        case FailureKind.CONNECT_TIMEOUT:
            return Timeout(message, action=name)
        case FailureKind.TIMEOUT:
            return Timeout(message, action=name, may_have_executed=True)
        case FailureKind.DISCONNECTED:
            return ConnectionLost(message, action=name, may_have_executed=True)
        case FailureKind.INCOMPLETE:
            return BadResponse(message, action=name, may_have_executed=True, advice="")


def _abandoned(name: str, interrupt: BaseException) -> Flow[None]:
    """A cancellation or an interrupt goes through, with a note: the service may have done what was asked."""
    if isinstance(interrupt, GeneratorExit):  # nobody is left who could hear of it
        return
    uncertain = name not in _READS
    if uncertain:
        interrupt.add_note(f"{name} may have executed: its answer was not awaited.")
        _LOG.warning("%s was abandoned while under way; it may have executed", name)
    yield Notify(CallCancelled(action=name, may_have_executed=uncertain))


def _secrets(body: Any) -> tuple[str, ...]:
    """What a request holds that no text may repeat: a token, and what makes a signed address one."""
    if not isinstance(body, Mapping):
        return ()
    token, url = body.get("BytedToken"), body.get("URL")
    query = url.partition("?")[2] if isinstance(url, str) else ""
    return tuple(text for text in (token, query) if isinstance(text, str))


def _secret_enough(*texts: str) -> tuple[str, ...]:
    """A word or two is no secret, and blanking it would tear codes and messages to pieces."""
    return tuple(text for text in texts if len(text) >= 8)


def _json(name: str, body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except (orjson.JSONEncodeError, TypeError) as error:
        raise UsageError(f"{name}: the request cannot be written as JSON: {error}.") from None
