"""Ark, by clients that sign: cursors, limits of its own, ways of pending, links, and who may call."""

from base64 import urlsafe_b64encode
from contextlib import suppress

import attrs
import orjson
import pytest

from emulator.control import ControlError
from emulator.settings import KeyPair, Settings
from emulator.testing import Emulator
from portrait.clock import ManualClock
from portrait.errors import (
    AuthError,
    InvalidParameter,
    MissingParameter,
    NotFound,
    Throttled,
    TokenExpired,
    UnknownOutcome,
    ValidatePending,
    WaitTimeout,
)
from portrait.http import HttpRequest
from portrait.providers import PROVIDERS as PROVIDER_DATA
from portrait.signing import Credentials, sign

PROVIDERS = ("volcengine", "byteplus")


@pytest.fixture(params=PROVIDERS)
def client(request, portrait_emulator):
    """A signing client of the emulator."""
    return portrait_emulator.client(provider=request.param)


@pytest.fixture
def groups(client):
    """The ids of 23 groups, newest first."""
    return [client.create_asset_group(name=f"g{n}").id for n in range(23)][::-1]


def lists(client, **fields):
    """A raw list of groups."""
    return client.call("ListAssetGroups", {"Filter": {"GroupType": "AIGC"}, **fields})


def walk(client, between=lambda _: None, **fields):
    """The ids of all pages by cursor; `between` is called with those of each page that another follows."""
    ids, page = [], lists(client, **fields)
    while True:
        ids += (new := [item["Id"] for item in page["Items"]])
        if "NextToken" not in page:
            return ids
        between(new)
        page = lists(client, **fields, NextToken=page["NextToken"])


def test_neither_number_nor_cursor_is_a_first_page_by_cursor(client, groups):
    """Ten items, no counts; the last page has no token."""
    page = lists(client)
    assert set(page) == {"Items", "NextToken"}
    assert len(page["Items"]) == 10
    assert walk(client) == groups
    assert walk(client, MaxResults=23) == groups
    assert set(lists(client, MaxResults=23)) == {"Items"}


def test_pages_by_number_have_counts(client, groups):
    """A number or a size alone is enough."""
    page = lists(client, PageNumber=2)
    assert (page["TotalCount"], page["PageNumber"], page["PageSize"]) == (23, 2, 10)
    assert [item["Id"] for item in page["Items"]] == groups[10:20]
    assert lists(client, PageSize=100)["TotalCount"] == 23


ORDERS = {
    "default": {},
    "ascending": {"SortOrder": "Asc"},
    "by update": {"SortBy": "UpdateTime"},
    "by name": {"Filter": {"GroupType": "AIGC", "Name": "G"}},
}


@pytest.mark.parametrize("order", ORDERS)
def test_a_cursor_stands_still_while_the_list_moves(client, groups, order):
    """What is created or deleted between two pages neither hides nor repeats an item."""

    def change(page):
        client.create_asset_group(name="another g")
        client.delete_asset_group(id=page[-1])

    found = walk(client, change, MaxResults=5, **ORDERS[order])
    assert len(found) == len(set(found))
    assert [each for each in found if each in groups] == (groups[::-1] if order == "ascending" else groups)


def token(content):
    """A cursor of one's own making."""
    return urlsafe_b64encode(content).decode().rstrip("=")


@pytest.mark.parametrize(
    "fields",
    [
        {"MaxResults": 10, "PageNumber": 1}, {"NextToken": "x", "PageSize": 10}, {"MaxResults": 0}, {"MaxResults": 101},
        {"NextToken": "x"}, {"NextToken": "W10"}, {"NextToken": "é"},
        {"NextToken": token(b"[" * 6_000)}, {"NextToken": token(b"[1%s, 1, 1, 1, 1]" % (b"0" * 400))},
        {"PageNumber": 101, "PageSize": 100},
    ],
)  # fmt: skip
def test_wrong_pages_are_refused(client, fields):
    """Numbers beside a cursor, sizes out of range, a token of nobody, and pages too deep."""
    with pytest.raises(InvalidParameter) as info:
        lists(client, **fields)
    assert info.value.http_status == 400
    assert info.value.data["__Message.parameter"] in fields


