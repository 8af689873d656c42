"""Each S3 operation that the store needs, as one typed call with retries.

Every request of this package may be repeated, because keys are made of content.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen

from portrait.s3.errors import TRANSIENT, AccessDenied, NoSuchUpload, StorageUnsupported, retry_after, translate
from portrait.s3.files import FilePart
from portrait.s3.models import IncompleteUpload
from portrait.s3.parts import Part
from portrait.s3.pool import CancelToken

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from portrait.s3.client import FastPut


T = TypeVar("T")
Body = bytes | FilePart
MAX_ATTEMPTS = 5
_MIN_BACKOFF, _MAX_BACKOFF = 0.25, 20.0
"""Seconds; a pause doubles from the first to the longest, and half of it is left to chance."""


class Retrier:
    """Sends requests, up to five times each; safe for use by many threads."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def __call__(
        self,
        operation: str,
        call: Callable[[], T],
        cancel: CancelToken,
        *,
        already_done: Callable[[], T | None] | None = None,
    ) -> T:
        """Make a call, up to five times where the failure may pass by itself.

        Args:
            operation: Its name, for the error.
            call: Sends it.
            cancel: Cuts a pause short.
            already_done: Looks, before another attempt, whether the one whose answer was lost took effect.

        Raises:
            StorageError: It was refused, or failed at every attempt.
            UploadInterrupted: Somebody asked to stop.
        """
        for attempt in range(1, MAX_ATTEMPTS + 1):
            cancel.check()
            try:
                return call()
            except Exception as error:
                cancel.check()
                failure = translate(error, operation)
                if not isinstance(failure, TRANSIENT) or attempt == MAX_ATTEMPTS:
                    raise failure from error
                pause = min(_MIN_BACKOFF * 2 ** (attempt - 1), _MAX_BACKOFF) * (0.5 + self._rng.random() / 2)
                asked = retry_after(error)
            cancel.pause(pause if asked is None else max(pause, min(asked, _MAX_BACKOFF)))
            if already_done is not None and (outcome := already_done()) is not None:
                return outcome
        raise AssertionError("unreachable")


@frozen
class ListedPart:
    """A part as the storage lists it."""

    number: int
    size: int
    etag: str


