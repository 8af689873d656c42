"""Signed calls of a client: each attempt is signed anew by the machine's clock, and nothing secret is repeated."""

import logging
from itertools import product
from urllib.parse import urlsplit

import attrs
import pytest

from emulator.signatures import Verifier, parse_authorization, split_authorization
from portrait import AuthError, QuotaExceeded, RetryPolicy, Throttled, UsageError, ValidatePending
from portrait.clock import ManualClock, SystemClock
from portrait.codes import CODES, api_error
from portrait.http import HttpRequest
from tests.portrait.helpers import answer, asset, body, good, refused
from tests.portrait.raw_server import RawServer, ok, respond_with

SECRET, TOKEN = "planted-secret-key", "planted-session-token"
PAIR = {"access_key": "AKTEST", "secret_key": SECRET, "session_token": TOKEN}
NOW = 1_790_000_000.0
GROUP = {"Id": "group-1", "Name": "n", "GroupType": "AIGC"}


def scripted(colour, *answers, **options):
    """A signing client, its script, and the clock that stands in for the machine's."""
    options = {"provider": "volcengine", "api_key": None, **PAIR, **options}
    client, script = colour.scripted(*answers, **options)
    clock = ManualClock(NOW)
    client.client._endpoint = attrs.evolve(client.client._endpoint, machine_clock=clock)
    return client, script, clock


def access_key(request, now):
    """Whose signature the request carries by the verifier, which is told nothing but the secret."""
    url = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    unsigned, signature = split_authorization(headers["authorization"])
    verifier = Verifier(
        parse_authorization(unsigned),
        method=request.method,
        path=url.path,
        query=url.query,
        secret_of={"AKTEST": SECRET}.get,
        regions=("cn-beijing",),
        service="ark",
    )
    return verifier.verify(signature, headers, request.body, now)


def test_each_attempt_is_signed_anew(colour):
    """A retry carries the date of its own moment, by the machine's clock and not by `clock=`."""
    client, script, clock = scripted(colour, None, good({"Items": [], "TotalCount": 0}))

    def later(_):
        clock.advance(30)
        return answer(b"", 503, retry_after="1")

    script.answers[0] = later
    client.list_assets()
    dates = [request.headers["X-Date"] for request in script.requests]
    assert dates == ["20260921T141320Z", "20260921T141350Z"]
    assert [access_key(request, NOW) for request in script.requests] == ["AKTEST", "AKTEST"]
    assert {request.headers["X-Security-Token"] for request in script.requests} == {TOKEN}


def test_names_of_all_scripts_are_signed(colour):
    """The signature covers the very bytes that are sent."""
    client, script, _ = scripted(colour, good({"Id": "group-1"}))
    client.create_asset_group(name="品牌主播 é")
    assert "品牌主播 é".encode() in script.requests[0].body
    assert access_key(script.requests[0], NOW) == "AKTEST"


@pytest.mark.parametrize(
    "path",
    ["", "/%E5%BC%A0", "/%e5%bc%a0", "/a%2fb/%7E", "/a~b/*x/(y)", "/a/../b", "//x", "/a@b:c;d=e,f"],
)
def test_what_is_signed_is_what_is_sent(colour, path):
    """Whatever the libraries below do to an address: the server verifies path, host and bytes as it received them."""
    with RawServer(respond_with(ok(body({"Id": "group-1"})))) as server:
        client = colour.client(provider="volcengine", api_key=None, base_url=server.url + path, **PAIR)
        client.create_asset_group(name="品牌主播 é")
        head, content = server.requests[0]
    line, *lines = head.decode().split("\r\n")
    method, target, _ = line.split(" ")
    headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in lines)}
    received = HttpRequest(method=method, url=f"http://{headers['host']}{target}", headers=headers, body=content)
    assert access_key(received, SystemClock().now()) == "AKTEST"
    assert headers["host"] == f"127.0.0.1:{server.port}"


def test_no_secret_is_repeated(colour, caplog):
    """Neither in the error, nor in logs, events or reprs, even if the service repeats it."""
    caplog.set_level(logging.DEBUG)
    events = []
    says = f"The secret {SECRET} and the token {TOKEN} are wrong."
    client, _, _ = scripted(colour, refused("SignatureDoesNotMatch", says, 401), on_event=events.append)
    with pytest.raises(AuthError, match="secret key") as info:
        client.get_asset(id="asset-1")
    seen = f"{info.value!s} {info.value!r} {info.value.response} {events} {caplog.text} {client.client!r}"
    assert SECRET not in seen
    assert TOKEN not in seen


PENDING = {
    "NotFound.<token>": refused("NotFound.20260318035710FFFFFFFFFFFFFFFFFFFF", "No.", 404),
    "an empty 404": answer(b"", 404),
    "an empty GroupId": good({"GroupId": ""}),
    "an empty Result": good({}),
}


@pytest.mark.parametrize("way", PENDING)
def test_four_ways_of_not_scanned_yet(colour, way):
    """All of them are ValidatePending while nobody knows that the window is over. Contract §10.9."""
    client, _, _ = scripted(colour, PENDING[way])
    with pytest.raises(ValidatePending):
        client.get_visual_validate_result(byted_token="20260318035710FFFFFFFFFFFFFFFFFFFF")


def test_no_handler_for_full_catches_throttled():
    """Over all codes: an error is of one family at most, and the families share no class but ApiError."""
    for code, status in product([*CODES, "QuotaExceeded.QPM", "Unknown"], [200, 400, 403, 429, 503]):
        error = api_error(code, "No.", http_status=status)
        assert not (isinstance(error, QuotaExceeded) and isinstance(error, Throttled)), (code, status)
    shared = set(QuotaExceeded.__mro__) & set(Throttled.__mro__)
    assert {kind.__name__ for kind in shared} == {"ApiError", "PortraitError", "Exception", "BaseException", "object"}


def test_lists_wait_out_a_flow_limit(colour):
    """From the sixth page on the account is throttled for longer than other calls are tried: nothing is lost."""
    pages = [
        good({"Items": [asset(f"asset-{page}")], "NextToken": f"t{page}" if page < 6 else ""}) for page in range(7)
    ]
    throttled = refused("AccountFlowLimitExceeded", "Slow down.", 429)
    client, script, _ = scripted(colour, *pages[:5], *[throttled] * 8, *pages[5:])
    assert [item.id for item in client.iter_assets()] == [f"asset-{page}" for page in range(7)]
    assert len(script.requests) == 15


def test_other_calls_give_up_earlier(colour):
    """A throttled GetAsset is tried as often as the policy says, and so is a list of a client that never retries."""
    throttled = refused("AccountFlowLimitExceeded", "Slow down.", 429)
    client, script, _ = scripted(colour, throttled, retry=RetryPolicy(attempts=3))
    with pytest.raises(Throttled):
        client.get_asset(id="asset-1")
    assert len(script.requests) == 3
    client, script, _ = scripted(colour, throttled, retry=None)
    with pytest.raises(Throttled):
        client.list_assets()
    assert len(script.requests) == 1


def test_a_provider_without_upload_says_so(colour):
    """Before anything is sent."""
    client, script, _ = scripted(colour, answer(body()))
    with pytest.raises(UsageError, match="cannot take files that have no public address"):
        client.upload_asset(b"\xff\xd8\xff\xe0" + bytes(64), group_id="group-1")
    assert script.requests == []
