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
