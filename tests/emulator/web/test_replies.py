"""What goes back over a real socket: heads, faults on demand, files, unknown addresses, connections that stay open."""

import http.client
import json
import re

import pytest

from emulator.messages import Reply
from emulator.web.http_handler import encode
from tests.emulator.web.multipart import CONTENT_TYPE, form, part
from tests.emulator.web.wire import JSON, ask, call, connected, exchange, head, until_closed
from tests.wire.media import png

ACTION = "/v1/portrait/?Action=GetAsset&Version=2024-01-01"


def drop_rule(**do):
    """A rule for one request, as its header takes it."""
    return {"X-Emulator-Rule": json.dumps({"match": {"action": "CreateAssetGroup"}, "do": do})}


def groups(url):
    """How many groups there are."""
    return call(url, "ListAssetGroups", {"Filter": {"GroupType": "AIGC"}})["Result"]["TotalCount"]


GROUP = json.dumps({"GroupType": "AIGC", "Name": "g"}).encode()
CREATE = "/v1/portrait/?Action=CreateAssetGroup"


@pytest.mark.parametrize(("when", "created"), [("before", 0), ("after-commit", 1)])
def test_a_dropped_connection_has_no_answer(url, when, created):
    """The client hears nothing; whether the call was carried out is the rule's to say."""
    with pytest.raises(http.client.RemoteDisconnected):
        ask(url, "POST", CREATE, GROUP, {**JSON, **drop_rule(close=when)})
    assert groups(url) == created


@pytest.mark.parametrize("stored", [0, 1, 40])
def test_a_truncated_answer_announces_its_whole_length(url, stored):
    """The head is whole, the body is cut, and the connection ends."""
    rule = drop_rule(truncate=stored)["X-Emulator-Rule"]
    answer = exchange(url, head(CREATE, Content_Length=str(len(GROUP)), X_Emulator_Rule=rule) + GROUP)
    start, _, body = answer.partition(b"\r\n\r\n")
    announced = int(re.search(rb"Content-Length: (\d+)", start)[1])
    assert len(body) == stored < announced
    with pytest.raises(http.client.IncompleteRead):
        ask(url, "POST", CREATE, GROUP, {**JSON, **drop_rule(truncate=stored)})


def test_a_page_of_a_proxy_is_no_json(url):
    """A rule answers with what a proxy would send."""
    status, headers, body = ask(url, "POST", CREATE, GROUP, {**JSON, **drop_rule(http={"status": 502, "body": "html"})})
    assert (status, headers["content-type"]) == (502, "text/html")
    assert body.startswith(b"<html>")


def test_a_pause_passes_on_the_emulators_clock(url):
    """A delay of a minute takes no time on a manual clock, and a minute on it."""
    before = json.loads(ask(url, "GET", "/_emulator/clock")[2])["seconds"]
    status, _, _ = ask(url, "POST", CREATE, GROUP, {**JSON, **drop_rule(delay=60)})
    assert status == 200
    assert json.loads(ask(url, "GET", "/_emulator/clock")[2])["seconds"] == before + 60


def test_the_head_of_an_answer(url):
    """An answer says its type, its length, its date and its server, and nothing of other origins."""
    status, headers, body = ask(url, "POST", ACTION, b"{}")
    assert (status, headers["content-type"], headers["content-length"]) == (200, "application/json", str(len(body)))
    assert headers.keys() == {"server", "content-type", "date", "content-length"}


def test_a_header_cannot_start_another():
    """Control characters in a value become spaces."""
    reply = Reply(headers={"Location": "http://x/\r\nSet-Cookie: a=b"}, content_type="text/html\r\nX: y")
    lines = encode(reply, 0, "HEAD").decode().split("\r\n")
    assert "Location: http://x/  Set-Cookie: a=b" in lines
    assert not [line for line in lines if line.startswith(("Set-Cookie", "X:"))]
    assert "Date: Thu, 01 Jan 1970 00:00:00 GMT" in lines


def test_a_connection_serves_many_calls(url):
    """Requests follow each other on one connection, and may be sent before the answer to the one before came."""
    one = head(Content_Length="2") + b"{}"
    last = head(Content_Length="2", Connection="close") + b"{}"
    answer = exchange(url, one * 40 + last)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 41
    assert answer.count(b"Connection: close\r\n") == 1


@pytest.mark.parametrize(
    ("connection", "header"), [("keep-alive", b"Connection: keep-alive\r\n"), ("close", b"Connection: close\r\n")]
)
def test_http_1_0_is_spoken(url, connection, header):
    """An old client is told what becomes of the connection, and needs no Host."""
    request = head(Content_Length="2", Connection=connection, Host=None).replace(b"HTTP/1.1", b"HTTP/1.0") + b"{}"
    with connected(url) as sock:
        sock.sendall(request)
        assert header in (until_closed(sock) if connection == "close" else sock.recv(65_536))


