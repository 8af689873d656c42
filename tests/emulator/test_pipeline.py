"""The service through `answer`: what the raw-HTTP suite cannot see or reach cheaply."""

from base64 import b64decode
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from emulator.auth import SignatureAuth, key_handle
from emulator.dialects import ARK
from emulator.domain.context import DEFAULT_PROJECT
from emulator.domain.reasons import Reason, Refusal
from emulator.messages import Call
from emulator.mounts import Mount, default_mounts
from emulator.service import Service
from emulator.settings import KeyPair, Settings
from emulator.transports import InProcessTransport
from portrait import PortraitClient
from portrait.flow import Sleep
from portrait.media import Measurement
from portrait.models import AssetType
from portrait.providers import Credential, Provider
from tests.emulator.conftest import both_dialects

AIGC = {"Filter": {"GroupType": "AIGC"}, "PageNumber": 1}
FACE = {"Filter": {"GroupType": "LivenessFace"}, "PageNumber": 1}
# The smallest picture within the limits: lossless WebP, 400 × 400 pixels of one colour.
IMAGE = b64decode("UklGRiYAAABXRUJQVlA4TBoAAAAvj8FjAAcQEf0PACjS//8U0f/U//73v/9FBA==")


def test_the_two_readings_of_the_contract_differ_where_it_says_so():
    """`guide` is the default; `schema` turns every one of the five switches."""
    guide, schema = Settings.guide(), Settings.schema(seed=3)
    names = ("assets_per", "name_required", "auth_error", "second_result", "token_owner")
    assert guide == Settings()
    assert all(getattr(guide, name) != getattr(schema, name) for name in names)
    assert schema.seed == 3


def test_schema_tells_a_bad_key_in_the_envelope(start):
    """The same refusal, in the other of the contract's two forms."""
    for settings, status, where in (({}, 401, "error"), ({"auth_error": "envelope"}, 200, "ResponseMetadata")):
        caller = start(api_keys={"good": "acme"}, **settings)
        caller.key = "bad"
        reply = caller.reply("GetAsset", {"Id": "x"})
        assert reply.status == status
        assert "Unauthorized" in orjson.dumps(orjson.loads(reply.body)[where]).decode()


def test_schema_needs_no_name_and_gives_the_group_again(start):
    """Name is optional there, and a token that was read gives its group while it lives."""
    caller = start(name_required=False, second_result="same")
    assert caller.call("CreateAssetGroup", {"GroupType": "AIGC"})["Id"]
    token = caller.token()
    caller.service.control.finish_validation(token, result="pass")
    first, second = (caller.call("GetVisualValidateResult", {"BytedToken": token}) for _ in range(2))
    assert first == second
    caller.service.clock.advance(120)
    assert caller.error("GetVisualValidateResult", {"BytedToken": token}) == "TokenExpired"


def test_a_token_may_belong_to_the_customer(start):
    """By setting, another key of the same customer may read it."""
    for owner, expected in (("key", "InvalidToken"), ("customer", None)):
        caller = start(api_keys={"one": "acme", "two": "acme"}, token_owner=owner)
        caller.key = "one"
        token = caller.token()
        caller.service.control.finish_validation(token, result="pass")
        caller.key = "two"
        answer = orjson.loads(caller.reply("GetVisualValidateResult", {"BytedToken": token}).body)
        assert answer["ResponseMetadata"].get("Error", {}).get("Code") == expected


@both_dialects
def test_a_person_who_passed_while_full_gets_a_group_after_deleting(alice, control):
    """The quota says full, the token stays good, and once there is room the group is there."""
    control.patch_customer("sk-alice", groups=1)
    group = alice.group()
    token = alice.token()
    assert control.finish_validation(token, result="pass")["group_id"] == ""
    assert alice.error("GetVisualValidateResult", {"BytedToken": token}) == alice.code(Reason.GROUP_QUOTA_FULL)
    alice.call("DeleteAssetGroup", {"Id": group})
    assert alice.call("GetVisualValidateResult", {"BytedToken": token})["GroupId"].startswith("group-")


