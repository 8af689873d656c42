"""The public object store: its options, and the operations on its bucket. `uploader` has those on one file.

Importing it does not load boto3; making a store does.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Self, TypedDict

from attrs import evolve

from portrait.arguments import CALLABLE, COUNT, NONE, TEXT, check_arguments, either, number
from portrait.clock import Clock, SystemClock
from portrait.errors import UsageError
from portrait.flow import CancelToken
from portrait.memory import LazyState
from portrait.options import CLOCK, STATE
from portrait.s3.batch import store_batch
from portrait.s3.concurrency import Context, run_parallel
from portrait.s3.keys import (
    MAX_PRESIGN_SECONDS,
    Location,
    is_for_testing_only,
    parse_base_url,
    parse_location,
    public_url,
)
from portrait.s3.memory import UploadMemory
from portrait.s3.models import EventEmitter, IncompleteUpload, OnEvent, StorageWarning, StoredObject
from portrait.s3.operations import Operations, Retrier
from portrait.s3.parts import DEFAULT_PART_BYTES, plan_parts
from portrait.s3.public_check import check_public
from portrait.s3.uploader import Uploader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from portrait.state.state import State


PathLike = str | os.PathLike[str]


class StoreOptions(TypedDict, total=False):
    """The keyword arguments of `ObjectStore`."""

    endpoint_url: str | None
    region: str | None
    access_key: str | None
    secret_key: str | None
    session_token: str | None
    public_base: str | None
    expires: int
    client: S3Client | None
    state: PathLike | State | None
    concurrency: int
    part_size: int
    on_event: OnEvent | None
    clock: Clock | None


_OPTIONAL_TEXT = either(TEXT, NONE)
_NUMBER = number("a whole number", int)
_KINDS = {
    "place": TEXT,
    **dict.fromkeys(("endpoint_url", "region", "access_key", "secret_key", "session_token"), _OPTIONAL_TEXT),
    "public_base": _OPTIONAL_TEXT,
    **dict.fromkeys(("expires", "part_size"), _NUMBER),
    "concurrency": COUNT,
    "state": STATE,
    "on_event": either(CALLABLE, NONE),
    "clock": CLOCK,
}


class ObjectStore:
    """Stores files in a bucket of S3, Cloudflare R2, MinIO or alike, under keys made of their content.

    Safe for use by many threads at once; several processes may store the same files. Every call takes
    `cancel=`: setting that token from another thread ends the call soon with `Interrupted`, as Ctrl-C does with
    `KeyboardInterrupt`. Either way what was stored is kept, and the same call resumes from there. A stalled connection
    is given up after 60 seconds, and delays the end of a call by no more.

    Args:
        place: `s3://bucket` or `s3://bucket/prefix`. The bucket must exist.
        endpoint_url: The storage, such as `https://<account>.r2.cloudflarestorage.com`; None for AWS.
        region: Its region; by default `auto` for R2, and what boto3 finds for AWS.
        access_key: The key's id; by default the key is found as boto3 finds it.
        secret_key: The key's secret.
        session_token: The token of temporary keys.
        public_base: The address under which the bucket's keys can be fetched; None gives presigned addresses.
        expires: Seconds that a presigned address is valid, at most 604,800.
        client: A boto3 client of your own, instead of all options above that concern the storage.
        state: A state, or the path or URL of one, which remembers unfinished uploads; processes that share it take
            turns at a file. Without one they are remembered in that of the client that the store is passed to, else
            as long as this store.
        concurrency: Requests under way at once.
        part_size: Bytes of a part, 5 MiB to 5 GiB; made larger where a file would need more than 10,000.
        on_event: Called with `UploadProgress` and `StorageWarning`, from any thread but never from two at once.
        clock: For pauses between attempts; by default the machine's, whose pauses `cancel` ends.

    Raises:
        UsageError: The options cannot be right, or boto3 is not installed.
    """

    def __init__(
        self,
        place: str,
        *,
        endpoint_url: str | None = None,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        session_token: str | None = None,
        public_base: str | None = None,
        expires: int = 3600,
        client: S3Client | None = None,
        state: PathLike | State | None = None,
        concurrency: int = 8,
        part_size: int = DEFAULT_PART_BYTES,
        on_event: OnEvent | None = None,
        clock: Clock | None = None,
    ) -> None:
        arguments: StoreOptions = {
            "endpoint_url": endpoint_url,
            "region": region,
            "access_key": access_key,
            "secret_key": secret_key,
            "session_token": session_token,
            "public_base": public_base,
            "expires": expires,
            "state": state,
            "concurrency": concurrency,
            "part_size": part_size,
            "on_event": on_event,
            "clock": clock,
        }
        check_arguments(_KINDS, {"place": place, **arguments})
        self._location = parse_location(place)
        self._base = None if public_base is None else parse_base_url("public_base", public_base)
        _check_expiry(expires)
        plan_parts(1, part_size)
        self._expires, self._concurrency = expires, concurrency
        self._clock = clock or SystemClock()
        self._emit = EventEmitter(on_event)
        self._owns_client = client is None
        self._client, self._operations = _connect(client, arguments, self._location.bucket)
        self._memory = UploadMemory(LazyState(state, self._clock), self._address)
        self._uploader = Uploader(
            operations=self._operations,
            prefix=self._location.prefix,
            memory=self._memory,
            concurrency=concurrency,
            part_size=part_size,
            verify_parts=not self._owns_client,
            emit=self._emit,
        )
        if self._base is not None and is_for_testing_only(self._base):
            self._warn("public_base is an r2.dev address: Cloudflare throttles it, for testing only. Connect a domain.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}('s3://{self._location.bucket}/{self._location.prefix}')"

    @property
    def _address(self) -> str:
        """The name of this store's uploads in a state, which others may share."""
        return f"{self._client.meta.endpoint_url} {self._location.bucket} {self._location.prefix}"

    @property
    def location(self) -> Location:
        """The bucket, and the prefix in it."""
        return self._location

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and the state, unless they belong to a client or a state of your own."""
        self._memory.close()
        if self._owns_client:
            self._client.close()

    def put(self, path: PathLike, *, cancel: CancelToken | None = None) -> StoredObject:
        """Store one file, unless its content is there already.

        Raises:
            StorageError: It was not stored; where the error is `resumable`, the same call goes on from where it was.
        """
        with self._context(cancel) as context:
            return self._uploader.store(Path(path), None, context)

    def put_many(
        self, paths: Iterable[PathLike], *, cancel: CancelToken | None = None, state: State | None = None
    ) -> list[StoredObject]:
        """Store files, small ones at once and large ones one by one; the results are in the order given.

        What the bucket holds is found by one listing of the prefix; a key that may not list asks for each file by HEAD.

        Args:
            paths: The files.
            cancel: Ends it.
            state: Remembers unfinished uploads if the store has no state of its own; a client passes its own.

        Raises:
            PartialFailure: Some files failed; the error holds what became of each.
            StorageError: A failure that concerns every file, such as a missing bucket.
        """
        files = [Path(path) for path in paths]
        with self._context(cancel) as context:
            existing_sizes = self._operations.sizes(self._location.key_prefix, context) if files else {}
            uploader = evolve(self._uploader, memory=self._memory.with_state(LazyState(state, self._clock)))
            return store_batch(uploader, files, existing_sizes, self._concurrency, context)

    def list_objects(self, prefix: str = "", *, cancel: CancelToken | None = None) -> dict[str, int]:
        """The size in bytes of every object in this place, by key: one listing, 1,000 to a request.

        Args:
            prefix: Only of keys that go on so after the place's own prefix.
            cancel: Ends it.
        """
        with self._context(cancel) as context:
            return dict(self._operations.list_objects(f"{self._location.key_prefix}{prefix}", context))

    def url(self, key: str) -> str:
        """The address of a key: on the public base, or presigned now for `expires` seconds; then its query is a secret.

        Raises:
            CredentialsRejected: There is no key to sign with.
        """
        return self._operations.presign(key, self._expires) if self._base is None else public_url(self._base, key)

    def check_public(self, stored: StoredObject) -> None:
        """See from outside that a stored object can be fetched, with its length and type: one byte is fetched.

        Raises:
            NotPublic: It cannot; the error says why and what to do.
        """
        check_public(self.url(stored.key), stored.size, stored.content_type)

    def incomplete_uploads(self, *, cancel: CancelToken | None = None) -> list[IncompleteUpload]:
        """Multipart uploads in this place that were neither completed nor aborted; some may be under way right now."""
        with self._context(cancel) as context:
            return list(self._operations.list_uploads(self._location.key_prefix, context))

    def abort_incomplete(
        self, older_than: timedelta = timedelta(days=1), *, cancel: CancelToken | None = None
    ) -> list[IncompleteUpload]:
        """Abort unfinished uploads in this place that are older than that, by the storage's clock; return them."""
        with self._context(cancel) as context:
            uploads = self._operations.list_uploads(self._location.key_prefix, context)
            old = [upload for upload in uploads if upload.age >= older_than]
            for upload in old:
                self._operations.abort(upload.key, upload.upload_id, context)
            if old:
                self._memory.forget({upload.upload_id for upload in old})
        return old

    def delete(self, *objects: StoredObject | str, cancel: CancelToken | None = None) -> None:
        """Delete objects, given as they were stored or by key; no error for one that does not exist.

        A bucket that keeps versions only hides them: a `StorageWarning` says so, because a withdrawn consent asks for
        more.

        Raises:
            UsageError: A key is not in this place; nothing was deleted.
        """
        keys = [item if isinstance(item, str) else item.key for item in objects]
        if any(not key.startswith(self._location.key_prefix) or key == self._location.key_prefix for key in keys):
            raise UsageError(
                f"Only objects in s3://{self._location.bucket}/{self._location.key_prefix} can be deleted here.",
                advice="Make a store for the place that the object is in.",
            )
        with self._context(cancel) as context:
            futures = run_parallel(
                lambda key: self._operations.delete(key, context),
                keys,
                workers=self._concurrency,
                cancel=context.cancel,
                give_up=lambda _: True,
            )
            hidden = [future.result() for future in futures]
        if any(hidden):
            self._warn("The bucket keeps versions: deleted objects are only hidden. Delete their versions as well.")

    def _context(self, cancel: CancelToken | None) -> Context:
        return Context(cancel or CancelToken(), self._clock)

    def _warn(self, message: str) -> None:
        self._emit(StorageWarning(message=message))


