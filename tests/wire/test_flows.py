"""Walks the service by raw HTTP as its users do: both flows, lists, quotas, isolation, order of checks, upload."""

import json
import re
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, SimpleNamespace

import pytest

from tests.wire import media
from tests.wire.client import part
from tests.wire.matchers import MATCHERS, REQUEST_ID

AIGC = {"Filter": {"GroupType": "AIGC"}}
FILE = part("file", media.WEBP, "portrait.webp", "image/webp")
HALF_A_DAY = 43_200


def seconds_between(earlier, later):
    """Seconds from one wire time to another of the same or the next day."""
    clock = [sum(int(text) * unit for text, unit in zip(time[11:19].split(":"), (3600, 60, 1), strict=True))
             for time in (earlier, later)]  # fmt: skip
    return (clock[1] - clock[0]) % 86_400


def names(page):
    """The names on a page, in its order."""
    return [item["Name"] for item in page["Items"]]


# --- the guide's two flows ---------------------------------------------------------------------------------------


def test_the_aigc_flow_ends_with_an_active_asset(server, me):
    """A group, an asset in it, then polling by GetAsset until it is Active: the guide's first flow."""
    group = me.group("brand-host", Description="demo")
    asset = me.asset(group, Name="host-1")
    assert re.fullmatch(MATCHERS["asset-id"], asset)

    polls = []
    for _ in range(20):
        item = me.call("GetAsset", {"Id": asset}).result
        polls.append(item["UpstreamStatus"])
        assert item["Status"] == item["UpstreamStatus"]
        assert ("URL" in item) == (item["Status"] != "Processing")
        if polls[-1] == "Active":
            break
        server.advance(3)

    assert polls == ["Processing", "Processing", "Active"]
    assert item["GroupId"] == group
    assert item["CreateTime"] <= item["UpdateTime"]


def test_the_liveness_flow_ends_with_an_asset_of_a_person(server, me):
    """A validation, the scan, its GroupId, and an asset in that group: the guide's second flow."""
    created = me.call("CreateVisualValidateSession", {"CallbackURL": "https://www.example.com/callback"}).result
    token = created["BytedToken"]
    assert f"bytedToken={token}" in created["H5Link"]
    assert me.call("GetVisualValidateResult", {"BytedToken": token}).error == "ValidatePending"

    assert me.scan(token).status == 200
    group = me.call("GetVisualValidateResult", {"BytedToken": token}).result["GroupId"]
    asset = me.asset(group)
    server.advance(4)

    assert me.call("GetAssetGroup", {"Id": group}).result["GroupType"] == "LivenessFace"
    assert me.call("GetAsset", {"Id": asset}).result["Status"] == "Active"


def test_the_h5_link_opens_a_page(server, me):
    """The link for the phone is a page of this server, in HTML."""
    created = me.call("CreateVisualValidateSession", {"CallbackURL": "https://www.example.com/callback"}).result
    page = server.fetch(created["H5Link"])
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")


@pytest.fixture(scope="session")
def auto(start):
    """A server for programs that wait by a clock of their own."""
    return start("--clock", "auto")


@pytest.mark.parametrize(("kind", "reads"), [("Image", 3), ("Video", 8)])
def test_on_an_automatic_clock_reads_end_a_review(auto, kind, reads):
    """The clock stands still; each read that shows a review moves it by 3 seconds, one that shows none does not."""
    me = auto.customer()
    group = me.group()
    asset = me.asset(group, kind=kind, url="https://cdn.example/host")
    before = auto.control("GET", "clock").body
    assert before["kind"] == "auto"
    statuses = [me.call("GetAsset", {"Id": asset}).result["Status"] for _ in range(reads + 2)]
    assert statuses == [*["Processing"] * (reads - 1), *["Active"] * 3]
    assert auto.control("GET", "clock").body["seconds"] == before["seconds"] + 3 * (reads - 1)

    me.asset(group)
    me.call("GetAssetGroup", {"Id": group})
    lists = [[item["Status"] for item in me.call("ListAssets", AIGC).result["Items"]] for _ in range(3)]
    assert lists == [["Processing", "Active"], ["Processing", "Active"], ["Active", "Active"]]


