"""Files in, keys and addresses out: what is sent, what is not, and what it is called."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from portrait.errors import Interrupted, UsageError
from portrait.s3 import (
    AccessDenied,
    CancelToken,
    ObjectStore,
    Stage,
    StorageThrottled,
    StorageUnreachable,
    StorageWarning,
    UploadProgress,
)
from portrait.s3.parts import MIB
from portrait.s3.store import StoreOptions
from tests.portrait.s3.conftest import LARGE, only_object
from tests.s3_stub import S3Stub

pytestmark = pytest.mark.rotate("make_store")  # the asynchronous store runs the other one in threads

Make = Callable[..., Any]


@pytest.mark.parametrize("size", [0, 1000, MIB, MIB + 1, LARGE])
def test_content_arrives_under_its_hash(stub: S3Stub, make_store: Make, make_file: Make, size: int) -> None:
    """A file of any size is stored byte for byte under `<prefix>/<2 digits>/<sha256>.<ext>`, with its type and hash."""
    path = make_file("host.bin", size)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    stored = make_store().put(path)
    key, content = only_object(stub)
    assert content == path.read_bytes()
    assert key == stored.key == f"faces/{sha256[:2]}/{sha256}.bin"
    assert (stored.sha256, stored.size, stored.existed) == (sha256, size, False)
    assert stub.bucket.objects[key].headers == {
        "content-type": "application/octet-stream",
        "x-amz-meta-sha256": sha256,
    }


def test_no_prefix(make_store: Make, make_file: Make) -> None:
    """Without a prefix keys begin with the two digits."""
    stored = make_store("s3://portraits").put(make_file())
    assert stored.key == f"{stored.sha256[:2]}/{stored.sha256}.jpg"


@pytest.mark.parametrize(
    ("name", "head", "content_type", "extension"),
    [
        ("a.png", b"\xff\xd8\xff\xe0", "image/jpeg", ".jpg"),
        ("a.JPEG", b"\xff\xd8\xff\xe0", "image/jpeg", ".jpg"),
        ("a", b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
        ("clip", b"\x00\x00\x00\x18ftypmp42", "video/mp4", ".mp4"),
        ("a.txt", b"hello", "text/plain", ".txt"),
        ("a.we ird", b"hello", "application/octet-stream", ""),
    ],
)
def test_kind_is_told_by_content(
    stub: S3Stub, make_store: Make, tmp_path: Path, *, name: str, head: bytes, content_type: str, extension: str
) -> None:
    """The first bytes decide type and extension, a lying name does not; the name decides only where they are silent."""
    path = tmp_path / name
    path.write_bytes(head + bytes(100))
    stored = make_store().put(path)
    assert stored.content_type == content_type
    assert stored.key.endswith(stored.sha256 + extension)
    assert stub.bucket.objects[stored.key].headers["content-type"] == content_type


@pytest.mark.parametrize("size", [1000, LARGE])
def test_nothing_is_sent_twice(stub: S3Stub, make_store: Make, make_file: Make, size: int) -> None:
    """A content that is there already is found by one listing, whatever the file is called, and not sent."""
    store = make_store()
    first = store.put(make_file("one.bin", size))
    sent = len(stub.calls)
    again = store.put(make_file("two.bin", size))
    assert (again.key, again.existed) == (first.key, True)
    assert [call.operation for call in stub.calls[sent:]] == ["ListObjectsV2"]


def test_object_of_wrong_size_is_replaced(stub: S3Stub, make_store: Make, make_file: Make) -> None:
    """An object under the right key with the wrong size is not taken for the content."""
    path = make_file()
    store = make_store()
    key = store.put(path).key
    stub.bucket.objects[key].size = 7
    assert not store.put(path).existed
    assert stub.bucket.objects[key].content == path.read_bytes()


def test_batch_lists_once(stub: S3Stub, make_store: Make, make_file: Make) -> None:
    """A batch asks for what exists once per 1,000 objects, not once per file; the results are in the order given."""
    store = make_store()
    old = [make_file(f"old{n}.jpg", seed=n) for n in range(3)]
    store.put_many(old)
    stub.calls.clear()
    stub.page = 2
    files = [make_file(f"new{n}.jpg", seed=10 + n) for n in range(20)] + old
    results = store.put_many(files)
    assert [r.path for r in results] == files
    assert [r.existed for r in results] == [False] * 20 + [True] * 3
    assert (stub.count("ListObjectsV2"), stub.count("PutObject"), len(stub.calls)) == (2, 20, 22)


def test_same_content_twice_in_a_batch_is_sent_once(open_store: Make, make_file: Make) -> None:
    """R2 takes one write per second and key: equal files of a batch make one write."""
    with S3Stub(write_pause=1.0) as strict:
        files = [make_file(f"{n}.jpg", seed=1) for n in range(12)]
        strict.fault("PutObject", "call", hook=lambda: threading.Event().wait(0.03))
        results = open_store(endpoint_url=strict.url).put_many(files)
        assert strict.count("PutObject") == 1
        assert {call.status for call in strict.calls} == {200}
        assert sum(not r.existed for r in results) == 1


def test_empty_batch_sends_nothing(stub: S3Stub, make_store: Make) -> None:
    """No files, no requests."""
    assert make_store().put_many([]) == []
    assert stub.calls == []


def test_large_files_in_a_batch(stub: S3Stub, make_store: Make, make_file: Make, large: Path) -> None:
    """Large and small files may be mixed."""
    files = [make_file("a.jpg"), large, make_file("b.jpg", seed=2)]
    results = make_store().put_many(files)
    assert [r.size for r in results] == [1000, LARGE, 1000]
    assert stub.bucket.uploads == {}


@pytest.mark.parametrize("concurrency", [1, 3])
def test_requests_under_way_are_bounded(
    stub: S3Stub, make_store: Make, make_file: Make, large: Path, concurrency: int
) -> None:
    """Never more than `concurrency` requests at once, for files and for parts."""
    make_store(concurrency=concurrency).put_many([make_file(f"{n}.jpg", seed=n) for n in range(20)] + [large])
    assert stub.most_under_way <= concurrency


def test_many_threads_share_a_store(stub: S3Stub, open_store: Make, make_file: Make) -> None:
    """One store may be used by many threads at once; equal contents are written once."""
    store = open_store()
    files = [make_file(f"{n}.jpg", seed=n % 5) for n in range(30)] + [make_file("clip.bin", LARGE)] * 3
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(store.put, files))
    assert [r.path for r in results] == files
    assert len(stub.bucket.objects) == 6
    assert stub.count("PutObject") == 5
    assert stub.count("CompleteMultipartUpload") == 1


def test_the_bucket_is_never_probed(stub: S3Stub, make_store: Make, make_file: Make, large: Path) -> None:
    """Keys that are bound to a bucket may neither head nor list buckets, so nobody asks."""
    store = make_store()
    store.put_many([make_file(), large])
    store.list_objects()
    store.abort_incomplete()
    assert not {call.operation for call in stub.calls} & {"HeadBucket", "ListBuckets", "HeadObject", "ListObjects"}
    assert {call.status for call in stub.calls} == {200}


def test_a_key_that_may_not_list_looks_for_each_object(stub: S3Stub, make_store: Make, make_file: Make) -> None:
    """Without the right to list, files of both kinds are sent once and found by HEAD; the listing is tried once."""
    stub.can_list = False
    files = [make_file("page.html"), make_file("clip.bin", LARGE)]
    stub.bucket.objects.clear()
    assert not any(stored.existed for stored in make_store().put_many(files))
    store, sent = make_store(), len(stub.calls)
    assert all(stored.existed for stored in store.put_many(files))
    assert store.put(files[0]).existed
    operations = [call.operation for call in stub.calls[sent:]]
    assert operations == ["ListObjectsV2", *["HeadObject"] * 3]
    with pytest.raises(AccessDenied, match="ListObjectsV2"):
        store.list_objects()


def test_an_object_of_another_size_is_stored_anew_without_listing(
    stub: S3Stub, make_store: Make, make_file: Make
) -> None:
    """HEAD tells a whole object from one that was cut off; an error of the storage is no missing object."""
    stub.can_list = False
    store, path = make_store(), make_file()
    key = store.put(path).key
    stub.bucket.objects[key].size -= 1
    assert not store.put(path).existed
    stub.fault("HeadObject", "status-before", status=503, code="", times=99)
    with pytest.raises(StorageThrottled):
        store.put(path)


@pytest.mark.parametrize(
    ("size", "stages"),
    [
        (1000, [Stage.UPLOADING, Stage.STORED]),
        (2_000_000, [Stage.HASHING, Stage.UPLOADING, Stage.STORED]),
        (LARGE, [Stage.HASHING, Stage.UPLOADING, Stage.STORED]),
    ],
)
def test_progress(make_store: Make, make_file: Make, size: int, stages: list[Stage]) -> None:
    """Events count bytes up to the whole within each stage, and end with the file stored; so does a second run."""
    path, seen = make_file("clip.bin", size), list[UploadProgress]()
    store = make_store(on_event=seen.append)
    key = store.put(path).key
    assert list(dict.fromkeys(event.stage for event in seen)) == stages
    for stage in stages:
        done = [event.bytes_done for event in seen if event.stage is stage]
        assert done == sorted(done)
        assert done[-1] == (size if stage is not Stage.UPLOADING or size == LARGE else 0)  # then one request sends all
    assert {(event.file, event.bytes_total) for event in seen} == {(path, size)}
    assert {event.key for event in seen if event.stage is not Stage.HASHING} == {key}
    seen.clear()
    store.put(path)
    end = UploadProgress(stage=Stage.EXISTED, file=path, bytes_done=size, bytes_total=size, key=key)
    assert [event for event in seen if event.stage is not Stage.HASHING] == [end]


CALLS: dict[str, Callable[[ObjectStore, Path, CancelToken], object]] = {
    "put": lambda store, path, cancel: store.put(path, cancel=cancel),
    "put_many": lambda store, path, cancel: store.put_many([path], cancel=cancel),
    "list_objects": lambda store, _, cancel: store.list_objects(cancel=cancel),
    "incomplete_uploads": lambda store, _, cancel: store.incomplete_uploads(cancel=cancel),
    "abort_incomplete": lambda store, _, cancel: store.abort_incomplete(cancel=cancel),
    "delete": lambda store, _, cancel: store.delete("faces/a.jpg", cancel=cancel),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_call_can_be_cancelled(
    stub: S3Stub, open_store: Make, make_file: Make, call: Callable[[ObjectStore, Path, CancelToken], object]
) -> None:
    """Once the token is set nothing is sent."""
    cancel = CancelToken()
    cancel.set()
    with pytest.raises(Interrupted):
        call(open_store(), make_file(), cancel)
    assert stub.calls == []


def test_existing_and_delete(stub: S3Stub, make_store: Make, make_file: Make) -> None:
    """`list_objects` gives sizes by key of this place; `delete` takes results and keys, and one that is gone too."""
    store = make_store()
    make_store("s3://portraits/facesofothers").put(make_file("other.jpg"))
    one, two, three = store.put_many([make_file(f"{n}.jpg", 100 + n, seed=n) for n in range(3)])
    assert store.list_objects() == {one.key: 100, two.key: 101, three.key: 102}
    assert store.list_objects(two.key.removeprefix("faces/")[:9]) == {two.key: 101}
    store.delete(one, two.key)
    store.delete(one)
    assert list(store.list_objects()) == [three.key]


@pytest.mark.parametrize("key", ["elsewhere/a.jpg", "faces/", "", "facesother/a.jpg"])
def test_delete_stays_in_its_place(stub: S3Stub, make_store: Make, make_file: Make, key: str) -> None:
    """A key outside of the prefix is refused before anything is deleted."""
    store = make_store()
    stored = store.put(make_file())
    with pytest.raises(UsageError):
        store.delete(stored, key)
    assert stub.count("DeleteObject") == 0


def test_delete_in_a_bucket_that_keeps_versions(stub: S3Stub, make_store: Make, make_file: Make) -> None:
    """A withdrawn consent needs more than a delete marker: a warning says so."""
    seen: list[object] = []
    store = make_store(on_event=seen.append)
    stored = store.put(make_file())
    stub.bucket.versioned = True
    store.delete(stored)
    (warning,) = (event for event in seen if isinstance(event, StorageWarning))
    assert "versions" in warning.message


def test_import_is_light() -> None:
    """`import portrait.s3` loads neither boto3 nor an HTTP library."""
    code = (
        "import sys, portrait.s3;"
        "print([m for m in sys.modules if m.split('.')[0] in {'boto3', 'botocore', 'urllib3', 'aiohttp'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without boto3 a store cannot be made, and the error says what to install."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "portrait.s3.client", raising=False)
    monkeypatch.delattr("portrait.s3.client", raising=False)
    with pytest.raises(UsageError, match=r"pip install 'portrait-actions\[s3\]'"):
        ObjectStore("s3://portraits")


@pytest.mark.parametrize("place", ["portraits", "https://portraits/x", "s3://", "s3:///x", "s3://b/x?y=1"])
def test_places_that_are_none(open_store: Make, place: str) -> None:
    """Only s3://bucket and s3://bucket/prefix name a place."""
    with pytest.raises(UsageError, match="s3://bucket"):
        open_store(place)


