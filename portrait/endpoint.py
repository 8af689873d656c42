"""How a call is made: encode, authenticate, send with retries, decode. `Endpoint` holds the parts for that."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from attrs import Factory, evolve, field, frozen

from portrait import codec
from portrait.actions import VERSION, Action, get_action
from portrait.arguments import check_address
from portrait.auth import Auth
from portrait.clock import Clock, SystemClock
from portrait.dialects import Dialect, Line
from portrait.errors import (
    ApiError,
    BadResponse,
    ConnectFailed,
    ConnectionLost,
    NotAccessible,
    PortraitError,
    Throttled,
    Timeout,
    TransportError,
    UsageError,
)
from portrait.events import CallCancelled, CallFinished, CallRetried
from portrait.flow import Flow, Notify, RunBlocking, Send, Sleep
from portrait.http import FailureKind, HttpRequest, HttpResponse, Timeouts, TransportFailure
from portrait.models import Response, Result
from portrait.pace import MemoryPaces, PaceTable, update_pace
from portrait.providers import Provider
from portrait.rate_limiter import RateLimiter
from portrait.recent_creates import RecentCreates
from portrait.results import RawResult, check_subject, decode_result
from portrait.retry import RetryPolicy, backoff, require_verification, should_retry
from portrait.uri import parse_asset_id
from portrait.urls import parse_http_url

R = TypeVar("R", bound=Result)

_LOG = logging.getLogger("portrait")

_INVISIBLE = "It was created a moment ago, and may not be visible yet: try again in some seconds."


@frozen(kw_only=True)
class Endpoint:
    """How a client calls.

    Attributes:
        base_url: Without a slash at its end.
        dialect: The provider's dialect.
        auth: Applied to every attempt.
        headers: That go with every call.
        project: Fills a `ProjectName` that a typed request leaves out.
        timeouts: For one attempt.
        policy: How often a call is sent again, and when.
        clock: For measuring and waiting.
        machine_clock: Dates signatures, whatever clock the waits go by: servers compare it with their own (§10.3).
        pace: The client's own rate limit.
        rng: Draws the random part of a backoff.
        provider: Who answers, for its documented limits.
        has_listener: False skips the event of each attempt.
        recent: What was created a short time ago, and may not be visible yet.
        paces: The turns of limited calls, and what is known of the service's limits.
        retries_throttled: False raises a throttled call's error at once, for callers that wait it out.
        forget: Called with the id of what was deleted, may block; None where nothing is kept across processes.
        create_age: Gives the seconds since something was created by any process, may block; None likewise.
    """

    base_url: str
    dialect: Dialect
    auth: Auth = field(repr=False)
    headers: Mapping[str, str]
    project: str | None
    timeouts: Timeouts
    policy: RetryPolicy
    clock: Clock
    pace: RateLimiter | None = None
    rng: random.Random = field(factory=random.Random, repr=False)
    provider: Provider
    machine_clock: Clock = field(factory=SystemClock)
    has_listener: bool = True
    recent: RecentCreates = field(factory=RecentCreates, repr=False)
    paces: PaceTable = field(default=Factory(lambda self: MemoryPaces(self.clock), takes_self=True), repr=False)
    retries_throttled: bool = True
    forget: Callable[[str], None] | None = field(default=None, repr=False)
    create_age: Callable[[str], float | None] | None = field(default=None, repr=False)

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
        if action.asset_id_field is not None:
            request = _with_bare_id(request, action.asset_id_field)
        if action.address_field is not None:
            check_address(action.name, getattr(request, action.address_field))
        result, response = yield from self._post(action, codec.encoder(request.__class__)(request), timeouts)
        value = decode_result(action, result, response)
        if action.echoes_id:
            check_subject(action, request.id, value.id)  # type: ignore[attr-defined]
            if action.asset_id_field is not None:  # a group that reads show may still be unknown to creates
                self.recent.discard(request.id)
        return value

    def call_raw(self, name: str, body: Mapping[str, Any], timeouts: Timeouts | None = None) -> Flow[RawResult]:
        """A call by name: the mapping goes out as given, `Result` comes back as given."""
        if not name or not name.isascii() or not name.isalnum():
            raise UsageError(f"An Action's name is letters and digits, not {name!r}.")
        result, response = yield from self._post(get_action(name), body, timeouts)
        return RawResult(result, response)

    def _post(
        self, action: Action[Any, Any], body: Mapping[str, Any], timeouts: Timeouts | None
    ) -> Flow[tuple[Mapping[str, Any], Response]]:
        line: Line = ("POST", f"{self.dialect.action_path}?Action={action.name}&Version={VERSION}", body)
        if self.dialect.encoder is not None:
            line = self.dialect.encoder(action.name, body)
        method, path, content = line
        request = HttpRequest(
            method=method,
            url=f"{self.base_url}{path}",
            headers=self.headers,
            body=b"" if content is None else encode_json(action.name, content),
            timeouts=timeouts or self.timeouts,
        )
        return self.send_with_retries(action, request, body)

    def send_with_retries(
        self, action: Action[Any, Any], request: HttpRequest, fields: Mapping[str, Any] = MappingProxyType({})
    ) -> Flow[tuple[Mapping[str, Any], Response]]:
        """Send a request until it is answered or there is no point in sending it again.

        Args:
            action: What is called.
            request: The request, without authentication.
            fields: The wire fields, for the secrets among them.

        Raises:
            TransportError: No usable answer.
            ApiError: The service refused.
        """
        attempt, uncertain = 1, False
        while True:
            try:
                result, response = yield from self._send_once(action, request, fields, attempt)
            except NotAccessible as error:
                # The first attempt may have deleted it already. Contract §4, last paragraph.
                if action.not_found_is_success and uncertain:
                    yield from self._note(action, fields, {})
                    return {}, Response(
                        request_id=error.request_id,
                        http_status=error.http_status or 0,
                        body=error.response or {},
                        inferred=True,
                    )
                error.may_have_executed = uncertain
                if self._may_be_invisible(fields):
                    error.advice = _INVISIBLE
                raise
            except PortraitError as error:
                uncertain = uncertain or error.may_have_executed
                delay = self._retry_delay(action, attempt, error)
                if delay is None:
                    error.may_have_executed = uncertain
                    require_verification(action.idempotency, error)
                    raise
                reason = type(error).__name__
            else:
                if not action.reads:
                    yield from self._note(action, fields, result)
                return result, response
            _LOG.info("%s failed with %s; again in %.1f s", action.name, reason, delay)
            yield Notify(CallRetried(action=action.name, attempt=attempt, delay=delay, error=reason))
            yield Sleep(delay)
            attempt += 1

    def _may_be_invisible(self, fields: Mapping[str, Any]) -> bool:
        """Whether this client has created a short time ago what a request names (contract §3)."""
        now = self.clock.monotonic()
        return any(self.recent.lag_left(str(fields.get(name, "")), now) > 0 for name in ("Id", "GroupId"))

    def _note(self, action: Action[Any, Any], fields: Mapping[str, Any], result: Mapping[str, Any]) -> Flow[None]:
        """Remember what was created, and forget what was deleted."""
        if isinstance(new := result.get(action.created_id), str) and new:
            self.recent.add(new, self.clock.monotonic())
        if action.not_found_is_success:
            deleted = str(fields.get("Id", ""))
            self.recent.discard(deleted)
            if (forget := self.forget) is not None:
                yield RunBlocking(lambda: forget(deleted))

    def _retry_delay(self, action: Action[Any, Any], attempt: int, error: PortraitError) -> float | None:
        waited_out = isinstance(error, Throttled) and not self.retries_throttled
        if waited_out or not should_retry(action.idempotency, error):
            return None
        # A list in the middle is worth a long wait: what was read so far would be lost. Contract §6, "lists on ark".
        patient = isinstance(error, Throttled) and action.lists
        return backoff(self.policy, attempt, error, self.rng.random(), patient=patient)

    def _send_once(
        self, action: Action[Any, Any], request: HttpRequest, fields: Mapping[str, Any], attempt: int
    ) -> Flow[tuple[Mapping[str, Any], Response]]:
        name = action.name
        if self.pace is not None and (limit := self.pace.limit(name)) is not None:
            interval = limit.interval
            turn = yield from update_pace(self.paces, limit.name, lambda pace, now: pace.reserve(now, interval))
            if turn.delay > 0:
                yield Sleep(turn.delay)
        started = self.clock.monotonic() if self.has_listener or _LOG.isEnabledFor(logging.DEBUG) else None
        response: HttpResponse | None = None
        try:
            response = yield Send(self.auth.apply(request, self.machine_clock.now()))
            result, info = self.dialect.decoder(response, name, self.dialect, lambda: self._redactions(action, fields))
        except TransportFailure as failure:
            error = transport_error(name, failure, request.url)
            yield from self._report(name, attempt, started, response, error)
            raise error from failure
        except PortraitError as error:
            yield from self._report(name, attempt, started, response, error)
            raise
        except BaseException as interrupt:
            yield from _on_cancel(action, interrupt)
            raise
        if started is not None:
            yield from self._report(name, attempt, started, response, info)
        return result, info

    def _redactions(self, action: Action[Any, Any], fields: Mapping[str, Any]) -> tuple[str, ...]:
        """The texts that no message may repeat, but for those of up to three characters: they would garble messages."""
        return tuple(text for text in (*self.auth.secrets(), *_secrets(action, fields)) if len(text) > 3)

    def _report(
        self,
        name: str,
        attempt: int,
        started: float | None,
        response: HttpResponse | None,
        outcome: Response | PortraitError,
    ) -> Flow[None]:
        """An attempt ended: an event and a line in the log; nothing if its beginning was not taken down."""
        if started is None:
            return
        error = outcome if isinstance(outcome, PortraitError) else None
        request_id = outcome.request_id if isinstance(outcome, Response | ApiError) else ""
        event = CallFinished(
            action=name,
            attempt=attempt,
            seconds=self.clock.monotonic() - started,
            http_status=response.status if response else None,
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
        yield Notify(event)


def _with_bare_id(request: Any, name: str) -> Any:
    """The request with the id of an asset in place of an `asset://<id>`."""
    value = getattr(request, name)
    if isinstance(value, str) and value.startswith("asset-"):  # of most requests
        return request
    return evolve(request, **{name: parse_asset_id(value)})


_FAILURES: Mapping[FailureKind, str] = MappingProxyType(
    {
        FailureKind.CONNECT: "could not connect to {host}",
        FailureKind.CONNECT_TIMEOUT: "could not connect to {host} in time",
        FailureKind.DISCONNECTED: "the connection to {host} was lost",
        FailureKind.TIMEOUT: "no answer from {host} in time",
        FailureKind.INCOMPLETE: "the answer was cut off",
    }
)


def transport_error(name: str, failure: TransportFailure, url: str) -> TransportError:
    """The error for a request that got no whole answer; it names the host, and nothing else of the address."""
    detail = f" ({failure.detail})" if failure.detail else ""
    message = f"{name}: {_FAILURES[failure.kind].format(host=parse_http_url(url).netloc)}{detail}."
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
            return BadResponse(message, action=name, may_have_executed=True, advice=ConnectionLost.advice)


def _on_cancel(action: Action[Any, Any], interrupt: BaseException) -> Flow[None]:
    """A cancellation or an interrupt goes through, with a note: the service may have done what was asked."""
    if isinstance(interrupt, GeneratorExit):  # the flow was dropped, and can yield nothing
        return
    uncertain = not action.reads
    if uncertain:
        interrupt.add_note(f"{action.name} may have executed: its answer was not awaited.")
        _LOG.warning("%s was cancelled while it was running; it may have executed", action.name)
    yield Notify(CallCancelled(action=action.name, may_have_executed=uncertain))


def _secrets(action: Action[Any, Any], fields: Any) -> Iterator[str]:
    """The texts of a request's secret fields, one text or a list, and what its addresses may hold in their queries."""
    if not isinstance(fields, Mapping):
        return
    for secret in action.secrets:
        value = fields.get(secret)
        yield from (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))
    yield from _queries(fields)


_SIGNATURE = 16  # characters; a shorter value of a parameter is blanked only with its whole query


def _queries(value: Any) -> Iterator[str]:
    """The queries of the addresses in a JSON value, and the long values in them: signatures, or a caller's nonce."""
    if isinstance(value, str):
        if "://" in value:
            query = value.partition("?")[2]
            yield query
            yield from (each for _, each in parse_qsl(query) if len(each) >= _SIGNATURE)
    elif isinstance(value, Mapping | list | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _queries(part)


def encode_json(name: str, body: Mapping[str, Any]) -> bytes:
    """The body of a request.

    Args:
        name: Of the operation, for the message.
        body: The fields of the request.

    Raises:
        UsageError: It cannot be written as JSON.
    """
    try:
        return orjson.dumps(body)
    except (orjson.JSONEncodeError, TypeError) as error:
        raise UsageError(f"{name}: the request cannot be written as JSON: {error}.") from None