def test_on_an_automatic_clock_waiting_side_by_side_takes_no_longer(auto):
    """Programs that each wait for an asset of their own wait at the same time: a check stays open meanwhile."""
    me = auto.customer()
    group, token = me.group(), me.token()
    assets = [me.asset(group, kind="Video", url=f"https://cdn.example/{n}") for n in range(12)]
    before = auto.control("GET", "clock").body["seconds"]
    rounds = [{me.call("GetAsset", {"Id": asset}).result["Status"] for asset in assets} for _ in range(7)]
    assert rounds == [*[{"Processing"}] * 6, {"Processing", "Active"}]
    assert me.call("GetAsset", {"Id": assets[0]}).result["Status"] == "Active"
    assert auto.control("GET", "clock").body["seconds"] == before + 21
    assert me.scan(token).status == 200


@pytest.mark.parametrize("statuses", [["Active"], ["Active", "Failed"]])
def test_on_an_automatic_clock_a_list_without_what_is_processing_ends_its_review(auto, statuses):
    """Whoever asks for what is Active waits for it, too; a list of another group moves nothing."""
    me = auto.customer()
    group, other = me.group(), me.group()
    me.asset(group)

    def counts(group_id):
        wanted = {"Filter": AIGC["Filter"] | {"GroupIds": [group_id], "Statuses": statuses}}
        return [me.call("ListAssets", wanted).result["TotalCount"] for _ in range(4)]

    assert counts(other) == [0, 0, 0, 0]
    assert counts(group) == [0, 0, 1, 1]


def test_on_an_automatic_clock_asking_for_a_scan_ends_its_life(auto):
    """An open scan is asked for 40 times, 3 seconds apart; then its 120 seconds are over. A passed one costs none."""
    me = auto.customer()
    passed, token = me.token(), me.token()
    assert me.scan(passed).status == 200
    assert me.call("GetVisualValidateResult", {"BytedToken": passed}).result["GroupId"]
    answers = [me.call("GetVisualValidateResult", {"BytedToken": token}).error for _ in range(41)]
    assert answers == [*["ValidatePending"] * 40, "TokenExpired"]


@pytest.mark.parametrize(("kind", "seconds"), [("Image", 4), ("Video", 20), ("Audio", 20)])
def test_a_review_takes_its_time_and_not_longer(server, me, kind, seconds):
    """A review is open until its very second, and its end is the UpdateTime, whenever somebody reads."""
    asset = me.asset(me.group(), kind=kind, url="https://cdn.example/host")
    server.advance(seconds - 1)
    assert me.call("GetAsset", {"Id": asset}).result["Status"] == "Processing"
    server.advance(1)
    assert me.call("GetAsset", {"Id": asset}).result["Status"] == "Active"
    server.advance(100)
    item = me.call("GetAsset", {"Id": asset}).result
    assert seconds_between(item["CreateTime"], item["UpdateTime"]) == seconds


def test_a_group_of_a_passed_scan_exists_before_it_is_asked_for(me):
    """Where the answer with the GroupId is lost, ListAssetGroups still shows the new LivenessFace group."""
    token = me.token()
    me.scan(token)
    page = me.call("ListAssetGroups", {"Filter": {"GroupType": "LivenessFace"}}).result
    assert page["TotalCount"] == 1
    assert me.call("GetVisualValidateResult", {"BytedToken": token}).result == {"GroupId": page["Items"][0]["Id"]}


@pytest.mark.parametrize("result", ["pass", "fail", "cancel"])
def test_a_scan_has_one_outcome(me, result):
    """A second outcome for the same validation is refused as already ended."""
    token = me.token()
    assert me.scan(token, result).status == 200
    assert me.scan(token, "pass").status == 409
    assert me.call("ListAssetGroups", {"Filter": {"GroupType": "LivenessFace"}}).result["TotalCount"] == (
        1 if result == "pass" else 0
    )


def test_a_scan_after_the_end_of_life_makes_no_group(server, me):
    """An expired validation cannot be passed any more."""
    token = me.token()
    server.advance(121)
    assert me.scan(token).status == 409
    assert me.call("GetVisualValidateResult", {"BytedToken": token}).error == "TokenExpired"
    assert me.call("ListAssetGroups", {"Filter": {"GroupType": "LivenessFace"}}).result["TotalCount"] == 0


def test_a_token_lives_120_seconds_from_its_creation(server, me):
    """At 119 seconds the scan is merely open, at 121 the token is over, and it stays so."""
    token = me.token()
    server.advance(119)
    assert me.call("GetVisualValidateResult", {"BytedToken": token}).error == "ValidatePending"
    server.advance(2)
    assert me.call("GetVisualValidateResult", {"BytedToken": token}).error == "TokenExpired"
    server.advance(100_000)
    assert me.call("GetVisualValidateResult", {"BytedToken": token}).error == "TokenExpired"