@pytest.mark.parametrize(
    ("prefix", "why"),
    [
        ("a\nb", "control character"),
        ("a/\x7f", "control character"),
        ("../a", "part . or .."),
        ("a/./b", "part . or .."),
        ("ä" * 500, "has more than 945 bytes"),
    ],
)
def test_prefixes_whose_keys_could_not_be_fetched(open_store: Make, prefix: str, why: str) -> None:
    """Refused when the store is made: storages take some of them, and whoever fetches the files does not."""
    with pytest.raises(UsageError, match=re.escape(why)):
        open_store(f"s3://portraits/{prefix}")


def test_the_longest_key_is_taken(stub: S3Stub, open_store: Make, make_file: Make) -> None:
    """The longest prefix leaves room for what is appended, up to 1,024 bytes."""
    open_store(f"s3://portraits/{'x' * 945}").put(make_file(name="a.0123456789"))
    assert len(only_object(stub)[0]) <= 1024


@pytest.mark.parametrize(
    "options",
    [
        {"expires": 0},
        {"expires": 604_801},
        {"concurrency": 0},
        {"part_size": 1000},
        {"endpoint_url": "nonsense"},
        {"endpoint_url": "http://key:secret@127.0.0.1:9000"},
        {"endpoint_url": "http://10.99.99.1\\.localhost:9000"},
        {"endpoint_url": "http://127.0.0.1:9000?bucket=x"},
        {"public_base": "https://10.99.99.1\\.localhost/x"},
    ],
)
def test_options_that_cannot_be_right(open_store: Make, options: dict[str, Any]) -> None:
    """key-parser: wrong options, such as an address with two readings, are refused when the store is made."""
    with pytest.raises(UsageError) as caught:
        open_store(**options)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("where", ["argument", "environment"])
