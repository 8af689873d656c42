"""The two clients: how a flow is run, and the methods beyond the 12 generated ones. What they do is in the flows.

`PortraitClient` may be shared by threads. `AsyncPortraitClient` belongs to one event loop. Both notice a fork and open
connections of their own in the child.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from portrait import pagination, upload, wait, watch
from portrait._methods import AsyncMethods, Methods
from portrait.actions import Action
from portrait.arguments import check_arguments, either, one_of
from portrait.asset_client import AsyncioClient, BlockingClient
from portrait.endpoint import Endpoint
from portrait.flow import Flow
from portrait.http import Timeouts, TimeoutTypes
from portrait.models import (
    Asset,
    AssetGroup,
    AssetType,
    AssetTypeName,
    GroupType,
    Result,
    UploadedAsset,
    VisualValidateResult,
    VisualValidateSession,
)
from portrait.poll import poll_watch
from portrait.results import RawResult

if TYPE_CHECKING:
    from portrait import ensure
    from portrait.ensure import ErasureQuery
    from portrait.pool import AssetPool, AsyncAssetPool
    from portrait.pool.operations import PoolOptions
    from portrait.pool.prune import UnusedPool
    from portrait.state import Erasure

T = TypeVar("T")
Req = TypeVar("Req")
R = TypeVar("R", bound=Result)


class PortraitClient(BlockingClient, Methods):
    """A blocking client. Safe to share between threads; use it as a context manager, or close it.

    The retry contract, for every call: what surely was not carried out is sent again (no connection, throttled); what
    may have been carried out is sent again only if the Action is safe or harmless to repeat; a create never is. Pauses
    grow from 0.5 to 8 seconds, a pause that the service asks for is kept. `retry=None` turns all of it off.
    """

    @overload
    def call(self, action: Action[Req, R], request: Req, *, timeout: TimeoutTypes = None) -> R: ...
    @overload
    def call(self, action: str, request: Mapping[str, Any], *, timeout: TimeoutTypes = None) -> RawResult: ...
    def call(self, action: Any, request: Any, *, timeout: TimeoutTypes = None) -> Any:
        """Call an Action: typed by its record, or raw by its name.

        Args:
            action: `portrait.actions.GET_ASSET`, or `"GetAsset"`.
            request: The Action's request class; for a name any mapping, which goes out as given.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: Nothing was sent.
            TransportError: No usable answer.
            ApiError: The service refused.
        """
        return self._run(_call(self._endpoint, action, request, timeout))

    def iter_assets(self, **query: Unpack[pagination.AssetQuery]) -> Iterator[Asset]:
        """Every asset that matches, page by page; one that moves between pages is given once.

        Args:
            **query: `group_type` (default AIGC), `group_ids`, `statuses`, `name`, `sort_by`, `sort_order`,
                `page_size` (default 100), `project_name`.

        Raises:
            PortraitError: As `list_assets`.
        """
        return self._paginate(pagination.asset_pages(by_cursor=self._endpoint.dialect.cursor_paging, **query))

    def iter_asset_groups(self, **query: Unpack[pagination.GroupQuery]) -> Iterator[AssetGroup]:
        """Every group that matches, page by page; one that moves between pages is given once.

        Args:
            **query: `group_type` (default AIGC), `group_ids`, `name`, `page_size` (default 100), `project_name`.

        Raises:
            PortraitError: As `list_asset_groups`.
        """
        return self._paginate(pagination.group_pages(by_cursor=self._endpoint.dialect.cursor_paging, **query))

    def _paginate(self, pages: pagination.Paginator[pagination.Item]) -> Iterator[pagination.Item]:
        while (request := pages.next_request()) is not None:
            yield from pages.consume(self.call(pages.action, request))

    def upload_asset(
        self,
        source: upload.Source,
        *,
        group_id: str,
        name: str | None = None,
        asset_type: AssetType | AssetTypeName | None = None,
        timeout: TimeoutTypes = None,
    ) -> UploadedAsset:
        """Send a JPEG, PNG or WebP file of at most 10 MB and register it.

        Args:
            source: A path, bytes, or an open binary file.
            group_id: The group it goes into.
            name: At most 50 characters; default: the service's `uploaded-<unix time>`.
            asset_type: Default Image, the only one that the upload takes.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The file does not fit; nothing was sent.
            TransportError: No usable answer; the asset may have been made.
            ApiError: The service refused.
        """
        file = upload.read_image(source)
        return self._run(upload.upload(self._endpoint, file, group_id, name, asset_type, timeout))

    def wait_until_active(
        self,
        id: str,  # noqa: A002
        *,
        timeout: float | None = None,
        poll: float = wait.POLL,
    ) -> Asset:
        """Wait until the review of an asset says Active.

        Args:
            id: The asset's id, or its `asset://` address.
            timeout: Seconds in all; default 60 for an image, 180 for video and audio.
            poll: Seconds between two looks.

        Raises:
            AssetFailed: The review says Failed.
            AssetVanished: It is not there, for more than 10 seconds; what this client has just created is waited for.
            WaitTimeout: Not finished in time; waiting again with the same id goes on.
        """
        return self._run(wait.wait_until_active(self._endpoint, id, timeout, poll))

    def watch_assets(
        self,
        ids: Iterable[str | Asset] | Mapping[str, Any],
        *,
        group_ids: Iterable[str] | None = None,
        group_type: GroupType | str | None = None,
        timeout: float | None = None,
        poll: float = wait.POLL,
    ) -> watch.AssetWatcher:
        """Follow many assets to their end, by pages instead of one call for each.

        Args:
            ids: Ids, `asset://` addresses, or assets that were read a moment ago, which are read again after a pause;
                or the `state` of an earlier watch, which goes on with its deadlines.
            group_ids: The groups to look in, where they are known; else GetAsset of the first one gives its group.
            group_type: The type of those groups; else each is asked for it once.
            timeout: Seconds in all; default 60 for an image, 180 for video and audio.
            poll: Seconds between two looks.

        Returns:
            An iterator of `AssetOutcome`, one for each asset; it never raises for one of them.

        Raises:
            PortraitError: While iterating: asking as such fails for good, such as a key that is refused.
        """
        wait.check_wait(timeout, poll)
        now = self._endpoint.clock.now()
        batch = watch.Watch.start(ids, now, group_ids=group_ids, group_type=group_type, timeout=timeout)
        return watch.AssetWatcher(batch, lambda batch: self._run(poll_watch(self._endpoint, batch, poll)))

    def wait_until_validated(
        self,
        token: str | VisualValidateSession,
        *,
        timeout: float | None = None,
        poll: float = wait.TOKEN_POLL,
    ) -> VisualValidateResult:
        """Wait until the person has passed the liveness check; returns the group.

        Args:
            token: The BytedToken, or the session that CreateVisualValidateSession answered.
            timeout: Seconds in all; default 120, the life of the token.
            poll: Seconds between two looks.

        Raises:
            TokenExpired: The window is over.
            InvalidToken: The token is unknown or was used already.
            WaitTimeout: Not passed in time.
            UnknownOutcome: The answer with the group was lost, and several could be it.
        """
        return self._run(wait.wait_until_validated(self._endpoint, token, timeout, poll))

    def find_erasure(self, group: str) -> Erasure | None:
        """What the client's state remembers of the erasure of a group; None without a state, or if it knows nothing.

        Args:
            group: The group's id, or a name that it had.

        Raises:
            StateError: The state cannot be read.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        return self._run(ensure.find_erasure(self._endpoint, self._shared.memory, group))

    def plan_erasure(self, group_id: str, **options: Unpack[ErasureQuery]) -> ensure.ErasurePlan:
        """What `erase_group` would erase, by reading alone.

        An object is the group's if the digest in the Name of one of its assets names it; one that an asset of another
        group of the project uses as well is kept.

        Args:
            group_id: The group, of either type; one that is gone has the objects that are known besides.
            **options: As `erase_group`.

        Raises:
            PortraitError: A list cannot be read whole, or the storage cannot be listed.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        parsed = ensure.parse_erasure_options(self._shared.memory, options)
        return self._run(ensure.plan_erasure(self._endpoint, group_id, parsed))

    def erase_group(self, group: str | ensure.ErasurePlan, **options: Unpack[ErasureQuery]) -> ensure.ErasureOutcome:
        """Erase a group, its assets and their stored objects, for good: for when a person withdraws consent.

        Objects go first, the group last. Interrupted, the same call goes on where it stopped.

        Args:
            group: The group's id, or a plan of `plan_erasure`, which is carried out as it stands; but an object that
                an asset outside of the group has begun to use since is kept.
            **options: `stores`: each `ObjectStore` that holds objects of the group; without any, objects are left
                alone. `known_objects`: addresses `s3://bucket/key` of further objects of the group, such as a manifest
                names. `known_contents`: SHA-256 (64 hex digits) by asset id, for assets that were renamed.

        Returns:
            What was erased, and the error of each thing that was not.

        Raises:
            StateError: What is to be erased cannot be recorded; nothing was erased.
            PortraitError: A list cannot be read whole, or the storage cannot be listed; nothing was erased.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        parsed = ensure.parse_erasure_options(self._shared.memory, options)
        return self._run(ensure.erase_group(self._endpoint, group, parsed))

    def pool(self, **options: Unpack[PoolOptions]) -> AssetPool:
        """A working set of assets in one group, for all workers that share a state.

        Args:
            **options: `group`: the name of an AIGC group, which is created if there is none; or `group_id`. `slots`:
                assets that the group may hold, others' included; default 50. `state`: as for the client; default: the
                client's. `store`: an `ObjectStore` that gives files a public address; without one they go through the
                gateway's upload.

        Raises:
            UsageError: Not exactly one group was named, or there is no slot.
        """
        from portrait.pool import AssetPool  # noqa: PLC0415  (loads the database library)

        return AssetPool(self._asset_pool(options), self._run)

    def find_unused_pools(self, prefix: str, *, unused_for: float = 7 * 86_400.0) -> list[UnusedPool]:
        """Groups that look like pools which nobody uses any more, such as those of environments that were thrown away.

        Args:
            prefix: What the groups' names begin with.
            unused_for: Seconds in which nothing in the group was created or used, and nobody leased from it.

        Raises:
            UsageError: There is no prefix, or the client has no state.
            PortraitError: A list, or the state, cannot be read.
        """
        from portrait.pool import prune  # noqa: PLC0415  (loads the database library)

        return self._run(prune.find_unused(self._endpoint, self._shared.memory, prefix, unused_for))

    def remove_unused_pool(self, pool: UnusedPool) -> bool:
        """Delete a group with its assets, for good; False where it is in use by now, or holds assets of others.

        Args:
            pool: From `find_unused_pools`.

        Raises:
            PortraitError: The call was refused, or its outcome is not known.
        """
        from portrait.pool import prune  # noqa: PLC0415  (loads the database library)

        return self._run(prune.remove(self._endpoint, self._shared.memory, pool))


