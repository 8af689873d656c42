"""Addresses: public ones, presigned ones, the look from outside, and that no secret gets out."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from attrs import evolve

from portrait.errors import UsageError
from portrait.s3 import NotPublic, StorageWarning, check_public
from tests.s3_stub import SECRET_KEY, S3Stub
from tests.s3_stub.server import Answer, Request

pytestmark = pytest.mark.rotate("make_store")  # the asynchronous store runs the other one in threads

Make = Callable[..., Any]


def fetch(url: str) -> tuple[int, bytes]:
    """Status and body of a plain GET."""
    with urllib3.PoolManager() as pool:
        answer = pool.request("GET", url, retries=False)
        return answer.status, answer.data


def test_public_base(stub: S3Stub, make_store: Make, make_file: Make) -> None:
    """With a public base the address is base and key, and it serves the content."""
    path = make_file()
    store = make_store("s3://portraits/faces of 2026", public_base=stub.public_base + "/")
    stored = store.put(path)
    url = store.url(stored.key)
    assert url == f"{stub.public_base}/faces%20of%202026/{stored.key.partition('/')[2]}"
    assert fetch(url) == (200, path.read_bytes())
    store.check_public(stored)
    for wrong, reason in (({"size": 7}, "length"), ({"content_type": "image/png"}, "type")):
        with pytest.raises(NotPublic) as caught:
            store.check_public(evolve(stored, **wrong))
        assert caught.value.reason == reason


@pytest.mark.parametrize("size", [0, 1000])
def test_presigned(stub: S3Stub, make_store: Make, make_file: Make, size: int) -> None:
    """Without one the address is presigned, serves the content without a key, and passes the look from outside."""
    path = make_file(size=size)
    store = make_store(expires=60)
    stored = store.put(path)
    url = store.url(stored.key)
    assert "X-Amz-Expires=60" in url
    assert fetch(url) == (200, path.read_bytes())
    assert fetch(url.partition("?")[0])[0] == 403
    store.check_public(stored)


def test_secrets_are_not_told(
    stub: S3Stub, make_store: Make, make_file: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither repr, events, errors nor our own logs hold a key or a signature."""
    caplog.set_level(logging.DEBUG, "portrait")
    events: list[object] = []
    store = make_store(on_event=events.append)
    stored = store.put(make_file())
    query = urlsplit(store.url(stored.key)).query
    assert "Signature" in query
    del stub.bucket.objects[stored.key]
    with pytest.raises(NotPublic) as caught:
        store.check_public(stored)
    texts = [repr(store), repr(stored), repr(caught.value), str(caught.value), repr(events), caplog.text]
    for text in texts:
        assert "Signature" not in text
        assert SECRET_KEY not in text


def test_r2_dev_is_warned_of(open_store: Make) -> None:
    """An r2.dev address works for a test, and a warning says that it is for nothing else."""
    events: list[object] = []
    open_store(public_base="https://pub-0123.r2.dev", on_event=events.append)
    open_store(public_base="https://cdn.example", on_event=events.append)
    (warning,) = events
    assert isinstance(warning, StorageWarning)
    assert "testing" in warning.message


@pytest.mark.parametrize(
    "base", ["cdn.example", "ftp://cdn.example", "https://cdn.example/?a=b", "https://key:secret@cdn.example"]
)
def test_bases_that_are_none(open_store: Make, base: str) -> None:
    """A public base is a plain http address; the error does not repeat it, for it may hold a secret."""
    with pytest.raises(UsageError) as caught:
        open_store(public_base=base)
    assert base not in str(caught.value)


HTML = {"Content-Type": "text/html; charset=utf-8"}
RANGE = {"Content-Type": "image/jpeg", "Content-Range": "bytes 0-0/1000"}


