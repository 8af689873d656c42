"""Walks by raw HTTP what the golden files cannot show: settings of disputed points, the account, lags, the H5 page."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.wire import media
from tests.wire.client import Customer, part

AIGC = {"Filter": {"GroupType": "AIGC"}}
CALLBACK = "https://www.example.com/callback"
GROUP = {"GroupType": "AIGC", "Name": "brand-host"}


def asset_in(group, **fields):
    """The body of a CreateAsset."""
    return {"GroupId": group, "URL": "https://cdn.example/host.jpg", "AssetType": "Image"} | fields


def ruled(me, action, body, do):
    """One call under a rule of its own."""
    return me.send(json.dumps(body), action=action, headers={"X-Emulator-Rule": json.dumps({"do": do})})


# --- the other reading of disputed points ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def schema(start):
    """A server that reads the disputed points as the newer schema does, where two keys are one customer."""
    return start("--profile", "schema", "--api-key", "sk-a1=alice", "--api-key", "sk-a2=alice", "--api-key", "sk-b=bob")


@pytest.fixture
def alice(schema):
    """A customer of it, without anything and with the usual limits."""
    assert schema.control("POST", "reset", {}).status == 200
    return Customer(schema, "sk-a1")


def test_by_setting_a_group_needs_no_name(alice):
    """Name on CreateAssetGroup is required by the guide and optional by the schema."""
    group = alice.call("CreateAssetGroup", {"GroupType": "AIGC"}).result["Id"]
    assert alice.call("GetAssetGroup", {"Id": group}).result["Name"] == ""


def test_by_setting_a_bad_key_is_told_in_the_envelope(schema):
    """A missing or unknown key is `Unauthorized` with HTTP 200, where the other reading has HTTP 401."""
    assert Customer(schema, "sk-nobody").call("ListAssets", AIGC).error == "Unauthorized"
    answer = schema.request("POST", "/v1/portrait/?Action=ListAssets&Version=2024-01-01", b"{}")
    assert answer.error == "Unauthorized"


def test_by_setting_a_used_token_gives_its_group_again(schema, alice):
    """A second GetVisualValidateResult gives the same GroupId, as long as the token lives."""
    token = alice.token()
    alice.scan(token)
    first, second = (alice.call("GetVisualValidateResult", {"BytedToken": token}).result for _ in range(2))
    assert first == second
    schema.advance(121)
    assert alice.call("GetVisualValidateResult", {"BytedToken": token}).error == "TokenExpired"


def test_by_setting_a_token_belongs_to_the_customer(schema, alice):
    """Another key of the same customer reads the token; another customer's does not."""
    token = alice.token()
    alice.scan(token)
    assert Customer(schema, "sk-b").call("GetVisualValidateResult", {"BytedToken": token}).error == "InvalidToken"
    assert "GroupId" in Customer(schema, "sk-a2").call("GetVisualValidateResult", {"BytedToken": token}).result


def test_by_setting_fifty_assets_fit_into_all_groups_together(alice):
    """The 51st asset of a customer is refused, in whatever group."""
    groups = [alice.group(), alice.group()]
    for number in range(50):
        alice.asset(groups[number % 2])
    for group in groups:
        assert alice.call("CreateAsset", asset_in(group)).error == "QuotaExceeded"


# --- the account -------------------------------------------------------------------------------------------------


def test_an_empty_balance_is_402_at_http_level(me):
    """Where the balance is used up, what creates something is refused by HTTP 402; reads and deletes go on."""
    group = me.group()
    me.control(balance=0)
    for action, body in (("CreateAssetGroup", GROUP), ("CreateAsset", asset_in(group))):
        answer = me.call(action, body)
        assert answer.status == 402
        assert answer.body["error"].keys() >= {"message", "type"}
    assert me.call("ListAssetGroups", AIGC).result["TotalCount"] == 1
    assert me.call("DeleteAssetGroup", {"Id": group}).result == {}


def test_a_tier_throttles_creates_and_says_so(server, me):
    """Above the tier's creates per minute the answer is RateLimitExceeded, which waiting mends; it is not "full"."""
    me.control(tier="entry")
    group = me.group()
    assert ["Id" in me.call("CreateAsset", asset_in(group)).result for _ in range(3)] == [True] * 3
    assert me.call("CreateAsset", asset_in(group)).error == "RateLimitExceeded"
    server.advance(60)
    assert "Id" in me.call("CreateAsset", asset_in(group)).result