def test_a_token_of_another_list_is_refused(client, groups):
    """It belongs to the query that it was given for."""
    token = lists(client)["NextToken"]
    with pytest.raises(InvalidParameter):
        lists(client, NextToken=token, SortOrder="Asc")


def test_limits_of_names(client):
    """Name 64, Description 300, GroupType optional; updates answer the id, deletes nothing."""
    created = client.call("CreateAssetGroup", {"Name": "名" * 64, "Description": "d" * 300})
    for wrong in ({"Name": "n" * 65}, {"Name": "n", "Description": "d" * 301}):
        with pytest.raises(InvalidParameter):
            client.call("CreateAssetGroup", wrong)
    assert client.call("UpdateAssetGroup", {"Id": created["Id"], "Name": "m"}) == {"Id": created["Id"]}
    assert client.call("DeleteAssetGroup", {"Id": created["Id"]}) == {}


def test_moderation(client, groups):
    """A strategy is kept; one that does not exist is refused."""
    asset = {"GroupId": groups[0], "URL": "https://cdn.example/a.jpg", "AssetType": "Image"}
    created = client.call("CreateAsset", {**asset, "Moderation": {"Strategy": "Skip"}})
    assert client.call("GetAsset", {"Id": created["Id"]})["Moderation"] == {"Strategy": "Skip"}
    with pytest.raises(InvalidParameter):
        client.call("CreateAsset", {**asset, "Moderation": {"Strategy": "Never"}})


@pytest.mark.parametrize("moderation", [{}, {"Strategy": None}, {"Strategy": ""}])
def test_moderation_needs_a_strategy(client, groups, moderation):
    """Contract §2, CreateAsset: Strategy is required in a Moderation, which may be left out."""
    asset = {"GroupId": groups[0], "URL": "https://cdn.example/a.jpg", "AssetType": "Image"}
    with pytest.raises(MissingParameter) as info:
        client.call("CreateAsset", {**asset, "Moderation": moderation})
    assert info.value.code == "MissingParameter.Moderation.Strategy"
    assert info.value.data == {"__Message.parameter": "Moderation.Strategy"}
    assert client.call("CreateAsset", {**asset, "Moderation": None})["Id"]


def test_the_last_use_of_an_asset_is_shown_with_an_offset(portrait_emulator, client, groups):
    """LastInferenceTime is absent until a generation uses the asset, and the last use counts; AllToken has none."""
    asset = client.create_asset(**image(groups[0]))
    portrait_emulator.assets.activate(asset.id)
    assert client.get_asset(id=asset.id).last_inference_time is None
    for seconds, expected in ((30, "2026-03-18T08:00:30+08:00"), (86_400, "2026-03-19T08:00:30+08:00")):
        portrait_emulator.clock.advance(seconds)
        portrait_emulator.assets.use(asset.id)
        assert client.get_asset(id=asset.id).last_inference_time == expected
    (item,) = client.call("ListAssets", {"Filter": {"GroupType": "AIGC"}})["Items"]
    assert item["LastInferenceTime"] == expected
    assert "LastInferenceTime" not in portrait_emulator.client().call("GetAsset", {"Id": asset.id})


def test_a_foreign_id_and_an_unknown_one_are_answered_alike(portrait_emulator, client):
    """Existence is hidden by the same bytes, RequestId aside."""
    foreign = portrait_emulator.client(api_key=portrait_emulator.customer()).create_asset_group(name="n").id
    bodies = []
    for target in (foreign, foreign[:-5] + "00000"):
        with pytest.raises(NotFound) as info:
            client.get_asset_group(id=target)
        body = orjson.dumps(info.value.response).replace(info.value.request_id.encode(), b"R")
        bodies.append(body.replace(target.encode(), b"ID"))
    assert bodies[0] == bodies[1]


