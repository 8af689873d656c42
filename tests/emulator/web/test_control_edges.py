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


@pytest.mark.parametrize(
    ("since", "found"),
    [
        ("1773792010", 1), ("1773792010.0", 1), ("1773792010.5", 0), ("0", 2), ("20260318", 2),
        ("2026-03-18T00:00:10Z", 1), ("2026-03-18T08:00:10%2B08:00", 1), ("2026-03-18T00:00:11Z", 0),
        ("9999999999", 0), ("9999-01-01T00:00:00Z", 0),
    ],
)  # fmt: skip
def test_calls_are_found_since_a_moment_in_either_form(url, since, found):
    """A query's number of at most ten digits is seconds since 1970, anything else an ISO 8601 moment."""
    for _ in range(2):
        ask(url, "POST", "/v1/portrait/?Action=GetAsset", b"{}")
        control(url, "POST", "clock", {"advance": 10})
    status, answer = control(url, "GET", f"calls?since={since}")
    assert (status, answer["count"]) == (200, found)


@pytest.mark.parametrize(
    "since", ["1773792010000", "20260318000010", "1e9", "-1", "1.", "soon", "", "2026-03-18T00:00:10"]
)
def test_what_is_neither_form_of_a_moment_is_refused(url, since):
    """Milliseconds and stamps without punctuation are not taken for seconds; the reason names both forms."""
    status, answer = control(url, "GET", f"calls?since={since}")
    assert status == 400
    assert "since must be" in answer["error"]["message"]


def test_an_unknown_address_is_told_all_that_there_are(url):
    """The list has the description, too, and each of its addresses is there."""
    message = control(url, "GET", "nope")[1]["error"]["message"]
    addresses = message.rpartition(": ")[2].removesuffix(".").split(", ")
    assert "openapi.json" in addresses
    for address in addresses:
        allowed = ask(url, "OPTIONS", f"/_emulator/{address.replace('*', 'x')}")[1]["allow"]
        assert allowed
        assert ("PUT" in allowed) is (address == "snapshots/*")


def test_a_delay_is_at_most_a_day(url):
    """On a manual clock a delay moves the time, so it has an end as well."""
    status, answer = control(url, "POST", "rules", {"do": {"delay": 86_401}})
    assert status == 400
    assert "a day" in answer["error"]["message"]