def test_full_and_throttled_are_different_codes(me):
    """A full quota is QuotaExceeded, too many calls are RateLimitExceeded, on the same Action."""
    group = me.group()
    me.control(assets=0)
    assert me.call("CreateAsset", asset_in(group)).error == "QuotaExceeded"
    assert ruled(me, "CreateAsset", asset_in(group), {"error": "Throttled"}).error == "RateLimitExceeded"


def test_a_fault_of_the_server_is_500_at_http_level(me):
    """An internal error comes in the HTTP-level form and not in the envelope."""
    answer = ruled(me, "ListAssets", AIGC, {"error": "Internal"})
    assert (answer.status, list(answer.body)) == (500, ["error"])


def test_an_http_level_error_names_its_request(me):
    """`error` holds message, type, code and request_id."""
    error = me.server.request("POST", "/v1/portrait/?Action=ListAssets", b"{}").body["error"]
    assert error.keys() == {"message", "type", "code", "request_id"}


# --- time and reads ----------------------------------------------------------------------------------------------


def test_reads_may_lag_a_create(server, me):
    """A read that is behind does not show what is younger: Forbidden, as for an unknown id, and absent from lists."""
    group = me.group()
    asset = me.asset(group)
    lag = {"lag": 5}
    assert ruled(me, "GetAssetGroup", {"Id": group}, lag).error == "Forbidden"
    assert ruled(me, "GetAsset", {"Id": asset}, lag).error == "Forbidden"
    for action in ("ListAssetGroups", "ListAssets"):
        assert ruled(me, action, AIGC, lag).result["TotalCount"] == 0
    server.advance(5)
    assert ruled(me, "GetAsset", {"Id": asset}, lag).result["Id"] == asset
    assert ruled(me, "ListAssets", AIGC, lag).result["TotalCount"] == 1


def test_a_call_whose_answer_is_lost_was_carried_out(me):
    """A connection that breaks after the commit leaves the group there: the create may have happened."""
    with pytest.raises(OSError, match=r"."):
        ruled(me, "CreateAssetGroup", GROUP, {"close": "after-commit"})
    assert me.call("ListAssetGroups", AIGC).result["TotalCount"] == 1


def test_final_states_stay(server, me):
    """Active and Failed are final: no time changes them."""
    group = me.group()
    active, failed = me.asset(group), me.asset(group, url="https://magic.test/a.jpg?code=FaceMismatch")
    server.advance(4)
    for _ in range(2):
        reported = [me.call("GetAsset", {"Id": asset}).result["Status"] for asset in (active, failed)]
        assert reported == ["Active", "Failed"]
        server.advance(1_000_000)


def test_a_strangers_face_fails_in_a_persons_group(server, me):
    """What is added to a LivenessFace group is face-matched: another's face fails, the person's own passes."""
    token = me.token()
    me.scan(token, subject="ann")
    group = me.call("GetVisualValidateResult", {"BytedToken": token}).result["GroupId"]
    own, foreign = (me.asset(group, url=f"https://magic.test/a.jpg?subject={who}") for who in ("ann", "eve"))
    server.advance(4)
    assert me.call("GetAsset", {"Id": own}).result["Status"] == "Active"
    item = me.call("GetAsset", {"Id": foreign}).result
    assert item["Status"] == "Failed"
    assert item["FailedReason"] == "FaceMismatch: Face consistency verification failed."


def test_each_validation_makes_a_group_of_its_own(me):
    """One verified person per LivenessFace group: a second validation gives a second group."""
    assert me.person() != me.person()


def test_a_page_is_1_and_of_10_where_nothing_is_said(me):
    """PageNumber and PageSize are 1 and 10 by default, and are told in the answer."""
    for _ in range(11):
        me.group()
    page = me.call("ListAssetGroups", AIGC).result
    assert (page["PageNumber"], page["PageSize"], len(page["Items"]), page["TotalCount"]) == (1, 10, 10, 11)


# --- the H5 page -------------------------------------------------------------------------------------------------


def completed(me, callback, result, **fields):
    """Where the browser is sent after a scan, as the address without and with its query's pairs."""
    created = me.call("CreateVisualValidateSession", {"CallbackURL": callback}).result
    me.scan(created["BytedToken"], result, **fields)
    link = urlsplit(created["H5Link"])
    answer = me.server.request("POST", f"{link.path}?{link.query}", b"")
    assert answer.status == 303
    address, _, query = answer.headers["location"].partition("?")
    return created["BytedToken"], address, query


