"""Responses that are none: nothing is taken for stored, listed or deleted without what a response must have."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portrait.s3 import (
    AccessDenied,
    CredentialsRejected,
    PartialFailure,
    StorageBadResponse,
    StorageError,
    StorageUnavailable,
    StorageUnreachable,
)
from tests.portrait.s3.conftest import only_object
from tests.s3_stub import S3Stub

Make = Callable[..., Any]

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Please sign in<br></body></html>"
XHTML = b"<html><body><p>Please sign in</p></body></html>"
ERROR = b"<Error><Code>InternalError</Code><Message>Try again.</Message></Error>"
XML = (("Content-Type", "application/xml"),)
PAGE = (("Content-Type", "text/html; charset=utf-8"),)
ETAG = (("ETag", '"0"'),)

NO_RESPONSES = {
    "html": {"body": HTML, "headers": PAGE},
    "well-formed html": {"body": XHTML, "headers": PAGE},
    "html with an etag": {"body": XHTML, "headers": PAGE + ETAG},
    "error": {"body": ERROR, "headers": XML},
    "empty": {},
    "204": {"status": 204},
    "206 with a text": {"status": 206, "body": b"x"},
    "cut off": {"body": b"<ListBuck", "headers": XML},
    "shorter than its length": {"body": b"<ListBucketResult/>", "headers": (*XML, ("Content-Length", "99"))},
    "without its body": {"headers": (("Content-Length", "99"),)},
}
# A deletion has an empty response, by 204 or 200.
NO_DELETIONS = {name: NO_RESPONSES[name] for name in ("html", "well-formed html", "error", "206 with a text")}


@pytest.mark.slow
@pytest.mark.parametrize("answer", NO_RESPONSES.values(), ids=NO_RESPONSES)
@pytest.mark.parametrize("size", [1000, 2_000_000])
@pytest.mark.parametrize("first", [True, False], ids=["boto3", "fast"])
def test_put_without_a_response_is_not_stored(
    stub: S3Stub, make_store: Make, make_file: Make, answer: dict[str, Any], *, size: int, first: bool
) -> None:
    """answer-put-html: a PUT with a web page, an error, or no ETag for a response is tried again, then an error."""
    store = make_store()
    if not first:
        store.put(make_file("first.jpg", seed=99))
        stub.bucket.objects.clear()
    path = make_file(size=size)
    fault = stub.fault("PutObject", "instead", **{"status": 200, "times": 99} | answer)
    with pytest.raises((StorageBadResponse, StorageUnavailable, StorageUnreachable)) as caught:
        store.put(path)
    assert caught.value.may_have_executed
    if type(caught.value) is StorageBadResponse:
        # boto3 takes a page that is no XML for a 500, and tells no status where another success has no XML
        assert caught.value.http_status in {fault.status, 500, None}
    assert fault.fired >= 5
    stub.faults.clear()
    assert not store.put(path).existed
    assert only_object(stub)[1] == path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("answer", NO_RESPONSES.values(), ids=NO_RESPONSES)
@pytest.mark.parametrize(
    "operation",
    ["ListObjectsV2", "ListMultipartUploads", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"],
)
def test_upload_without_a_response_is_not_stored(
    stub: S3Stub, make_store: Make, large: Path, operation: str, answer: dict[str, Any]
) -> None:
    """answer-complete, answer-etag: so for each operation of a large upload; the next run resumes it."""
    stub.fault(operation, "instead", **{"status": 200, "times": 99} | answer)
    store = make_store()
    with pytest.raises((StorageBadResponse, StorageUnavailable, StorageUnreachable)) as caught:
        store.put(large)
    assert caught.value.resumable
    stub.faults.clear()
    assert not store.put(large).existed
    assert only_object(stub)[1] == large.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("answer", NO_RESPONSES.values(), ids=NO_RESPONSES)
def test_parts_without_a_response_are_not_trusted(
    stub: S3Stub, make_store: Make, larger: Path, answer: dict[str, Any]
) -> None:
    """ListParts that is none is an error, and not an upload without parts."""
    store = make_store(concurrency=1)
    stub.fault("UploadPart", "cut", part=2, times=99)
    with pytest.raises(StorageUnreachable):
        store.put(larger)
    stub.faults.clear()
    stub.fault("ListParts", "instead", **{"status": 200, "times": 99} | answer)
    with pytest.raises((StorageBadResponse, StorageUnavailable, StorageUnreachable)):
        store.put(larger)
    stub.faults.clear()
    store.put(larger)
    assert len(stub.bucket.parts_received) == 3


@pytest.mark.slow
@pytest.mark.parametrize("answer", NO_DELETIONS.values(), ids=NO_DELETIONS)
def test_delete_without_a_response_is_an_error(
    stub: S3Stub, make_store: Make, make_file: Make, answer: dict[str, Any]
) -> None:
    """A deletion is not believed because of a web page or an error with status 200."""
    store = make_store()
    stored = store.put(make_file())
    stub.fault("DeleteObject", "instead", **{"status": 200, "times": 99} | answer)
    with pytest.raises((StorageBadResponse, StorageUnavailable)):
        store.delete(stored)


@pytest.mark.parametrize(
    ("response", "message"),
    [(NO_RESPONSES["html with an etag"], "is a web page"), (NO_RESPONSES["empty"], "has no ETag")],
    ids=["page", "empty"],
)
def test_what_is_wrong_with_a_response_is_told(
    stub: S3Stub, make_store: Make, make_file: Make, *, response: dict[str, Any], message: str
) -> None:
    """With its status and the id of the request, after five attempts; and nothing is taken for stored."""
    fault = stub.fault("PutObject", "instead", **{"status": 200, "times": 99} | response)
    with pytest.raises(StorageBadResponse, match=f"PutObject: the response {message}") as caught:
        make_store().put(make_file())
    assert (caught.value.http_status, caught.value.request_id) == (200, "stub")
    assert fault.fired >= 5


def test_complete_whose_response_is_empty_is_looked_at(stub: S3Stub, open_store: Make, large: Path) -> None:
    """answer-complete: where the object was made nevertheless, the listing says so, and it is stored."""
    fault = stub.fault("CompleteMultipartUpload", "alter", rewrite=lambda _: b"")
    open_store().put(large)
    assert only_object(stub)[1] == large.read_bytes()
    assert (fault.fired, stub.count("CompleteMultipartUpload")) == (1, 1)


@pytest.mark.parametrize("status", [200, 204])
def test_a_deletion_without_a_body_is_believed(
    stub: S3Stub, open_store: Make, monkeypatch: pytest.MonkeyPatch, *, status: int
) -> None:
    """Some servers call it a page; 204 has no body, whether its length is told or not."""
    headers = (*PAGE, *((("Content-Length", "0"),) if status == 200 else (("Content-Length", ""),)))
    stub.fault("DeleteObject", "instead", status=status, headers=headers)
    open_store().delete("faces/a.jpg")
    assert stub.count("DeleteObject") == 1


TOKENS = {
    "ListObjectsV2": ("NextContinuationToken", "faces/"),
    "ListMultipartUploads": ("NextKeyMarker", "faces/x"),
    "ListParts": ("NextPartNumberMarker", "1"),
}


@pytest.mark.parametrize("repeated", [True, False], ids=["repeated", "missing"])
@pytest.mark.parametrize("operation", TOKENS)
def test_listing_that_does_not_end_is_an_error(
    stub: S3Stub, open_store: Make, larger: Path, operation: str, *, repeated: bool
) -> None:
    """answer-list-token: a listing whose pages repeat their token, or lack it, is an error after two of them."""
    store = open_store(concurrency=1)
    if operation == "ListParts":
        stub.fault("UploadPart", "cut", part=2, times=99)
        with pytest.raises(StorageUnreachable):
            store.put(larger)
        stub.faults.clear()
        stub.calls.clear()
    name, token = TOKENS[operation]
    marker = f"<IsTruncated>true</IsTruncated>{f'<{name}>{token}</{name}>' if repeated else ''}".encode()

    def never_last(body: bytes) -> bytes:
        body = re.sub(rb"<Next\w+>.*?</Next\w+>", b"", body)
        return re.sub(rb"<IsTruncated>\w+</IsTruncated>", marker, body)

    stub.fault(operation, "alter", times=99, rewrite=never_last)
    call = {
        "ListObjectsV2": store.list_objects,
        "ListMultipartUploads": store.incomplete_uploads,
        "ListParts": lambda: store.put(larger),
    }[operation]
    with pytest.raises(StorageBadResponse, match="does not end"):
        call()
    assert stub.count(operation) <= 2


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ("ListObjectsV2", "Size"),
        ("ListObjectsV2", "Key"),
        ("ListMultipartUploads", "Key"),
        ("ListMultipartUploads", "UploadId"),
        ("ListMultipartUploads", "Initiated"),
    ],
)
def test_listing_whose_items_lack_something_is_an_error(
    stub: S3Stub, open_store: Make, make_file: Make, operation: str, field: str
) -> None:
    """An item without its key or size is an error of the tree."""
    store = open_store()
    store.put(make_file())
    stub.bucket.create("faces/a", {})
    rewrite = re.compile(f"<{field}>.*?</{field}>".encode())
    stub.fault(operation, "alter", times=99, rewrite=lambda body: rewrite.sub(b"", body))
    with pytest.raises(StorageBadResponse, match=f"{operation}: .*{field}"):
        (store.list_objects if operation == "ListObjectsV2" else store.incomplete_uploads)()


@pytest.mark.parametrize("code", ["RequestTimeTooSkewed", "RequestExpired"])
@pytest.mark.parametrize("first", [True, False], ids=["boto3", "fast"])
def test_a_wrong_clock_is_told_as_such(
    stub: S3Stub, open_store: Make, make_file: Make, code: str, *, first: bool
) -> None:
    """answer-skew: the advice names this machine's clock, not the key."""
    store = open_store()
    if not first:
        store.put(make_file("first.jpg", seed=99))
    stub.fault("PutObject", "status-before", times=99, status=403, code=code)
    with pytest.raises(CredentialsRejected, match="this machine's clock") as caught:
        store.put(make_file())
    assert "AWS_ACCESS_KEY_ID" not in str(caught.value)