def test_a_validation_is_forgotten_an_hour_after_its_end(server, me):
    """Until then the control plane shows it; its token stays TokenExpired for its owner."""
    before = {each["customer"] for each in server.control("GET", "state").body["validations"]}
    token = me.token()
    for seconds, remembered in ((120 + 3599, True), (1, False)):
        server.advance(seconds)
        assert me.call("GetVisualValidateResult", {"BytedToken": token}).error == "TokenExpired"
        customers = {each["customer"] for each in server.control("GET", "state").body["validations"]}
        assert (len(customers - before) > 0) is remembered


def test_a_foreign_read_does_not_use_a_token_up(me, other):
    """Somebody else asking with my token neither learns the group nor takes it from me."""
    token = me.token()
    me.scan(token)
    assert other.call("GetVisualValidateResult", {"BytedToken": token}).error == "InvalidToken"
    assert "GroupId" in me.call("GetVisualValidateResult", {"BytedToken": token}).result


# --- lists -------------------------------------------------------------------------------------------------------


@pytest.fixture
def library(server, me):
    """Two groups, five assets made a second apart, of which the oldest was renamed last."""
    groups = [me.group("one"), me.group("two")]
    assets = {}
    for name, group in zip("abcde", (0, 1, 0, 1, 0), strict=True):
        assets[name] = me.asset(groups[group], Name=name)
        server.advance(1)
    server.advance(10)
    me.call("UpdateAsset", {"Id": assets["a"], "Name": "A"})
    return SimpleNamespace(groups=groups, assets=assets)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({}, "edcbA"),
        ({"SortBy": "CreateTime"}, "edcbA"),
        ({"SortOrder": "Asc"}, "Abcde"),
        ({"SortBy": "CreateTime", "SortOrder": "Asc"}, "Abcde"),
        ({"SortBy": "UpdateTime"}, "Aedcb"),
        ({"SortBy": "UpdateTime", "SortOrder": "Asc"}, "bcdeA"),
    ],
)
def test_assets_come_in_the_asked_order(me, library, order, expected):
    """SortBy and SortOrder each have their default, CreateTime and Desc."""
    assert names(me.call("ListAssets", AIGC | order).result) == list(expected)


@pytest.mark.parametrize("order", ["Asc", "Desc"])
def test_assets_sorted_by_group_stand_together(me, library, order):
    """SortBy GroupId keeps the assets of a group together, in the order of the ids."""
    items = me.call("ListAssets", AIGC | {"SortBy": "GroupId", "SortOrder": order}).result["Items"]
    assert [item["GroupId"] for item in items] == sorted((item["GroupId"] for item in items), reverse=order == "Desc")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_pages_cover_the_list_without_gap_or_double(me, library, size):
    """Walking page after page meets every asset once, and every page counts them all."""
    seen = []
    for number in range(1, 8):
        page = me.call("ListAssets", AIGC | {"PageNumber": number, "PageSize": size}).result
        assert (page["TotalCount"], page["PageNumber"], page["PageSize"]) == (5, number, size)
        assert len(page["Items"]) <= size
        seen += names(page)
    assert seen == list("edcbA")


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"Statuses": ["Active"]}, "edcbA"),
        ({"Statuses": ["Processing"]}, ""),
        ({"Statuses": ["Failed", "Processing"]}, ""),
        ({"Statuses": ["Active", "Active"]}, "edcbA"),
        ({"Name": "B"}, "b"),
        ({"Name": "zz"}, ""),
        ({"Name": "B", "Statuses": ["Failed"]}, ""),
    ],
)
def test_filters_of_assets_hold_together(me, library, filter_, expected):
    """Statuses and a fuzzy Name narrow the list, and all of them have to fit."""
    assert names(me.call("ListAssets", {"Filter": {"GroupType": "AIGC"} | filter_}).result) == list(expected)


def test_assets_are_filtered_by_group_name_and_status_together(me, library):
    """GroupIds, Name and Statuses together give the assets that fit all three; a repeated id counts once."""
    one, two = library.groups
    base = {"GroupType": "AIGC", "Statuses": ["Active"]}
    assert names(me.call("ListAssets", {"Filter": base | {"GroupIds": [one, one]}}).result) == list("ecA")
    assert names(me.call("ListAssets", {"Filter": base | {"GroupIds": [one, two], "Name": "d"}}).result) == ["d"]
    page = me.call("ListAssets", {"Filter": base | {"GroupIds": [two]}, "PageSize": 1}).result
    assert (names(page), page["TotalCount"]) == (["d"], 2)