@both_dialects
def test_another_face_fails_its_review(alice, clock):
    """In a person's group a file of somebody else fails, one of the person and one of nobody pass."""
    person = alice.person(subject="alice")
    assets = [
        alice.asset(person, f"https://magic.test/a.jpg{query}") for query in ("?subject=bob", "?subject=alice", "")
    ]
    clock.advance(4)
    assert [alice.status(asset) for asset in assets] == ["Failed", "Active", "Active"]
    failed = alice.call("GetAsset", {"Id": assets[0]})
    sentence = "Face consistency verification failed."
    expected = {"FailedReason": f"FaceMismatch: {sentence}", "Error": {"Code": "FaceMismatch", "Message": sentence}}
    assert [failed[name] for name in expected if name in failed] == [
        expected["FailedReason" if alice.dialect == "alltoken" else "Error"]
    ]


@both_dialects
def test_misspelt_magic_is_an_invalid_parameter(alice):
    """An unknown word in a magic address is refused."""
    body = {"GroupId": alice.group(), "URL": "https://magic.test/a.jpg?colour=red", "AssetType": "Image"}
    assert alice.error("CreateAsset", body) == "InvalidParameter"


@both_dialects
@pytest.mark.parametrize("field", [{"balance": 0}, {"subscription": False}])
@pytest.mark.parametrize("action", ["CreateAssetGroup", "CreateAsset", "CreateVisualValidateSession"])
def test_an_account_in_the_way_stops_what_creates(alice, control, field, action):
    """Plan and balance stop the creating Actions; reading and deleting go on."""
    group = alice.group()
    control.patch_customer("sk-alice", **field)
    body = {"Name": "x", "GroupType": "AIGC", "GroupId": group, "URL": "https://a.example/b", "AssetType": "Image",
            "CallbackURL": "https://a.example/"}  # fmt: skip
    reason = Reason.BALANCE_EMPTY if "balance" in field else Reason.SUBSCRIPTION_REQUIRED
    assert alice.refusal(action, body)[1] == alice.code(reason)
    assert alice.call("GetAssetGroup", {"Id": group})
    assert alice.call("DeleteAssetGroup", {"Id": group}) == {}


@both_dialects
def test_a_tier_throttles_and_forgets(alice, control, clock):
    """The entry tier takes three creates a minute; a refused one is not counted."""
    control.patch_customer("sk-alice", tier="entry")
    group = alice.group()
    body = {"GroupId": group, "URL": "https://a.example/b", "AssetType": "Image"}
    for _ in range(3):
        alice.call("CreateAsset", body)
    assert alice.error("CreateAsset", body) == alice.code(Reason.CREATES_THROTTLED)
    assert alice.call("ListAssets", AIGC)["TotalCount"] == 3
    clock.advance(60)
    assert alice.call("CreateAsset", body)


# --- rules -----------------------------------------------------------------------------------------------------------


@both_dialects
def test_a_delay_is_asked_of_the_driver(alice):
    """The service itself never sleeps."""
    alice.call("ListAssets", AIGC, rule={"do": {"delay": 2.5}})
    assert alice.effects == [Sleep(2.5)]


@both_dialects
def test_a_delay_passes_before_the_call_is_carried_out(alice):
    """While it passes nothing is there yet; what is created then is as old as the end of the delay."""
    body = orjson.dumps({"Name": "late", "GroupType": "AIGC"})
    rule = '{"do": {"delay": 60, "close": "after-commit"}}'
    reply_flow = alice.pipeline.answer(alice.request("CreateAssetGroup", body, rule=rule))
    assert next(reply_flow) == Sleep(60)
    assert alice.call("ListAssetGroups", AIGC)["TotalCount"] == 0
    alice.service.clock.advance(60)
    with pytest.raises(StopIteration) as ended:
        reply_flow.send(None)
    assert ended.value.value.drop
    (group,) = alice.call("ListAssetGroups", AIGC)["Items"]
    assert group["CreateTime"] == "2026-03-18T00:01:00Z"


@both_dialects
def test_an_answer_lost_after_the_commit_has_happened(alice, control):
    """The group is there although nobody heard of it; closed before, it is not."""
    control.add_rule({"match": {"action": "CreateAssetGroup"}, "when": {"nth": [1]}, "do": {"close": "after-commit"}})
    body = {"Name": "lost", "GroupType": "AIGC"}
    assert alice.reply("CreateAssetGroup", body).drop
    assert alice.reply("CreateAssetGroup", body, rule={"do": {"close": "before"}}).drop
    assert alice.call("ListAssetGroups", AIGC)["TotalCount"] == 1


