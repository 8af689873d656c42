"""`client.pool(…)`: leases of assets as context managers, blocking and for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from portrait.ensure import Sources
from portrait.errors import PortraitError
from portrait.pool.operations import Held, Pool
from portrait.pool.rules import PoolStatus
from portrait.runners import Run, RunAsync

TTL = 2700.0  # seconds
TIMEOUT = 600.0  # seconds
OWNER = "default"

_LOG = logging.getLogger("portrait")


class AssetLease:
    """Leased assets.

    Attributes:
        uris: `asset://<id>` of each source, in order.
        holder: Who leases them.
    """

    def __init__(self, held: Held, run: Run) -> None:
        self._held = held
        self._run = run
        self.uris = held.uris
        self.holder = held.holder

    def renew(self) -> bool:
        """Lease all of them for the whole ttl again; False where they have ended, and may be deleted."""
        return self._run(self._held.renew())


class AsyncAssetLease:
    """Leased assets.

    Attributes:
        uris: `asset://<id>` of each source, in order.
        holder: Who leases them.
    """

    def __init__(self, held: Held, run: RunAsync) -> None:
        self._held = held
        self._run = run
        self.uris = held.uris
        self.holder = held.holder

    async def renew(self) -> bool:
        """Lease all of them for the whole ttl again; False where they have ended, and may be deleted."""
        return await self._run(self._held.renew())


class AssetPool:
    """Assets that several workers share within the slots of one group. `client.pool(…)` is one."""

    def __init__(self, pool: Pool, run: Run) -> None:
        self._pool = pool
        self._run = run

    @contextmanager
    def lease(self, sources: Sources, *, ttl: float = TTL, timeout: float = TIMEOUT) -> Iterator[AssetLease]:
        """Active assets for all sources or none, which no pool deletes while the block runs.

        What is missing is created. Without room for it the least recently used asset of the pool is deleted first, one
        that nobody leases. The lease is renewed while the block runs, by the machine's time.

        Args:
            sources: As `ensure_assets` takes them.
            ttl: Seconds after which the leases of a process that died end.
            timeout: Seconds for room, creates and reviews.

        Raises:
            NoFreeSlot: There was no room in time, or no turn to create what is missing.
            UsageError: There is no state, or there are more contents than slots.
            StateError: The state cannot be used.
            PortraitError: A source cannot become an Active asset.
        """
        held = self._run(self._pool.lease(sources, ttl, timeout))
        lease, stop = AssetLease(held, self._run), threading.Event()
        thread = threading.Thread(target=_renew, args=(lease, ttl / 3, stop), name="portrait-lease", daemon=True)
        thread.start()
        try:
            yield lease
        finally:
            stop.set()
            thread.join()
            with _release(held):
                self._run(held.release())

    def prefetch(self, sources: Sources, *, timeout: float = TIMEOUT) -> tuple[str, ...]:
        """Have assets for all sources in the pool, without leasing them; returns their addresses, in order.

        Args:
            sources: As `lease`.
            timeout: Seconds, as `lease`.

        Raises:
            PortraitError: As `lease`.
        """
        with self.lease(sources, timeout=timeout) as lease:
            return lease.uris

    def pin(self, sources: Sources, *, owner: str = OWNER, timeout: float = TIMEOUT) -> tuple[str, ...]:
        """Lease assets until they are unpinned, across processes; returns their addresses, in order.

        Args:
            sources: As `lease`.
            owner: Who pins: what one pins, another does not unpin.
            timeout: Seconds, as `lease`.

        Raises:
            PortraitError: As `lease`.
        """
        return self._run(self._pool.pin(sources, owner, timeout))

    def unpin(self, sources: Sources | None = None, *, owner: str = OWNER) -> None:
        """End pins.

        Args:
            sources: What was pinned; None for all that the owner has pinned.
            owner: Who pinned it.

        Raises:
            PortraitError: A source, or the state, cannot be read.
        """
        self._run(self._pool.unpin(sources, owner))

    def status(self) -> PoolStatus:
        """What the service lists in the group, who leases what, and who waits.

        Raises:
            PortraitError: The list or the state cannot be read.
        """
        return self._run(self._pool.status())


class AsyncAssetPool:
    """Assets that several workers share within the slots of one group. `client.pool(…)` is one."""

    def __init__(self, pool: Pool, run: RunAsync) -> None:
        self._pool = pool
        self._run = run

    @asynccontextmanager
    async def lease(
        self, sources: Sources, *, ttl: float = TTL, timeout: float = TIMEOUT
    ) -> AsyncIterator[AsyncAssetLease]:
        """Active assets for all sources or none, which no pool deletes while the block runs.

        What is missing is created. Without room for it the least recently used asset of the pool is deleted first, one
        that nobody leases. The lease is renewed while the block runs, by the machine's time.

        Args:
            sources: As `ensure_assets` takes them.
            ttl: Seconds after which the leases of a process that died end.
            timeout: Seconds for room, creates and reviews.

        Raises:
            NoFreeSlot: There was no room in time, or no turn to create what is missing.
            UsageError: There is no state, or there are more contents than slots.
            StateError: The state cannot be used.
            PortraitError: A source cannot become an Active asset.
        """
        held = await self._run(self._pool.lease(sources, ttl, timeout))
        lease = AsyncAssetLease(held, self._run)
        task = asyncio.create_task(_renew_async(lease, ttl / 3))
        try:
            yield lease
        finally:
            task.cancel()
            try:
                await asyncio.wait([task])  # a cancellation of its caller goes on
            finally:
                with _release(held):
                    await self._run(held.release())

    async def prefetch(self, sources: Sources, *, timeout: float = TIMEOUT) -> tuple[str, ...]:
        """Have assets for all sources in the pool, without leasing them; returns their addresses, in order.

        Args:
            sources: As `lease`.
            timeout: Seconds, as `lease`.

        Raises:
            PortraitError: As `lease`.
        """
        async with self.lease(sources, timeout=timeout) as lease:
            return lease.uris

    async def pin(self, sources: Sources, *, owner: str = OWNER, timeout: float = TIMEOUT) -> tuple[str, ...]:
        """Lease assets until they are unpinned, across processes; returns their addresses, in order.

        Args:
            sources: As `lease`.
            owner: Who pins: what one pins, another does not unpin.
            timeout: Seconds, as `lease`.

        Raises:
            PortraitError: As `lease`.
        """
        return await self._run(self._pool.pin(sources, owner, timeout))

    async def unpin(self, sources: Sources | None = None, *, owner: str = OWNER) -> None:
        """End pins.

        Args:
            sources: What was pinned; None for all that the owner has pinned.
            owner: Who pinned it.

        Raises:
            PortraitError: A source, or the state, cannot be read.
        """
        await self._run(self._pool.unpin(sources, owner))

    async def status(self) -> PoolStatus:
        """What the service lists in the group, who leases what, and who waits.

        Raises:
            PortraitError: The list or the state cannot be read.
        """
        return await self._run(self._pool.status())


@contextlib.contextmanager
def _release(held: Held) -> Iterator[None]:
    """Leases that cannot be given back end by themselves: that fails nobody's work."""
    try:
        yield
    except PortraitError as error:
        _LOG.warning("The leases of %s were not released, and end in %.0f s: %s", held.holder, held.ttl, error)


def _renew(lease: AssetLease, seconds: float, stop: threading.Event) -> None:
    while not stop.wait(seconds):
        with contextlib.suppress(PortraitError):  # the next one may succeed before the leases end
            if not lease.renew():
                return


async def _renew_async(lease: AsyncAssetLease, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        with contextlib.suppress(PortraitError):  # the next one may succeed before the leases end
            if not await lease.renew():
                return
