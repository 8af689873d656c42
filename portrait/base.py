"""What the blocking and the asyncio client share: their options, and how one client is derived from another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve

from portrait.clock import Clock
from portrait.endpoint import Endpoint
from portrait.errors import UsageError
from portrait.flow import Flow, Listener
from portrait.http import Timeouts, TimeoutTypes
from portrait.options import build_endpoint, from_environment
from portrait.rate_limiter import RateLimiter
from portrait.retry import NO_RETRY, RetryPolicy
from portrait.single_flight import SingleFlight

if TYPE_CHECKING:
    import ssl as ssl_module

_UNSET: Any = object()


class _State:
    """Shared by a client and those derived from it."""

    def __init__(self) -> None:
        self.closed = False
        self.single_flight = SingleFlight()


class BaseClient:
    """What both clients share: their options."""

    _http_library: str

    def __init__(
        self,
        *,
        api_key: str | None = None,
        access_key: tuple[str, str] | None = None,
        provider: str = "alltoken",
        base_url: str | None = None,
        project: str | None = None,
        timeout: TimeoutTypes = None,
        retry: RetryPolicy | None = RetryPolicy(),  # noqa: B008  (frozen)
        pace: float | Mapping[str, float] | None = None,
        proxy: str | None = None,
        ssl: ssl_module.SSLContext | str | None = None,
        transport: Any = None,
        clock: Clock | None = None,
        on_event: Listener | None = None,
        user_agent: str | None = None,
    ) -> None:
        """Check the options; nothing is sent.

        Args:
            api_key: The provider's Bearer key.
            access_key: Access key and secret key, for providers that take signed requests.
            provider: Who answers; a name of `portrait.providers.PROVIDERS`.
            base_url: Where; includes `/v1` for AllToken. Default: the provider's own address.
            project: Fills `ProjectName` where a call leaves it out.
            timeout: Seconds for one attempt, or `Timeouts`. Default: connect 10, read 30, total 60.
            retry: How stubborn to be; None sends every call once.
            pace: Calls per second, in all or by Action; None sets no limit.
            proxy: A proxy's URL; None takes it from the environment, "" takes none.
            ssl: A context, or the path of a CA file.
            transport: An own transport, for example one that wraps an own session or pool.
            clock: Time, for tests.
            on_event: Is told of attempts, retries and waits (`portrait.events`).
            user_agent: The application's name and version, put before the library's own.

        Raises:
            UsageError: Something does not fit.
        """
        self._endpoint: Endpoint = build_endpoint(
            api_key=api_key,
            access_key=access_key,
            provider=provider,
            base_url=base_url,
            project=project,
            timeout=timeout,
            retry=retry,
            pace=pace,
            clock=clock,
            user_agent=user_agent,
            library=self._http_library,
            has_listener=on_event is not None,
        )
        self._listener = on_event
        self._transport: Any = transport if transport is not None else self._make_transport(proxy, ssl)
        self._owns_transport = transport is None
        self._runner: Any = self._make_runner()
        self._derived = False
        self._state = _State()

    if TYPE_CHECKING:

        def _make_transport(self, proxy: str | None, ssl: ssl_module.SSLContext | str | None) -> Any: ...
        def _make_runner(self) -> Any: ...

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """A client from `PORTRAIT_*` and the provider's own variables; options that are given win.

        Raises:
            UsageError: No key is found, or one provider's key would go to another.
        """
        return cls(**from_environment(os.environ, options))

    def with_options(
        self,
        *,
        project: str | None = _UNSET,
        timeout: TimeoutTypes = _UNSET,
        retry: RetryPolicy | None = _UNSET,
        pace: float | Mapping[str, float] | None = _UNSET,
        on_event: Listener | None = _UNSET,
    ) -> Self:
        """A client with other options over the same connections. It is closed when this one is."""
        changes: dict[str, Any] = {}
        if project is not _UNSET:
            changes["project"] = project
        if timeout is not _UNSET:
            changes["timeouts"] = Timeouts.of(timeout)
        if retry is not _UNSET:
            changes["policy"] = retry if retry is not None else NO_RETRY
        if pace is not _UNSET:
            changes["pace"] = None if pace is None else RateLimiter(pace)
        if on_event is not _UNSET:
            changes["has_listener"] = on_event is not None
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _endpoint=evolve(self._endpoint, **changes))
        if on_event is not _UNSET:
            other._listener = on_event
        other._runner = other._make_runner()
        other._derived = True
        return other

    def _check_open(self) -> None:
        if self._state.closed:
            raise UsageError("This client is closed.", advice="Make a new one, or close it later.")

    def _begin_close(self) -> bool:
        """True if there is something to close, which is then closed for good: also for derived clients."""
        first = self._derived is False and not self._state.closed
        if first:
            self._state.closed = True
        return first and self._owns_transport

    def _call_flow(self, action: Any, request: Any, timeout: TimeoutTypes) -> Flow[Any]:
        """The flow of `call`: a name is raw, a record typed."""
        timeouts = None if timeout is None else Timeouts.of(timeout)
        if isinstance(action, str):
            return self._endpoint.call_raw(action, request, timeouts)
        return self._endpoint.call(action, request, timeouts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._endpoint.base_url!r})"

    def __reduce__(self) -> Any:
        raise UsageError(
            "A client holds connections and a key and cannot be pickled.", advice="Make one where it is used."
        )
