"""The object store against moto's server, another S3 than our own stub. Skipped where it is absent."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from portrait.clock import ManualClock
from portrait.errors import Interrupted
from portrait.s3 import AccessDenied, CancelToken, NoSuchBucket, ObjectStore, Stage, UploadProgress
from portrait.s3.parts import MIB, MIN_PART_BYTES

moto_server = pytest.importorskip("moto.server")
enable_iam_authentication = pytest.importorskip("moto.core.authorization").enable_iam_authentication

Make = Callable[..., ObjectStore]
SIZES = [0, 1000, 2 * MIB, 2 * MIN_PART_BYTES + MIB]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A moto server."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(endpoint: str) -> Iterator[Any]:
    """A plain boto3 client, and a bucket of its own for each test."""
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    client.create_bucket(Bucket="portraits")
    yield client
    urllib3.request("POST", f"{endpoint}/moto-api/reset")
    client.close()


@pytest.fixture
def open_store(client: Any, endpoint: str, tmp_path: Path) -> Iterator[Make]:
    """Makes stores on the server."""
    created: list[ObjectStore] = []

    def make(place: str = "s3://portraits/faces", **options: Any) -> ObjectStore:
        defaults: dict[str, Any] = {
            "endpoint_url": endpoint,
            "access_key": "k",
            "secret_key": "s",
            "state": tmp_path / "state.db",
            "part_size": MIN_PART_BYTES,
            "clock": ManualClock(),
        }
        created.append(ObjectStore(place, **(defaults | options)))
        return created[-1]

    yield make
    for store in created:
        store.close()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A file for each way of sending."""
    created = [tmp_path / f"{size}.bin" for size in SIZES]
    for path, size in zip(created, SIZES, strict=True):
        path.write_bytes(os.urandom(size))
    return created


def test_files_of_all_sizes(client: Any, open_store: Make, files: list[Path]) -> None:
    """Content, type and hash arrive, are served and deleted; the second time nothing is sent."""
    store = open_store()
    results = store.put_many(files)
    for path, stored in zip(files, results, strict=True):
        found = client.get_object(Bucket="portraits", Key=stored.key)
        assert found["Body"].read() == path.read_bytes()
        assert (found["ContentType"], found["Metadata"]["sha256"]) == (stored.content_type, stored.sha256)
        assert urllib3.request("GET", store.url(stored.key)).data == path.read_bytes()
        if stored.size:
            store.check_public(stored)
    assert all(stored.existed for stored in store.put_many(files))
    assert store.list_objects() == {stored.key: stored.size for stored in results}
    store.delete(*results)
    assert store.list_objects() == {}


def policies() -> list[str]:
    """The policies of the README, without and with the rights that an erasure needs."""
    text = (Path(__file__).parents[2] / "portrait" / "cli" / "README.md").read_text(encoding="utf-8")
    return re.findall(r"```json\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def limited(client: Any, endpoint: str) -> Iterator[Callable[[str], dict[str, str]]]:
    """The options of a key that may do what a policy says in the bucket `my-bucket`, and no more."""
    client.create_bucket(Bucket="my-bucket")
    root = {"region_name": "us-east-1", "aws_access_key_id": "k", "aws_secret_access_key": "s"}
    iam = boto3.client("iam", endpoint_url=endpoint, **root)

    def make(policy: str) -> dict[str, str]:
        iam.create_user(UserName="portrait")
        iam.put_user_policy(UserName="portrait", PolicyName="portrait", PolicyDocument=policy)
        key = iam.create_access_key(UserName="portrait")["AccessKey"]
        return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}

    yield make
    iam.close()


@pytest.mark.parametrize("policy", policies(), ids=["put", "forget"])
def test_the_policies_of_the_readme_are_enough(
    open_store: Make, limited: Callable[[str], dict[str, str]], files: list[Path], policy: str
) -> None:
    """Files of all sizes are stored once. Listing and deleting take the second policy."""
    store = open_store("s3://my-bucket/portraits", **limited(policy))
    with enable_iam_authentication():
        results = store.put_many(files)
        assert not any(stored.existed for stored in results)
        assert all(stored.existed for stored in store.put_many(files))
        if "s3:ListBucket" in policy:
            assert len(store.list_objects()) == len(files)
            store.delete(*results)
        else:
            with pytest.raises(AccessDenied):
                store.list_objects()
            with pytest.raises(AccessDenied):
                store.delete(*results)


def test_stopped_and_gone_on_with(client: Any, open_store: Make, files: list[Path]) -> None:
    """An upload that was stopped under way is gone on with: one upload, what is listed is not sent again."""
    cancel = CancelToken()

    def listen(event: object) -> None:
        if isinstance(event, UploadProgress) and event.stage is Stage.UPLOADING:
            cancel.set()

    with pytest.raises(Interrupted):
        open_store(concurrency=1, on_event=listen).put(files[-1], cancel=cancel)
    (upload,) = client.list_multipart_uploads(Bucket="portraits")["Uploads"]
    assert len(client.list_parts(Bucket="portraits", Key=upload["Key"], UploadId=upload["UploadId"])["Parts"]) == 1
    seen: list[Any] = []
    stored = open_store(on_event=seen.append).put(files[-1])
    assert (seen[0].stage, seen[0].bytes_done) == (Stage.RESUMED, MIN_PART_BYTES)
    assert client.get_object(Bucket="portraits", Key=stored.key)["Body"].read() == files[-1].read_bytes()
    assert "Uploads" not in client.list_multipart_uploads(Bucket="portraits")


def test_clean_up(client: Any, open_store: Make) -> None:
    """Unfinished uploads are found and aborted."""
    client.create_multipart_upload(Bucket="portraits", Key="faces/a")
    store = open_store()
    assert [upload.key for upload in store.incomplete_uploads()] == ["faces/a"]
    store.abort_incomplete(timedelta(0))
    assert store.incomplete_uploads() == []


def test_missing_bucket(open_store: Make, files: list[Path]) -> None:
    """A bucket that does not exist has its own error."""
    with pytest.raises(NoSuchBucket):
        open_store("s3://elsewhere").put(files[1])
