"""What is told of each call: a line without secrets, whatever callers make up."""

import logging

import orjson
import pytest

from emulator.auth import key_handle
from emulator.call_log import CallLog, without_query
from emulator.clocks import TimestampFormatter
from emulator.messages import Call
from emulator.service import Service
from emulator.settings import Settings
from emulator.stderr_log import CallLogger
from portrait.clock import ManualClock
from tests.emulator.conftest import Endpoint

ALICE = key_handle("sk-alice")


@pytest.fixture
def watched():
    """Starts an emulator that is watched: its lines, and a caller."""

    def watched(**settings):
        lines, settings, clock = [], Settings(**settings), ManualClock()
        service = Service(settings, clock, on_call=CallLogger(lines.append, clock))
        return lines, Endpoint(service)

    return watched


def words(line):
    """A line's fields."""
    return line.split()


def test_a_line_has_time_action_customer_outcome_and_milliseconds(watched):
    """All on the emulator's clock; the columns of usual names stand below each other."""
    lines, caller = watched(api_keys={"sk-alice": "alice"})
    caller.group()
    caller.service.clock.advance(61)
    caller.error("GetAsset", {"Id": "x"})
    assert lines == [
        "2026-03-18T00:00:00Z  CreateAssetGroup             alice             ok  0.0 ms",
        "2026-03-18T00:01:01Z  GetAsset                     alice             Forbidden  0.0 ms",
    ]


def test_a_delay_shows_in_the_milliseconds(watched):
    """What passes on the emulator's clock is what a call took."""
    lines, caller = watched()
    reply_flow = caller.service.pipelines[0].answer(
        Call(action="GetAsset", key="k", body=b"{}", rule='{"do": {"delay": 2.5}}')
    )
    caller.service.clock.advance(next(reply_flow).seconds)
    with pytest.raises(StopIteration):
        reply_flow.send(None)
    assert lines[0].endswith("  2500.0 ms")


def test_keys_and_tokens_are_handles(watched):
    """A customer without a name is called by a handle of its key, always the same; a token shows as its validation."""
    lines, caller = watched()
    token = caller.token()
    caller.error("GetVisualValidateResult", {"BytedToken": token})
    caller.key = "sk-bob"
    caller.error("GetVisualValidateResult", {"BytedToken": token})
    caller.key = "sk-alice"
    caller.token()
    caller.key = None
    caller.reply("GetAsset")
    text = "\n".join(lines)
    assert [words(line)[2] for line in lines] == [ALICE, ALICE, key_handle("sk-bob"), ALICE, "-"]
    assert [words(line)[4] for line in lines[:2]] == ["val-1", "val-1"]
    for secret in ("sk-alice", "sk-bob", token):
        assert secret not in text


@pytest.mark.parametrize("action", ["A\nB", "A\x1b[31m", "\u202eX", "\udcff", "Z" * 5000, ""])
def test_what_a_caller_makes_up_stays_on_its_line(watched, action):
    """An Action that does not exist can neither end the line nor steer a terminal, nor fill the screen."""
    lines, caller = watched()
    caller.reply(action)
    (line,) = lines
    assert line.isprintable()
    assert len(line) < 160
    assert words(line)[2] == ALICE


@pytest.mark.parametrize("key", ["a", "o", "k", "A", "1", "-", "ok", "é"])
def test_a_short_key_corrupts_nothing(watched, caplog, key):
    """A key that is part of every other word leaves outcomes, Actions, handles and the call log as they are."""
    caplog.set_level(logging.DEBUG)
    lines, caller = watched()
    caller.key = key
    asset = caller.asset(caller.group())
    assert caller.call("GetAsset", {"Id": asset})["Id"] == asset
    token = caller.token()
    caller.error("GetVisualValidateResult", {"BytedToken": token})
    caller.error("GetAsset", {"Id": f"not-{asset}"})
    expected = [
        ("CreateAssetGroup", "ok"), ("CreateAsset", "ok"), ("GetAsset", "ok"), ("CreateVisualValidateSession", "ok"),
        ("GetVisualValidateResult", "ValidatePending"), ("GetAsset", "Forbidden"),
    ]  # fmt: skip
    calls = caller.service.control.calls(customer=key)["calls"]
    assert [(each["action"], each["outcome"]) for each in calls] == expected
    assert [(words(line)[1], words(line)[3]) for line in lines] == expected
    assert calls[4]["validation"] == words(lines[4])[4] == "val-1"
    assert [each["name"] for each in caller.service.control.state()["customers"]] == [key_handle(key)]
    assert orjson.loads(orjson.dumps(calls)) == calls


def test_a_request_is_recorded_with_its_fields(alice):
    """emulator-journal: Name and URL are there; the query of an address and a BytedToken are not."""
    group = alice.group()
    alice.asset(group, "https://cdn.example/a.jpg?X-Sig=secret#f", Name="host")
    token = alice.token()
    alice.error("GetVisualValidateResult", {"BytedToken": token})
    alice.error("GetVisualValidateResult", {"BytedToken": "somebody-elses"})
    _, create, _, *results = alice.service.control.calls()["calls"]
    assert create["request"] == {
        "GroupId": group, "URL": "https://cdn.example/a.jpg?***", "AssetType": "Image", "Name": "host",
    }  # fmt: skip
    assert [call["request"] for call in results] == [{"BytedToken": "val-1"}, {"BytedToken": "***"}]


def test_a_large_request_is_recorded_without_its_fields(alice):
    """emulator-journal: what the log holds is bounded, whatever is sent."""
    alice.error("CreateAssetGroup", {"Name": "x" * 20_000, "GroupType": "AIGC"})
    assert alice.service.control.calls()["calls"][0]["request"] == {}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/a.jpg", "https://h/a.jpg"),
        ("https://h/a.jpg?", "https://h/a.jpg?***"),
        ("https://h?x=1", "https://h?***"),
        ("https://h#x?y", "https://h#***"),
        ("https://u:p@h:1/a@b", "https://***@h:1/a@b"),
    ],
)
def test_an_address_is_blanked(url, expected):
    """User, query and fragment go; host and path stay."""
    assert without_query(url) == expected


def test_a_call_log_that_nobody_watches_pays_nothing():
    """Noting a call is then the list's own method."""
    call_log = CallLog(TimestampFormatter())
    assert call_log.add == call_log._records.append
