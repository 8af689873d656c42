"""The control plane's guard: a table of who may come in, and of what the refusal advises."""

import pytest

from emulator.web.access import check_access
from emulator.web.request_head import Head

JSON = {"content-type": "application/json; charset=utf-8"}
LOCAL = {"host": "127.0.0.1:8787"}
REMOTE = {"host": "emulator.example:8787"}


@pytest.mark.parametrize(
    ("method", "headers", "token", "advice"),
    [
        ("GET", LOCAL, None, None),
        ("GET", {"host": "localhost"}, None, None),
        ("DELETE", LOCAL, None, None),
        ("POST", LOCAL | JSON, None, None),
        ("POST", LOCAL | JSON | {"origin": "http://127.0.0.1:8787"}, None, None),
        ("POST", LOCAL | JSON, "T", None),
        ("POST", LOCAL, None, "Content-Type: application/json"),
        ("PATCH", LOCAL | {"content-type": "text/plain"}, None, "Content-Type: application/json"),
        ("PUT", LOCAL | {"content-type": "application/x-www-form-urlencoded"}, None, "Content-Type"),
        ("GET", REMOTE, None, "--control-token"),
        ("GET", REMOTE, "T", "X-Emulator-Token"),
        ("GET", REMOTE | {"x-emulator-token": "T"}, None, "--control-token"),
        ("GET", REMOTE | {"x-emulator-token": "T"}, "T", None),
        ("POST", REMOTE | {"x-emulator-token": "T", "origin": "http://x"}, "T", None),
        ("GET", REMOTE | {"x-emulator-token": "wrong"}, "T", "does not hold"),
        ("GET", LOCAL | {"x-emulator-token": "wrong"}, "T", "does not hold"),
        ("GET", LOCAL | {"x-emulator-token": "\udcff"}, "T", "does not hold"),
        ("GET", LOCAL | {"origin": "http://evil.example"}, None, "another origin"),
        ("GET", LOCAL | {"origin": "http://127.0.0.1:9999"}, None, "another origin"),
        ("GET", LOCAL | {"origin": "null"}, None, "another origin"),
        ("GET", {"host": "127.0.0.1.evil.example"}, None, "loopback"),
    ],
)
def test_who_may_use_the_control_plane(method, headers, token, advice):
    """Loopback without a foreign origin may, and whoever shows the token; others hear what to do."""
    why = check_access(Head(method, "/_emulator/reset", "", headers), token)
    assert why is None if advice is None else advice in why


@pytest.mark.parametrize("peer", ["10.99.99.2", "fe80::1%eth0", "::ffff:10.99.99.2", ""])
def test_loopback_is_the_peers_address(peer):
    """key-control: another machine may write any Host; only the token lets it in."""

    def check(headers, token):
        return check_access(Head("GET", "/_emulator/state", "", LOCAL | headers, peer=peer), token)

    assert "--control-token" in check({}, None)
    assert "--control-token" in check({}, "T")
    assert "does not hold" in check({"x-emulator-token": "wrong"}, "T")
    assert check({"x-emulator-token": "T"}, "T") is None


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_needs_no_token(peer):
    """In every form in which a socket names it."""
    assert check_access(Head("GET", "/_emulator/state", "", LOCAL, peer=peer), "T") is None
