"""What the tests of the client library share: answers by hand, both colours of client, and flows read as lists."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import orjson
from attrs import define, field, frozen

from portrait import AsyncPortraitClient, PortraitClient, RetryPolicy
from portrait.auth import BearerAuth
from portrait.clock import ManualClock
from portrait.dialects import ALLTOKEN, Dialect
from portrait.endpoint import Endpoint
from portrait.events import Event
from portrait.flow import Notify, RunBlocking, Send, Sleep
from portrait.http import FailureKind, HttpRequest, HttpResponse, Timeouts, TransportFailure
from portrait.providers import PROVIDERS

KEY = "sk-planted-key-0123456789"
REQUEST_ID = "20260318035710B4CC874F89A1B2C3D4E5"
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def body(result: Any = None, *, error: Any = None, action: str = "GetAsset", **extra: Any) -> bytes:
    """An envelope as bytes."""
    metadata: dict[str, Any] = {"RequestId": REQUEST_ID, "Action": action, "Version": "2024-01-01", "Service": "ark"}
    metadata["Region"] = "cn-beijing"
    if error is not None:
        metadata["Error"] = error
    if error is not None and result is None:
        return orjson.dumps({"ResponseMetadata": metadata, **extra})
    return orjson.dumps({"ResponseMetadata": metadata, "Result": result, **extra})


def answer(content: Any = b"", status: int = 200, **headers: str) -> HttpResponse:
    """An HTTP answer; anything but bytes is written as JSON. `retry_after` is the header `retry-after`."""
    content = content if isinstance(content, bytes) else orjson.dumps(content)
    return HttpResponse(status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}, body=content)


def good(result: Any = None, status: int = 200) -> HttpResponse:
    """A success."""
    return answer(body({} if result is None else result), status)


def refused(code: str, message: str = "No.", status: int = 200, **headers: str) -> HttpResponse:
    """A refusal in the envelope."""
    return answer(body(error={"Code": code, "Message": message}), status, **headers)


def broken(origin: FailureKind, detail: str = "") -> TransportFailure:
    """A request that got no whole answer."""
    return TransportFailure(origin, detail)


def asset(id: str = "asset-1", status: str = "Active", **more: Any) -> dict[str, Any]:  # noqa: A002
    """An asset item as AllToken sends it."""
    item = {"Id": id, "GroupId": "group-1", "Name": "n", "AssetType": "Image", "Status": status}
    return {**item, "UpstreamStatus": status, "ProjectName": "default", **more}


def decode(dialect: Dialect, response: HttpResponse, action: str, secrets: Any = tuple) -> Any:
    """The `Result` object of an answer in a dialect, and where it came from."""
    return dialect.decoder(response, action, dialect, secrets)


class Half:
    """In place of a random source: always the middle."""

    def random(self) -> float:
        """0.5, so that a pause is three quarters of its full length."""
        return 0.5


def endpoint(**options: Any) -> Endpoint:
    """An endpoint on a clock of its own."""
    usual: dict[str, Any] = {
        "base_url": "http://localhost:1/v1",
        "dialect": ALLTOKEN,
        "provider": PROVIDERS["alltoken"],
        "auth": BearerAuth(KEY),
        "headers": {},
        "project": None,
        "timeouts": Timeouts(),
        "policy": RetryPolicy(),
        "clock": ManualClock(),
        "rng": Half(),
    }
    return Endpoint(**{**usual, **options})


@define
class Played:
    """A flow that was run by hand.

    Attributes:
        sent: The requests, in order.
        waits: The pauses, in seconds.
        events: What was reported.
        effects: All of it, in order.
        result: What the flow returned.
        error: What it raised, if it did.
    """

    effects: list[Any] = field(factory=list)
    result: Any = None
    error: BaseException | None = None

    @property
    def sent(self) -> list[HttpRequest]:
        """The requests, in order."""
        return [effect.request for effect in self.effects if isinstance(effect, Send)]

    @property
    def waits(self) -> list[float]:
        """The pauses, in seconds."""
        return [effect.seconds for effect in self.effects if isinstance(effect, Sleep)]

    @property
    def events(self) -> list[Event]:
        """What was reported."""
        return [effect.event for effect in self.effects if isinstance(effect, Notify)]


def play(flow: Any, *answers: Any, clock: ManualClock | None = None) -> Played:
    """Run a flow against a list of answers; an exception in the list is thrown in. The last answer is repeated."""
    played, queue = Played(), list(answers)
    step: Callable[[], Any] = lambda: next(flow)  # noqa: E731
    while True:
        try:
            effect = step()
        except StopIteration as stop:
            played.result = stop.value
            return played
        except BaseException as error:  # noqa: BLE001
            played.error = error
            return played
        played.effects.append(effect)
        assert len(played.effects) < 10_000, "the flow does not end; a wait needs clock="
        if isinstance(effect, Send):
            assert queue, "the flow sent more than the test has answers for"
            reply = queue.pop(0) if len(queue) > 1 else queue[0]
            reply = reply(effect.request) if callable(reply) else reply
            if isinstance(reply, BaseException):
                step = lambda reply=reply: flow.throw(reply)  # noqa: E731
            else:
                step = lambda reply=reply: flow.send(reply)  # noqa: E731
        elif isinstance(effect, RunBlocking):
            step = lambda effect=effect: flow.send(effect.work())  # noqa: E731
        else:
            if isinstance(effect, Sleep) and clock is not None:
                clock.advance(effect.seconds)
            step = lambda: next(flow)  # noqa: E731


class Script:
    """Answers in order, the last one again and again; remembers what was asked. A callable makes its answer."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[HttpRequest] = []
        self.closed = 0

    def reply(self, request: HttpRequest) -> HttpResponse:
        """The next answer."""
        self.requests.append(request)
        reply = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        reply = reply(request) if callable(reply) else reply
        if isinstance(reply, BaseException):
            raise reply
        return reply

    @property
    def actions(self) -> list[str]:
        """The Actions that were called."""
        return [request.url.partition("Action=")[2].partition("&")[0] for request in self.requests]