def test_a_listed_asset_is_the_asset(me, library):
    """An item of a list says what GetAsset says, apart from its freshly signed link."""
    for item in me.call("ListAssets", AIGC).result["Items"]:
        single = me.call("GetAsset", {"Id": item["Id"]}).result
        assert item | {"URL": ""} == single | {"URL": ""}


def test_a_listed_group_is_the_group(me, library):
    """An item of the list of groups is what GetAssetGroup says."""
    page = me.call("ListAssetGroups", AIGC).result
    assert names(page) == ["two", "one"]
    for item in page["Items"]:
        assert item == me.call("GetAssetGroup", {"Id": item["Id"]}).result


def test_sorting_by_name_of_groups_is_an_unknown_field(me, library):
    """ListAssetGroups has no SortBy and SortOrder here: they are ignored like any unknown field."""
    page = me.call("ListAssetGroups", AIGC | {"SortBy": "Name", "SortOrder": "Sideways"}).result
    assert names(page) == ["two", "one"]


def test_an_update_shows_at_once(server, me):
    """A renamed group and asset show the new name and a later UpdateTime in reads and lists."""
    group = me.group("before")
    asset = me.asset(group, Name="before")
    server.advance(10)
    assert me.call("UpdateAssetGroup", {"Id": group, "Name": "after"}).result == {}
    assert me.call("UpdateAsset", {"Id": asset, "Name": "after"}).result == {}
    for action, identifier in (("GetAssetGroup", group), ("GetAsset", asset)):
        item = me.call(action, {"Id": identifier}).result
        assert item["Name"] == "after"
        assert seconds_between(item["CreateTime"], item["UpdateTime"]) == 10
    for action in ("ListAssetGroups", "ListAssets"):
        assert names(me.call(action, AIGC).result) == ["after"]


# --- quotas and deletes ------------------------------------------------------------------------------------------


def test_fifty_groups_fit_and_a_deleted_one_makes_room_at_once(me):
    """The 51st group is refused; after a delete, in the same second, exactly one more fits."""
    groups = [me.group() for _ in range(50)]
    body = {"GroupType": "AIGC", "Name": "one more"}
    assert me.call("CreateAssetGroup", body).error == "QuotaExceeded"
    assert me.call("CreateAssetGroup", body | {"ProjectName": "film"}).error == "QuotaExceeded"
    assert me.call("DeleteAssetGroup", {"Id": groups[7]}).result == {}
    assert me.call("CreateAssetGroup", body).result["Id"] not in groups
    assert me.call("CreateAssetGroup", body).error == "QuotaExceeded"
    assert me.call("ListAssetGroups", AIGC).result["TotalCount"] == 50


def test_fifty_assets_fit_in_each_group_and_a_deleted_one_makes_room_at_once(me):
    """The 51st asset of a group is refused, by address and by upload; another group has its own fifty."""
    full, empty = me.group(), me.group()
    assets = [me.asset(full) for _ in range(50)]
    body = {"GroupId": full, "URL": "https://cdn.example/host.jpg", "AssetType": "Image"}
    assert me.call("CreateAsset", body).error == "QuotaExceeded"
    assert me.upload(FILE, part("GroupId", full)).error == "QuotaExceeded"
    me.asset(empty)
    assert me.call("DeleteAsset", {"Id": assets[0]}).result == {}
    assert me.call("CreateAsset", body).result["Id"] not in assets
    assert me.call("CreateAsset", body).error == "QuotaExceeded"


def test_deleting_a_group_deletes_its_assets_and_nothing_else(server, me):
    """Assets of a deleted group are gone from reads and lists; those of another group stay."""
    removed, remaining = me.group("gone"), me.group("kept")
    lost = [me.asset(removed) for _ in range(3)]
    stays = me.asset(remaining)
    server.advance(5)
    assert me.call("DeleteAssetGroup", {"Id": removed}).result == {}
    for asset in lost:
        for action in ("GetAsset", "UpdateAsset", "DeleteAsset"):
            assert me.call(action, {"Id": asset, "Name": "x"}).error == "Forbidden"
    assert [item["Id"] for item in me.call("ListAssets", AIGC).result["Items"]] == [stays]
    new = {"GroupId": removed, "URL": "https://cdn.example/x.jpg", "AssetType": "Image"}
    assert me.call("CreateAsset", new).error == "Forbidden"
    assert me.upload(FILE, part("GroupId", removed)).error == "Forbidden"