@both_dialects
@pytest.mark.parametrize(
    ("body", "content", "kind"),
    [("html", b"<html", "text/html"), ("empty", b"", "text/html"), ("text", b"upstream", "text/plain")],
)
def test_a_proxy_answers_in_its_own_way(alice, body, content, kind):
    """The page, its status and nothing carried out."""
    reply = alice.reply(
        "CreateAssetGroup", {"Name": "x", "GroupType": "AIGC"}, rule={"do": {"http": {"status": 502, "body": body}}}
    )
    assert (reply.status, reply.content_type) == (502, kind)
    assert reply.body.startswith(content)
    assert bool(reply.body) is bool(content)
    assert alice.call("ListAssetGroups", AIGC)["TotalCount"] == 0


@both_dialects
def test_a_truncated_answer_is_whole_but_for_the_sending(alice):
    """The body is there; how much of it is sent is the web's to do."""
    reply = alice.reply("ListAssets", AIGC, rule={"do": {"truncate": 10}})
    assert reply.truncate == 10
    assert orjson.loads(reply.body)["Result"]["TotalCount"] == 0


@both_dialects
def test_a_review_by_rule_wins_over_the_address(alice, control, clock):
    """A rule by Name decides the review; by reads, it ends after so many looks."""
    control.add_rule({"match": {"name": "bad-*"}, "do": {"review": {"code": "ContentRestricted", "after": 1}}})
    control.add_rule({"match": {"name": "slow"}, "do": {"review": {"reads": 2}}})
    group = alice.group()
    bad, slow, good = (alice.asset(group, Name=name) for name in ("bad-1", "slow", "good"))
    clock.advance(1)
    assert [alice.status(asset) for asset in (bad, good)] == ["Failed", "Processing"]
    clock.advance(1000)
    assert [alice.status(slow) for _ in range(4)] == ["Processing", "Processing", "Active", "Active"]


@both_dialects
@pytest.mark.parametrize(
    ("statuses", "states"),
    [
        ({}, [["Processing"], ["Processing"], ["Active"], ["Active"]]),
        ({"Statuses": ["Processing"]}, [["Processing"], ["Processing"], [], []]),
        ({"Statuses": ["Active", "Failed"]}, [[], [], ["Active"], ["Active"]]),
    ],
)
def test_a_list_is_a_read_of_what_it_is_read_for(alice, control, statuses, states):
    """A review by reads ends for whoever waits by lists, also by one that leaves out what is Processing."""
    control.add_rule({"do": {"review": {"reads": 2}}})
    alice.asset(alice.group())
    wanted = AIGC | {"Filter": AIGC["Filter"] | statuses}
    assert [[item["Status"] for item in alice.call("ListAssets", wanted)["Items"]] for _ in range(4)] == states


@both_dialects
def test_reads_may_lag(alice, control, clock):
    """What is younger than the lag is not there yet, for the four reads and for nothing else."""
    control.add_rule({"do": {"lag": 3}})
    group = alice.group()
    clock.advance(10)
    asset = alice.asset(group)
    assert alice.error("GetAsset", {"Id": asset}) == alice.code(Reason.UNKNOWN_ASSET)
    assert alice.call("ListAssets", AIGC)["TotalCount"] == 0
    new = alice.group()
    assert alice.error("GetAssetGroup", {"Id": new}) == alice.code(Reason.UNKNOWN_GROUP)
    assert [item["Id"] for item in alice.call("ListAssetGroups", AIGC)["Items"]] == [group]
    assert alice.call("UpdateAsset", {"Id": asset, "Name": "x"}) in ({}, {"Id": asset})
    clock.advance(3)
    assert alice.status(asset) == "Processing"
    assert alice.call("ListAssets", AIGC)["TotalCount"] == 1