@pytest.mark.parametrize("size", [1000, 6_000_000])
def test_a_refused_connection_sent_nothing(open_store: Make, make_file: Make, size: int) -> None:
    """advice-storage: nothing was sent where no attempt got a connection."""
    with pytest.raises(StorageUnreachable) as caught:
        open_store(endpoint_url="http://127.0.0.1:9").put(make_file(size=size))
    assert not caught.value.may_have_executed


def test_an_attempt_that_may_have_executed_is_not_forgotten(stub: S3Stub, open_store: Make, make_file: Make) -> None:
    """The last attempt was refused; an earlier one lost its response and may have stored the object."""
    stub.fault("PutObject", "drop-after")
    stub.fault("PutObject", "status-before", after=1, times=99, status=403, code="AccessDenied")
    with pytest.raises(StorageError) as caught:
        open_store().put(make_file())
    assert caught.value.may_have_executed


@pytest.mark.parametrize(
    ("operation", "after", "executed"),
    [
        ("CreateMultipartUpload", 0, False),
        ("UploadPart", 0, True),
        ("UploadPart", 1, True),
        ("CompleteMultipartUpload", 0, True),
    ],
)
def test_a_large_upload_that_is_refused_late_has_sent_something(
    stub: S3Stub, open_store: Make, large: Path, operation: str, after: int, *, executed: bool
) -> None:
    """`may_have_executed` is true for the whole call: an upload was begun, although the last request was refused."""
    stub.fault(operation, "status-before", after=after, times=99, status=403, code="AccessDenied")
    with pytest.raises(AccessDenied) as caught:
        open_store(concurrency=1).put(large)
    assert caught.value.may_have_executed is executed


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_batch_that_is_refused_late_has_sent_something(
    stub: S3Stub, open_store: Make, make_file: Make, after: int
) -> None:
    """`may_have_executed` is true for the whole call: earlier files were stored, although this one was refused."""
    stub.fault("PutObject", "status-before", after=after, times=99, status=403, code="AccessDenied")
    with pytest.raises(AccessDenied) as caught:
        open_store(concurrency=1).put_many([make_file(f"{n}.jpg", seed=n) for n in range(3)])
    assert caught.value.may_have_executed is (after > 0)


def test_each_file_of_a_batch_speaks_for_itself(stub: S3Stub, open_store: Make, make_file: Make) -> None:
    """`may_have_executed` of one file's error does not count what was sent for other files; that of the batch does."""
    stub.fault("PutObject", "status-before", after=1, times=1, status=400, code="InvalidArgument")
    files = [make_file(f"{n}.jpg", seed=n) for n in range(3)]
    with pytest.raises(PartialFailure) as caught:
        open_store(concurrency=1).put_many(files)
    (failure,) = caught.value.failures.values()
    assert (failure.may_have_executed, caught.value.may_have_executed) == (False, True)


def test_a_lost_listing_changed_nothing(stub: S3Stub, open_store: Make, make_file: Make) -> None:
    """`may_have_executed` is false where only listings were sent: they change nothing in the bucket."""
    stub.fault("ListObjectsV2", "drop-after", times=99)
    with pytest.raises(StorageUnreachable) as caught:
        open_store().put(make_file())
    assert not caught.value.may_have_executed