def test_cascading_frees_a_quota_over_all_groups(me):
    """Where assets are counted per customer, deleting a group frees the slots of its assets."""
    me.control(assets=2, assets_per="customer")
    group, second = me.group(), me.group()
    me.asset(group)
    me.asset(group)
    body = {"GroupId": second, "URL": "https://cdn.example/x.jpg", "AssetType": "Image"}
    assert me.call("CreateAsset", body).error == "QuotaExceeded"
    me.call("DeleteAssetGroup", {"Id": group})
    assert "Id" in me.call("CreateAsset", body).result


def test_a_refused_create_takes_no_slot(me):
    """Creates that were refused for their values or media leave the quota as it was."""
    me.control(groups=1, assets=1)
    me.call("CreateAssetGroup", {"GroupType": "Robot", "Name": "x"})
    group = me.group()
    for url in ("data:image/png;base64,AA==", "https://magic.test/a.jpg?reject=WidthTooSmall"):
        assert me.call("CreateAsset", {"GroupId": group, "URL": url, "AssetType": "Image"}).error.startswith("Invalid")
    assert me.upload(part("file", media.TEXT, "a.jpg", "image/jpeg"), part("GroupId", group)).error.startswith("Inv")
    assert me.asset(group)


# --- customers and projects --------------------------------------------------------------------------------------

TAKES_ID = {
    "GetAssetGroup": ("group", lambda id_: {"Id": id_}),
    "UpdateAssetGroup": ("group", lambda id_: {"Id": id_, "Name": "x"}),
    "DeleteAssetGroup": ("group", lambda id_: {"Id": id_}),
    "CreateAsset": ("group", lambda id_: {"GroupId": id_, "URL": "https://cdn.example/x.jpg", "AssetType": "Image"}),
    "ListAssetGroups": ("group", lambda id_: {"Filter": {"GroupType": "AIGC", "GroupIds": [id_]}}),
    "ListAssets": ("group", lambda id_: {"Filter": {"GroupType": "AIGC", "GroupIds": [id_]}}),
    "GetAsset": ("asset", lambda id_: {"Id": id_}),
    "UpdateAsset": ("asset", lambda id_: {"Id": id_, "Name": "x"}),
    "DeleteAsset": ("asset", lambda id_: {"Id": id_}),
    "GetVisualValidateResult": ("token", lambda id_: {"BytedToken": id_}),
    "upload": ("group", lambda id_: id_),
}
NEVER = {
    "group": "group-20200101000000-zzzzz",
    "asset": "asset-20200101000000-zzzzz",
    "token": "202001010000000123456789ABCDEF0123",
}


def anonymous(answer, identifier):
    """Status, headers and bytes of an answer without what names this very request."""
    raw = re.sub(REQUEST_ID.encode(), b"<request>", answer.raw.replace(identifier.encode(), b"<id>"))
    headers = {name: value for name, value in answer.headers.items() if name not in {"date", "content-length"}}
    headers = {name: re.sub(REQUEST_ID, "<request>", value) for name, value in headers.items()}
    return answer.status, headers, raw


@pytest.mark.parametrize("action", TAKES_ID)
def test_a_foreign_id_and_one_that_never_was_get_the_same_bytes(server, me, other, action):
    """Nothing in an answer tells a foreign id from one that never existed, nor from a deleted one of somebody else."""
    kind, body = TAKES_ID[action]
    group = other.group()
    ids = {"group": group, "asset": other.asset(group), "token": other.token()}
    if kind == "token":
        other.scan(ids["token"])

    def ask(identifier):
        if action == "upload":
            return anonymous(me.upload(FILE, part("GroupId", identifier)), identifier)
        return anonymous(me.call(action, body(identifier)), identifier)

    foreign = ask(ids[kind])
    assert foreign == ask(NEVER[kind])
    other.call("DeleteAssetGroup", {"Id": group})
    server.advance(500)
    assert foreign == ask(ids[kind])


def test_a_foreign_write_changes_nothing(me, other):
    """Updates and deletes with a foreign id leave the owner's things as they were."""
    group = other.group("theirs")
    asset = other.asset(group, Name="theirs")
    before = [other.call("GetAssetGroup", {"Id": group}).result, other.call("GetAsset", {"Id": asset}).result]
    for action in ("UpdateAssetGroup", "DeleteAssetGroup"):
        assert me.call(action, {"Id": group, "Name": "mine"}).error == "Forbidden"
    for action in ("UpdateAsset", "DeleteAsset"):
        assert me.call(action, {"Id": asset, "Name": "mine"}).error == "Forbidden"
    assert before == [other.call("GetAssetGroup", {"Id": group}).result, other.call("GetAsset", {"Id": asset}).result]


