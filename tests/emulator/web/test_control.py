"""The control plane over HTTP: every address, what it says to what is wrong, and who is turned away."""

import json

import pytest

from emulator.auth import key_handle
from emulator.service import Service
from emulator.web.control import _ROUTES, ControlPlane
from emulator.web.request_head import Head
from portrait.flow import RunBlocking
from tests.emulator.web.wire import JSON, ask, call

CALLBACK = {"CallbackURL": "https://www.example.com/callback"}


def control(url, method, path, body=None, headers=None):
    """Status and JSON of one control call."""
    payload = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    status, fields, answer = ask(url, method, f"/_emulator/{path}", payload, {**JSON, **(headers or {})})
    assert fields["content-type"] == "application/json"
    return status, json.loads(answer)


@pytest.fixture
def token(url):
    """A fresh BytedToken."""
    return call(url, "CreateVisualValidateSession", CALLBACK)["Result"]["BytedToken"]


@pytest.fixture
def asset(url):
    """A fresh asset's id."""
    group = call(url, "CreateAssetGroup", {"GroupType": "AIGC", "Name": "g"})["Result"]["Id"]
    body = {"GroupId": group, "URL": "https://cdn.example/a.jpg", "AssetType": "Image"}
    return call(url, "CreateAsset", body)["Result"]["Id"]


def test_every_address_of_the_control_plane(url, token, asset):
    """Each row of the table answers 200 to what it is for."""
    rule = {"id": "r", "match": {"action": "GetAsset"}, "do": {"error": "Throttled"}}
    sent = {
        ("GET", "health"): None,
        ("GET", "state"): None,
        ("GET", "calls"): None,
        ("GET", "clock"): None,
        ("POST", "clock"): {"advance": 1},
        ("POST", "validations/*"): {"result": "pass", "subject": "alice"},
        ("POST", "assets/*"): {"status": "Failed", "code": "FaceMismatch"},
        ("PATCH", "customers/*"): {"groups": 3, "aigc": False},
        ("GET", "rules"): None,
        ("POST", "rules"): rule,
        ("DELETE", "rules/*"): None,
        ("DELETE", "rules"): None,
        ("PUT", "snapshots/*"): None,
        ("GET", "snapshots"): None,
        ("GET", "snapshots/*"): None,
        ("POST", "snapshots/*"): None,
        ("DELETE", "snapshots/*"): None,
        ("POST", "reset"): None,
    }
    names = {
        "validations/*": token,
        "assets/*": asset,
        "customers/*": "alice%2Fbob",
        "rules/*": "r",
        "snapshots/*": "base",
    }
    assert sent.keys() == _ROUTES.keys()
    for (method, path), body in sent.items():
        target = path.replace("*", names.get(path, ""))
        status, answer = control(url, method, target, body)
        assert status == 200, (method, path, answer)
    assert control(url, "GET", "calls")[1]["calls"] == []


def test_calls_are_filtered_by_the_query(url, token):
    """The query of `calls` is the control's filter; an unknown one is refused."""
    assert [c["action"] for c in control(url, "GET", "calls?action=GetAsset")[1]["calls"]] == []
    found = control(url, "GET", "calls?action=CreateVisualValidateSession&customer=sk-raw&outcome=ok")[1]["calls"]
    assert [c["customer"] for c in found] == [key_handle("sk-raw")]
    assert token not in json.dumps(found)
    assert control(url, "GET", "calls?who=me")[0] == 400


def test_a_validation_ends_by_its_handle_and_once(url, token):
    """The first result counts; the second is told that it came too late."""
    handle = control(url, "GET", "state")[1]["validations"][0]["id"]
    assert control(url, "POST", f"validations/{handle}", {"result": "pass"})[0] == 200
    status, answer = control(url, "POST", f"validations/{token}", {"result": "fail"})
    assert status == 409
    assert "already ended" in answer["error"]["message"]
    assert "Result" in call(url, "GetVisualValidateResult", {"BytedToken": token})


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nope", None, 404), ("POST", "health", {}, 405), ("GET", "validations/x", None, 405),
        ("POST", "validations/x", {"result": "pass"}, 404), ("POST", "assets/x", {"status": "Failed"}, 404),
        ("POST", "assets/x", {"colour": "red"}, 400), ("PATCH", "customers/x", {"name": "y", "self": 1}, 400),
        ("POST", "clock", {}, 400), ("POST", "clock", {"self": 1}, 400), ("POST", "clock", {"advance": -1}, 400),
        ("POST", "clock", {"advance": "x"}, 400), ("POST", "clock", b"[1]", 400), ("POST", "clock", b"{", 400),
        ("POST", "rules", {"match": {}}, 400), ("POST", "rules", {"do": {"explode": True}}, 400),
        ("DELETE", "rules/nope", None, 404), ("POST", "validations/", {"result": "pass"}, 404),
        ("POST", "rules", b"\xff", 400), ("POST", "validations/x/y", {"result": "pass"}, 404),
        ("POST", "validations/x", {"result": "pass", "extra": 1}, 400),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(url, method, path, body, status):
    """404 for what is not there, 405 for another method, 400 with the reason for the rest."""
    found, answer = control(url, method, path, body)
    assert (found, bool(answer["error"]["message"])) == (status, True), answer