@pytest.mark.parametrize(
    ("method", "target", "status", "hint"),
    [
        ("POST", "/v1/portrait", 404, "slash"), ("POST", "/v1/portrait/upload/", 404, "No slash"),
        ("POST", "/portrait/", 404, "/v1"), ("GET", "/v1/portrait/assets", 404, "/v1/portrait/?Action="),
        ("GET", ACTION, 405, "only POST"), ("PUT", "/", 405, "only GET, POST"),
        ("GET", "/v1/portrait/upload", 405, "only POST"), ("DELETE", "/h5/", 405, "only GET"),
        ("GET", "/r2/portrait-uploads/1/x.jpg", 404, "No file"),
        ("GET", "/files/asset-1?X-Tos-Signature=x", 403, "Read the asset again"),
        ("GET", "/r2/%2e%2e/%00", 404, "No file"),
        ("GET", "/_emulator", 404, "/_emulator/"), ("GET", "//", 404, "nothing at //"),
        ("GET", "/?Action=GetAsset&Version=2024-01-01", 405, "only POST"), ("HEAD", "/?Action=GetAsset", 405, ""),
    ],
)  # fmt: skip
def test_a_wrong_address_is_answered_with_advice(url, method, target, status, hint):
    """404 and 405 come as `{"error"}`, and say what would be right."""
    found, headers, body = ask(url, method, target, b"{}" if method != "GET" else None)
    assert found == status
    assert headers["content-type"] == "application/json"
    assert method == "HEAD" or hint in json.loads(body)["error"]["message"]
    assert ("allow" in headers) is (status == 405)


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8787", "HTTPS://api.alltoken.ai"])
@pytest.mark.parametrize(
    ("target", "error"),
    [(ACTION, "MissingParameter.Id"), ("?Action=GetAsset&Version=2024-01-01", "InvalidAuthorization")],
)
def test_a_target_may_be_a_whole_address(url, origin, target, error):
    """As a client writes it that takes the emulator for its proxy."""
    assert json.loads(ask(url, "POST", origin + target, b"{}")[2])["ResponseMetadata"]["Error"]["Code"] == error


def test_head_and_options(url):
    """HEAD has GET's head without its body; OPTIONS says what is allowed, and nothing to other origins."""
    status, headers, body = ask(url, "GET", "/")
    head_status, head_headers, head_body = ask(url, "HEAD", "/")
    assert (head_status, head_headers["content-length"], head_body) == (status, headers["content-length"], b"")
    assert b"/v1/portrait/?Action=" in body
    status, headers, body = ask(url, "OPTIONS", ACTION, None, {"Origin": "http://evil.example"})
    assert (status, headers["allow"], body) == (204, "POST, OPTIONS", b"")
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.fixture
def uploaded(url):
    """The result of an upload."""
    group = call(url, "CreateAssetGroup", {"GroupType": "AIGC", "Name": "g"})["Result"]["Id"]
    body = form(part("file", png(), "../a.png"), part("GroupId", group))
    headers = {"Authorization": JSON["Authorization"], "Content-Type": CONTENT_TYPE}
    return json.loads(ask(url, "POST", "/v1/portrait/upload", body, headers)[2])["Result"]


def test_an_uploaded_file_is_served_back(url, uploaded):
    """UploadedURL leads to the bytes with their own type, which a browser is not to doubt or to run."""
    assert uploaded["UploadedURL"] == f"{url}/r2/{uploaded['R2Key']}"
    status, headers, body = ask(url, "GET", uploaded["UploadedURL"].removeprefix(url))
    assert (status, headers["content-type"], body) == (200, "image/png", png())
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]


def test_a_signed_link_serves_until_it_ends(url, server, uploaded):
    """Contract §2: the link of a read lives 12 hours; then, or changed, it is 403."""
    server.service.clock.advance(60)
    link = call(url, "GetAsset", {"Id": uploaded["Id"]})["Result"]["URL"].removeprefix(url)
    assert ask(url, "GET", link)[2] == png()
    assert ask(url, "GET", link.replace("Signature=", "Signature=0"))[0] == 403
    server.service.clock.advance(43_200)
    assert ask(url, "GET", link)[0] == 403


def test_a_link_to_somebody_elses_file_leads_there(url, server):
    """An asset registered by its address is not copied: its link redirects."""
    group = call(url, "CreateAssetGroup", {"GroupType": "AIGC", "Name": "g"})["Result"]["Id"]
    body = {"GroupId": group, "URL": "https://cdn.example/a.jpg?x=1", "AssetType": "Image"}
    asset = call(url, "CreateAsset", body)["Result"]["Id"]
    server.service.clock.advance(60)
    link = call(url, "GetAsset", {"Id": asset})["Result"]["URL"].removeprefix(url)
    status, headers, _ = ask(url, "GET", link)
    assert (status, headers["location"]) == (302, "https://cdn.example/a.jpg?x=1")


@pytest.mark.parametrize(
    ("host", "base"), [("emulator.test:99", "http://emulator.test:99"), ('"><script>', None), (None, None)]
)
def test_links_lead_where_the_request_came_in(url, uploaded, host, base):
    """A Host that is none is not repeated; then, and without one, links lead to the server's own address."""
    group = uploaded["GroupId"]
    body = form(part("file", png(), "a.png"), part("GroupId", group))
    sent = head(
        "/v1/portrait/upload", Content_Length=str(len(body)), Content_Type=CONTENT_TYPE, Host=host, Connection="close"
    )
    if host is None:  # only HTTP/1.0 may leave it out
        sent = sent.replace(b"HTTP/1.1", b"HTTP/1.0")
    assert f'"UploadedURL":"{base or url}/r2/'.encode() in exchange(url, sent + body)


def test_a_fault_of_the_emulators_own_is_an_answer_and_is_logged(url, server, monkeypatch, caplog):
    """An error of ours is 500 with `{"error"}`, its text stays in the log."""

    def fail(_):
        raise ZeroDivisionError("inner words")

    monkeypatch.setattr(server.service, "file", fail)
    status, _, body = ask(url, "GET", "/r2/x")
    assert status == 500
    assert b"inner words" not in body
    assert "GET /r2/x failed" in caplog.text
    caplog.clear()