def test_quotas_of_customers_do_not_touch(me, other):
    """One customer's full quota leaves the other's untouched."""
    me.control(groups=1)
    me.group()
    assert me.call("CreateAssetGroup", {"GroupType": "AIGC", "Name": "x"}).error == "QuotaExceeded"
    assert other.group()
    assert other.group()


def test_projects_are_rooms_of_one_customer(me):
    """A group of a project is seen in that project alone, and its assets with it."""
    group = me.group("in film", ProjectName="film")
    asset = me.asset(group, ProjectName="film")
    for project in ({}, {"ProjectName": None}, {"ProjectName": "default"}, {"ProjectName": "Film"}):
        assert me.call("GetAssetGroup", {"Id": group} | project).error == "Forbidden"
        assert me.call("GetAsset", {"Id": asset} | project).error == "Forbidden"
        assert me.call("DeleteAssetGroup", {"Id": group} | project).error == "Forbidden"
        assert me.call("ListAssetGroups", AIGC | project).result["TotalCount"] == 0
        assert me.call("ListAssets", AIGC | project).result["TotalCount"] == 0
    film = {"ProjectName": "film"}
    assert me.call("GetAsset", {"Id": asset} | film).result["ProjectName"] == "film"
    assert me.call("ListAssets", AIGC | film).result["TotalCount"] == 1
    assert me.upload(FILE, part("GroupId", group), part("ProjectName", "film")).result["GroupId"] == group
    assert me.upload(FILE, part("GroupId", group)).error == "Forbidden"


def test_a_validation_puts_its_group_into_its_project(me):
    """The LivenessFace group belongs to the project that its validation was made in."""
    group = me.person(ProjectName="film")
    assert me.call("GetAssetGroup", {"Id": group, "ProjectName": "film"}).result["ProjectName"] == "film"
    assert me.call("GetAssetGroup", {"Id": group}).error == "Forbidden"


@pytest.fixture(scope="module")
def configured(start):
    """A server of two customers, the first one with two keys, and of one project."""
    keys = ("first=acme", "second=acme", "third=zenith")
    return start(*(option for key in keys for option in ("--api-key", key)), "--project", "film")


def test_a_server_with_keys_knows_those_alone(configured):
    """With keys configured, their customers share what they have and any other key is refused by HTTP 401."""
    first, second, third, fourth = (configured.customer_of(key) for key in ("first", "second", "third", "fourth"))
    group = first.group()
    assert second.call("GetAssetGroup", {"Id": group}).result["Id"] == group
    assert third.call("GetAssetGroup", {"Id": group}).error == "Forbidden"
    refused = fourth.call("GetAssetGroup", {"Id": group})
    assert refused.status == 401
    assert {"message", "type"} <= refused.body["error"].keys()


def test_a_token_belongs_to_its_key(configured):
    """A second key of the same customer finds the token invalid, though it shares all groups."""
    first, second = configured.customer_of("first"), configured.customer_of("second")
    token = first.token()
    first.scan(token)
    assert second.call("GetVisualValidateResult", {"BytedToken": token}).error == "InvalidToken"
    group = first.call("GetVisualValidateResult", {"BytedToken": token}).result["GroupId"]
    assert second.call("GetAssetGroup", {"Id": group}).result["Id"] == group


def test_a_server_with_projects_knows_those_alone(configured):
    """With projects configured, another ProjectName is not found; the default one exists always."""
    me = configured.customer_of("third")
    assert me.group(ProjectName="film")
    assert me.group()
    unknown = me.call("CreateAssetGroup", {"GroupType": "AIGC", "Name": "x", "ProjectName": "stage"})
    assert unknown.error == "NotFound.ProjectName"


# --- the envelope ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2024-01-01", None])
@pytest.mark.parametrize("action", ["ListAssetGroups", "ListAssets"])
def test_version_is_optional_and_always_named(me, action, version):
    """With or without Version the answer is the same and names the one that exists."""
    answer = me.call(action, AIGC, version=version)
    assert answer.result["TotalCount"] == 0
    assert answer.body["ResponseMetadata"]["Version"] == "2024-01-01"


def test_request_ids_are_unique(me):
    """Every answer, good or bad, has a RequestId of its own."""
    answers = [me.call("GetAssetGroup", {"Id": "x"}) for _ in range(50)] + [me.call("ListAssets", AIGC)]
    assert len({answer.body["ResponseMetadata"]["RequestId"] for answer in answers}) == 51


