"""The object store for asyncio: `ObjectStore` with its work done in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Self, TypeVar, Unpack

from portrait.s3.models import AbandonedUpload, StoredObject
from portrait.s3.pool import StopFlag
from portrait.s3.store import ObjectStore, PathLike, StoreOptions

R = TypeVar("R")


class AsyncObjectStore:
    """`ObjectStore` with coroutines; takes the same arguments, and `on_event` is called in threads.

    A cancelled call ends soon and leaves what was stored for the next one.
    """

    def __init__(self, place: str, **options: Unpack[StoreOptions]) -> None:
        self._store = ObjectStore(place, **options)

    def __repr__(self) -> str:
        return f"Async{self._store!r}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """As `ObjectStore.close`."""
        await asyncio.to_thread(self._store.close)

    async def put(self, path: PathLike) -> StoredObject:
        """As `ObjectStore.put`."""
        return await self._run(lambda stop: self._store.put(path, stop=stop))

    async def put_many(self, paths: Iterable[PathLike]) -> list[StoredObject]:
        """As `ObjectStore.put_many`."""
        given = list(paths)
        return await self._run(lambda stop: self._store.put_many(given, stop=stop))

    async def existing(self) -> dict[str, int]:
        """As `ObjectStore.existing`."""
        return await self._run(lambda stop: self._store.existing(stop=stop))

    def url(self, key: str) -> str:
        """As `ObjectStore.url`; nothing is sent."""
        return self._store.url(key)

    async def check_public(self, stored: StoredObject) -> None:
        """As `ObjectStore.check_public`."""
        await self._run(lambda _: self._store.check_public(stored))

    async def abandoned(self) -> list[AbandonedUpload]:
        """As `ObjectStore.abandoned`."""
        return await self._run(lambda stop: self._store.abandoned(stop=stop))

    async def clean_up(self, older_than: timedelta = timedelta(days=1)) -> list[AbandonedUpload]:
        """As `ObjectStore.clean_up`."""
        return await self._run(lambda stop: self._store.clean_up(older_than, stop=stop))

    async def delete(self, *objects: StoredObject | str) -> None:
        """As `ObjectStore.delete`."""
        await self._run(lambda stop: self._store.delete(*objects, stop=stop))

    async def _run(self, work: Callable[[StopFlag], R]) -> R:
        stop = self._store.new_stop()
        task = asyncio.ensure_future(asyncio.to_thread(work, stop))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen: the caller gets the cancellation
            raise