class _Blocking:
    def __init__(self, script: Script) -> None:
        self.script = script

    def send(self, request: HttpRequest) -> HttpResponse:
        return self.script.reply(request)

    def close(self) -> None:
        self.script.closed += 1


class _Async(_Blocking):
    async def send(self, request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0)
        return self.script.reply(request)

    async def close(self) -> None:
        self.script.closed += 1


class Driven:
    """A client of either colour with blocking manners: what it returns is awaited, what it iterates is a list."""

    def __init__(self, client: Any, runner: asyncio.Runner) -> None:
        self.client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.client, name)
        if not callable(attribute):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            value = attribute(*args, **kwargs)
            if inspect.isawaitable(value):
                return self._runner.run(_awaited(value))
            if hasattr(value, "__aiter__"):
                return self._runner.run(_listed(value))
            if inspect.isgenerator(value):
                return list(value)
            return Driven(value, self._runner) if isinstance(value, type(self.client)) else value

        return call


async def _awaited(value: Any) -> Any:
    return await value


async def _listed(values: Any) -> list[Any]:
    return [value async for value in values]


@frozen
class Colour:
    """One of the two clients, and how to run it in a test."""

    name: str
    kind: type
    runner: asyncio.Runner
    resources: list[Driven] = field(factory=list)

    def client(self, **options: Any) -> Driven:
        """A client that is closed after the test."""
        self.resources.append(Driven(self.kind(**{"api_key": KEY, **options}), self.runner))
        return self.resources[-1]

    def scripted(self, *answers: Any, **options: Any) -> tuple[Driven, Script]:
        """A client that hears the answers, on a clock that sleeping moves."""
        script = Script(*answers)
        transport = _Blocking(script) if self.name == "sync" else _Async(script)
        options = {"clock": ManualClock(), "transport": transport, **options}
        return self.client(**options), script

    def transport(self, **options: Any) -> Any:
        """A transport of this colour with blocking manners, and its own."""
        from portrait.transports.aiohttp_transport import AiohttpTransport  # noqa: PLC0415
        from portrait.transports.urllib3_transport import Urllib3Transport  # noqa: PLC0415

        transport = Urllib3Transport(**options) if self.name == "sync" else AiohttpTransport(**options)
        self.resources.append(Driven(transport, self.runner))
        return self.resources[-1]

    def close(self) -> None:
        """Close what the test opened."""
        for driven in self.resources:
            driven.close()


COLOURS = {"sync": PortraitClient, "async": AsyncPortraitClient}