WAYS = ("not-found", "empty-404", "empty-group", "empty-result")


@pytest.mark.parametrize("pending", WAYS)
def test_each_way_of_pending_is_one_error(pending):
    """Whatever the setting, the client says ValidatePending, and after the scan the group."""
    with Emulator(Settings(pending=pending)) as emulator:
        client = emulator.client(provider="volcengine")
        session = client.create_visual_validate_session(callback_url="https://app.example/back")
        with pytest.raises(ValidatePending):
            client.get_visual_validate_result(byted_token=session.byted_token)
        emulator.validations.finish(session.byted_token)
        assert client.get_visual_validate_result(byted_token=session.byted_token).group_id.startswith("group-")


@pytest.mark.parametrize(("provider", "life"), [("volcengine", 120), ("byteplus", 1800)])
def test_a_token_lives_as_long_as_its_provider_says(portrait_emulator, provider, life):
    """Contract §10.3."""
    client = portrait_emulator.client(provider=provider)
    for late in (False, True):
        session = client.create_visual_validate_session(callback_url="https://app.example/back")
        portrait_emulator.validations.finish(session.byted_token)
        portrait_emulator.clock.advance(life if late else life - 1)
        if not late:
            client.get_visual_validate_result(byted_token=session.byted_token)
            continue
        with pytest.raises(ValidatePending):
            client.get_visual_validate_result(byted_token=session.byted_token)


@pytest.mark.parametrize(("provider", "has_token"), [("volcengine", True), ("byteplus", False)])
def test_links_of_both_forms_open_the_page(portrait_emulator, provider, has_token):
    """The mainland's link holds the token, BytePlus's does not; a changed one leads nowhere."""
    session = portrait_emulator.client(provider=provider).create_visual_validate_session(
        callback_url="https://app.example/back"
    )
    assert (session.byted_token in session.h5_link) is has_token
    transport = portrait_emulator.client()._transport
    good = transport.send(HttpRequest(method="GET", url=session.h5_link, headers={}))
    assert (good.status, session.byted_token.encode() in good.body) == (200, False)
    changed = session.h5_link.replace("&lng", "0&lng")
    assert transport.send(HttpRequest(method="GET", url=changed, headers={})).status == 404


def test_temporary_credentials():
    """A pair with a token of its own takes no other, and none without."""
    pairs = {"AK": KeyPair("SK", "acme", "T")}
    with Emulator(Settings(access_keys=pairs)) as emulator:
        assert emulator.client(provider="volcengine", session_token="T").list_asset_groups().items == ()
        for other in ({"session_token": "U"}, {}):
            with pytest.raises(AuthError) as info:
                emulator.client(provider="volcengine", **other).list_asset_groups()
            assert (info.value.code, info.value.http_status) == ("InvalidSecretToken", 401)


@pytest.mark.parametrize(("provider", "status"), [("volcengine", 403), ("byteplus", 400)])
def test_an_old_signature(portrait_emulator, provider, status):
    """Its age is measured by the machine's clock, whatever the emulator's says."""
    client = portrait_emulator.client(provider=provider)
    client.list_asset_groups()
    client._endpoint = attrs.evolve(client._endpoint, machine_clock=ManualClock())
    with pytest.raises(AuthError) as info:
        client.list_asset_groups()
    assert (info.value.code, info.value.http_status) == ("InvalidTimestamp", status)


