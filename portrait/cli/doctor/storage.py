"""What `doctor` tries with an object storage: what `put` and `forget` do with a bucket, once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from portrait.cli.context import Context
from portrait.cli.doctor.findings import Finding, fault
from portrait.cli.storage import StorageOptions, open_store
from portrait.clock import default_clock
from portrait.errors import PortraitError
from portrait.s3 import AccessDenied, ObjectStore, StorageWarning, StoredObject, UploadProgress


def storage(context: Context, options: StorageOptions) -> Iterator[Finding]:
    """Do once what `put` and `forget` do with a bucket."""
    warnings: list[Finding] = []

    def warn(event: UploadProgress | StorageWarning) -> None:
        if isinstance(event, StorageWarning):
            warnings.append(Finding("storage", "note", event.message))

    try:
        store = open_store(context, options, warn)
        if store is None:
            return
        with store, tempfile.TemporaryDirectory() as folder:
            probe = Path(folder, "probe.txt")  # new at each run: what is stored already is not stored again
            probe.write_text(f"portrait doctor {(context.console.clock or default_clock()).now()}", encoding="utf-8")
            stored = store.put(probe)
            yield Finding("storage", "ok", f"an object was stored in {options.to}")
            yield from _stored(store, stored, "its public address" if options.public_base else "a presigned address")
    except PortraitError as error:
        yield fault("storage", error)
    yield from warnings


def _stored(store: ObjectStore, stored: StoredObject, address: str) -> Iterator[Finding]:
    """Whether an object can be fetched, listed and deleted; a right that `put` can do without may be missing."""
    beside = f"{PurePosixPath(stored.key).parent.name}/"  # a bucket may hold millions of objects
    no_list = "the key may not list: `put` asks for each file by HEAD, `forget` cannot work"
    no_uploads = "the key may not list unfinished uploads: a large one that nobody remembers begins anew"
    no_delete = f"the key may not delete, as `forget` does: {stored.key} stays"
    for check, attempt, done, denied in (
        ("public", lambda: store.check_public(stored), f"it can be fetched by {address}", ""),
        ("list", lambda: store.list_objects(beside), "the key may list", no_list),
        ("uploads", store.incomplete_uploads, "the key may list unfinished uploads", no_uploads),
        ("delete", lambda: store.delete(stored), "it was deleted", no_delete),
    ):
        try:
            attempt()
        except AccessDenied:
            yield Finding(f"storage {check}", "note", denied)
        except PortraitError as error:
            yield fault(f"storage {check}", error)
        else:
            yield Finding(f"storage {check}", "ok", done)