@both_dialects
def test_creates_may_lag(alice, control, clock):
    """emulator-rules-more: what a rule makes late is unknown to every call, and counts at once."""
    rule = {"do": {"lag": 6}, "match": {"action": "CreateAssetGroup"}}
    control.add_rule(rule)
    group = alice.group()
    assert alice.error("GetAssetGroup", {"Id": group}) == alice.code(Reason.UNKNOWN_GROUP)
    assert alice.call("ListAssetGroups", AIGC)["Items"] == []
    create = {"GroupId": group, "URL": "https://cdn.example/a.jpg", "AssetType": "Image"}
    assert alice.error("CreateAsset", create) == alice.code(Reason.UNKNOWN_GROUP)
    assert control.state()["customers"][0]["groups"] == 1
    clock.advance(6)
    asset = alice.call("CreateAsset", create, rule={"do": {"lag": 3}, "match": {"action": "CreateAsset"}})["Id"]
    assert [item["Id"] for item in alice.call("ListAssetGroups", AIGC)["Items"]] == [group]
    assert alice.error("GetAsset", {"Id": asset}) == alice.code(Reason.UNKNOWN_ASSET)
    assert alice.call("ListAssets", AIGC)["TotalCount"] == 0
    clock.advance(3)
    assert [item["Id"] for item in alice.call("ListAssets", AIGC)["Items"]] == [asset]


@both_dialects
def test_pages_may_be_clamped(alice):
    """emulator-rules-more: 2 items a page whatever is asked, and PageSize is echoed as asked."""
    group_ids = [alice.group() for _ in range(5)]
    seen = []
    for number in (1, 2, 3):
        page = alice.call(
            "ListAssetGroups", {**AIGC, "PageSize": 100, "PageNumber": number}, rule={"do": {"page_size_max": 2}}
        )
        assert (page["TotalCount"], page["PageSize"]) == (5, 100)
        seen += [item["Id"] for item in page["Items"]]
        assert len(page["Items"]) <= 2
    assert seen == group_ids[::-1]


@both_dialects
def test_groups_of_persons_may_be_hidden(alice):
    """emulator-rules-more: ListAssetGroups shows none of them, GetAssetGroup does; AIGC groups stay."""
    person, brand = alice.person(), alice.group()
    hide = {"do": {"hide": "LivenessFace"}}
    assert alice.call("ListAssetGroups", FACE)["TotalCount"] == 1
    assert alice.call("ListAssetGroups", FACE, rule=hide) == {
        "TotalCount": 0, "Items": [], "PageNumber": 1, "PageSize": 10,
    }  # fmt: skip
    assert [item["Id"] for item in alice.call("ListAssetGroups", AIGC, rule=hide)["Items"]] == [brand]
    assert alice.call("GetAssetGroup", {"Id": person})["GroupType"] == "LivenessFace"


@both_dialects
def test_calls_may_be_limited(alice, control, clock):
    """emulator-rules-more: the third call in 5 s is throttled, and one after them is answered."""
    control.add_rule({"match": {"action": "ListAssets"}, "do": {"limit": {"calls": 2, "seconds": 5}}})
    assert [alice.call("ListAssets", AIGC)["TotalCount"] for _ in range(2)] == [0, 0]
    assert alice.error("ListAssets", AIGC) == alice.code(Reason.THROTTLED)
    clock.advance(5)
    assert alice.call("ListAssets", AIGC)["TotalCount"] == 0


@both_dialects
def test_a_page_has_headers_of_its_own(alice):
    """emulator-rules-more: Retry-After and Date come with the page, and Content-Type in place of the page's."""
    headers = {"Retry-After": 20, "Date": "Wed, 18 Mar 2026 00:00:00 GMT", "content-type": "application/json"}
    reply = alice.reply("ListAssets", AIGC, rule={"do": {"http": {"status": 429, "body": "text", "headers": headers}}})
    assert (reply.status, reply.content_type) == (429, "application/json")
    assert reply.headers == {"Retry-After": "20", "Date": "Wed, 18 Mar 2026 00:00:00 GMT"}


@both_dialects
@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_can_be_had_by_a_rule(alice, reason):
    """Each outcome is spoken by the dialect, and none of them is carried out."""
    detail = {Reason.MEDIA_REJECTED: ".FpsTooLow", Reason.MISSING_FIELD: ".Name", Reason.INVALID_FIELD: ".Name"}
    rule = {"do": {"error": f"{reason}{detail.get(reason, '')}"}}
    status, code = alice.refusal("CreateAssetGroup", {"Name": "x", "GroupType": "AIGC"}, rule=rule)
    row = alice.pipeline.mount.dialect.errors[reason]
    assert (status, code.startswith(row.code.partition(".{")[0])) == (row.status, True)
    assert alice.call("ListAssetGroups", AIGC)["TotalCount"] == 0


