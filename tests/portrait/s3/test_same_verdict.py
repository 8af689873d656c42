"""One hostile response by both ways of a PUT and both colours of the store: the same verdict, in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portrait.s3 import AsyncObjectStore, ObjectStore, StorageError
from tests.portrait.s3.conftest import Blocking, defaults
from tests.portrait.s3.test_bad_responses import ERROR, ETAG, NO_RESPONSES, PAGE, XHTML, XML
from tests.s3_stub import S3Stub

Make = Callable[..., Any]

SECONDS = 5.0
"""For all attempts, whose pauses cost no time here."""

HOSTILE: dict[str, dict[str, Any]] = {
    **NO_RESPONSES,
    **{
        f"{status} as a page": {"status": status, "body": XHTML, "headers": PAGE}
        for status in (302, 403, 404, 500, 502)
    },
    **{f"{status} as an error": {"status": status, "body": ERROR, "headers": XML} for status in (301, 400, 409, 503)},
    **{f"{status} without a body": {"status": status} for status in (301, 307, 400, 403, 404, 412, 429, 500, 503)},
    "page with an error in it": {"status": 403, "body": b"<html>" + ERROR + b"</html>", "headers": PAGE},
    "error without a code": {"status": 400, "body": b"<Error><Message>No.</Message></Error>", "headers": XML},
    "error of another tongue": {"status": 400, "body": b'{"error": "no"}', "headers": (("Content-Type", "text/json"),)},
    "bytes that are no text": {"status": 400, "body": b"\xff\xfe<Error><Code>\xff</Code></Error>", "headers": XML},
    "entities": {"status": 400, "body": b"<Error><Code>Invalid&amp;Key</Code></Error>", "headers": XML},
    "elsewhere": {"status": 301, "body": b"<Error><Code>PermanentRedirect</Code></Error>", "headers": XML},
    "elsewhere by header": {"status": 307, "headers": (("Location", "http://127.0.0.1:9/x"),)},
    "element in element": {"body": b"<a>" * 5000, "headers": XML + ETAG},
    "stored, and cut off": {"headers": (*ETAG, ("Content-Length", "99"))},
    "with a body": {"body": b"<Ok/>", "headers": XML + ETAG},
    "etag without a hash": {"headers": (("ETag", '""'),)},
    "retry for ever": {"status": 503, "headers": (("Retry-After", "1e300"),)},
    "retry never": {"status": 503, "headers": (("Retry-After", "nan"),)},
}


def verdict(stub: S3Stub, store: Any, path: Path, response: dict[str, Any]) -> tuple[object, ...]:
    """What became of a PUT that is answered so."""
    stub.faults.clear()
    stub.bucket.objects.clear()
    stub.calls.clear()
    stub.fault("PutObject", "instead", **{"status": 200, "times": 99} | response)
    began = time.monotonic()
    try:
        store.put(path)
    except StorageError as error:
        result: tuple[object, ...] = (type(error), error.code, error.http_status, error.may_have_executed, error.advice)
    else:
        result = ("stored",)
    assert time.monotonic() - began < SECONDS
    return result


# Three pairs, by which all four agree.
PAIRS = {
    "sync boto3, async fast": (("sync", "boto3"), ("async", "fast")),
    "async boto3, sync fast": (("async", "boto3"), ("sync", "fast")),
    "sync boto3, async boto3": (("sync", "boto3"), ("async", "boto3")),
}


@pytest.mark.rotate("pair")
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("response", HOSTILE.values(), ids=HOSTILE)
def test_one_response_has_one_verdict(
    stub: S3Stub, state: Path, make_file: Make, response: dict[str, Any], pair: str
) -> None:
    """boto3 and the shorter way of later PUTs, sync and async, agree on class, code, status, and what was sent."""
    first, path = make_file("first.jpg", seed=99), make_file()
    verdicts = {}
    for colour, way in PAIRS[pair]:
        options = defaults(stub, state)
        store: Any = (
            ObjectStore("s3://portraits/faces", **options)
            if colour == "sync"
            else Blocking(AsyncObjectStore("s3://portraits/faces", **options))
        )
        if way == "fast":
            stub.faults.clear()
            store.put(first)
        verdicts[colour, way] = verdict(stub, store, path, response)
        store.close()
    assert len(set(verdicts.values())) == 1, verdicts