@pytest.mark.parametrize(
    ("answer", "reason", "advice"),
    [
        (Answer(401), "denied", "public"),
        (Answer(403), "denied", "public"),
        (Answer(404), "missing", "public_base"),
        (Answer(429), "throttled", "custom domain"),
        (Answer(500), "failing", "later"),
        (Answer(302, headers={"Location": "https://login.example"}), "moved", "leads to"),
        (Answer(416), "status", "browser"),
        (Answer(418), "status", "browser"),
        (Answer(300), "moved", "leads to"),
        (Answer(400), "status", "browser"),
        (Answer(499), "status", "browser"),
        (Answer(200, b"<html>", HTML), "page", "login"),
        (Answer(206, b"\xff", RANGE | {"Content-Range": "bytes 0-0/999"}), "length", "cache"),
        (Answer(206, b"\xff", RANGE | {"Content-Range": "bytes 0-0/*"}), "length", "cache"),
        (Answer(200, b"\xff", {"Content-Type": "image/jpeg"}), "length", "cache"),
        (Answer(206, b"\xff", RANGE | {"Content-Type": "image/png"}), "type", "Content-Type"),
        (Answer(206, b"\xff", {"Content-Range": "bytes 0-0/1000"}), "type", "Content-Type"),
    ],
)
def test_wrong_from_outside(stub: S3Stub, answer: Answer, reason: str, advice: str) -> None:
    """Each way an address can fail has its own reason and its own advice."""
    stub.public = lambda _: answer
    with pytest.raises(NotPublic) as caught:
        check_public(f"{stub.public_base}/a.jpg?secret=1", 1000, "image/jpeg")
    assert caught.value.reason == reason
    assert advice in caught.value.advice
    assert caught.value.message.startswith(f"{stub.public_base}/a.jpg ")
    assert caught.value.http_status == answer.status
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "answer", [Answer(206, b"\xff", RANGE), Answer(200, bytes(1000), {"Content-Type": "image/JPEG;x=y"})]
)
def test_right_from_outside(stub: S3Stub, answer: Answer) -> None:
    """A server that ignores the range is as good as one that does not."""
    stub.public = lambda _: answer
    check_public(f"{stub.public_base}/a.jpg", 1000, "image/jpeg")


@pytest.mark.parametrize(("answer", "reason"), [(Answer(404), "missing"), (Answer(200, b"x"), "length")])
def test_an_empty_object_is_held_to_its_size_as_any_other(stub: S3Stub, answer: Answer, reason: str) -> None:
    """No range of it can be asked for: that is all that is different."""
    stub.public = lambda _: answer
    with pytest.raises(NotPublic) as caught:
        check_public(f"{stub.public_base}/a.jpg", 0)
    assert caught.value.reason == reason


def test_one_byte_is_asked_for_as_it_is(stub: S3Stub) -> None:
    """Through a pool of the caller's, if there is one, which stays as it is: nothing compressed, nothing elsewhere."""
    seen: list[dict[str, str]] = []

    def look(request: Request) -> Answer:
        seen.append({name: request.headers[name] for name in ("range", "accept-encoding")})
        return Answer(206, b"\xff", RANGE)

    stub.public = look
    with urllib3.PoolManager() as pool:
        for _ in range(2):
            check_public(f"{stub.public_base}/a.jpg", 1000, "image/jpeg", pool=pool)
        assert len(pool.pools) == 1
    assert seen == [{"range": "bytes=0-0", "accept-encoding": "identity"}] * 2


def test_whoever_says_nothing_is_not_waited_for() -> None:
    """`timeout=` ends the wait for an answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(NotPublic) as caught:
        check_public(f"http://127.0.0.1:{silent.getsockname()[1]}/a.jpg", timeout=0.02)
    assert caught.value.reason == "unreachable"


def test_nothing_answers() -> None:
    """An address where nobody listens is unreachable."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(NotPublic) as caught:
        check_public(f"http://127.0.0.1:{port}/a.jpg", 1, "image/jpeg")
    assert caught.value.reason == "unreachable"
    assert f"http://127.0.0.1:{port}/a.jpg cannot be reached (connection refused)." in str(caught.value)
    with pytest.raises(UsageError):
        check_public("s3://portraits/a.jpg", 1, "image/jpeg")