@both_dialects
@pytest.mark.parametrize("rule", ["{", "[]", '{"do": {"explode": 1}}', '{"do": {"delay": 1}, "when": {"first": 1}}'])
def test_a_header_that_is_no_rule_is_told_so(alice, rule):
    """A misspelt rule never passes for none."""
    answer = orjson.loads(alice.reply("ListAssets", AIGC, rule=rule).body)
    assert "X-Emulator-Rule" in answer["ResponseMetadata"]["Error"]["Message"]


# --- media -----------------------------------------------------------------------------------------------------------


@both_dialects
def test_files_in_reach_are_measured_after_access_was_checked(alice):
    """Loopback is looked at, the world is not, and nothing is for somebody without access."""
    alice.measured = Measurement(size=10, format="png", asset_type=AssetType.IMAGE, width=200, height=400)
    group = alice.group()
    body = {"URL": "http://127.0.0.1:9/a.png", "AssetType": "Image"}
    assert alice.error("CreateAsset", {**body, "GroupId": "group-none"}) == alice.code(Reason.UNKNOWN_GROUP)
    assert alice.effects == []
    assert alice.error("CreateAsset", {**body, "GroupId": group}) == "InvalidParameter.WidthTooSmall"
    assert [effect.work.args[0] for effect in alice.effects] == ["http://127.0.0.1:9/a.png"]
    assert alice.asset(group, "https://cdn.example/a.png")
    assert len(alice.effects) == 1
    alice.measured = None
    assert alice.asset(group, "http://localhost/a.png")
    assert len(alice.effects) == 2


@both_dialects
@pytest.mark.parametrize(
    ("fetch", "downloads"), [("never", []), ("loopback", ["http://[::1]/a"]), ("always", ["http://[::1]/a", "https://a.example/b"])]
)  # fmt: skip
def test_whose_files_are_looked_at_is_a_setting(start, fetch, downloads):
    """Magic addresses are nobody's, so they are never fetched."""
    caller = start(fetch=fetch)
    group = caller.group()
    for url in ("http://[::1]/a", "https://a.example/b", "https://magic.test/a.jpg"):
        caller.asset(group, url)
    assert [effect.work.args[0] for effect in caller.effects] == downloads


def test_an_uploaded_file_comes_back_by_its_addresses(alice, clock):
    """By the key of the store, by the signed link, and registered again without being fetched."""
    group = alice.group()
    result = orjson.loads(alice.upload(IMAGE, GroupId=group).body)["Result"]
    assert result["Name"] == f"uploaded-{int(clock.now())}"
    assert (result["Status"], result["AssetType"]) == ("processing", "Image")
    assert result["UploadedURL"].endswith(f"/r2/{result['R2Key']}")
    stored = alice.service.file(result["R2Key"])
    assert (stored.content, stored.content_type) == (IMAGE, "image/webp")
    clock.advance(4)
    link = urlsplit(alice.call("GetAsset", {"Id": result["Id"]})["URL"])
    assert alice.service.link(result["Id"], dict(parse_qsl(link.query))) is stored
    assert alice.asset(group, result["UploadedURL"])
    assert alice.effects == []
    alice.call("DeleteAsset", {"Id": result["Id"]})
    assert alice.service.file(result["R2Key"]) is None


@both_dialects
def test_a_link_is_good_for_its_asset_and_its_time_only(alice, clock):
    """Changed, of another asset, too old, or of a deleted one, it leads nowhere."""
    group = alice.group()
    asset, other = alice.asset(group), alice.asset(group)
    clock.advance(4)
    url = alice.call("GetAsset", {"Id": asset})["URL"]
    query = dict(parse_qsl(urlsplit(url).query))
    assert alice.service.link(asset, query) == "https://cdn.example/host.jpg"
    for changed in ({"X-Tos-Signature": "0" * 64}, {"X-Tos-Signature": "é"}, {"X-Tos-Expires": "999999"},
                    {"X-Tos-Date": "20300101T000000Z"}):  # fmt: skip
        with pytest.raises(Refusal):
            alice.service.link(asset, query | changed)
    with pytest.raises(Refusal):
        alice.service.link(other, query)
    with pytest.raises(Refusal):
        alice.service.link(asset, {})
    clock.advance(43_199)
    assert alice.service.link(asset, query)
    clock.advance(1)
    with pytest.raises(Refusal):
        alice.service.link(asset, query)


# --- what must never happen ------------------------------------------------------------------------------------------


