"""Where the control plane ends: methods that an address does not take, and times that no clock can show."""

import json

import pytest

from tests.emulator.web.test_control import control
from tests.emulator.web.wire import ask


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("health", "GET, HEAD, OPTIONS"), ("clock", "GET, POST, HEAD, OPTIONS"), ("rules/r", "DELETE, OPTIONS")],
)
def test_an_address_says_which_methods_it_takes(url, path, allowed):
    """OPTIONS and a refused method both carry Allow, with the methods of that address and no others."""
    assert ask(url, "OPTIONS", f"/_emulator/{path}")[1]["allow"] == allowed
    status, headers, _ = ask(url, "TRACE", f"/_emulator/{path}")
    assert (status, headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "change",
    [
        {"advance": 1e12},
        {"advance": 1e300},
        {"set": 1e12},
        {"set": "9999-06-01T00:00:00Z"},
        {"set": "1969-12-31T23:59:59Z"},
    ],
)
def test_the_clock_stays_where_times_can_be_written(url, change):
    """A move beyond the years that a time on the wire has room for is refused, and nothing moves."""
    before = control(url, "GET", "clock")
    status, answer = control(url, "POST", "clock", change)
    assert status == 400
    assert "9999" in answer["error"]["message"]
    assert control(url, "GET", "clock") == before


def test_the_last_moment_is_one_like_any_other(url):
    """At the end of the clock calls are still answered, those with a later end in them as well."""
    assert control(url, "POST", "clock", {"set": "9999-01-01T00:00:00Z"})[0] == 200
    body = json.dumps({"CallbackURL": "https://www.example.com/callback"}).encode()
    headers = {"Authorization": "Bearer k"}
    status, _, answer = ask(url, "POST", "/v1/portrait/?Action=CreateVisualValidateSession", body, headers)
    assert status == 200
    assert "Result" in json.loads(answer)
    assert control(url, "GET", "state")[1]["validations"][0]["expires"] == "9999-01-01T00:02:00Z"


def test_a_delay_is_at_most_a_day(url):
    """On a manual clock a delay moves the time, so it has an end as well."""
    status, answer = control(url, "POST", "rules", {"do": {"delay": 86_401}})
    assert status == 400
    assert "a day" in answer["error"]["message"]