def test_null_is_absent_in_every_optional_field(me):
    """Nulls in optional fields are as good as nothing, also for fields nobody knows."""
    group = me.group(Description=None, Title=None, ProjectName=None, Colour=None)
    asset = me.asset(group, Name=None, ProjectName=None)
    assert me.call("UpdateAsset", {"Id": asset, "Name": None}).result == {}
    nulls = dict.fromkeys(["PageNumber", "PageSize", "SortBy", "SortOrder", "ProjectName"])
    filter_ = dict.fromkeys(["GroupIds", "Statuses", "Name"]) | {"GroupType": "AIGC"}
    page = me.call("ListAssets", nulls | {"Filter": filter_}).result
    assert [item["Id"] for item in page["Items"]] == [asset]
    assert (page["PageNumber"], page["PageSize"]) == (1, 10)


@pytest.mark.parametrize(
    "name", ["像" * 50, "\N{GRINNING FACE}" * 50, 'a"b\\c/d', "<script>", " ", "e\u0301", "\u200f"]
)
def test_names_come_back_as_they_were_given(me, name):
    """A Name of any characters, up to 50 of them, is shown unchanged."""
    group = me.group(name)
    asset = me.asset(group, Name=name)
    assert me.call("GetAssetGroup", {"Id": group}).result["Name"] == name
    assert me.call("GetAsset", {"Id": asset}).result["Name"] == name


def test_the_order_of_checks(me, other):
    """Key, Action, JSON, required fields, values, ownership, state, quota: of two faults the earlier is told."""
    me.control(groups=1, assets=1)
    group = me.group()
    me.asset(group)
    theirs = other.group()
    good = {"GroupId": group, "URL": "https://cdn.example/x.jpg", "AssetType": "Image"}
    assert me.server.request("POST", "/v1/portrait/?Action=Nope", "{").status == 401
    assert me.send("{", action="Nope").error == "InvalidActionOrVersion"
    assert me.send("{", version="2020-01-01").error == "InvalidActionOrVersion"
    assert me.send('{"AssetType": "Text"', action="CreateAsset").error == "InvalidParameter"
    assert me.call("CreateAsset", {"GroupId": theirs, "AssetType": "Text"}).error == "MissingParameter.URL"
    wrong = me.call("CreateAsset", good | {"GroupId": theirs, "AssetType": "Text"})
    assert wrong.error == "InvalidParameter"
    assert "AssetType" in wrong.message
    assert me.call("CreateAsset", good | {"GroupId": theirs}).error == "Forbidden"
    assert me.call("CreateAsset", good).error == "QuotaExceeded"


def test_state_is_found_before_quota(me):
    """An account without AIGC groups hears that, also when its quota is full."""
    me.control(groups=1)
    me.group()
    me.control(aigc=False)
    assert me.call("CreateAssetGroup", {"GroupType": "AIGC", "Name": "x"}).error == "AIGCNotAvailable"


def test_without_aigc_the_other_path_stays_open(me):
    """An account without AIGC groups can still verify a person."""
    me.control(aigc=False)
    assert me.call("GetAssetGroup", {"Id": me.person()}).result["GroupType"] == "LivenessFace"


# --- media -------------------------------------------------------------------------------------------------------


class Files(ThreadingHTTPServer):
    """A loopback file server that counts what is asked of it."""

    daemon_threads = True
    CONTENT = MappingProxyType(
        {
            "/good.png": media.png(),
            "/good.jpg": media.JPEG,
            "/narrow.png": media.png(290, 400),
            "/text.jpg": media.TEXT,
            "/empty.png": b"",
        }
    )

    def __init__(self):
        super().__init__(("127.0.0.1", 0), FileHandler)
        self.requested = []

    def url(self, path):
        """The address of one of its files."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class FileHandler(BaseHTTPRequestHandler):
    """Serves the files, without a word in the log."""

    def do_GET(self):
        """Serves one file or 404."""
        self.server.requested.append(self.path)
        if self.path == "/endless.png":
            self.write_without_end()
            return
        content = self.server.CONTENT.get(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def write_without_end(self):
        """Serves the beginning of a picture and zeros, until the client has enough."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(media.png())
        with suppress(OSError):
            while True:
                self.wfile.write(bytes(1 << 20))

    def log_message(self, *_):
        """Says nothing."""


