"""The client of a store: where it sends requests to, how it signs them, and when a PUT goes the shorter way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import botocore
import pytest
from botocore.httpsession import URLLib3Session

from portrait.errors import UsageError
from portrait.s3.client import FastPut
from tests.s3_stub import S3Stub

Make = Callable[..., Any]


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Every request, as it is sent."""
    sent: list[Any] = []
    send = URLLib3Session.send

    def record(session: URLLib3Session, request: Any) -> Any:
        sent.append(request)
        return send(session, request)

    monkeypatch.setattr(URLLib3Session, "send", record)
    return sent


def texts(request: Any) -> dict[str, str]:
    """The headers of a request; boto3 has some of them as bytes."""
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}


def test_a_bucket_of_aws_is_part_of_the_host(open_store: Make) -> None:
    """Without an endpoint it is AWS, in the region that was asked for; a temporary key goes with its token."""
    options = {"endpoint_url": None, "region": "eu-west-1", "session_token": "of-an-hour"}
    store = open_store("s3://portraits", **options, expires=60)
    assert "X-Amz-Security-Token=of-an-hour" in store.url("a.jpg")
    assert store.url("a.jpg").startswith("https://portraits.s3.amazonaws.com/a.jpg?")
    assert "X-Amz-Expires=60" in store.url("a.jpg")
    assert "%2Feu-west-1%2Fs3%2F" in store.url("a.jpg")


def test_what_boto3_cannot_make_a_client_of_is_a_mistake_of_its_user(
    open_store: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a profile that does not exist."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(UsageError, match="nobody") as caught:
        open_store(access_key=None, secret_key=None)
    assert "AWS_PROFILE" in caught.value.advice


PLAIN = {"region": "eu-1", "signing_name": "s3"}


@pytest.mark.parametrize("operation", ["PutObject", "UploadPart"])
@pytest.mark.parametrize(
    ("version", "signing", "here"),
    [
        ("s3v4", PLAIN, True),
        ("s3v4a", PLAIN, False),
        ("s3v4", PLAIN | {"request_credentials": object()}, False),
        ("s3v4", {}, False),
    ],
    ids=["plain", "of all regions", "by another key", "without a region"],
)
def test_only_plain_signatures_are_made_here(
    open_store: Make, *, operation: str, version: str, signing: dict[str, Any], here: bool
) -> None:
    """By the hash that a body comes with; boto3 makes all others, such as those of S3 Express and access points."""
    events, event = open_store()._client.meta.events, f"choose-signer.s3.{operation}"
    scope = {"region_name": "eu-1", "signing_name": "s3"}
    _, signer = events.emit_until_response(event, signature_version=version, context={"signing": signing}, **scope)
    assert signer is (botocore.UNSIGNED if here else None)


def test_later_puts_say_the_same_as_the_first(
    stub: S3Stub, open_store: Make, make_file: Make, requests: list[Any]
) -> None:
    """The first is boto3's own: the later ones name the same client, signed for the same region."""
    open_store(region="eu-1", concurrency=1).put_many([make_file(f"{n}.jpg", seed=n) for n in range(3)])
    first, *later = [request for request in requests if request.method == "PUT"]
    for request in later:
        agents = [texts(each)["User-Agent"].partition(" m/")[0] for each in (request, first)]  # then what a call uses
        assert agents[0] == agents[1] != ""
        assert "/eu-1/s3/aws4_request" in texts(request)["Authorization"]
        assert set(texts(request)) <= set(texts(first))
        assert request.url.rpartition("/faces/")[0] == first.url.rpartition("/faces/")[0]


def test_a_bucket_of_another_region_is_signed_for_that_region(
    stub: S3Stub, open_store: Make, make_file: Make, requests: list[Any]
) -> None:
    """boto3 follows, and the later PUTs learn from it."""
    moved = {"status": 301, "code": "PermanentRedirect", "headers": (("x-amz-bucket-region", "eu-2"),)}
    stub.fault("PutObject", "status-before", **moved)
    open_store(region="eu-1", concurrency=1).put_many([make_file(f"{n}.jpg", seed=n) for n in range(3)])
    puts = [texts(request)["Authorization"] for request in requests if request.method == "PUT"]
    assert [re.findall("/(eu-.)/s3/", text) for text in puts] == [["eu-1"], ["eu-2"], ["eu-2"], ["eu-2"]]


def test_a_boto3_without_the_session_that_is_known_sends_everything_itself(open_store: Make, make_file: Make) -> None:
    """The shorter way uses what is private to botocore: nothing fails where it is not there."""
    store = open_store()
    others = [FastPut(SimpleNamespace(meta=store._client.meta, **private)) for private in ({}, {"_endpoint": object()})]
    store.put(make_file())
    for other in others:
        assert other._template is not None
        assert other.put("faces/a.jpg", b"", {}) is None