def test_action_and_version(portrait_emulator, client):
    """Both are required; what is missing is named, and an unknown one is echoed."""

    def send(query):
        request = HttpRequest(method="POST", url=f"http://127.0.0.1/?{query}", headers={}, body=b"{}")
        region = client._endpoint.provider.region
        pair = Credentials(portrait_emulator.access_key, portrait_emulator.secret_key)
        now = client._endpoint.machine_clock.now()
        answer = client._transport.send(sign(request, pair, region=region, service="ark", now=now))
        error = orjson.loads(answer.body)["ResponseMetadata"]["Error"]
        return answer.status, error["Code"], error["CodeN"], error["Message"]

    assert send("Version=2024-01-01") == (400, "MissingParameter", 100002, "The request is missing Action parameter.")
    assert send("Action=GetAsset") == (400, "MissingParameter", 100002, "The request is missing Version parameter.")
    assert send("Action=GetAset&Version=1") == (
        404, "InvalidActionOrVersion", 100008, "Could not find operation GetAset for version 1.",
    )  # fmt: skip


def fast(emulator, **options):
    """A client that sends every call once."""
    return emulator.client(provider="volcengine", retry=None, **options)


def image(group):
    """A new asset's request."""
    return {"group_id": group, "url": "https://cdn.example/a.jpg", "asset_type": "Image"}


@pytest.mark.parametrize(("tier", "at_once", "pause"), [("entry", 3, 60), ("advanced", 1, 0.5), ("premium", 300, 60)])
def test_creates_of_a_plan(portrait_emulator, tier, at_once, pause):
    """So many a minute, of the advanced plan evenly; a throttled create is not a full quota."""
    client = fast(portrait_emulator)
    group = client.create_asset_group(name="n").id
    portrait_emulator.service.control.patch_customer(portrait_emulator.api_key, tier=tier, assets=1000)
    for _ in range(2):
        for _ in range(at_once):
            client.create_asset(**image(group))
        with pytest.raises(Throttled) as info:
            client.create_asset(**image(group))
        assert (info.value.code, info.value.http_status) == ("QuotaWriteQPMExceeded", 429)
        portrait_emulator.clock.advance(pause)


def test_a_pace_of_the_plan_is_never_throttled(portrait_emulator):
    """Twenty creates of the entry plan by `pace="entry"`: no 429, in a little more than six minutes."""
    portrait_emulator.service.control.patch_customer(portrait_emulator.api_key, tier="entry")
    client = fast(portrait_emulator, pace="entry")
    group = client.create_asset_group(name="n").id
    for _ in range(20):
        client.create_asset(**image(group))
    assert (
        portrait_emulator.calls.count("CreateAsset", outcome="ok") == portrait_emulator.calls.count("CreateAsset") == 20
    )
    assert portrait_emulator.clock.monotonic() == pytest.approx(380, rel=0.03)


def test_the_sixth_page_of_a_list_waits(portrait_emulator):
    """Lists of a plan are throttled after 500 items; a client waits and goes on with what it has."""
    client = fast(portrait_emulator)
    group_ids = {client.create_asset_group(name=f"g{n}").id for n in range(8)}
    portrait_emulator.service.control.patch_customer(portrait_emulator.api_key, tier="premium")
    for number in range(1, 6):
        client.list_asset_groups(page_number=number, page_size=100)
    with pytest.raises(Throttled, match="AccountFlowLimitExceeded"):
        client.list_asset_groups(page_number=6, page_size=100)
    patient = portrait_emulator.client(provider="volcengine")
    assert {group.id for group in patient.iter_asset_groups()} == group_ids


GROUP, ASSET = "group-20260318035710-xxxxx", "asset-20260318035710-xxxxx"
LISTED = {"Filter": {"GroupType": "AIGC"}}
# A call of each Action that a plan limits by the second; ids and the token are unknown.
LIMITED = {
    "CreateAssetGroup": {"Name": "n"},
    "GetAssetGroup": {"Id": GROUP},
    "ListAssetGroups": LISTED,
    "UpdateAssetGroup": {"Id": GROUP, "Name": "n"},
    "DeleteAssetGroup": {"Id": GROUP},
    "GetAsset": {"Id": ASSET},
    "ListAssets": LISTED,
    "UpdateAsset": {"Id": ASSET, "Name": "n"},
    "DeleteAsset": {"Id": ASSET},
    "CreateVisualValidateSession": {"CallbackURL": "https://app.example/back"},
    "GetVisualValidateResult": {"BytedToken": "20260318035710FFFFFFFFFFFFFFFFFFFF"},
}