def test_the_browser_brings_the_result_to_the_callback(me):
    """On Complete the page leads to CallbackURL with token, resultCode 10000 and the documented parameters."""
    token, address, query = completed(me, CALLBACK, "pass")
    assert address == CALLBACK
    assert dict(parse_qsl(query)) == {
        "bytedToken": token, "resultCode": "10000", "algorithmBaseRespCode": "0", "reqMeasureInfoValue": "1",
        "verify_type": "real_time",
    }  # fmt: skip


def test_a_callback_with_a_query_keeps_it(me):
    """The parameters are appended by `&` where CallbackURL has a query already."""
    _, address, query = completed(me, f"{CALLBACK}?order=7&x=%20", "pass")
    assert address == CALLBACK
    assert query.startswith("order=7&x=%20&bytedToken=")


@pytest.mark.parametrize(("result", "code"), [("fail", "41007"), ("cancel", "41000")])
def test_a_failed_scan_has_another_result_code(me, result, code):
    """A scan that did not pass comes back with a code of the page's public table, and unbilled."""
    _, _, query = completed(me, CALLBACK, result)
    reported = dict(parse_qsl(query))
    assert (reported["resultCode"], reported["reqMeasureInfoValue"]) == (code, "0")


def test_a_button_of_the_page_ends_the_scan(me):
    """Every browser can end it: a form's field `result`; pressed again it brings the first outcome again."""
    created = me.call("CreateVisualValidateSession", {"CallbackURL": CALLBACK}).result
    link = urlsplit(created["H5Link"])
    for result in (b"result=cancel", b"result=pass"):
        answer = me.server.request("POST", f"{link.path}?{link.query}", result)
        assert (answer.status, "resultCode=41000&" in answer.headers["location"]) == (303, True)


def press(me, form, callback=CALLBACK):
    """A check's link, and where the browser is sent by a button of its page."""
    link = urlsplit(me.call("CreateVisualValidateSession", {"CallbackURL": callback}).result["H5Link"])
    target = f"{link.path}?{link.query}"
    return target, me.server.request("POST", target, form).headers["location"]


@pytest.mark.parametrize("code", [40002, 40008, 41002, 41003, 41009, 50215])
def test_a_code_of_the_page_ends_the_scan(me, code):
    """Behind "more" there is a button for each public result code."""
    assert f"&resultCode={code}&" in press(me, b"code=%d" % code)[1]


def test_a_switch_of_the_page_leaves_the_token_out(me):
    """Callbacks without the token were seen; the other parameters are there."""
    location = press(me, b"result=fail&without-token=on")[1]
    assert dict(parse_qsl(urlsplit(location).query)) == {
        "resultCode": "41007", "algorithmBaseRespCode": "0", "reqMeasureInfoValue": "0", "verify_type": "real_time",
    }  # fmt: skip


def test_a_callback_with_a_fragment_keeps_it(me):
    """The query comes before it, as in every address."""
    location = urlsplit(press(me, b"result=pass", f"{CALLBACK}?order=7#/done?x=1")[1])
    assert location.query.startswith("order=7&bytedToken=")
    assert location.fragment == "/done?x=1"


@pytest.mark.parametrize(
    ("form", "state"), [(b"result=pass", b"passed"), (b"result=fail", b"failed"), (b"code=41000", b"cancelled")]
)
def test_a_link_that_has_ended_shows_how(me, form, state):
    """A page of its own; its button brings the first outcome again."""
    target, location = press(me, form)
    assert b'data-state="%s"' % state in me.server.request("GET", target).raw
    assert me.server.request("POST", target, b"").headers["location"] == location


def test_another_person_passes_and_files_do_not_match(me):
    """The page sees a living person, not who it is: files fail unless they show the one who scanned."""
    token, _, query = completed(me, CALLBACK, "wrong-person", subject="mallory")
    assert "resultCode=10000&" in query
    group = me.call("GetVisualValidateResult", {"BytedToken": token}).result["GroupId"]
    statuses = {}
    for subject in ("", "?subject=alice", "?subject=mallory"):
        body = {"GroupId": group, "URL": f"https://magic.test/a.jpg{subject}", "AssetType": "Image"}
        asset = me.call("CreateAsset", body).result["Id"]
        me.server.advance(60)
        statuses[subject] = me.call("GetAsset", {"Id": asset}).result["Status"]
    assert statuses == {"": "Failed", "?subject=alice": "Failed", "?subject=mallory": "Active"}


def test_the_callback_proves_nothing(me):
    """The truth is GetVisualValidateResult: what a browser is sent to changes nothing there."""
    token, _, _ = completed(me, CALLBACK, "fail")
    assert me.call("GetVisualValidateResult", {"BytedToken": token}).error == "ValidatePending"


