"""Each S3 operation that the store needs, as one typed call with retries and a check of the response.

Every request of this package may be repeated, because keys are made of content.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen

from portrait.retry import RetryPolicy, exponential_backoff
from portrait.s3.concurrency import Context
from portrait.s3.errors import (
    TRANSIENT,
    AccessDenied,
    NoSuchUpload,
    StorageBadResponse,
    StorageError,
    StorageUnsupported,
    requested_pause,
    translate,
)
from portrait.s3.files import FilePart
from portrait.s3.models import IncompleteUpload
from portrait.s3.parts import Part
from portrait.s3.responses import OPERATIONS, Page, bare_etag, check_response, get_field, response_date

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from portrait.s3.client import FastPut

T = TypeVar("T")
Body = bytes | FilePart

POLICY = RetryPolicy(attempts=5, first=0.25, longest=20.0)


class Retrier:
    """Sends requests, up to five times each; safe for use by many threads."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def __call__(
        self,
        operation: str,
        call: Callable[[], T],
        context: Context,
        *,
        already_done: Callable[[], T | None] | None = None,
    ) -> T:
        """Make a call, up to five times where the failure is transient.

        Args:
            operation: Its name, for the error.
            call: Sends it.
            context: Ends it soon, and learns whether it may have been carried out.
            already_done: Checks, before another attempt, whether the one whose response was lost took effect.

        Raises:
            StorageError: It was refused, or failed at every attempt.
            Interrupted: The token was set.
        """
        writes = OPERATIONS[operation].writes
        attempt = 0
        while True:
            attempt += 1
            context.check()
            try:
                result = call()
            except Exception as error:
                failure = translate(error, operation)
                if isinstance(failure, StorageError) and failure.may_have_executed:
                    context.may_have_executed |= writes
                context.check()
                if not isinstance(failure, TRANSIENT) or attempt == POLICY.attempts:
                    if failure is error:
                        raise
                    raise failure from error
                wait = max(self._backoff(attempt), min(requested_pause(error), POLICY.longest))
            else:
                context.may_have_executed |= writes
                return result
            context.sleep(wait)
            if already_done is not None and (outcome := already_done()) is not None:
                return outcome

    def _backoff(self, attempt: int) -> float:
        return exponential_backoff(POLICY, attempt, self._rng.random())


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
        self._may_list = True  # until the storage says no

    def list_objects(self, prefix: str, context: Context) -> Iterator[tuple[str, int]]:
        """Key and size of every object whose key begins so: 1,000 to a request."""
        markers = {"ContinuationToken": "NextContinuationToken"}
        for item in self._list("ListObjectsV2", "Contents", markers, context, Prefix=prefix):
            yield get_field("ListObjectsV2", item, "Key"), get_field("ListObjectsV2", item, "Size")

    def put(self, key: str, body: Callable[[bool], Body], sha256: str, content_type: str, context: Context) -> None:
        """Store an object by one request; the storage checks it against its whole SHA-256."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        headers = {
            "Content-Type": content_type,
            "x-amz-checksum-sha256": checksum,
            "x-amz-meta-sha256": sha256,
        }

        def call(content: Body) -> None:
            if isinstance(content, bytes) and self._fast_put is not None:
                response = self._fast_put.put(key, content, headers)
                if response is not None:
                    check_response("PutObject", response)
                    return
            self._call(
                "PutObject",
                Key=key,
                Body=content,
                ContentType=content_type,
                ChecksumSHA256=checksum,
                Metadata={"sha256": sha256},
            )

        self._send("PutObject", body, call, context)

    def create(self, key: str, sha256: str, content_type: str, context: Context) -> str:
        """Create a multipart upload. Where the response was lost, the upload is found by its key."""
        return self._retry(
            "CreateMultipartUpload",
            lambda: str(
                self._call("CreateMultipartUpload", Key=key, ContentType=content_type, Metadata={"sha256": sha256})[
                    "UploadId"
                ]
            ),
            context,
            already_done=lambda: self.find_upload(key, context),
        )

    def find_upload(self, key: str, context: Context) -> str | None:
        """The oldest incomplete upload of exactly that key; None without one, or where listing is not allowed."""
        try:
            uploads = [upload for upload in self.list_uploads(key, context) if upload.key == key]
        except (AccessDenied, StorageUnsupported):
            return None
        return min(uploads, key=lambda upload: (upload.started, upload.upload_id)).upload_id if uploads else None

    def upload_part(self, key: str, upload_id: str, part: Part, body: Callable[[bool], Body], context: Context) -> str:
        """Send one part and return its ETag."""

        def call(content: Body) -> str:
            response = self._call(
                "UploadPart",
                Key=key,
                UploadId=upload_id,
                PartNumber=part.number,
                ContentLength=part.size,
                Body=content,
            )
            return bare_etag(response["ETag"])

        return self._send("UploadPart", body, call, context)

    def list_parts(self, key: str, upload_id: str, context: Context) -> list[ListedPart]:
        """All parts that the storage has of an upload."""
        markers = {"PartNumberMarker": "NextPartNumberMarker"}
        return [
            ListedPart(
                get_field("ListParts", item, "PartNumber"),
                get_field("ListParts", item, "Size"),
                bare_etag(get_field("ListParts", item, "ETag")),
            )
            for item in self._list("ListParts", "Parts", markers, context, Key=key, UploadId=upload_id)
        ]

    def complete(self, key: str, size: int, upload_id: str, etags: Mapping[int, str], context: Context) -> None:
        """Make the object of its parts; before another attempt it is looked for, since the last one may have made it.

        Raises:
            NoSuchUpload: The upload is gone: another process may have completed it.
        """
        parts = [{"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in sorted(etags.items())]
        self._retry(
            "CompleteMultipartUpload",
            lambda: self._call(
                "CompleteMultipartUpload", Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
            ),
            context,
            already_done=lambda: {} if self.exists(key, size, context) else None,
        )

    def sizes(self, prefix: str, context: Context) -> dict[str, int] | None:
        """The size of every object whose key begins so, by key; None where the key may not list the bucket."""
        if self._may_list:
            try:
                return dict(self.list_objects(prefix, context))
            except AccessDenied:
                self._may_list = False
        return None

    def exists(self, key: str, size: int, context: Context) -> bool:
        """Whether the bucket has an object of exactly that key and size: by a listing, or else by HEAD."""
        sizes = self.sizes(key, context)
        return (self._head(key, context) if sizes is None else sizes.get(key)) == size

    def _head(self, key: str, context: Context) -> int | None:
        """The size of an object; None where there is none.

        To a key that may not list, S3 answers 403 for a missing object (Amazon S3 API reference, "HeadObject", D). An
        object taken for missing is stored again under the same key, by a request that says what the key may not do.
        """
        try:
            response = self._retry("HeadObject", lambda: self._call("HeadObject", Key=key), context)
        except StorageError as error:
            if error.http_status in {403, 404}:
                return None
            raise
        size: int = response["ContentLength"]
        return size

    def abort(self, key: str, upload_id: str, context: Context) -> None:
        """Abort an upload and drop its parts; no error if it does not exist."""
        try:
            self._retry(
                "AbortMultipartUpload",
                lambda: self._call("AbortMultipartUpload", Key=key, UploadId=upload_id),
                context,
            )
        except NoSuchUpload:
            return

    def list_uploads(self, prefix: str, context: Context) -> Iterator[IncompleteUpload]:
        """Every incomplete upload whose key begins so, with its age by the storage's clock."""
        operation = "ListMultipartUploads"
        markers = {"KeyMarker": "NextKeyMarker", "UploadIdMarker": "NextUploadIdMarker"}
        for page in self._pages(operation, markers, context, Prefix=prefix):
            now = response_date(page)
            for item in page.get("Uploads", ()):
                started = get_field(operation, item, "Initiated")
                yield IncompleteUpload(
                    key=get_field(operation, item, "Key"),
                    upload_id=get_field(operation, item, "UploadId"),
                    started=started,
                    age=(now or started) - started,
                )

    def delete(self, key: str, context: Context) -> bool:
        """Delete an object, there or not. True where the bucket only hid it, because it keeps versions."""
        response = self._retry("DeleteObject", lambda: self._call("DeleteObject", Key=key), context)
        return bool(response.get("DeleteMarker"))

    def presign(self, key: str, seconds: int) -> str:
        """An address that serves the object for that many seconds; its query is a secret."""
        operation = "GetObject"
        try:
            return self._client.generate_presigned_url(
                "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=seconds
            )
        except Exception as error:
            raise translate(error, operation) from error

    def _call(self, operation: str, **arguments: Any) -> Page:
        """Send one request by boto3 and check its response."""
        try:
            response: Page = getattr(self._client, OPERATIONS[operation].method)(Bucket=self._bucket, **arguments)
        except (KeyError, ValueError) as error:  # botocore trusts the members of a response
            raise StorageBadResponse(f"{operation}: the response cannot be read ({error}).") from error
        check_response(operation, response)
        return response

    def _list(
        self, operation: str, member: str, markers: Mapping[str, str], context: Context, **arguments: Any
    ) -> Iterator[Mapping[str, Any]]:
        for page in self._pages(operation, markers, context, **arguments):
            yield from page.get(member, ())

    def _pages(self, operation: str, markers: Mapping[str, str], context: Context, **arguments: Any) -> Iterator[Page]:
        """Every page of a listing.

        Args:
            operation: The operation.
            markers: Where the next page begins: argument → member of the response.
            context: Ends it soon.
            arguments: Those of every page.

        Raises:
            StorageBadResponse: A page says that there are more and not where, or leads to a page that was read.
        """
        position: dict[str, Any] = {}
        visited: list[dict[str, Any]] = [position]
        while True:
            page = self._retry(operation, lambda: self._call(operation, **arguments, **position), context)  # noqa: B023
            yield page
            if not page["IsTruncated"]:
                return
            position = {name: page[member] for name, member in markers.items() if page.get(member)}
            if not position or position in visited:
                raise StorageBadResponse(f"{operation}: the listing does not end: a page does not lead to a new one.")
            visited.append(position)

    def _send(self, operation: str, body: Callable[[bool], Body], call: Callable[[Body], T], context: Context) -> T:
        """Send a body, made anew for each attempt; `body` gets True from the second one on."""
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

        return self._retry(operation, attempt, context)
