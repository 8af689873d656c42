"""What all clients can do, whatever their provider speaks: assets from files, persons to groups, videos."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self, TypeVar, Unpack

from portrait.base import BaseClient
from portrait.http import AsyncTransport, Transport
from portrait.models import AssetGroup, Language, VisualValidateResult, VisualValidateSession
from portrait.options import ClientOptions
from portrait.providers import Capability
from portrait.runners import AsyncRunner, Run, RunAsync, Runner
from portrait.validate import Query, validate_person
from portrait.wait import TOKEN_POLL

if TYPE_CHECKING:
    from portrait import ensure
    from portrait.ensure import EnsureQuery
    from portrait.videos import AsyncVideos, Videos

T = TypeVar("T")


class BlockingClient(BaseClient):
    """A client that blocks. Safe to share between threads; use it as a context manager, or close it."""

    _http_library = "urllib3"
    _transport: Transport
    _runner: Runner
    _run: Run

    def _make_transport(self, options: ClientOptions) -> Transport:
        from portrait.transports.urllib3_transport import Urllib3Transport  # noqa: PLC0415  (loads urllib3)

        return Urllib3Transport(proxy=options.proxy, ssl=options.ssl)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back; a transport that was passed in stays open."""
        if self._begin_close():
            self._transport.close()

    def _make_runner(self) -> Runner:
        return Runner(self._transport, self._endpoint.clock, self._options.on_event, lifetime=self._shared.lifetime)

    @cached_property
    def videos(self) -> Videos:
        """Video generation with `asset://` references.

        Raises:
            UsageError: The key or the address for it is missing: Volcengine and BytePlus take `api_key=` for videos.
        """
        from portrait.videos import Videos  # noqa: PLC0415  (loaded when it is used)

        return Videos(self._video_service(), self._run)

    def validate_person(
        self,
        *,
        callback_url: str,
        show: Callable[[VisualValidateSession], object],
        attempts: int = 3,
        language: Language | None = None,
        timeout: float | None = None,
        poll: float = TOKEN_POLL,
        quota: int | Literal["documented"] | None = "documented",
    ) -> VisualValidateResult:
        """Let a person pass the liveness check; returns the person's new group.

        The group quota is looked at first: nobody is to scan for an account that is full.

        Args:
            callback_url: Where the person's browser goes afterwards; a nonce is added to its query, by which
                `portrait.web.callback_handler` on the same client tells the codes of a failed scan.
            show: Is called with each session; its `h5_link` is what the person opens. With `AsyncPortraitClient` a
                coroutine function will do as well.
            attempts: Sessions at most: a new one is made where one expires, or its scan is known to have failed.
            language: Of the page: `zh`, `en`, `zh-Hant`; default: the service's.
            timeout: Seconds for each session; default: the life of its token.
            poll: Seconds between two looks.
            quota: Groups that the customer may have; default: what the provider documents; None does not look.

        Raises:
            QuotaExceeded: There is no room for a group; no session was made.
            TokenExpired: Nobody passed while the last session lived.
            ValidationFailed: The last scan failed, as the page told the callback.
            WaitTimeout: Not passed within `timeout` seconds.
            UnknownOutcome: The answer with the group was lost, and several could be it.
            UsageError: A value does not fit; nothing was sent.
        """
        flow = validate_person(
            self._validator(),
            self._shared.validations,
            Query(
                callback_url=callback_url,
                show=show,
                attempts=attempts,
                language=language,
                timeout=timeout,
                poll=poll,
                quota=self._endpoint.provider.group_quota if quota == "documented" else quota,
            ),
        )
        return self._run(flow)

    def ensure_group(
        self,
        name: str,
        *,
        description: str | None = None,
        project_name: str | None = None,
    ) -> AssetGroup:
        """The oldest AIGC group of exactly that name; created if there is none.

        Clients that create one at once all get the oldest; the younger ones are renamed out of the way, not deleted.
        A throttled create is waited out, for up to ten minutes.

        Args:
            name: At most 50 characters on AllToken.
            description: For a new group.
            project_name: Default: the client's project.

        Raises:
            UnknownOutcome: The answer to the create was lost and looking for it did not help.
            PortraitError: A call was refused: `QuotaExceeded` at once.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        self._endpoint.provider.require(Capability.LIBRARY, "Name the group by group= of ensure_assets().")
        return self._run(ensure.ensure_group(self._endpoint, self._shared.memory, name, description, project_name))

    def ensure_asset(self, source: ensure.Source, **options: Unpack[EnsureQuery]) -> ensure.FileOutcome:
        """One file or address as an Active asset; the same content again is the same asset.

        Args:
            source: A path, bytes, an open binary file, or an http(s) address.
            **options: As `ensure_assets`.

        Raises:
            PortraitError: What stands in the way: `MediaRejected`, `QuotaExceeded`, `AssetFailed`, `WaitTimeout` …
        """
        outcomes = list(self.ensure_assets([source], **options))
        outcomes[0].check()
        return outcomes[0]

    def plan_assets(self, sources: ensure.Sources, **options: Unpack[EnsureQuery]) -> ensure.AssetPlan:
        """What `ensure_assets` would do about files, folders and addresses, by reading alone.

        Args:
            sources: As `ensure_assets`.
            **options: As `ensure_assets`; without a group, the plan is for one that is still to be created.

        Returns:
            A value with an entry for each source: `existing`, `new`, `replace`, `failed`, `duplicate`, `rejected` or
            `no room`. Pass it to `ensure_assets` to carry it out.

        Raises:
            UsageError: What was given are no sources, or an option does not fit.
            PortraitError: The group cannot be read whole, or the key is refused.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        parsed = ensure.parse_options(self._shared.memory, self._endpoint, options)
        return self._run(ensure.plan_assets(self._backend(), sources, parsed))

    def ensure_assets(
        self, sources: ensure.Sources | ensure.AssetPlan, **options: Unpack[EnsureQuery]
    ) -> Iterator[ensure.FileOutcome]:
        """Files, folders and addresses as Active assets; every source ends in one outcome, and none raises.

        Content is recognized by its SHA-256, which stands in the asset's Name: what the group has already is used, the
        same file twice is one asset, a lost answer is looked for and not repeated. Interrupted, it goes on when called
        again.

        Args:
            sources: Paths, bytes, open binary files and http(s) addresses; a folder stands for the files in it and
                below. Or an `AssetPlan` of `plan_assets`, which is carried out as it stands.
            **options: `group_id`, or `group`, the name of a group that is created if there is none; one of them is
                required, unless a plan names it. Where the provider has no list of groups, each request by `group`
                makes a new one. `store`: an `ObjectStore` that gives files a public address; without one they go
                through the provider's upload, where it has one. `group_type`: default: read once, or AIGC where it
                cannot be read. `asset_type`: of addresses. `name`: for people, in the assets' Names; default: the
                file's. `quota`: assets that the group may hold, default: what the provider documents; None sets no
                limit. `deadline`: seconds after which nothing more is created where the service limits creates;
                default: none. `timeout`: seconds for the reviews. `poll`: seconds between two looks. `concurrency`:
                requests at once. `check_public`: see from outside that a stored file can be fetched. `wait`: False
                does not wait for reviews. `resend_lost`: create again what an unanswered create may have made, where
                the provider has no list to look in.

        Raises:
            UsageError: The group is missing, or an option does not fit.
            PortraitError: While iterating: the group cannot be read whole, or the key is refused.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        self._shared.lifetime.check()
        parsed = ensure.parse_options(self._shared.memory, self._endpoint, options)
        ensure.check_group(sources, parsed)
        return self._runner.iterate(ensure.ensure_assets(self._backend(), sources, parsed))


class AsyncioClient(BaseClient):
    """A client for asyncio. One for each event loop; use it as an async context manager, or close it."""

    _http_library = "aiohttp"
    _transport: AsyncTransport
    _runner: AsyncRunner
    _run: RunAsync

    def _make_transport(self, options: ClientOptions) -> AsyncTransport:
        from portrait.transports.aiohttp_transport import AiohttpTransport  # noqa: PLC0415  (loads aiohttp)

        return AiohttpTransport(proxy=options.proxy, ssl=options.ssl)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connections back; a transport that was passed in stays open."""
        if self._begin_close():
            await self._transport.close()

    def _make_runner(self) -> AsyncRunner:
        return AsyncRunner(
            self._transport, self._endpoint.clock, self._options.on_event, lifetime=self._shared.lifetime
        )

    @cached_property
    def videos(self) -> AsyncVideos:
        """Video generation with `asset://` references.

        Raises:
            UsageError: The key or the address for it is missing: Volcengine and BytePlus take `api_key=` for videos.
        """
        from portrait.videos import AsyncVideos  # noqa: PLC0415  (loaded when it is used)

        return AsyncVideos(self._video_service(), self._run)

    async def validate_person(
        self,
        *,
        callback_url: str,
        show: Callable[[VisualValidateSession], object],
        attempts: int = 3,
        language: Language | None = None,
        timeout: float | None = None,
        poll: float = TOKEN_POLL,
        quota: int | Literal["documented"] | None = "documented",
    ) -> VisualValidateResult:
        """Let a person pass the liveness check; returns the person's new group.

        The group quota is looked at first: nobody is to scan for an account that is full.

        Args:
            callback_url: Where the person's browser goes afterwards; a nonce is added to its query, by which
                `portrait.web.callback_handler` on the same client tells the codes of a failed scan.
            show: Is called with each session; its `h5_link` is what the person opens. With `AsyncPortraitClient` a
                coroutine function will do as well.
            attempts: Sessions at most: a new one is made where one expires, or its scan is known to have failed.
            language: Of the page: `zh`, `en`, `zh-Hant`; default: the service's.
            timeout: Seconds for each session; default: the life of its token.
            poll: Seconds between two looks.
            quota: Groups that the customer may have; default: what the provider documents; None does not look.

        Raises:
            QuotaExceeded: There is no room for a group; no session was made.
            TokenExpired: Nobody passed while the last session lived.
            ValidationFailed: The last scan failed, as the page told the callback.
            WaitTimeout: Not passed within `timeout` seconds.
            UnknownOutcome: The answer with the group was lost, and several could be it.
            UsageError: A value does not fit; nothing was sent.
        """
        flow = validate_person(
            self._validator(),
            self._shared.validations,
            Query(
                callback_url=callback_url,
                show=show,
                attempts=attempts,
                language=language,
                timeout=timeout,
                poll=poll,
                quota=self._endpoint.provider.group_quota if quota == "documented" else quota,
            ),
        )
        return await self._run(flow)

    async def ensure_group(
        self,
        name: str,
        *,
        description: str | None = None,
        project_name: str | None = None,
    ) -> AssetGroup:
        """The oldest AIGC group of exactly that name; created if there is none.

        Clients that create one at once all get the oldest; the younger ones are renamed out of the way, not deleted.
        A throttled create is waited out, for up to ten minutes.

        Args:
            name: At most 50 characters on AllToken.
            description: For a new group.
            project_name: Default: the client's project.

        Raises:
            UnknownOutcome: The answer to the create was lost and looking for it did not help.
            PortraitError: A call was refused: `QuotaExceeded` at once.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        self._endpoint.provider.require(Capability.LIBRARY, "Name the group by group= of ensure_assets().")
        return await self._run(
            ensure.ensure_group(self._endpoint, self._shared.memory, name, description, project_name)
        )

    async def ensure_asset(self, source: ensure.Source, **options: Unpack[EnsureQuery]) -> ensure.FileOutcome:
        """One file or address as an Active asset; the same content again is the same asset.

        Args:
            source: A path, bytes, an open binary file, or an http(s) address.
            **options: As `ensure_assets`.

        Raises:
            PortraitError: What stands in the way: `MediaRejected`, `QuotaExceeded`, `AssetFailed`, `WaitTimeout` …
        """
        outcomes = [outcome async for outcome in self.ensure_assets([source], **options)]
        outcomes[0].check()
        return outcomes[0]

    async def plan_assets(self, sources: ensure.Sources, **options: Unpack[EnsureQuery]) -> ensure.AssetPlan:
        """What `ensure_assets` would do about files, folders and addresses, by reading alone.

        Args:
            sources: As `ensure_assets`.
            **options: As `ensure_assets`; without a group, the plan is for one that is still to be created.

        Returns:
            A value with an entry for each source: `existing`, `new`, `replace`, `failed`, `duplicate`, `rejected` or
            `no room`. Pass it to `ensure_assets` to carry it out.

        Raises:
            UsageError: What was given are no sources, or an option does not fit.
            PortraitError: The group cannot be read whole, or the key is refused.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        parsed = ensure.parse_options(self._shared.memory, self._endpoint, options)
        return await self._run(ensure.plan_assets(self._backend(), sources, parsed))

    def ensure_assets(
        self, sources: ensure.Sources | ensure.AssetPlan, **options: Unpack[EnsureQuery]
    ) -> AsyncIterator[ensure.FileOutcome]:
        """Files, folders and addresses as Active assets; every source ends in one outcome, and none raises.

        Content is recognized by its SHA-256, which stands in the asset's Name: what the group has already is used, the
        same file twice is one asset, a lost answer is looked for and not repeated. Interrupted, it goes on when called
        again.

        Args:
            sources: Paths, bytes, open binary files and http(s) addresses; a folder stands for the files in it and
                below. Or an `AssetPlan` of `plan_assets`, which is carried out as it stands.
            **options: `group_id`, or `group`, the name of a group that is created if there is none; one of them is
                required, unless a plan names it. Where the provider has no list of groups, each request by `group`
                makes a new one. `store`: an `ObjectStore` that gives files a public address; without one they go
                through the provider's upload, where it has one. `group_type`: default: read once, or AIGC where it
                cannot be read. `asset_type`: of addresses. `name`: for people, in the assets' Names; default: the
                file's. `quota`: assets that the group may hold, default: what the provider documents; None sets no
                limit. `deadline`: seconds after which nothing more is created where the service limits creates;
                default: none. `timeout`: seconds for the reviews. `poll`: seconds between two looks. `concurrency`:
                requests at once. `check_public`: see from outside that a stored file can be fetched. `wait`: False
                does not wait for reviews. `resend_lost`: create again what an unanswered create may have made, where
                the provider has no list to look in.

        Raises:
            UsageError: The group is missing, or an option does not fit.
            PortraitError: While iterating: the group cannot be read whole, or the key is refused.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        self._shared.lifetime.check()
        parsed = ensure.parse_options(self._shared.memory, self._endpoint, options)
        ensure.check_group(sources, parsed)
        return self._runner.iterate(ensure.ensure_assets(self._backend(), sources, parsed))
