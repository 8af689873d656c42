"""Every error of the storage says what to do next."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as boto

import portrait.s3
from portrait.errors import PortraitError, UsageError
from portrait.s3 import errors, plan_parts
from portrait.s3.client import make_client
from portrait.s3.keys import parse_base_url, parse_location
from portrait.s3.public_check import check_public

Make = Callable[..., Any]


def refusal(code: str, status: int = 400) -> boto.ClientError:
    """A response of the storage with that code, as botocore raises it."""
    metadata: Any = {"HTTPStatusCode": status, "HTTPHeaders": {}}
    return boto.ClientError({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata}, "PutObject")


URL = {"endpoint_url": "https://s3.example", "proxy_url": "http://proxy.example", "error": "x"}
# Failure → words of the advice that fits it.
TRANSLATED: dict[str, tuple[Exception, str]] = {
    "no key": (boto.NoCredentialsError(), "AWS_ACCESS_KEY_ID"),
    "half a key": (boto.PartialCredentialsError(provider="env", cred_var="x"), "AWS_ACCESS_KEY_ID"),
    "proxy": (boto.ProxyConnectionError(**URL), "HTTPS_PROXY"),
    "refused": (boto.EndpointConnectionError(**URL), "endpoint_url"),
    "connect timeout": (boto.ConnectTimeoutError(**URL), "endpoint_url"),
    "read timeout": (boto.ReadTimeoutError(**URL), "run it again"),
    "closed": (boto.ConnectionClosedError(**URL), "run it again"),
    "cut off": (boto.ResponseStreamingError(error="x"), "run it again"),
    "cannot be sent": (boto.ParamValidationError(report="x"), "endpoint_url= and region="),
    "AccessDenied": (refusal("AccessDenied", 403), "Allow the key"),
    "InvalidAccessKeyId": (refusal("InvalidAccessKeyId", 403), "access_key="),
    "SignatureDoesNotMatch": (refusal("SignatureDoesNotMatch", 403), "secret key"),
    "ExpiredToken": (refusal("ExpiredToken"), "temporary key"),
    "InvalidToken": (refusal("InvalidToken"), "session token"),
    "RequestTimeTooSkewed": (refusal("RequestTimeTooSkewed", 403), "clock"),
    "AllAccessDisabled": (refusal("AllAccessDisabled", 403), "console"),
    "NoSuchBucket": (refusal("NoSuchBucket", 404), "bucket's name"),
    "NoSuchUpload": (refusal("NoSuchUpload", 404), "starts afresh"),
    "NotImplemented": (refusal("NotImplemented", 501), "when_required"),
    "SlowDown": (refusal("SlowDown", 503), "Lower concurrency="),
    "InternalError": (refusal("InternalError", 500), "later"),
    "EntityTooLarge": (refusal("EntityTooLarge"), "larger than this storage accepts"),
    "PermanentRedirect": (refusal("PermanentRedirect", 301), "region="),
    "InvalidBucketName": (refusal("InvalidBucketName"), "bucket's name"),
    "unknown": (refusal("SomethingNew"), "documentation"),
}


@pytest.mark.parametrize(("error", "words"), TRANSLATED.values(), ids=TRANSLATED)
def test_advice_of_a_failed_request(error: Exception, words: str) -> None:
    """advice-storage: what a storage or a connection refuses has advice that fits that failure."""
    translated = errors.translate(error, "PutObject")
    assert isinstance(translated, PortraitError)
    assert words in translated.advice


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.StorageRefused),
        (401, errors.CredentialsRejected),
        (403, errors.AccessDenied),
        (429, errors.StorageThrottled),
        (499, errors.StorageRefused),
        (500, errors.StorageUnavailable),
        (501, errors.StorageUnsupported),
        (503, errors.StorageThrottled),
        (599, errors.StorageUnavailable),
    ],
)
def test_a_status_decides_where_no_code_is_known(status: int, kind: type[errors.StorageError]) -> None:
    """A code that says the status again is none."""
    for code in ("SomethingNew", str(status)):
        translated = errors.translate(refusal(code, status), "PutObject")
        assert type(translated) is kind
        assert translated.code == ("SomethingNew" if code == "SomethingNew" else "")
        assert str(translated).startswith(f"PutObject: {code}: no")


def test_a_refusal_without_a_reason_says_so() -> None:
    """Some storages give a code and no more."""
    for reason in ({}, {"Message": "  "}):
        error = refusal("InvalidRequest")
        error.response["Error"] = {"Code": "InvalidRequest", **reason}  # type: ignore[typeddict-item]
        assert errors.translate(error, "PutObject").message == "PutObject: InvalidRequest: no reason was given."


OPTIONS = {"region": None, "access_key": None, "secret_key": None, "session_token": None, "connections": 1}
# Mistake in a call → words of the advice that fits it.
MISTAKES: dict[str, tuple[Callable[[Make], object], str]] = {
    "place": (lambda _: parse_location("https://x"), "s3://bucket"),
    "public base": (lambda _: parse_base_url("public_base", "x"), "https://host"),
    "query": (lambda _: parse_base_url("public_base", "https://x/?y"), "without a user name or a query"),
    "endpoint": (lambda _: make_client(endpoint_url="nonsense", **OPTIONS), "https://host"),
    "expiry": (lambda make: make(expires=0), "public_base="),
    "part size": (lambda make: make(part_size=1), "part_size="),
    "file size": (lambda _: plan_parts(2**60), "Cut the file"),
    "other place": (lambda make: make().delete("elsewhere/x"), "the place that the object is in"),
    "address to check": (lambda _: check_public("s3://x", 1, "image/png"), "ObjectStore.url()"),
}


@pytest.mark.parametrize(("mistake", "words"), MISTAKES.values(), ids=MISTAKES)
def test_advice_of_a_mistake_in_a_call(open_store: Make, mistake: Callable[[Make], object], words: str) -> None:
    """What cannot be asked for says how to ask."""
    with pytest.raises(UsageError) as caught:
        mistake(open_store)
    assert words in caught.value.advice


def raised() -> Iterator[tuple[str, ast.Call]]:
    """Where the package makes an error of the library: file and line, and the call of its class."""
    for path in sorted(Path(portrait.s3.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                kind = getattr(errors, node.func.id, None)
                if isinstance(kind, type) and issubclass(kind, PortraitError):
                    yield f"{path.name}:{node.lineno}", node


@pytest.mark.parametrize("call", [pytest.param(call, id=place) for place, call in raised()])
def test_no_place_raises_an_error_without_advice(call: ast.Call) -> None:
    """Each place that makes an error names advice, or its class has some."""
    kind = getattr(errors, ast.unparse(call.func))
    assert kind.advice or any(keyword.arg == "advice" for keyword in call.keywords)
