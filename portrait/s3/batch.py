"""Stores many files: small ones beside each other, large ones one by one, until an error that all would meet."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError
from pathlib import Path

from portrait.errors import PortraitError, UsageError
from portrait.s3.concurrency import Context, run_parallel
from portrait.s3.errors import PartialFailure, SourceUnreadable, StorageError
from portrait.s3.files import stat_file
from portrait.s3.models import StoredObject
from portrait.s3.uploader import Uploader


def store_batch(
    uploader: Uploader, files: Sequence[Path], existing_sizes: dict[str, int] | None, workers: int, context: Context
) -> list[StoredObject]:
    """Store files; the results are in the order given.

    Args:
        uploader: Stores one.
        files: What to store.
        existing_sizes: Sizes by key of what the bucket holds, to which what is stored is added; None where the key may
            not list it, and each file is looked for by itself.
        workers: Requests under way at once.
        context: Of the call.

    Raises:
        PartialFailure: Some files failed.
        StorageError: A failure that every file would meet.
    """
    large = {path for path in set(files) if _in_parts(uploader, path)}
    done: dict[Path, StoredObject] = {}
    failed: dict[Path, PortraitError] = {}

    def store(path: Path) -> StoredObject:
        with context.part() as part:
            return uploader.store(path, existing_sizes, part)

    for batch, threads in (([path for path in files if path not in large], workers), (sorted(large), 1)):
        futures = run_parallel(store, batch, workers=threads, cancel=context.cancel, give_up=_is_fatal)
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
        raise PartialFailure(
            {str(path): stored for path, stored in done.items()}, {str(path): error for path, error in failed.items()}
        )
    return [done[path] for path in files]


def _in_parts(uploader: Uploader, path: Path) -> bool:
    try:
        return uploader.in_parts(stat_file(path).size)
    except SourceUnreadable:
        return False  # reported when its turn comes


def _is_fatal(error: BaseException) -> bool:
    """Whether every other file would meet the error as well."""
    return not isinstance(error, UsageError) and getattr(error, "fatal", True)
