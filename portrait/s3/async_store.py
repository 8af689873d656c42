"""The object store for asyncio: `ObjectStore` with its work done in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Self, TypeVar, Unpack

from portrait.flow import CancelToken
from portrait.s3.models import IncompleteUpload, StoredObject
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
        return await self._run(self._store.put, path)

    async def put_many(self, paths: Iterable[PathLike]) -> list[StoredObject]:
        """As `ObjectStore.put_many`."""
        return await self._run(self._store.put_many, list(paths))

    async def list_objects(self, prefix: str = "") -> dict[str, int]:
        """As `ObjectStore.list_objects`."""
        return await self._run(self._store.list_objects, prefix)

    def url(self, key: str) -> str:
        """As `ObjectStore.url`; nothing is sent."""
        return self._store.url(key)

    async def check_public(self, stored: StoredObject) -> None:
        """As `ObjectStore.check_public`."""
        await asyncio.to_thread(self._store.check_public, stored)

    async def incomplete_uploads(self) -> list[IncompleteUpload]:
        """As `ObjectStore.incomplete_uploads`."""
        return await self._run(self._store.incomplete_uploads)

    async def abort_incomplete(self, older_than: timedelta = timedelta(days=1)) -> list[IncompleteUpload]:
        """As `ObjectStore.abort_incomplete`."""
        return await self._run(self._store.abort_incomplete, older_than)

    async def delete(self, *objects: StoredObject | str) -> None:
        """As `ObjectStore.delete`."""
        await self._run(self._store.delete, *objects)

    async def _run(self, method: Callable[..., R], *arguments: Any) -> R:
        cancel = CancelToken()
        task = asyncio.ensure_future(asyncio.to_thread(method, *arguments, cancel=cancel))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            cancel.set()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen: the caller gets the cancellation
            raise
