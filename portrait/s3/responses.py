"""The fields that the responses of each S3 operation must have, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from attrs import frozen

from portrait.s3.errors import StorageBadResponse, is_web_page

Page = Mapping[str, Any]


@frozen
class Operation:
    """An S3 operation.

    Attributes:
        method: boto3's method.
        required: What a response always has; None for nothing (Amazon S3 API reference, "Response Syntax", D).
        writes: Whether it changes the bucket.
        object_headers: Whether the headers of its response are those of an object, which may be a web page.
    """

    method: str
    required: str | None
    writes: bool = True
    object_headers: bool = False


OPERATIONS: Mapping[str, Operation] = {
    "PutObject": Operation("put_object", "ETag"),
    "CreateMultipartUpload": Operation("create_multipart_upload", "UploadId"),
    "UploadPart": Operation("upload_part", "ETag"),
    "CompleteMultipartUpload": Operation("complete_multipart_upload", "ETag"),
    "AbortMultipartUpload": Operation("abort_multipart_upload", None),
    "DeleteObject": Operation("delete_object", None),
    "HeadObject": Operation("head_object", "ETag", writes=False, object_headers=True),
    "ListObjectsV2": Operation("list_objects_v2", "IsTruncated", writes=False),
    "ListParts": Operation("list_parts", "IsTruncated", writes=False),
    "ListMultipartUploads": Operation("list_multipart_uploads", "IsTruncated", writes=False),
}


def check_response(operation: str, response: Page) -> None:
    """Refuse a response that did not come from the storage: a login page of a proxy, an empty body.

    Raises:
        StorageBadResponse: It is a web page, or lacks what this operation's responses always have.
    """
    metadata, required = response["ResponseMetadata"], OPERATIONS[operation].required
    what = ""
    if is_web_page(metadata) and not OPERATIONS[operation].object_headers:
        what = "is a web page"
    elif required is not None and response.get(required) in {None, "", '""'}:
        what = f"has no {required}"
    if what:
        raise StorageBadResponse(
            f"{operation}: the response {what}, so nothing is known to be done.",
            http_status=metadata["HTTPStatusCode"],
            request_id=str(metadata.get("RequestId", "")),
        )


def get_field(operation: str, item: Mapping[str, Any], name: str) -> Any:
    """A member of an item of a listing.

    Raises:
        StorageBadResponse: The item lacks it.
    """
    if name not in item:
        raise StorageBadResponse(f"{operation}: an item of the listing has no {name}.")
    return item[name]


def bare_etag(etag: str) -> str:
    """An ETag without its quotes."""
    return etag.strip('"')


def response_date(page: Page) -> datetime | None:
    """The storage's own time, by the Date header: ages must not depend on this machine's clock."""
    text = page["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(text).astimezone(UTC) if text else None
