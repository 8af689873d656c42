"""What a test does to the emulator: faults by rules, snapshots, and what the control plane keeps to itself."""

import http.client
import json
from urllib.parse import quote

import pytest

GROUP = {"GroupType": "AIGC", "Name": "g"}
AIGC = {"Filter": {"GroupType": "AIGC"}}
ONLY_ONCE = {"first": 1}


def ruled(customer, action, do):
    """Add a rule for the next call of a customer's Action."""
    rule = {"match": {"action": action, "customer": customer.key}, "when": ONLY_ONCE, "do": do}
    assert customer.server.control("POST", "rules", rule).status == 200


def count(customer):
    """How many AIGC groups the customer has."""
    return customer.call("ListAssetGroups", AIGC).result["TotalCount"]


def test_a_connection_is_closed_before_the_call(me):
    """Nothing was carried out."""
    ruled(me, "CreateAssetGroup", {"close": "before"})
    with pytest.raises(OSError, match=r"."):
        me.call("CreateAssetGroup", GROUP)
    assert count(me) == 0


def test_an_answer_is_truncated(me):
    """It was carried out; the answer announces more than it sends."""
    ruled(me, "CreateAssetGroup", {"truncate": 20})
    with pytest.raises(http.client.IncompleteRead) as cut:
        me.call("CreateAssetGroup", GROUP)
    assert len(cut.value.partial) == 20
    assert count(me) == 1


@pytest.mark.parametrize(("body", "media"), [("html", "text/html"), ("text", "text/plain"), ("empty", "text/html")])
def test_a_page_stands_in_the_place_of_an_answer(me, body, media):
    """Nothing was carried out."""
    ruled(me, "CreateAssetGroup", {"http": {"status": 502, "body": body}})
    answer = me.call("CreateAssetGroup", GROUP)
    assert (answer.status, answer.headers["content-type"], bool(answer.raw)) == (502, media, body != "empty")
    assert count(me) == 0


def test_a_call_is_delayed(me):
    """Time passes on the emulator's clock before it is carried out."""
    now = me.server.control("GET", "clock").body["seconds"]
    ruled(me, "CreateAssetGroup", {"delay": 30})
    group = me.call("CreateAssetGroup", GROUP).result["Id"]
    assert me.server.control("GET", "clock").body["seconds"] - now == 30
    assert me.call("GetAssetGroup", {"Id": group}).result["Id"] == group


def test_calls_beyond_a_limit_are_throttled(me):
    """Until its seconds are over."""
    rule = {"match": {"action": "ListAssetGroups", "customer": me.key}, "do": {"limit": {"calls": 2, "seconds": 5}}}
    me.server.control("POST", "rules", rule)
    assert [count(me), count(me), me.call("ListAssetGroups", AIGC).error] == [0, 0, "RateLimitExceeded"]
    me.server.advance(5)
    assert count(me) == 0


def test_a_review_ends_as_a_rule_says(me):
    """With its code, after its seconds."""
    ruled(me, "CreateAsset", {"review": {"code": "FaceMismatch", "after": 30}})
    asset = me.asset(me.group())
    me.server.advance(29)
    assert me.call("GetAsset", {"Id": asset}).result["Status"] == "Processing"
    me.server.advance(1)
    assert me.call("GetAsset", {"Id": asset}).result["FailedReason"].startswith("FaceMismatch")


def test_no_reply_names_a_customer_by_its_key(me):
    """A key without a customer of its own is shown by a handle; what is asked for may be named by the key."""
    me.call("CreateAssetGroup", GROUP)
    me.control(groups=7)
    calls = me.server.control("GET", f"calls?customer={quote(me.key)}")
    assert calls.body["count"] == 1
    handle = calls.body["calls"][0]["customer"]
    assert me.server.control("PATCH", f"customers/{handle}", {}).body["limits"]["groups"] == 7
    assert me.key.encode() not in calls.raw + me.server.control("GET", "state").raw


def test_a_snapshot_brings_a_state_back_with_its_time(lone):
    """Groups, limits and open checks; the clock goes back too, and the calls stay."""
    me = lone.customer()
    group, token = me.group(), me.token()
    now = lone.control("GET", "clock").body["seconds"]
    assert lone.control("PUT", "snapshots/base").body["name"] == "base"
    lone.advance(500)
    me.call("DeleteAssetGroup", {"Id": group})
    me.control(groups=0)
    for _ in range(2):
        assert lone.control("POST", "snapshots/base").status == 200
        assert lone.control("GET", "clock").body["seconds"] == now
        assert me.call("GetAssetGroup", {"Id": group}).result["Id"] == group
        assert me.call("GetVisualValidateResult", {"BytedToken": token}).error == "ValidatePending"
        assert me.call("CreateAssetGroup", GROUP).result["Id"] != group
    assert lone.control("GET", f"calls?customer={me.key}&action=DeleteAssetGroup").body["count"] == 1
    assert [each["name"] for each in lone.control("GET", "snapshots").body["snapshots"]] == ["base"]
    assert lone.control("DELETE", "snapshots/base").body["snapshots"] == []
    assert lone.control("POST", "snapshots/base").status == 404


def test_a_snapshot_as_json_holds_no_secret_and_starts_another_process(lone, start, tmp_path):
    """The same key finds its group there; a check is reached by its handle alone, for its token stands nowhere."""
    me = lone.customer()
    group, token = me.group(), me.token(CallbackURL="https://www.example.com/callback?person=anna")
    me.asset(group, url="https://cdn.example/a.jpg?X-Amz-Signature=sesame")
    lone.control("PUT", "snapshots/base")
    answer = lone.control("GET", "snapshots/base")
    assert (answer.body["format"], answer.body["version"]) == ("portrait-emulator snapshot", 1)
    for secret in (me.key, token, "sesame", "anna"):
        assert secret.encode() not in answer.raw
    path = tmp_path / "base.json"
    path.write_bytes(answer.raw)
    other = start("--load", str(path))
    assert other.control("GET", "clock").body["seconds"] == lone.control("GET", "clock").body["seconds"]
    same = other.customer_of(me.key)
    assert same.call("GetAssetGroup", {"Id": group}).result["Id"] == group
    assert same.call("GetVisualValidateResult", {"BytedToken": token}).error == "InvalidToken"
    (handle,) = (each["id"] for each in other.control("GET", "state").body["validations"])
    assert other.control("POST", f"validations/{handle}", {"result": "pass"}).body["state"] == "passed"
    assert same.call("CreateAssetGroup", GROUP).result["Id"] not in json.dumps(answer.body)