class AsyncPortraitClient(AsyncioClient, AsyncMethods):
    """The same for asyncio. One client for each event loop; use it as an async context manager, or close it.

    The retry contract is `PortraitClient`'s. A call that is cancelled while under way may have executed: the
    CancelledError carries a note that says so, and `on_event` is called.
    """

    @overload
    async def call(self, action: Action[Req, R], request: Req, *, timeout: TimeoutTypes = None) -> R: ...
    @overload
    async def call(self, action: str, request: Mapping[str, Any], *, timeout: TimeoutTypes = None) -> RawResult: ...
    async def call(self, action: Any, request: Any, *, timeout: TimeoutTypes = None) -> Any:
        """Call an Action: typed by its record, or raw by its name.

        Args:
            action: `portrait.actions.GET_ASSET`, or `"GetAsset"`.
            request: The Action's request class; for a name any mapping, which goes out as given.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: Nothing was sent.
            TransportError: No usable answer.
            ApiError: The service refused.
        """
        return await self._run(_call(self._endpoint, action, request, timeout))

    def iter_assets(self, **query: Unpack[pagination.AssetQuery]) -> AsyncIterator[Asset]:
        """Every asset that matches, page by page; one that moves between pages is given once.

        Args:
            **query: `group_type` (default AIGC), `group_ids`, `statuses`, `name`, `sort_by`, `sort_order`,
                `page_size` (default 100), `project_name`.

        Raises:
            PortraitError: As `list_assets`.
        """
        return self._paginate(pagination.asset_pages(by_cursor=self._endpoint.dialect.cursor_paging, **query))

    def iter_asset_groups(self, **query: Unpack[pagination.GroupQuery]) -> AsyncIterator[AssetGroup]:
        """Every group that matches, page by page; one that moves between pages is given once.

        Args:
            **query: `group_type` (default AIGC), `group_ids`, `name`, `page_size` (default 100), `project_name`.

        Raises:
            PortraitError: As `list_asset_groups`.
        """
        return self._paginate(pagination.group_pages(by_cursor=self._endpoint.dialect.cursor_paging, **query))

    async def _paginate(self, pages: pagination.Paginator[pagination.Item]) -> AsyncIterator[pagination.Item]:
        while (request := pages.next_request()) is not None:
            for item in pages.consume(await self.call(pages.action, request)):
                yield item

    async def upload_asset(
        self,
        source: upload.Source,
        *,
        group_id: str,
        name: str | None = None,
        asset_type: AssetType | AssetTypeName | None = None,
        timeout: TimeoutTypes = None,
    ) -> UploadedAsset:
        """Send a JPEG, PNG or WebP file of at most 10 MB and register it.

        Args:
            source: A path, bytes, or an open binary file.
            group_id: The group it goes into.
            name: At most 50 characters; default: the service's `uploaded-<unix time>`.
            asset_type: Default Image, the only one that the upload takes.
            timeout: Seconds for one attempt, or `Timeouts`.

        Raises:
            UsageError: The file does not fit; nothing was sent.
            TransportError: No usable answer; the asset may have been made.
            ApiError: The service refused.
        """
        file = await asyncio.to_thread(upload.read_image, source)
        return await self._run(upload.upload(self._endpoint, file, group_id, name, asset_type, timeout))

    async def wait_until_active(
        self,
        id: str,  # noqa: A002
        *,
        timeout: float | None = None,
        poll: float = wait.POLL,
    ) -> Asset:
        """Wait until the review of an asset says Active.

        Args:
            id: The asset's id, or its `asset://` address.
            timeout: Seconds in all; default 60 for an image, 180 for video and audio.
            poll: Seconds between two looks.

        Raises:
            AssetFailed: The review says Failed.
            AssetVanished: It is not there, for more than 10 seconds; what this client has just created is waited for.
            WaitTimeout: Not finished in time; waiting again with the same id goes on.
        """
        return await self._run(wait.wait_until_active(self._endpoint, id, timeout, poll))

    def watch_assets(
        self,
        ids: Iterable[str | Asset] | Mapping[str, Any],
        *,
        group_ids: Iterable[str] | None = None,
        group_type: GroupType | str | None = None,
        timeout: float | None = None,
        poll: float = wait.POLL,
    ) -> watch.AsyncAssetWatcher:
        """Follow many assets to their end, by pages instead of one call for each.

        Args:
            ids: Ids, `asset://` addresses, or assets that were read a moment ago, which are read again after a pause;
                or the `state` of an earlier watch, which goes on with its deadlines.
            group_ids: The groups to look in, where they are known; else GetAsset of the first one gives its group.
            group_type: The type of those groups; else each is asked for it once.
            timeout: Seconds in all; default 60 for an image, 180 for video and audio.
            poll: Seconds between two looks.

        Returns:
            An asynchronous iterator of `AssetOutcome`, one for each asset; it never raises for one of them.

        Raises:
            PortraitError: While iterating: asking as such fails for good, such as a key that is refused.
        """
        wait.check_wait(timeout, poll)
        now = self._endpoint.clock.now()
        batch = watch.Watch.start(ids, now, group_ids=group_ids, group_type=group_type, timeout=timeout)
        return watch.AsyncAssetWatcher(batch, lambda batch: self._run(poll_watch(self._endpoint, batch, poll)))

    async def wait_until_validated(
        self,
        token: str | VisualValidateSession,
        *,
        timeout: float | None = None,
        poll: float = wait.TOKEN_POLL,
    ) -> VisualValidateResult:
        """Wait until the person has passed the liveness check; returns the group.

        Args:
            token: The BytedToken, or the session that CreateVisualValidateSession answered.
            timeout: Seconds in all; default 120, the life of the token.
            poll: Seconds between two looks.

        Raises:
            TokenExpired: The window is over.
            InvalidToken: The token is unknown or was used already.
            WaitTimeout: Not passed in time.
            UnknownOutcome: The answer with the group was lost, and several could be it.
        """
        return await self._run(wait.wait_until_validated(self._endpoint, token, timeout, poll))

    async def find_erasure(self, group: str) -> Erasure | None:
        """What the client's state remembers of the erasure of a group; None without a state, or if it knows nothing.

        Args:
            group: The group's id, or a name that it had.

        Raises:
            StateError: The state cannot be read.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        return await self._run(ensure.find_erasure(self._endpoint, self._shared.memory, group))

    async def plan_erasure(self, group_id: str, **options: Unpack[ErasureQuery]) -> ensure.ErasurePlan:
        """What `erase_group` would erase, by reading alone.

        An object is the group's if the digest in the Name of one of its assets names it; one that an asset of another
        group of the project uses as well is kept.

        Args:
            group_id: The group, of either type; one that is gone has the objects that are known besides.
            **options: As `erase_group`.

        Raises:
            PortraitError: A list cannot be read whole, or the storage cannot be listed.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        parsed = ensure.parse_erasure_options(self._shared.memory, options)
        return await self._run(ensure.plan_erasure(self._endpoint, group_id, parsed))

    async def erase_group(
        self, group: str | ensure.ErasurePlan, **options: Unpack[ErasureQuery]
    ) -> ensure.ErasureOutcome:
        """Erase a group, its assets and their stored objects, for good: for when a person withdraws consent.

        Objects go first, the group last. Interrupted, the same call goes on where it stopped.

        Args:
            group: The group's id, or a plan of `plan_erasure`, which is carried out as it stands; but an object that
                an asset outside of the group has begun to use since is kept.
            **options: `stores`: each `ObjectStore` that holds objects of the group; without any, objects are left
                alone. `known_objects`: addresses `s3://bucket/key` of further objects of the group, such as a manifest
                names. `known_contents`: SHA-256 (64 hex digits) by asset id, for assets that were renamed.

        Returns:
            What was erased, and the error of each thing that was not.

        Raises:
            StateError: What is to be erased cannot be recorded; nothing was erased.
            PortraitError: A list cannot be read whole, or the storage cannot be listed; nothing was erased.
        """
        from portrait import ensure  # noqa: PLC0415  (loads s3 and media)

        parsed = ensure.parse_erasure_options(self._shared.memory, options)
        return await self._run(ensure.erase_group(self._endpoint, group, parsed))

    def pool(self, **options: Unpack[PoolOptions]) -> AsyncAssetPool:
        """A working set of assets in one group, for all workers that share a state.

        Args:
            **options: `group`: the name of an AIGC group, which is created if there is none; or `group_id`. `slots`:
                assets that the group may hold, others' included; default 50. `state`: as for the client; default: the
                client's. `store`: an `ObjectStore` that gives files a public address; without one they go through the
                gateway's upload.

        Raises:
            UsageError: Not exactly one group was named, or there is no slot.
        """
        from portrait.pool import AsyncAssetPool  # noqa: PLC0415  (loads the database library)

        return AsyncAssetPool(self._asset_pool(options), self._run)

    async def find_unused_pools(self, prefix: str, *, unused_for: float = 7 * 86_400.0) -> list[UnusedPool]:
        """Groups that look like pools which nobody uses any more, such as those of environments that were thrown away.

        Args:
            prefix: What the groups' names begin with.
            unused_for: Seconds in which nothing in the group was created or used, and nobody leased from it.

        Raises:
            UsageError: There is no prefix, or the client has no state.
            PortraitError: A list, or the state, cannot be read.
        """
        from portrait.pool import prune  # noqa: PLC0415  (loads the database library)

        return await self._run(prune.find_unused(self._endpoint, self._shared.memory, prefix, unused_for))

    async def remove_unused_pool(self, pool: UnusedPool) -> bool:
        """Delete a group with its assets, for good; False where it is in use by now, or holds assets of others.

        Args:
            pool: From `find_unused_pools`.

        Raises:
            PortraitError: The call was refused, or its outcome is not known.
        """
        from portrait.pool import prune  # noqa: PLC0415  (loads the database library)

        return await self._run(prune.remove(self._endpoint, self._shared.memory, pool))


_CALL = {
    "action": either(one_of("an Action", Action), one_of("its name", str)),
    "request": one_of("a mapping", Mapping, list),  # a list goes out as given too, and the service refuses it
}


def _call(endpoint: Endpoint, action: Any, request: Any, timeout: TimeoutTypes) -> Flow[Any]:
    """The flow of `call`: a name is raw, a record typed."""
    timeouts = None if timeout is None else Timeouts.of(timeout)
    if isinstance(action, Action):
        return endpoint.call(action, request, timeouts)
    check_arguments(_CALL, {"action": action, "request": request})
    return endpoint.call_raw(action, request, timeouts)