def _check_expiry(expires: int) -> None:
    if not 1 <= expires <= MAX_PRESIGN_SECONDS:
        raise UsageError(
            f"expires is 1 to {MAX_PRESIGN_SECONDS} seconds, not {expires}.",
            advice="For longer, connect a public domain to the bucket and pass public_base=.",
        )


def _connect(client: S3Client | None, options: StoreOptions, bucket: str) -> tuple[S3Client, Operations]:
    """The client, one's own or a new one, and what is done with it.

    Raises:
        UsageError: It cannot be used, or the options contradict each other, or boto3 is not installed.
    """
    boto = _client_module()
    retrier = Retrier(random.Random())  # noqa: S311 - jitter, no secret
    if client is not None:
        boto.validate_client(client)
        return client, Operations(client, bucket, retrier=retrier, fast_put=None)
    client = boto.make_client(
        endpoint_url=options["endpoint_url"],
        region=options["region"],
        access_key=options["access_key"],
        secret_key=options["secret_key"],
        session_token=options["session_token"],
        connections=options["concurrency"],
    )
    return client, Operations(client, bucket, retrier=retrier, fast_put=boto.FastPut(client))


def _client_module() -> ModuleType:
    try:
        from portrait.s3 import client  # noqa: PLC0415 - loads boto3
    except ImportError as error:
        raise UsageError("Object storage needs boto3.", advice="Run: pip install 'portrait-actions[s3]'") from error
    return client