@both_dialects
def test_an_error_of_ours_is_logged_and_not_told(alice, monkeypatch, caplog):
    """A bug is an internal error for the client, a traceback for the log, and leaves nothing behind."""

    def broken(*_, **__):
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("emulator.domain.groups.create_group", broken)
    reply = alice.reply("CreateAssetGroup", {"Name": "x", "GroupType": "AIGC"})
    assert reply.status == 500
    assert b"swordfish" not in reply.body
    assert "swordfish" in caplog.text
    assert alice.call("ListAssetGroups", AIGC)["TotalCount"] == 0


@both_dialects
@pytest.mark.parametrize("action", ["\udcff", "Get\ud800", "x" * 10_000])
def test_an_action_of_any_text_is_answered(alice, action):
    """What cannot be echoed is replaced."""
    assert alice.error(action) == "InvalidActionOrVersion"


@both_dialects
def test_a_refusal_changes_nothing(alice, control):
    """State is the same after each kind of refused create."""
    control.patch_customer("sk-alice", groups=1, assets=1)
    group = alice.group()
    alice.asset(group)
    before = control.state()
    for action, body, reason in (
        ("CreateAssetGroup", {"Name": "x", "GroupType": "AIGC"}, Reason.GROUP_QUOTA_FULL),
        (
            "CreateAsset",
            {"GroupId": group, "URL": "https://a.example/b", "AssetType": "Image"},
            Reason.ASSET_QUOTA_FULL,
        ),
        ("DeleteAssetGroup", {"Id": group, "ProjectName": "film"}, Reason.UNKNOWN_GROUP),
    ):
        assert alice.error(action, body) == alice.code(reason)
    assert control.state() == before


def test_the_web_is_refused_in_the_same_words(alice):
    """What is found before a call exists has the contract's forms, and a RequestId."""
    call = Call(action="GetAsset", key="sk-alice", body=None)
    error = orjson.loads(alice.service.pipelines[0].refuse(Refusal(Reason.BODY_TOO_LARGE), call).body)["error"]
    assert error["code"] == "request_too_large"
    assert error["request_id"]
    http_error = alice.service.http_error(404, "not_found_error", "There is nothing here.")
    assert (http_error.status, orjson.loads(http_error.body)["error"]["message"]) == (404, "There is nothing here.")


def test_an_upload_without_a_file_is_a_missing_parameter(alice):
    """A form is taken for an upload by its type, not by its file."""
    reply_flow = alice.service.pipelines[0].answer(Call(action="", key="sk-alice", body={"GroupId": alice.group()}))
    with pytest.raises(StopIteration) as ended:
        next(reply_flow)
    assert b"MissingParameter.file" in ended.value.value.body


@both_dialects
def test_the_default_project_always_exists(start):
    """With projects told, those and the default one."""
    caller = start(projects=frozenset({"film"}))
    assert caller.group(ProjectName=DEFAULT_PROJECT)
    assert caller.group(ProjectName="film")
    assert caller.error("ListAssets", AIGC | {"ProjectName": "stage"}) == "NotFound.ProjectName"


@both_dialects
@pytest.mark.parametrize("nothing", [{}, {"Id": None}, {"Id": ""}])
def test_nothing_in_a_required_field_is_a_missing_parameter(alice, nothing):
    """Absent, null and empty are the same."""
    assert alice.error("GetAsset", nothing) == "MissingParameter.Id"


def test_a_further_provider_is_a_record(clock):
    """A provider of a known dialect, on both sides, with a region and a path of its own; customers are shared."""
    mars = Provider(
        name="mars",
        title="Mars",
        dialect="ark",
        base_url="https://ark.mars.example",
        credential=Credential.SIGNED,
        region="mars-1",
    )
    settings = Settings()
    auth = SignatureAuth({"AK": KeyPair("SK", key_handle("sk-alice"))}, (mars,))
    mount = Mount(dialect=ARK, auth=auth, path="/mars/")
    service = Service(settings, clock, mounts=(*default_mounts(settings), mount))
    link = {"transport": InProcessTransport(service), "clock": clock}
    signed = PortraitClient(provider=mars, access_key="AK", secret_key="SK", base_url="http://localhost/mars", **link)
    bearer = PortraitClient(api_key="sk-alice", base_url="http://localhost/v1", **link)
    group = signed.create_asset_group(name="n")
    assert bearer.get_asset_group(id=group.id).name == "n"
    assert group.response.body["ResponseMetadata"]["Region"] == "mars-1"
