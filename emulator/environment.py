"""The emulator for an application under test: its environment leads to an emulator, and its clients share the clock.

Whatever clients the application creates in this process, by `from_env()` or not, blocking or asyncio, in any thread,
take the emulator's clock; so waiting takes no time. A client that is given a `clock=` keeps it. One that was created
before, or is given the address of a real service, sends nothing to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import wraps
from inspect import isasyncgenfunction, isclass, iscoroutinefunction, isgeneratorfunction
from pkgutil import resolve_name
from types import TracebackType
from typing import Any, Literal, TypeVar
from unittest.mock import patch
from urllib.request import getproxies_environment

from attrs import evolve

from emulator.clocks import AutoClock
from emulator.settings import Settings
from emulator.testing import DEFAULT_KEY, Emulator
from portrait.clock import ManualClock
from portrait.dialects import TASKS
from portrait.errors import UsageError
from portrait.http import HttpRequest
from portrait.providers import PROVIDERS, Credential
from portrait.urls import parse_http_url

F = TypeVar("F", bound=Callable[..., Any])

# Whatever a client would read: a key of the real service must not be at hand in a test.
_VARIABLES = frozenset(
    {
        "PORTRAIT_PROVIDER",
        "PORTRAIT_BASE_URL",
        "PORTRAIT_DATA_BASE_URL",
        "PORTRAIT_API_KEY",
        "PORTRAIT_ACCESS_KEY",
        "PORTRAIT_SECRET_KEY",
        "PORTRAIT_SESSION_TOKEN",
        "PORTRAIT_PROJECT",
        "PORTRAIT_STATE",
        "PORTRAIT_INSECURE_HOSTS",
    }
).union(*(provider.key_variables for provider in PROVIDERS.values()))


# Of the real services, in every region: api.alltoken.ai is in alltoken.ai.
_DOMAINS = frozenset(
    ".".join(parse_http_url(url).host.rsplit(".", 2)[-2:])
    for provider in PROVIDERS.values()
    for url in (provider.base_url, provider.data_url)
    if url is not None
)
_TRANSPORTS = (
    "portrait.transports.urllib3_transport.Urllib3Transport",
    "portrait.transports.aiohttp_transport.AiohttpTransport",
)


def variables(emulator: Emulator, provider: str = "alltoken") -> dict[str, str]:
    """The environment of a program that is to talk to an emulator, for this process or another one.

    Args:
        emulator: Whom it is to talk to; its server is started.
        provider: Whose client the program is.

    Raises:
        KeyError: There is no such provider.
    """
    if PROVIDERS[provider].credential is Credential.SIGNED:
        options = emulator.signed_options(emulator.url)
    else:
        options = {"base_url": emulator.base_url, "api_key": emulator.api_key}
    named = {f"PORTRAIT_{name.upper()}": value for name, value in options.items()}
    return {"PORTRAIT_PROVIDER": provider, **named, **_around_proxies(emulator)}


def _around_proxies(emulator: Emulator) -> dict[str, str]:
    """What leads other HTTP clients than ours past a proxy of the environment, which does not know this machine."""
    proxies = getproxies_environment()
    if proxies.get("no") == "*" or not proxies.keys() - {"no"}:
        return {}
    before = filter(None, map(str.strip, proxies.get("no", "").split(",")))
    hosts = ",".join(dict.fromkeys([*before, parse_http_url(emulator.url).host]))
    return {"NO_PROXY": hosts, "no_proxy": hosts}


class Environment:
    """Leads this process to an emulator while it is entered.

    Args:
        emulator: Whom clients talk to.
        provider: Whose clients the application has.
    """

    def __init__(self, emulator: Emulator, provider: str = "alltoken") -> None:
        self._emulator = emulator
        self._provider = provider
        self._stack = ExitStack()

    def __enter__(self) -> Emulator:
        clock = self._emulator.clock
        with ExitStack() as stack:
            stack.enter_context(patch.dict(os.environ))
            for name in _VARIABLES:
                os.environ.pop(name, None)
            os.environ.update(variables(self._emulator, self._provider))
            stack.enter_context(patch("portrait.clock.default_clock", lambda: clock))
            for transport in _TRANSPORTS:
                send = resolve_name(transport).send
                stack.enter_context(patch(f"{transport}.send", _only_elsewhere(send)))
            self._stack = stack.pop_all()
        return self._emulator

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _only_elsewhere(send: Callable[[Any, HttpRequest], Any]) -> Callable[[Any, HttpRequest], Any]:
    """A transport's `send` that sends nothing to a real service."""

    @wraps(send)
    def send_elsewhere(transport: Any, request: HttpRequest) -> Any:
        host = parse_http_url(request.url).host
        if ".".join(host.rsplit(".", 2)[-2:]) in _DOMAINS:
            raise UsageError(
                f"{host} is a real service, and an emulator stands for it here. Nothing was sent: this client was made"
                " before the emulator, or is given that address. Make it where the test runs, such as in a function."
            )
        return send(transport, request)

    return send_elsewhere