@contextmanager
def serving():
    """A running file server."""
    files = Files()
    thread = threading.Thread(target=files.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield files
    finally:
        files.shutdown()
        files.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/good.png", None),
        ("/good.jpg", None),
        ("/narrow.png", r"InvalidParameter\.WidthTooSmall"),
        ("/text.jpg", r"InvalidParameter\.Format(Unsupported|Undetectable)"),
        ("/empty.png", r"InvalidParameter\.\w+"),
        ("/absent.png", r"InvalidParameter\.DownloadFailed"),
    ],
)
def test_a_file_on_loopback_is_measured_at_once(me, path, code):
    """CreateAsset itself tells what is wrong with a file that it can read."""
    group = me.group()
    with serving() as files:
        answer = me.call("CreateAsset", {"GroupId": group, "URL": files.url(path), "AssetType": "Image"})
        assert path in files.requested
    if code is None:
        assert "Id" in answer.result
    else:
        assert re.fullmatch(code, answer.error)
    assert me.call("ListAssets", AIGC).result["TotalCount"] == (code is None)


@pytest.mark.slow
def test_a_download_ends_after_the_largest_file(me):
    """emulator-slow: a file that does not end is refused for its size once 200 MB have come."""
    with serving() as files:
        body = {"GroupId": me.group(), "URL": files.url("/endless.png"), "AssetType": "Image"}
        assert me.call("CreateAsset", body).error == "InvalidParameter.FileSizeTooLarge"


def test_no_file_is_read_for_somebody_without_access(me, other):
    """A foreign group is refused before the file is asked for, and so is a wrong value."""
    group = other.group()
    with serving() as files:
        body = {"GroupId": group, "URL": files.url("/good.png"), "AssetType": "Image"}
        assert me.call("CreateAsset", body).error == "Forbidden"
        assert me.call("CreateAsset", body | {"AssetType": "Text"}).error == "InvalidParameter"
        assert files.requested == []


def test_a_signed_link_lives_twelve_hours_and_is_made_anew(server, me):
    """The URL of an asset serves its bytes for 12 hours; a later read hands out one that works again."""
    asset = me.upload(FILE, part("GroupId", me.group())).result["Id"]
    server.advance(5)
    link = me.call("GetAsset", {"Id": asset}).result["URL"]
    assert server.fetch(link).raw == media.WEBP
    server.advance(HALF_A_DAY - 60)
    assert server.fetch(link).raw == media.WEBP
    server.advance(120)
    assert 400 <= server.fetch(link).status < 500
    assert server.fetch(me.call("GetAsset", {"Id": asset}).result["URL"]).raw == media.WEBP


def test_a_signed_link_cannot_be_prolonged_by_hand(server, me):
    """A link with any other time or life in its query is refused."""
    asset = me.upload(FILE, part("GroupId", me.group())).result["Id"]
    server.advance(5)
    link = me.call("GetAsset", {"Id": asset}).result["URL"]
    assert 400 <= server.fetch(link.replace("X-Tos-Expires=43200", "X-Tos-Expires=99999999")).status < 500


@pytest.mark.parametrize(
    ("content", "filename", "kind"),
    [
        (media.png(), "a.png", "image/png"),
        (media.JPEG, "a.jpg", "image/jpeg"),
        (media.WEBP, "a.webp", "image/webp"),
    ],
)
def test_an_upload_is_served_back(server, me, content, filename, kind):
    """What was uploaded is found at UploadedURL, byte for byte, with its media type."""
    group = me.group()
    result = me.upload(part("file", content, filename, kind), part("GroupId", group), part("Name", "up")).result
    served = server.fetch(result["UploadedURL"])
    assert (served.status, served.headers["content-type"], served.raw) == (200, kind, content)
    server.advance(4)
    item = me.call("GetAsset", {"Id": result["Id"]}).result
    assert (item["Status"], item["Name"], item["GroupId"]) == ("Active", "up", group)


def test_an_upload_without_a_name_is_shown_under_its_default_one(me):
    """The default Name of an upload is also the Name that GetAsset shows."""
    result = me.upload(FILE, part("GroupId", me.group())).result
    assert me.call("GetAsset", {"Id": result["Id"]}).result["Name"] == result["Name"]


def test_a_wrong_media_type_of_a_part_does_not_matter(me):
    """The bytes of an upload decide, not the type that the form claims."""
    group = me.group()
    assert me.upload(part("file", media.JPEG, "a.bin", "application/octet-stream"), part("GroupId", group)).result
    assert me.upload(part("file", media.JPEG, "a.png", "image/png"), part("GroupId", group)).result
    assert me.upload(part("file", media.JPEG, "a"), part("GroupId", group)).result


def test_answers_are_json_with_the_five_metadata_fields(me):
    """Every answer names itself in the same five fields, in JSON of UTF-8."""
    answer = me.call("GetAssetGroup", {"Id": me.group()})
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    assert json.loads(answer.raw.decode("utf-8"))["ResponseMetadata"].keys() == {
        "RequestId", "Action", "Version", "Service", "Region",
    }  # fmt: skip
