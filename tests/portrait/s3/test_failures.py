"""What goes wrong outside: each failure has its class and its advice, passing ones pass, and nothing is lost."""

from __future__ import annotations

import os
import pickle
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import SSLError
from botocore.httpsession import URLLib3Session

from portrait.clock import ManualClock
from portrait.errors import StateError, UsageError
from portrait.s3 import (
    AccessDenied,
    CredentialsRejected,
    NoSuchBucket,
    NotPublic,
    PartialFailure,
    SourceUnreadable,
    StorageError,
    StorageRefused,
    StorageThrottled,
    StorageUnavailable,
    StorageUnreachable,
    StorageUnsupported,
)
from portrait.s3 import errors as all_errors
from portrait.sql import sqlite
from portrait.state import open_state
from tests.portrait.s3.conftest import LARGE, count_uploads, only_object
from tests.s3_stub import ACCESS_KEY, SECRET_KEY, S3Stub

pytestmark = pytest.mark.rotate("make_store")  # the asynchronous store runs the other one in threads

Make = Callable[..., Any]


def warm_up(stub: S3Stub, store: Any, make_file: Make) -> None:
    """Have the store send a first small object: the later ones go a shorter way."""
    store.put(make_file("first.jpg", seed=99))
    stub.bucket.objects.clear()
    stub.calls.clear()


@pytest.mark.parametrize("action", ["cut", "drop-before", "drop-after", "status-before", "status-after"])
@pytest.mark.parametrize("size", [1000, 2_000_000])
@pytest.mark.parametrize("first", [True, False])
def test_single_put_survives(
    stub: S3Stub, open_store: Make, make_file: Make, *, action: str, size: int, first: bool
) -> None:
    """A PUT that is cut, dropped or failed, before or after it took effect, is sent again; the first and later ones."""
    store = open_store()
    if not first:
        warm_up(stub, store, make_file)
    stub.fault("PutObject", action, times=2)
    path = make_file(size=size)
    store.put(path)
    assert only_object(stub)[1] == path.read_bytes()
    assert stub.count("PutObject") == 3


@pytest.mark.parametrize("action", ["drop-before", "drop-after", "status-after"])
@pytest.mark.parametrize(
    "operation",
    ["ListObjectsV2", "ListMultipartUploads", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"],
)
def test_every_operation_survives(stub: S3Stub, open_store: Make, large: Path, operation: str, action: str) -> None:
    """Each operation of a large upload may lose its answer, or fail after it took effect, without leaving anything."""
    fault = stub.fault(operation, action)
    open_store().put(large)
    assert only_object(stub)[1] == large.read_bytes()
    assert fault.fired == 1


@pytest.mark.parametrize("operation", ["AbortMultipartUpload", "ListParts"])
def test_operations_of_other_calls_survive(stub: S3Stub, open_store: Make, large: Path, operation: str) -> None:
    """So do those that only a later run needs."""
    stub.fault("UploadPart", "cut", part=2, times=99)
    store = open_store()
    with pytest.raises(StorageUnreachable):
        store.put(large)
    stub.faults.clear()
    stub.fault(operation, "drop-after")
    if operation == "ListParts":
        store.put(large)
    else:
        store.abort_incomplete(timedelta(0))
    assert stub.bucket.uploads == {}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", AccessDenied),
        (403, "InvalidAccessKeyId", CredentialsRejected),
        (403, "SignatureDoesNotMatch", CredentialsRejected),
        (400, "ExpiredToken", CredentialsRejected),
        (401, "Unauthorized", CredentialsRejected),
        (404, "NoSuchBucket", NoSuchBucket),
        (501, "NotImplemented", StorageUnsupported),
        (400, "InvalidRequest", StorageRefused),
        (503, "SlowDown", StorageThrottled),
        (429, "TooManyRequests", StorageThrottled),
        (500, "InternalError", StorageUnavailable),
        (502, "Whatever", StorageUnavailable),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_refusals_have_classes(
    stub: S3Stub, open_store: Make, make_file: Make, *, status: int, code: str, kind: type[StorageError], first: bool
) -> None:
    """A refusal is told by its code, keeps code, status and request id, and says what to do."""
    store = open_store()
    if not first:
        warm_up(stub, store, make_file)
    stub.fault("PutObject", "status-before", times=99, status=status, code=code)
    with pytest.raises(kind) as caught:
        store.put(make_file())
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.http_status, error.request_id) == (code, status, "stub")
    assert error.message == f"PutObject: {code}: Refused."
    assert error.advice
    passing = kind in {StorageThrottled, StorageUnavailable}
    assert stub.count("PutObject") == (5 if passing else 1)


