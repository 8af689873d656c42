"""Many files: small ones at once, large ones one by one with all their parts at once.

It owns the order, and what becomes of a batch when some files fail. It must never know how a file is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError
from pathlib import Path

from portrait.errors import PortraitError, UsageError
from portrait.s3.errors import SomeNotStored, SourceUnreadable, StorageError
from portrait.s3.parallel import in_parallel
from portrait.s3.results import StoredObject
from portrait.s3.source import fingerprint
from portrait.s3.stopping import StopFlag
from portrait.s3.storing import Storer


def store_batch(
    storer: Storer, files: Sequence[Path], known: dict[str, int], workers: int, stop: StopFlag
) -> list[StoredObject]:
    """Store files; the results are in the order given.

    Args:
        storer: Stores one.
        files: What to store.
        known: Sizes by key of what the bucket holds; what is stored is added.
        workers: Requests under way at once.
        stop: Ends it soon.

    Raises:
        SomeNotStored: Some files failed.
        StorageError: A failure that every file would meet.
    """
    large = {path for path in set(files) if _in_parts(storer, path)}
    done: dict[Path, StoredObject] = {}
    failed: dict[Path, PortraitError] = {}

    def store(path: Path) -> StoredObject:
        return storer.store(path, known, stop)

    for batch, threads in (([path for path in files if path not in large], workers), (sorted(large), 1)):
        futures = in_parallel(store, batch, workers=threads, stop=stop, give_up=_is_fatal)
        for path, future in zip(batch, futures, strict=True):
            match future.exception():
                case None:
                    done[path] = future.result()
                case StorageError(fatal=False) | UsageError() as error:
                    failed[path] = error
                case CancelledError():
                    pass
                case BaseException() as error:
                    raise error
    if failed:
        raise SomeNotStored(
            {str(path): made for path, made in done.items()}, {str(path): error for path, error in failed.items()}
        )
    return [done[path] for path in files]


def _in_parts(storer: Storer, path: Path) -> bool:
    try:
        return storer.in_parts(fingerprint(path).size)
    except SourceUnreadable:
        return False  # told when its turn comes


def _is_fatal(error: BaseException) -> bool:
    return not isinstance(error, StorageError | UsageError) or getattr(error, "fatal", False)