class Operations:
    """The operations on one bucket; safe for use by many threads, as boto3's clients are."""

    def __init__(self, client: S3Client, bucket: str, *, retrier: Retrier, fast_put: FastPut | None = None) -> None:
        self._client = client
        self._fast_put = fast_put
        self._retry = retrier
        self._bucket = bucket

    def list_objects(self, prefix: str, cancel: CancelToken) -> Iterator[tuple[str, int]]:
        """Key and size of every object whose key begins so: 1,000 to a request."""
        token: dict[str, Any] = {}
        while True:
            page = self._retry(
                "ListObjectsV2",
                lambda: self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **token),  # noqa: B023
                cancel,
            )
            yield from ((item["Key"], item["Size"]) for item in page.get("Contents", ()))
            if not page.get("IsTruncated") or "NextContinuationToken" not in page:
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def put(self, key: str, body: Callable[[bool], Body], sha256: str, content_type: str, cancel: CancelToken) -> None:
        """Store an object by one request; the storage checks it against its whole SHA-256."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()

        def call(content: Body) -> None:
            if isinstance(content, bytes) and self._fast_put is not None:
                headers = {
                    "Content-Type": content_type,
                    "x-amz-checksum-sha256": checksum,
                    "x-amz-meta-sha256": sha256,
                }
                if self._fast_put.put(key, content, headers, sha256):
                    return
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,  # type: ignore[arg-type]
                ContentType=content_type,
                ChecksumSHA256=checksum,
                Metadata={"sha256": sha256},
            )

        self._send("PutObject", body, call, cancel)

    def _send(self, operation: str, body: Callable[[bool], Body], call: Callable[[Body], T], cancel: CancelToken) -> T:
        """Send a body, made anew for each attempt; it is told from the second one on."""
        again = False

        def attempt() -> T:
            nonlocal again
            content = body(again)
            again = True
            if isinstance(content, bytes):
                return call(content)
            with content:
                try:
                    return call(content)
                except Exception:
                    if content.failure is not None:  # boto3 would call it a connection error
                        raise content.failure from None
                    raise

        return self._retry(operation, attempt, cancel)

    def create(self, key: str, sha256: str, content_type: str, cancel: CancelToken) -> str:
        """Begin a multipart upload. Where the answer was lost, the upload that was begun is found by its key."""
        return self._retry(
            "CreateMultipartUpload",
            lambda: self._client.create_multipart_upload(
                Bucket=self._bucket, Key=key, ContentType=content_type, Metadata={"sha256": sha256}
            )["UploadId"],
            cancel,
            already_done=lambda: self.find_upload(key, cancel),
        )

    def find_upload(self, key: str, cancel: CancelToken) -> str | None:
        """The oldest unfinished upload of exactly that key, None if there is none, or if the key may not ask."""
        try:
            uploads = [upload for upload in self.list_uploads(key, cancel) if upload.key == key]
        except (AccessDenied, StorageUnsupported):
            return None
        return min(uploads, key=lambda upload: (upload.started, upload.upload_id)).upload_id if uploads else None

    def upload_part(
        self, key: str, upload_id: str, part: Part, body: Callable[[bool], Body], cancel: CancelToken
    ) -> str:
        """Send one part and return its ETag."""

        def call(content: Body) -> str:
            response = self._client.upload_part(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=part.number,
                ContentLength=part.size,
                Body=content,  # type: ignore[arg-type]
            )
            return response["ETag"].strip('"')

        return self._send("UploadPart", body, call, cancel)

    def list_parts(self, key: str, upload_id: str, cancel: CancelToken) -> list[ListedPart]:
        """All parts that the storage has of an upload."""
        listed: list[ListedPart] = []
        marker = 0
        while True:
            page = self._retry(
                "ListParts",
                lambda: self._client.list_parts(
                    Bucket=self._bucket,
                    Key=key,
                    UploadId=upload_id,
                    PartNumberMarker=marker,  # noqa: B023
                ),
                cancel,
            )
            listed += [
                ListedPart(part["PartNumber"], part["Size"], part["ETag"].strip('"')) for part in page.get("Parts", ())
            ]
            following = int(page.get("NextPartNumberMarker") or 0)
            if not page.get("IsTruncated") or following <= marker:
                return listed
            marker = following

    def complete(self, key: str, upload_id: str, etags: Mapping[int, str], cancel: CancelToken) -> None:
        """Make the object of its parts; after a lost answer `NoSuchUpload` may mean that it is made."""
        parts: list[CompletedPartTypeDef] = [
            {"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in sorted(etags.items())
        ]
        self._retry(
            "CompleteMultipartUpload",
            lambda: self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
            ),
            cancel,
        )

    def abort(self, key: str, upload_id: str, cancel: CancelToken) -> None:
        """Drop an upload and its parts; one that is gone already is fine."""
        try:
            self._retry(
                "AbortMultipartUpload",
                lambda: self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id),
                cancel,
            )
        except NoSuchUpload:
            return

    def list_uploads(self, prefix: str, cancel: CancelToken) -> Iterator[IncompleteUpload]:
        """Every unfinished upload whose key begins so, with its age by the storage's clock."""
        markers: dict[str, Any] = {}
        while True:
            page = self._retry(
                "ListMultipartUploads",
                lambda: self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=prefix, **markers),  # noqa: B023
                cancel,
            )
            now = _date(page["ResponseMetadata"])
            for upload in page.get("Uploads", ()):
                started = upload["Initiated"]
                age = (now or started) - started
                yield IncompleteUpload(key=upload["Key"], upload_id=upload["UploadId"], started=started, age=age)
            if not page.get("IsTruncated") or not page.get("NextKeyMarker"):
                return
            markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page.get("NextUploadIdMarker", "")}

    def delete(self, key: str, cancel: CancelToken) -> bool:
        """Delete an object, there or not. True where the bucket only hid it, because it keeps versions."""
        response = self._retry("DeleteObject", lambda: self._client.delete_object(Bucket=self._bucket, Key=key), cancel)
        return bool(response.get("DeleteMarker"))

    def presign(self, key: str, seconds: int) -> str:
        """An address that serves the object for that many seconds; its query is a secret."""
        return self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=seconds
        )


def _date(metadata: Any) -> datetime | None:
    """The storage's own time, by the Date header: ages must not depend on this machine's clock."""
    text = metadata.get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(text).astimezone(UTC) if text else None