def test_later_puts_are_as_good_as_the_first(stub: S3Stub, open_store: Make, make_file: Make) -> None:
    """The first PUT and the shorter way that later ones go store the same: content, type, hash, signature."""
    store = open_store("s3://portraits/odd ~(+é%) prefix")
    sent = [store.put(make_file(f"{n}.jpg", seed=n)) for n in range(3)]
    assert all(not stored.existed for stored in sent)
    for stored in sent:
        found = stub.bucket.objects[stored.key]
        assert found.content == stored.path.read_bytes()
        assert found.headers == {"content-type": "image/jpeg", "x-amz-meta-sha256": stored.sha256}
    assert {call.status for call in stub.calls} == {200}


@pytest.mark.parametrize(("status", "code"), [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")])
def test_moved_bucket_is_left_to_boto3(stub: S3Stub, open_store: Make, make_file: Make, status: int, code: str) -> None:
    """A later PUT that is told to go elsewhere is sent again by boto3, which knows how to follow."""
    store = open_store()
    warm_up(stub, store, make_file)
    stub.fault("PutObject", "status-before", status=status, code=code)
    store.put(make_file())
    only_object(stub)
    assert [call.status for call in stub.calls if call.operation == "PutObject"] == [status, 200]


def test_pauses_grow_and_obey(stub: S3Stub, open_store: Make, make_file: Make) -> None:
    """Pauses between attempts grow, and are as long as the storage asks where it does."""

    class Counting(ManualClock):
        def __init__(self) -> None:
            super().__init__()
            self.pauses: list[float] = []

        def sleep(self, seconds: float) -> None:
            self.pauses.append(seconds)
            super().sleep(seconds)

    clock = Counting()
    stub.fault("PutObject", "status-before", times=4, status=503, code="SlowDown")
    open_store(clock=clock).put(make_file())
    assert len(clock.pauses) == 4
    for pause, least in zip(clock.pauses, (0.125, 0.25, 0.5, 1.0), strict=True):
        assert least <= pause <= 2 * least
    clock = Counting()
    stub.faults.clear()
    stub.fault("PutObject", "status-before", status=429, code="SlowDown", headers=(("Retry-After", "7"),))
    open_store(clock=clock).put(make_file(seed=2))
    assert clock.pauses == [7.0]


def test_one_write_per_second(open_store: Make, make_file: Make) -> None:
    """R2's 429 for a second write to one key is waited out."""
    time = [100.0]

    class Clock(ManualClock):
        def sleep(self, seconds: float) -> None:
            time[0] += seconds

    with S3Stub(write_pause=1.0, now=lambda: time[0]) as strict:
        strict.fault("PutObject", "drop-after")
        open_store(endpoint_url=strict.url, clock=Clock()).put(make_file())
        statuses = [call.status for call in strict.calls if call.operation == "PutObject"]
        assert statuses[:2] == [0, 429]
        assert statuses[-1] == 200


@pytest.mark.parametrize(
    ("status", "code", "resumable"),
    [(403, "AccessDenied", False), (400, "InvalidRequest", False), (403, "ExpiredToken", True)],
)
def test_final_failures_abort(
    stub: S3Stub, open_store: Make, large: Path, state: Path, *, status: int, code: str, resumable: bool
) -> None:
    """A failure that no later run can get past aborts the upload; one that can be got past keeps it."""
    stub.fault("UploadPart", "status-before", part=2, times=99, status=status, code=code)
    with pytest.raises(StorageError) as caught:
        open_store().put(large)
    assert caught.value.resumable is resumable
    assert len(stub.bucket.uploads) == count_uploads(state) == int(resumable)


def test_key_that_may_not_list_uploads(stub: S3Stub, open_store: Make, large: Path) -> None:
    """Large files are stored even where unfinished uploads may not be listed."""
    stub.fault("ListMultipartUploads", "status-before", times=99, status=403, code="AccessDenied")
    open_store().put(large)
    assert only_object(stub)[1] == large.read_bytes()


def test_unreachable(open_store: Make, make_file: Make) -> None:
    """A storage that does not answer is told as such, without its address's secrets."""
    with pytest.raises(StorageUnreachable) as caught:
        open_store(endpoint_url="http://127.0.0.1:9").put(make_file())
    assert caught.value.resumable
    assert not caught.value.may_have_executed


def test_no_credentials(open_store: Make, make_file: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any key the error says which variables to set."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(CredentialsRejected, match="AWS_ACCESS_KEY_ID"):
        open_store(access_key=None, secret_key=None).put(make_file())


def test_wrong_secret(stub: S3Stub, open_store: Make, make_file: Make) -> None:
    """The stub checks signatures, so the signatures of all other tests are right."""
    with pytest.raises(CredentialsRejected):
        open_store(secret_key="wrong").put(make_file())
    assert stub.bucket.objects == {}


UNREADABLE = {"missing": "none", "folder": "", "too long": "y" * 300, "with a NUL": "a\0b"}


@pytest.mark.parametrize("name", UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_file(stub: S3Stub, make_store: Make, tmp_path: Path, name: str) -> None:
    """answer-sources: what is not a readable file is an error of the tree, before anything is sent."""
    with pytest.raises(SourceUnreadable) as caught:
        make_store().put(tmp_path / name)
    assert not caught.value.may_have_executed
    assert stub.calls == []


@pytest.mark.parametrize("name", UNREADABLE.values(), ids=UNREADABLE)
def test_some_of_a_batch(stub: S3Stub, make_store: Make, make_file: Make, tmp_path: Path, name: str) -> None:
    """answer-sources: one bad file does not keep the others from being stored; the error says what became of each."""
    good, bad = make_file(), tmp_path / name
    with pytest.raises(PartialFailure) as caught:
        make_store().put_many([bad, good])
    assert set(caught.value.stored) == {str(good)}
    assert isinstance(caught.value.failures[str(bad)], SourceUnreadable)
    assert len(stub.bucket.objects) == 1


def test_a_failure_for_all_ends_the_batch(stub: S3Stub, make_store: Make, make_file: Make) -> None:
    """A failure that every file would meet ends the batch at once, as itself."""
    stub.fault("PutObject", "status-before", times=99, status=403, code="AccessDenied")
    with pytest.raises(AccessDenied):
        make_store(concurrency=1).put_many([make_file(f"{n}.jpg", seed=n) for n in range(20)])
    assert stub.count("PutObject") == 1


def test_missing_bucket(make_store: Make, make_file: Make) -> None:
    """A bucket that does not exist is told by the listing, before anything is sent."""
    with pytest.raises(NoSuchBucket):
        make_store("s3://elsewhere").put_many([make_file()])


@pytest.mark.parametrize("size", [1000, LARGE])
def test_state_that_cannot_be_made(stub: S3Stub, make_store: Make, make_file: Make, tmp_path: Path, size: int) -> None:
    """Without a writable state small files are stored, and large ones are told before anything is sent."""
    (tmp_path / "file").write_text("in the way")
    store = make_store(state=tmp_path / "file" / "state.db")
    path = make_file(size=size)
    if size == 1000:
        store.put(path)
    else:
        with pytest.raises(StateError, match="state="):
            store.put(path)
        assert stub.calls == []


def test_state_that_cannot_be_written_any_more(
    stub: S3Stub, make_store: Make, larger: Path, monkeypatch: pytest.MonkeyPatch, state: Path
) -> None:
    """It is told, under way or before anything is sent; what the storage has by then is not sent again."""
    clock = ManualClock()
    with open_state(state, clock) as database:
        store = make_store(concurrency=1, state=database, clock=clock)

        def protect() -> None:
            monkeypatch.setattr(sqlite, "_SETUP", (*sqlite._SETUP, "PRAGMA query_only = ON"))
            database.close()

        stub.fault("UploadPart", "call", part=2, hook=protect)
        with pytest.raises(StateError, match="cannot be written"):
            store.put(larger)
        stub.calls.clear()
        with pytest.raises(StateError, match="cannot be written"):
            store.put(larger)
        assert (len(stub.bucket.uploads), stub.calls) == (1, [])
        monkeypatch.undo()
        database.close()
        store.put(larger)
    assert only_object(stub)[1] == larger.read_bytes()
    assert len(stub.bucket.parts_received) == 3


def own_client(stub: S3Stub, **config: Any) -> Any:
    """A boto3 client as a caller would make it."""
    return boto3.client(
        "s3",
        endpoint_url=stub.url,
        region_name="auto",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(s3={"addressing_style": "path"}, **config),
    )


def test_own_client(stub: S3Stub, open_store: Make, make_file: Make, large: Path) -> None:
    """A caller's own client is used as it is, and stays open."""
    client = own_client(stub, request_checksum_calculation="when_required")
    store = open_store(client=client)
    results = store.put_many([make_file(), make_file("two.jpg", 2_000_000, seed=2), large])
    store.close()
    for stored in results:
        assert stub.bucket.objects[stored.key].content == stored.path.read_bytes()
    assert len(client.list_objects_v2(Bucket="portraits")["Contents"]) == 3
    client.close()


def test_own_client_and_a_changing_file(stub: S3Stub, open_store: Make, larger: Path) -> None:
    """With a client that does not sign by known hashes, changed bytes are caught on this side."""

    def edit() -> None:
        with larger.open("r+b") as file:
            file.seek(-5, os.SEEK_END)
            file.write(b"wrong")

    client = own_client(stub, request_checksum_calculation="when_required")
    stub.fault("UploadPart", "call", part=1, hook=edit)
    with pytest.raises(StorageError):
        open_store(client=client, concurrency=1).put(larger)
    assert (stub.bucket.objects, stub.bucket.uploads) == ({}, {})
    assert (next(iter(stub.bucket.parts_received))[1], len(stub.bucket.parts_received)) == (1, 2)
    client.close()


def test_own_client_with_default_checksums(stub: S3Stub, open_store: Make) -> None:
    """boto3's default checksums break R2: a client that adds them is refused before anything is sent."""
    client = own_client(stub)
    with pytest.raises(UsageError, match="request_checksum_calculation='when_required'"):
        open_store(client=client)
    client.close()


def test_stub_refuses_what_r2_refuses(stub: S3Stub) -> None:
    """The other end of these tests is as strict as R2: default checksums 501, bucket probes 403, unequal parts 400."""
    client = own_client(stub)
    loose = own_client(stub, request_checksum_calculation="when_required", retries={"total_max_attempts": 1})

    def refused(call: Callable[..., Any], **arguments: Any) -> int:
        with pytest.raises(client.exceptions.ClientError) as caught:
            call(**arguments)
        status: int = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
        return status

    assert refused(client.put_object, Bucket="portraits", Key="a", Body=b"x") == 501
    assert refused(loose.head_bucket, Bucket="portraits") == 403
    assert refused(loose.list_buckets) == 403
    upload = loose.create_multipart_upload(Bucket="portraits", Key="a")["UploadId"]
    parts = [
        loose.upload_part(Bucket="portraits", Key="a", UploadId=upload, PartNumber=n, Body=bytes(size))
        for n, size in ((1, 5_242_880), (2, 5_242_881), (3, 1))
    ]
    done = {"Parts": [{"PartNumber": n, "ETag": part["ETag"]} for n, part in enumerate(parts, 1)]}
    complete = loose.complete_multipart_upload
    assert refused(complete, Bucket="portraits", Key="a", UploadId=upload, MultipartUpload=done) == 400
    client.close()
    loose.close()


def test_errors_survive_pickle() -> None:
    """Every error of the tree can be sent to another process and says the same there."""
    kinds = [k for k in vars(all_errors).values() if isinstance(k, type) and issubclass(k, StorageError)]
    assert len(kinds) >= 15
    for kind in kinds:
        if kind is NotPublic:
            error: StorageError = NotPublic("x", reason="page", advice="y")
        elif kind is PartialFailure:
            error = PartialFailure({}, {"a": AccessDenied("no")})
        else:
            error = kind("what", code="C", http_status=400)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind
        assert str(again) == str(error)
        assert error.advice or kind is StorageError


def broken_tls(cause: ssl.SSLError, sent: list[str]) -> Callable[..., Any]:
    """Has every request fail under TLS that sends a second part; the others go through."""
    send = URLLib3Session.send

    def fail(session: URLLib3Session, request: Any) -> Any:
        if "partNumber=2" not in request.url:
            return send(session, request)
        sent.append(request.url)
        try:
            try:
                raise cause
            except ssl.SSLError as error:
                raise urllib3.exceptions.SSLError(error)  # noqa: B904  (as urllib3 has it)
        except urllib3.exceptions.SSLError as error:
            raise SSLError(endpoint_url=request.url, error=error)  # noqa: B904  (as botocore has it)

    return fail


def test_a_tls_connection_that_breaks_loses_nothing(
    stub: S3Stub, open_store: Make, larger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again like any other connection, and the parts that were sent are kept."""
    store, sent = open_store(concurrency=1), []
    broken = ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "EOF occurred in violation of protocol")
    with monkeypatch.context() as patch:
        patch.setattr(URLLib3Session, "send", broken_tls(broken, sent))
        with pytest.raises(StorageUnreachable) as caught:
            store.put(larger)
    assert "certificate" not in str(caught.value)
    assert len(sent) == 5
    assert stub.count("AbortMultipartUpload") == 0
    store.put(larger)
    assert only_object(stub)[1] == larger.read_bytes()
    assert sorted(number for _, number in stub.bucket.parts_received) == [1, 2, 3]


def test_a_certificate_that_is_not_trusted_is_told_at_once(
    open_store: Make, larger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trying again does not help."""
    sent: list[str] = []
    untrusted = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")
    monkeypatch.setattr(URLLib3Session, "send", broken_tls(untrusted, sent))
    with pytest.raises(StorageRefused, match="not trusted") as caught:
        open_store(concurrency=1).put(larger)
    assert "AWS_CA_BUNDLE" in str(caught.value.advice)
    assert len(sent) == 1