def called(client, action):
    """How a call ends: the class of its error, None for a success."""
    try:
        client.call(action, LIMITED[action])
    except (NotFound, Throttled, ValidatePending) as error:
        return type(error)
    return None


@pytest.mark.parametrize("action", LIMITED)
def test_a_plan_limits_each_action_and_its_pace_keeps_to_that(portrait_emulator, action):
    """As many calls in a second as are documented, whether they are refused or not; one more is throttled."""
    portrait_emulator.service.control.patch_customer(portrait_emulator.api_key, tier="premium")
    count = int(PROVIDER_DATA["volcengine"].rates[action])
    found = [called(fast(portrait_emulator), action) for _ in range(count + 1)]
    assert [kind is Throttled for kind in found] == [False] * count + [True]
    portrait_emulator.clock.advance(1)
    paced = fast(portrait_emulator, pace="premium")
    assert Throttled not in {called(paced, action) for _ in range(3 * count)}


def test_the_limits_of_a_plan_are_all_tried():
    """Each Action with a documented rate has a call above."""
    assert set(LIMITED) == set(PROVIDER_DATA["volcengine"].rates)


def test_calls_of_a_plan_in_a_second(portrait_emulator):
    """DeleteAssetGroup: five; the sixth is throttled, a second later it is not. Without a plan nothing is counted."""
    client = fast(portrait_emulator)
    groups = [client.create_asset_group(name=f"g{n}").id for n in range(8)]
    client.delete_asset_group(id=groups.pop())
    portrait_emulator.service.control.patch_customer(portrait_emulator.api_key, tier="premium")
    for _ in range(5):
        client.delete_asset_group(id=groups.pop())
    with pytest.raises(Throttled) as info:
        client.delete_asset_group(id=groups[-1])
    assert info.value.code_number == 100018
    portrait_emulator.clock.advance(1)
    client.delete_asset_group(id=groups[-1])


@pytest.mark.parametrize(("provider", "life"), [("volcengine", 120), ("byteplus", 1800)])
def test_pending_after_the_window_is_expired(portrait_emulator, provider, life):
    """A wait ends with TokenExpired when the token's life is over, and with WaitTimeout before that."""
    client = portrait_emulator.client(provider=provider)
    session = client.create_visual_validate_session(callback_url="https://app.example/back")
    with pytest.raises(WaitTimeout):
        client.wait_until_validated(session, timeout=10)
    with pytest.raises(TokenExpired):
        client.wait_until_validated(session)
    assert portrait_emulator.clock.monotonic() == pytest.approx(10 + life, abs=3)


def test_a_lost_group_is_not_taken_for_somebody_elses(portrait_emulator):
    """Ark says "pending" of the token whose answer was lost: the error lists the new groups, and none is taken."""
    client = portrait_emulator.client(provider="volcengine", retry=None)
    session = client.create_visual_validate_session(callback_url="https://app.example/back")
    with pytest.raises(WaitTimeout):
        client.wait_until_validated(session, timeout=4)
    portrait_emulator.rules.add(
        match={"action": "GetVisualValidateResult"}, when={"nth": [2]}, do={"close": "after-commit"}
    )

    def scan(event):
        if type(event).__name__ == "WaitProgress" and not portrait_emulator.calls.count("ListAssetGroups"):
            with suppress(ControlError):
                portrait_emulator.validations.finish(session.byted_token)

    with pytest.raises(UnknownOutcome, match="group-"):
        client.with_options(on_event=scan).wait_until_validated(session)