def settings_of(*, profile: str = "guide", review_seconds: float | None = None, **changes: Any) -> Settings:
    """Settings in the words of a test.

    Args:
        profile: `guide` or `schema`: the reading of the contract.
        review_seconds: From CreateAsset to Active, for files of every kind.
        **changes: Fields of `Settings`, such as `assets=2` or `token_life=30`.

    Raises:
        TypeError: A field is unknown.
        ValueError: A field cannot have that value.
        KeyError: There is no such profile.
    """
    reviews = {} if review_seconds is None else {"image_review": review_seconds, "clip_review": review_seconds}
    return _PROFILES[profile](**reviews, **changes)


CLOCKS: Mapping[str, type[ManualClock]] = {"manual": ManualClock, "auto": AutoClock}
"""The clocks of an emulator that is in the process of its test."""

_PROFILES: Mapping[str, Callable[..., Settings]] = {"guide": Settings.guide, "schema": Settings.schema}


class emulator:  # noqa: N801  (used like a function)
    """A fresh emulator for a block, a function or a test method, and this process's environment leads to it.

        with emulator(review_seconds=30) as service:
            main()                                   # PortraitClient.from_env() in there talks to the emulator
            assert service.calls.count("CreateAsset") == 1

        @emulator()
        def test_main(): ...                         # plain functions, methods of unittest, coroutine functions

        service = self.enterContext(emulator())      # in setUp of a unittest.TestCase

    Args:
        provider: Whose clients the application has.
        clock: `manual`, which moves by `clock.advance` and by this process's clients that wait; or `auto`, which
            moves in addition when a program in another process asks too early.
        **settings: As `settings_of` takes them.

    Raises:
        KeyError: There is no such provider, profile or clock.
        TypeError: A setting is unknown.
        ValueError: A setting cannot have that value.
        RuntimeError: It is entered again before it has ended.
    """

    def __init__(
        self, *, provider: str = "alltoken", clock: Literal["manual", "auto"] = "manual", **settings: Any
    ) -> None:
        self._provider = PROVIDERS[provider].name
        self._new_clock = CLOCKS[clock]
        self._settings = settings_of(**settings)
        if PROVIDERS[provider].dialect == TASKS.name:  # the gateways share addresses: the key tells which one answers
            key = next(iter(self._settings.api_keys), DEFAULT_KEY)
            self._settings = evolve(self._settings, key_providers={key: provider, **self._settings.key_providers})
        self._stack: ExitStack | None = None

    def __enter__(self) -> Emulator:
        if self._stack is not None:
            raise RuntimeError("this emulator() is entered already: write emulator() once for each block")
        with ExitStack() as stack:
            fresh = stack.enter_context(Emulator(self._settings, self._new_clock()))
            stack.enter_context(Environment(fresh, self._provider))
            self._stack = stack.pop_all()
        return fresh

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stack, self._stack = self._stack, None
        if stack is not None:
            stack.close()

    def __call__(self, function: F) -> F:
        """The function, run with an emulator of its own each time.

        Raises:
            TypeError: It is a class, or a generator function, which would run without it.
        """
        if isclass(function):
            raise TypeError(f"emulator() decorates no class: let setUp of {function.__name__} enter it")
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            raise TypeError(f"emulator() decorates no generator: write `with emulator():` in {function.__name__}")
        if iscoroutinefunction(function):

            @wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    return await function(*args, **kwargs)

            return run_async  # type: ignore[return-value]

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return run  # type: ignore[return-value]

    def _again(self) -> emulator:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _stack=None)
        return other