def test_a_body_of_the_control_plane_is_limited(url):
    """A declared gigabyte is refused unread."""
    assert control(url, "POST", "rules", b"{}", {"Content-Length": "1073741824"})[0] == 413
    assert control(url, "POST", "rules", bytes(17 * 1_048_576))[0] == 413


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200), ({"Host": "emulator.example"}, 403), ({"Origin": "http://evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 403), ({"Host": "emulator.example", "X-Emulator-Token": "T"}, 200),
        ({"X-Emulator-Token": "wrong"}, 403), ({"Content-Type": "text/plain", "X-Emulator-Token": "T"}, 200),
    ],
)  # fmt: skip
def test_access_is_checked_over_http(url, headers, status):
    """Only who may, changes anything; the sentence says what to do."""
    found, answer = control(url, "POST", "clock", {"advance": 1}, headers)
    assert found == status
    if status == 403:
        assert len(answer["error"]["message"].split()) > 8


def test_the_actions_are_open_to_every_host(url):
    """The guard is the control plane's alone: a service is called from other machines."""
    assert ask(url, "POST", "/v1/portrait/?Action=GetAsset", b"{}", {**JSON, "Host": "emulator.example"})[0] == 200


def test_a_state_is_kept_read_and_loaded_by_its_name(url, token, asset):
    """All that GET says is JSON with a version, and no token; saving under the same name replaces."""
    saved = control(url, "PUT", "snapshots/base")[1]
    assert {name: saved[name] for name in ("name", "version", "groups", "assets", "validations")} == {
        "name": "base", "version": 1, "groups": 1, "assets": 1, "validations": 1,
    }  # fmt: skip
    assert control(url, "POST", "reset", {})[1]["customers"] == 0
    assert control(url, "PUT", "snapshots/empty", b"")[1]["groups"] == 0
    assert control(url, "POST", "snapshots/base")[1] == saved
    assert call(url, "GetAsset", {"Id": asset})["Result"]["Id"] == asset
    written = control(url, "GET", "snapshots/base")[1]
    assert (written["format"], written["version"]) == ("portrait-emulator snapshot", 1)
    assert token not in json.dumps(written)
    assert [each["name"] for each in control(url, "GET", "snapshots")[1]["snapshots"]] == ["base", "empty"]
    assert control(url, "DELETE", "snapshots/base")[1]["snapshots"][0]["name"] == "empty"


@pytest.mark.parametrize(
    ("method", "name", "body", "status"),
    [
        ("GET", "x", None, 404), ("POST", "x", None, 404), ("DELETE", "x", None, 404), ("PUT", "a%20b", None, 400),
        ("PUT", "x", {"format": "portrait-emulator snapshot"}, 400), ("PUT", "x", b"{", 400), ("PATCH", "x", {}, 405),
        ("POST", "", None, 405), ("PUT", "x/y", None, 400),
    ],
)  # fmt: skip
def test_a_snapshot_that_cannot_be_is_refused(url, method, name, body, status):
    """Unknown ones, names that are none, and a document that would not be kept."""
    assert control(url, method, f"snapshots/{name}", body)[0] == status


@pytest.mark.parametrize("method", ["PUT", "POST", "GET", "DELETE"])
def test_snapshots_are_made_and_freed_in_a_thread(method):
    """However large the state is, the event loop answers others meanwhile."""
    head = Head(
        method, "/_emulator/snapshots/base", "", {"host": "localhost", **{k.lower(): v for k, v in JSON.items()}}
    )
    reader = ControlPlane(Service()).route(head)
    assert isinstance(next(reader.finish()), RunBlocking)