@pytest.mark.parametrize("language", ["zh", "en", "zh-Hant"])
def test_the_page_speaks_the_links_language(me, language):
    """`lng` on the H5Link is zh, en or zh-Hant."""
    link = me.call("CreateVisualValidateSession", {"CallbackURL": CALLBACK}).result["H5Link"]
    page = me.server.fetch(link.replace("&lng=zh", f"&lng={language}"))
    assert f'<html lang="{language}">'.encode() in page.raw


def test_the_link_dies_with_the_token(server, me):
    """After 120 seconds the page says that it has expired, and no scan passes."""
    created = me.call("CreateVisualValidateSession", {"CallbackURL": CALLBACK}).result
    server.advance(120)
    assert b'data-state="expired"' in server.fetch(created["H5Link"]).raw
    assert me.scan(created["BytedToken"]).status == 409


# --- limits of images ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "code"),
    [
        (301, 301, None),
        (300, 301, "WidthTooSmall"),
        (301, 300, "HeightTooSmall"),
        (5999, 5999, None),
        (6000, 5999, "WidthTooLarge"),
        (5999, 6000, "HeightTooLarge"),
        (999, 400, None),
        (1000, 400, "AspectRatioTooLarge"),
        (401, 1000, None),
        (400, 1000, "AspectRatioTooSmall"),
    ],
)
def test_the_limits_of_an_image_are_strict(me, width, height, code):
    """Sides are above 300 and below 6000 pixels, width : height above 0.4 and below 2.5."""
    group = me.group()
    content = media.png(width, height)
    answer = me.upload(part("file", content, "a.png", "image/png"), part("GroupId", group))
    if code is None:
        assert answer.result["Status"] == "processing"
    else:
        assert answer.error == f"InvalidParameter.{code}"


# --- rules -----------------------------------------------------------------------------------------------------------


def test_a_rule_answers_with_headers_of_its_own(me):
    """emulator-rules-more: Retry-After is there, and Date once and as the rule has it."""
    headers = {"Retry-After": 20, "Date": "Wed, 18 Mar 2026 00:00:00 GMT"}
    answer = ruled(me, "ListAssets", AIGC, {"http": {"status": 429, "headers": headers}})
    assert answer.status == 429
    assert answer.headers["retry-after"] == "20"
    assert answer.headers["date"] == "Wed, 18 Mar 2026 00:00:00 GMT"


def test_a_rule_says_a_code_of_the_service(me):
    """emulator-rules-words: `error` takes what the service says as well as a neutral reason."""
    assert ruled(me, "ListAssets", AIGC, {"error": "RateLimitExceeded"}).error == "RateLimitExceeded"


def test_a_rule_clamps_pages(me):
    """emulator-rules-more: one item a page, PageSize as asked."""
    for _ in range(2):
        assert me.call("CreateAssetGroup", GROUP).result["Id"]
    page = ruled(me, "ListAssetGroups", AIGC | {"PageSize": 50}, {"page_size_max": 1}).result
    assert (page["TotalCount"], page["PageSize"], len(page["Items"])) == (2, 50, 1)


def test_a_rule_hides_groups_of_persons(me):
    """emulator-rules-more: lists of LivenessFace groups are empty while it is in force."""
    face = {"Filter": {"GroupType": "LivenessFace"}}
    me.person()
    assert me.call("ListAssetGroups", face).result["TotalCount"] == 1
    assert ruled(me, "ListAssetGroups", face, {"hide": "LivenessFace"}).result["Items"] == []


def test_a_rule_makes_a_create_late(me):
    """emulator-rules-more: the group is unknown until its lag has passed."""
    body = json.dumps(GROUP)
    rule = {"match": {"action": "CreateAssetGroup"}, "do": {"lag": 6}}
    group = me.send(body, action="CreateAssetGroup", headers={"X-Emulator-Rule": json.dumps(rule)}).result["Id"]
    assert me.call("GetAssetGroup", {"Id": group}).error == "Forbidden"
    me.server.advance(6)
    assert me.call("GetAssetGroup", {"Id": group}).result["Id"] == group


def test_the_call_log_has_the_request(me):
    """emulator-journal: Name and address are there, what the address carries behind its path is not."""
    group = me.call("CreateAssetGroup", GROUP).result["Id"]
    me.call("CreateAsset", asset_in(group, URL="https://cdn.example/a.jpg?sig=secret", Name="host")).result["Id"]
    calls = me.server.control("GET", f"calls?action=CreateAsset&customer={me.key}").body["calls"]
    assert [call["request"]["Name"] for call in calls] == ["host"]
    assert calls[0]["request"]["URL"] == "https://cdn.example/a.jpg?***"
