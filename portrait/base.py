"""What all clients share: construction from options, and how one client is derived from another."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self, Unpack
from uuid import uuid4

from attrs import evolve

from portrait.arguments import check_keywords
from portrait.dialects import DIALECTS, Dialect
from portrait.errors import UsageError
from portrait.memory import Memory, remembering
from portrait.options import (
    ClientOptions,
    Options,
    SharedOptions,
    build_endpoint,
    change_endpoint,
    check_options,
    data_endpoint,
    from_environment,
)
from portrait.providers import Capability, Provider
from portrait.runners import Lifetime
from portrait.validate import ActionValidator, Validations, Validator

if TYPE_CHECKING:
    from portrait.ensure.backend import Backend
    from portrait.pool.operations import Pool, PoolOptions
    from portrait.videos import VideoService


class _Shared:
    """Shared by a client and those derived from it."""

    def __init__(self, memory: Memory) -> None:
        self.lifetime = Lifetime()
        self.memory = memory
        self.memories = [memory]  # that of the client, and of pools with a state of their own
        self.validations = Validations()


class BaseClient:
    """What all clients share: their options.

    A class says which HTTP library it uses and which dialects it speaks.
    """

    _http_library: str
    _dialects: Mapping[str, Dialect] = DIALECTS

    def __init__(self, **options: Unpack[Options]) -> None:
        """Check the options; nothing is sent.

        Args:
            **options: `api_key`: the provider's Bearer key. `access_key`, `secret_key`, `session_token`: for Volcengine
                and BytePlus, which take signed requests; there `api_key` and `data_base_url` are for generating videos.
                `provider`: who answers, a name or a `Provider`, default `alltoken`. `base_url`: where, `/v1` included
                for AllToken; default: the provider's own address. `project`: fills `ProjectName` where a call leaves it
                out. `timeout`: seconds for one attempt, or `Timeouts`; default: connect 10, read 30, total 60. `retry`:
                a `RetryPolicy`; None sends every call once. `pace`: calls per second, in all or by Action, or the name
                of a plan (`entry`, `advanced`, `premium`); None sets no limit. `proxy`: a proxy's URL; None takes it
                from the environment, "" takes none. `ssl`: a context, or the path of a CA file. `transport`: an own
                transport. `clock`: time, for tests. `on_event`: is called with attempts, retries and waits
                (`portrait.events`). `user_agent`: the application's name and version. `state`: where is remembered
                what was created, uploaded and erased: a path, a PostgreSQL URL or an open `State`. `insecure_hosts`:
                hosts to which the key may go over plain http.

        Raises:
            UsageError: Something does not fit.
        """
        check_options(options)
        self._options = ClientOptions(**options)
        endpoint = build_endpoint(self._options, self._http_library, self._dialects)
        memory = Memory.of_client(self._options, endpoint.base_url, self._options.state)
        self._endpoint = remembering(endpoint, memory)
        self._shared = _Shared(memory)
        transport = self._options.transport
        self._owns_transport = transport is None
        self._transport: Any = self._make_transport(self._options) if transport is None else transport
        self._runner: Any = self._make_runner()
        self._run: Any = self._runner.run
        self._derived = False

    if TYPE_CHECKING:

        def _make_transport(self, options: ClientOptions) -> Any: ...
        def _make_runner(self) -> Any: ...

    @classmethod
    def from_env(cls, **options: Unpack[Options]) -> Self:
        """A client from `PORTRAIT_*` and the provider's own variables; options that are given win.

        Args:
            **options: As for the class itself; None leaves a key, an address, a project or a provider to the
                environment.

        Raises:
            UsageError: No key is found, or one provider's key would go to another.
        """
        return cls(**from_environment(os.environ, options))

    def with_options(self, **options: Unpack[SharedOptions]) -> Self:
        """A client with other options over the same connections. It is closed when this one is.

        Args:
            **options: `project`, `timeout`, `retry`, `pace`, `on_event`, as for the class itself.

        Raises:
            UsageError: A value does not fit.
        """
        check_options(options)
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _derived=True, _options=evolve(self._options, **options))
        other._endpoint = change_endpoint(self._endpoint, other._options)
        other._runner = other._make_runner()
        other._run = other._runner.run
        for name in ("videos", "library"):  # made anew, with these options
            other.__dict__.pop(name, None)
        return other

    def _backend(self) -> Backend:
        """What `ensure` asks of this client's provider."""
        from portrait.ensure.backend import ActionBackend  # noqa: PLC0415  (loads s3 and media)

        return ActionBackend(endpoint=self._endpoint, memory=self._shared.memory)

    def _validator(self) -> Validator:
        """How this client's provider leads a person to a group."""
        return ActionValidator(endpoint=self._endpoint)

    def _video_service(self) -> VideoService:
        """How this client speaks of videos; assets are read before they are used, where the provider has a library."""
        from portrait.videos.check import read_asset  # noqa: PLC0415  (loaded when it is used)
        from portrait.videos.operations import VideoService  # noqa: PLC0415

        actions = self._endpoint
        read = partial(read_asset, actions) if actions.provider.can(Capability.LIBRARY) else None
        return VideoService.of(data_endpoint(self._options, actions), read)

    def _asset_pool(self, options: PoolOptions) -> Pool:
        """A pool for its flows; nothing is sent yet."""
        from portrait.pool.operations import KINDS, Pool  # noqa: PLC0415  (loaded when it is used)

        values: dict[str, Any] = dict(options)
        check_keywords(KINDS, values)
        endpoint, memory, state = self._endpoint, self._shared.memory, values.pop("state", None)
        if state is not None:
            memory = Memory.of_client(self._options, endpoint.base_url, state)
            self._shared.memories.append(memory)
            endpoint = remembering(endpoint, memory)
        process = f"{platform.node()}-{os.getpid()}"
        return Pool(endpoint, memory, lambda: f"{process}-{uuid4().hex[:8]}", **values)

    @property
    def validations(self) -> Validations:
        """The validations that `validate_person` waits for, where `portrait.web` reports what the page told."""
        return self._shared.validations

    @property
    def provider(self) -> Provider:
        """Who answers, and what it can do."""
        return self._endpoint.provider

    def _begin_close(self) -> bool:
        """True if there is something to close, which is then closed for good: also for derived clients."""
        first = self._derived is False and not self._shared.lifetime.closed
        if first:
            self._shared.lifetime.closed = True
            for memory in self._shared.memories:
                memory.close()
        return first and self._owns_transport

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self._endpoint.base_url!r})"

    def __reduce__(self) -> Any:
        raise UsageError(
            "A client holds connections and a key and cannot be pickled.", advice="Make one where it is used."
        )
