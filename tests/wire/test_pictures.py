"""The gateways' upload of pictures over raw HTTP: an address for a file that belongs to no asset yet."""

import pytest

from tests.wire.client import part
from tests.wire.media import JPEG, TEXT, WEBP, png

PATH = "/v1/uploads/images"
MB = 1_048_576
GIF = b"GIF89a" + bytes(100)


def upload(customer, content, name="a.png"):
    """The answer to one picture."""
    return customer.upload(part("file", content, name), path=PATH)


@pytest.mark.parametrize(
    ("content", "kind", "ending"),
    [
        (png(), "image/png", ".png"),
        (JPEG, "image/jpeg", ".jpg"),
        (WEBP, "image/webp", ".webp"),
        (GIF, "image/gif", ".gif"),
    ],
)
def test_a_picture_gets_an_address(server, me, content, kind, ending):
    """Its fields stand at top level, its type comes from its content, and the address serves it."""
    answer = upload(me, content, "主播.bin")
    assert answer.status == 200, answer.raw
    assert answer.body.keys() == {"url", "filename", "content_type", "bytes", "created_at"}
    assert (answer.body["filename"], answer.body["content_type"]) == ("主播.bin", kind)
    assert (answer.body["bytes"], answer.body["url"].endswith(ending)) == (len(content), True)
    served = server.request("GET", answer.body["url"].removeprefix(server.url))
    assert (served.raw, served.headers["content-type"]) == (content, kind)


def test_the_address_dies_after_72_hours(server, me):
    """Not a second earlier."""
    path = upload(me, png()).body["url"].removeprefix(server.url)
    server.advance(72 * 3600 - 1)
    assert server.request("GET", path).status == 200
    server.advance(1)
    assert server.request("GET", path).status == 404
    upload(me, png())
    assert server.request("GET", path).status == 404


def test_an_asset_is_made_from_the_address(server, me):
    """The task takes it as any other."""
    url = upload(me, png()).body["url"]
    body = {"group": {"name": "hosts"}, "url": url, "name": "ann"}
    task = me.json("POST", "/v1/seedance2/private-avatar", body).body["data"]["id"]
    server.advance(5)
    assert me.json("GET", f"/v1/tasks/{task}").body["data"]["status"] == "completed"


@pytest.mark.parametrize(
    ("parts", "status", "word"),
    [
        ([part("file", TEXT, "a.png")], 400, "file"),
        ([part("other", png(), "a.png")], 400, "file"),
        ([part("file", png(size=20 * MB + 1), "a.png")], 413, "过大"),
    ],
    ids=["text", "other-part", "too-large"],
)
def test_what_is_no_picture_is_refused_without_the_wrapper(me, parts, status, word):
    """Code, message and type stand at top level."""
    answer = me.upload(*parts, path=PATH)
    assert (answer.status, answer.body["code"], word in answer.body["message"]) == (status, status, True), answer.raw
    assert answer.body["type"] == "invalid_request_error"


def test_20_mb_are_taken(me):
    """The limit itself."""
    assert upload(me, png(size=20 * MB)).status == 200


def test_a_key_and_a_balance_are_needed(server, me):
    """401 before the body is read, 402 where the balance is empty."""
    body = {"Content-Type": "multipart/form-data; boundary=x"}
    assert server.request("POST", PATH, b"--x--", body).status == 401
    me.control(balance=0)
    assert upload(me, png()).status == 402
