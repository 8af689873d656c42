"""The in-process transports: the same requests get the same answers as over HTTP, and the same failures."""

import asyncio
import json
import re

import pytest

from emulator.server import EmulatorServer
from emulator.service import Service
from emulator.transports import AsyncInProcessTransport, InProcessTransport
from portrait.clock import ManualClock
from portrait.http import FailureKind, HttpRequest, Timeouts, TransportFailure
from tests.emulator.web.multipart import CONTENT_TYPE, form, part
from tests.emulator.web.wire import JSON, ask
from tests.wire.media import png

ACTION = "/v1/portrait/?Action="
GROUP = json.dumps({"GroupType": "AIGC", "Name": "主播"}).encode()
UPLOAD = {"Authorization": JSON["Authorization"], "Content-Type": CONTENT_TYPE}

PAGE = '{"do": {"http": {"status": 502, "body": "html"}}}'

CASES = {
    "create": ("POST", f"{ACTION}CreateAssetGroup", JSON, GROUP),
    "list": ("POST", f"{ACTION}ListAssetGroups&Version=2024-01-01", JSON, b'{"Filter": {"GroupType": "AIGC"}}'),
    "check": ("POST", f"{ACTION}CreateVisualValidateSession", JSON, b'{"CallbackURL": "https://x.example/"}'),
    "forbidden": ("POST", f"{ACTION}GetAsset", JSON, b'{"Id": "nope"}'),
    "no key": ("POST", f"{ACTION}GetAsset", {}, b"{}"),
    "no action": ("POST", "/v1/portrait/", JSON, b"{}"),
    "odd action": ("POST", f"{ACTION}%FF%00%22", JSON, b"{}"),
    "no json": ("POST", f"{ACTION}GetAsset", JSON, b"{"),
    "no body": ("POST", f"{ACTION}GetAsset", JSON, b""),
    "too large": ("POST", f"{ACTION}GetAsset", JSON, bytes(1_048_577)),
    "bad rule": ("POST", f"{ACTION}GetAsset", {**JSON, "X-Emulator-Rule": "{"}, b"{}"),
    "html": ("POST", f"{ACTION}GetAsset", {**JSON, "X-Emulator-Rule": PAGE}, b"{}"),
    "upload": ("POST", "/v1/portrait/upload", UPLOAD, form(part("file", png(), "a.png"), part("GroupId", "g"))),
    "broken form": ("POST", "/v1/portrait/upload", UPLOAD, form(part("file", png(), "a.png"))[:-20]),
    "large file": ("POST", "/v1/portrait/upload", UPLOAD, form(part("file", bytes(10_485_761), "a.png"))),
    "unknown path": ("POST", "/v1/portrait", JSON, b"{}"),
    "wrong method": ("GET", f"{ACTION}GetAsset", JSON, b""),
    "about": ("GET", "/", {}, b""),
    "head": ("HEAD", "/", {}, b""),
    "control": ("GET", "/_emulator/clock", {}, b""),
    "guarded": ("POST", "/_emulator/reset", {"Origin": "http://evil.example"}, b"{}"),
    "page": ("GET", "/h5/?bytedToken=x&lng=en", {}, b""),
    "file": ("GET", "/r2/none", {}, b""),
}  # fmt: skip


def plain(body):
    """A body without what differs from call to call by design."""
    return re.sub(rb"\b\d{14}[0-9A-F]{20}\b", b"<id>", body)


def send(transport, *case):
    """Sends a case by either transport."""
    method, target, headers, body = case
    sent = transport.send(HttpRequest(method=method, url=f"http://127.0.0.1:8787{target}", headers=headers, body=body))
    return asyncio.run(sent) if asyncio.iscoroutine(sent) else sent


@pytest.fixture(params=[InProcessTransport, AsyncInProcessTransport], ids=["blocking", "asyncio"])
def transport(request):
    """Either transport into a fresh emulator on a manual clock."""
    return request.param(Service(clock=ManualClock()))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_in_process_equals_over_http(transport, case):
    """Status, headers and body are the same, request ids and tokens aside."""
    here = send(transport, *case)
    with EmulatorServer(clock="manual") as server:
        method, target, headers, body = case
        status, fields, answer = ask(server.url, method, target, body, {**headers, "Host": "127.0.0.1:8787"})
    assert (here.status, plain(here.body)) == (status, plain(answer))
    # Connections, dates and software are HTTP's own.
    assert dict(here.headers) == {n: v for n, v in fields.items() if n not in {"date", "server", "connection"}}


@pytest.mark.parametrize(
    ("do", "broken"),
    [
        ({"close": "before"}, FailureKind.DISCONNECTED), ({"close": "after-commit"}, FailureKind.DISCONNECTED),
        ({"truncate": 7}, FailureKind.INCOMPLETE), ({"delay": 31}, FailureKind.TIMEOUT),
    ],
)  # fmt: skip
def test_failures_on_demand(transport, do, broken):
    """A dropped, cut-off or late answer is the failure that a client over HTTP would meet."""
    headers = {**JSON, "X-Emulator-Rule": json.dumps({"do": do})}
    with pytest.raises(TransportFailure) as failed:
        send(transport, "POST", f"{ACTION}CreateAssetGroup", headers, GROUP)
    assert failed.value.kind is broken
    listed = json.loads(send(transport, *CASES["list"]).body)["Result"]["TotalCount"]
    assert listed == (0 if do == {"close": "before"} else 1)


def test_a_client_without_a_limit_waits(transport):
    """A pause passes at once on a manual clock, and is no failure to who has time."""
    headers = {**JSON, "X-Emulator-Rule": '{"do": {"delay": 3600}}'}
    request = HttpRequest(
        method="POST", url=f"http://localhost{ACTION}GetAsset", headers=headers, body=b"{}",
        timeouts=Timeouts(read=None, total=None),
    )  # fmt: skip
    sent = transport.send(request)
    assert (asyncio.run(sent) if asyncio.iscoroutine(sent) else sent).status == 200
    closed = transport.close()
    assert closed is None or asyncio.run(closed) is None
