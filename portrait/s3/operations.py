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

from portrait.s3.errors import PASSING, AccessDenied, StorageUnsupported, UploadGone, retry_after, translate
from portrait.s3.files import Slice
from portrait.s3.models import AbandonedUpload
from portrait.s3.parts import Part
from portrait.s3.pool import StopFlag

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from portrait.s3.client import DirectPut


T = TypeVar("T")
Body = bytes | Slice
ATTEMPTS = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 20.0
"""Seconds; a pause doubles from the first to the longest, and half of it is left to chance."""


class Attempts:
    """Sends requests, up to five times each; safe for use by many threads."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def __call__(
        self, operation: str, call: Callable[[], T], stop: StopFlag, *, happened: Callable[[], T | None] | None = None
    ) -> T:
        """Make a call, up to five times where the failure may pass by itself.

        Args:
            operation: Its name, for the error.
            call: Sends it.
            stop: Cuts a pause short.
            happened: Looks, before another attempt, whether the one whose answer was lost took effect.

        Raises:
            StorageError: It was refused, or failed at every attempt.
            UploadInterrupted: Somebody asked to stop.
        """
        for attempt in range(1, ATTEMPTS + 1):
            stop.check()
            try:
                return call()
            except Exception as error:
                stop.check()
                failure = translate(error, operation)
                if not isinstance(failure, PASSING) or attempt == ATTEMPTS:
                    raise failure from error
                pause = min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE) * (0.5 + self._chance.random() / 2)
                asked = retry_after(error)
            stop.pause(pause if asked is None else max(pause, min(asked, _LONGEST_PAUSE)))
            if happened is not None and (outcome := happened()) is not None:
                return outcome
        raise AssertionError("unreachable")


@frozen
class ListedPart:
    """A part as the storage lists it."""

    number: int
    size: int
    etag: str


class Calls:
    """The operations on one bucket; safe for use by many threads, as boto3's clients are."""

    def __init__(self, client: S3Client, bucket: str, *, attempts: Attempts, direct: DirectPut | None = None) -> None:
        self._client = client
        self._direct = direct
        self.attempt = attempts
        self._bucket = bucket

    def objects(self, prefix: str, stop: StopFlag) -> Iterator[tuple[str, int]]:
        """Key and size of every object whose key begins so: 1,000 to a request."""
        token: dict[str, Any] = {}
        while True:
            page = self.attempt(
                "ListObjectsV2",
                lambda: self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **token),  # noqa: B023
                stop,
            )
            yield from ((item["Key"], item["Size"]) for item in page.get("Contents", ()))
            if not page.get("IsTruncated") or "NextContinuationToken" not in page:
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def put(self, key: str, body: Callable[[bool], Body], sha256: str, content_type: str, stop: StopFlag) -> None:
        """Store an object by one request; the storage checks it against its whole SHA-256."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()

        def call(content: Body) -> None:
            if isinstance(content, bytes) and self._direct is not None:
                headers = {
                    "Content-Type": content_type,
                    "x-amz-checksum-sha256": checksum,
                    "x-amz-meta-sha256": sha256,
                }
                if self._direct.put(key, content, headers, sha256):
                    return
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,  # type: ignore[arg-type]
                ContentType=content_type,
                ChecksumSHA256=checksum,
                Metadata={"sha256": sha256},
            )

        self._send("PutObject", body, call, stop)

    def _send(self, operation: str, body: Callable[[bool], Body], call: Callable[[Body], T], stop: StopFlag) -> T:
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

        return self.attempt(operation, attempt, stop)

    def create(self, key: str, sha256: str, content_type: str, stop: StopFlag) -> str:
        """Begin a multipart upload. Where the answer was lost, the upload that was begun is found by its key."""
        return self.attempt(
            "CreateMultipartUpload",
            lambda: self._client.create_multipart_upload(
                Bucket=self._bucket, Key=key, ContentType=content_type, Metadata={"sha256": sha256}
            )["UploadId"],
            stop,
            happened=lambda: self.begun(key, stop),
        )

    def begun(self, key: str, stop: StopFlag) -> str | None:
        """The oldest unfinished upload of exactly that key, None if there is none, or if the key may not ask."""
        try:
            uploads = [upload for upload in self.uploads(key, stop) if upload.key == key]
        except (AccessDenied, StorageUnsupported):
            return None
        return min(uploads, key=lambda upload: (upload.started, upload.upload_id)).upload_id if uploads else None

    def send_part(self, key: str, upload_id: str, part: Part, body: Callable[[bool], Body], stop: StopFlag) -> str:
        """Send one part and return its ETag."""

        def call(content: Body) -> str:
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=part.number,
                ContentLength=part.size,
                Body=content,  # type: ignore[arg-type]
            )
            return answer["ETag"].strip('"')

        return self._send("UploadPart", body, call, stop)

    def parts(self, key: str, upload_id: str, stop: StopFlag) -> list[ListedPart]:
        """All parts that the storage has of an upload."""
        listed: list[ListedPart] = []
        marker = 0
        while True:
            page = self.attempt(
                "ListParts",
                lambda: self._client.list_parts(
                    Bucket=self._bucket,
                    Key=key,
                    UploadId=upload_id,
                    PartNumberMarker=marker,  # noqa: B023
                ),
                stop,
            )
            listed += [
                ListedPart(part["PartNumber"], part["Size"], part["ETag"].strip('"')) for part in page.get("Parts", ())
            ]
            following = int(page.get("NextPartNumberMarker") or 0)
            if not page.get("IsTruncated") or following <= marker:
                return listed
            marker = following

    def complete(self, key: str, upload_id: str, etags: Mapping[int, str], stop: StopFlag) -> None:
        """Make the object of its parts; after a lost answer `UploadGone` may mean that it is made."""
        parts: list[CompletedPartTypeDef] = [
            {"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in sorted(etags.items())
        ]
        self.attempt(
            "CompleteMultipartUpload",
            lambda: self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
            ),
            stop,
        )

    def abort(self, key: str, upload_id: str, stop: StopFlag) -> None:
        """Drop an upload and its parts; one that is gone already is fine."""
        try:
            self.attempt(
                "AbortMultipartUpload",
                lambda: self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id),
                stop,
            )
        except UploadGone:
            return

    def uploads(self, prefix: str, stop: StopFlag) -> Iterator[AbandonedUpload]:
        """Every unfinished upload whose key begins so, with its age by the storage's clock."""
        markers: dict[str, Any] = {}
        while True:
            page = self.attempt(
                "ListMultipartUploads",
                lambda: self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=prefix, **markers),  # noqa: B023
                stop,
            )
            now = _date(page["ResponseMetadata"])
            for upload in page.get("Uploads", ()):
                started = upload["Initiated"]
                age = (now or started) - started
                yield AbandonedUpload(key=upload["Key"], upload_id=upload["UploadId"], started=started, age=age)
            if not page.get("IsTruncated") or not page.get("NextKeyMarker"):
                return
            markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page.get("NextUploadIdMarker", "")}

    def delete(self, key: str, stop: StopFlag) -> bool:
        """Delete an object, there or not. True where the bucket only hid it, because it keeps versions."""
        answer = self.attempt("DeleteObject", lambda: self._client.delete_object(Bucket=self._bucket, Key=key), stop)
        return bool(answer.get("DeleteMarker"))

    def presign(self, key: str, seconds: int) -> str:
        """An address that serves the object for that many seconds; its query is a secret."""
        return self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=seconds
        )


def _date(metadata: Any) -> datetime | None:
    """The storage's own time, by the Date header: ages must not depend on this machine's clock."""
    text = metadata.get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(text).astimezone(UTC) if text else None