def test_no_proxy_on_the_way_to_this_machine(
    stub: S3Stub, make_store: Make, make_file: Make, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """key-proxy: a storage on loopback is reached directly, whatever proxy the environment names; another is not."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    if where == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", stub.url)
    options = {} if where == "argument" else {"endpoint_url": None, "region": "us-east-1"}
    make_store(**options).put(make_file())
    assert len(stub.bucket.objects) == 1
    with pytest.raises(StorageUnreachable, match="the proxy cannot be reached"):
        make_store(endpoint_url="http://storage.invalid").put(make_file())


def test_region_of_r2(open_store: Make) -> None:
    """R2's region is `auto`; other storages with an endpoint get the oldest region unless they are told one."""
    make = lambda url, **more: open_store(endpoint_url=url, **more)._client.meta.region_name  # noqa: E731
    assert make("https://0123.r2.cloudflarestorage.com") == "auto"
    assert make("http://127.0.0.1:9000") == "us-east-1"
    assert make("http://127.0.0.1:9000", region="eu-1") == "eu-1"


def test_options_are_the_constructors() -> None:
    """The async store takes exactly the options of the sync one."""
    names = set(signature(ObjectStore.__init__).parameters) - {"self", "place"}
    assert names == set(StoreOptions.__annotations__)
