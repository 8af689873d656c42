"""Conformance of the signed mount as a stranger's runner sees it: whole chains, whose steps overlap, and a real person.

Requests are signed by the standard library alone; the person goes by the H5 link, as a browser does.
"""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.wire.signer import REGIONS, Signer

METADATA = {"RequestId", "Action", "Version", "Service", "Region"}
CALLBACK = "https://app.example/back?order=7"
UNKNOWN = {
    "GetAssetGroup": {"Id": "group-20260318035710-xxxxx"},
    "UpdateAssetGroup": {"Id": "group-20260318035710-xxxxx", "Name": "n"},
    "DeleteAssetGroup": {"Id": "group-20260318035710-xxxxx"},
    "CreateAsset": {"GroupId": "group-20260318035710-xxxxx", "URL": "https://cdn.example/a.jpg", "AssetType": "Image"},
    "GetAsset": {"Id": "asset-20260318035710-xxxxx"},
    "UpdateAsset": {"Id": "asset-20260318035710-xxxxx", "Name": "n"},
    "DeleteAsset": {"Id": "asset-20260318035710-xxxxx"},
    "GetVisualValidateResult": {"BytedToken": "20260318035710FFFFFFFFFFFFFFFFFFFF"},
}


@pytest.fixture(params=REGIONS)
def ark(request, server):
    """The published pair at each of the two providers."""
    return Signer(server, request.param)


def asset(ark, group, name):
    """The id of a new picture."""
    return ark.result("CreateAsset", GroupId=group, URL=f"https://cdn.example/{name}", AssetType="Image", Name=name)[
        "Id"
    ]


def listed(ark, group_type, group, **fields):
    """One page of a group's assets."""
    return ark.result("ListAssets", Filter={"GroupType": group_type, "GroupIds": [group]}, **fields)


@pytest.mark.parametrize("action", UNKNOWN)
def test_an_unknown_id_is_4xx_in_the_envelope(ark, action):
    """With an Error, and without a Result."""
    answer = ark.call(action, UNKNOWN[action])
    assert (answer.status, set(answer.body)) == (404, {"ResponseMetadata"})
    metadata = answer.body["ResponseMetadata"]
    assert set(metadata) == METADATA | {"Error"}
    assert metadata["Error"]["Code"].startswith("NotFound.")
    assert metadata["Error"]["Message"]


def chain(ark, number):
    """Everything that can be done to a group and two assets; the steps of several runs come between each other."""
    created = ark.call("CreateAssetGroup", {"Name": f"runner {number}"})  # without a GroupType
    metadata = created.body["ResponseMetadata"]
    assert (created.status, set(metadata), set(created.body["Result"])) == (200, METADATA, {"Id"})
    assert (metadata["Action"], metadata["Version"]) == ("CreateAssetGroup", "2024-01-01")
    assert (metadata["Service"], metadata["Region"]) == ("ark", REGIONS[ark.provider])
    group = created.body["Result"]["Id"]
    item = ark.result("GetAssetGroup", Id=group)
    assert (item["Name"], item["Title"], item["GroupType"]) == (f"runner {number}", f"runner {number}", "AIGC")
    assets = [asset(ark, group, name) for name in ("a.jpg", "b.jpg")]
    ark.server.advance(30)
    assert {ark.result("GetAsset", Id=each)["Status"] for each in assets} == {"Active"}
    page = listed(ark, "AIGC", group, PageNumber=1, PageSize=1)
    assert set(page) == {"Items", "TotalCount", "PageNumber", "PageSize"}
    assert (page["TotalCount"], page["PageNumber"], page["PageSize"]) == (2, 1, 1)
    first = listed(ark, "AIGC", group, MaxResults=1)
    second = listed(ark, "AIGC", group, MaxResults=1, NextToken=first["NextToken"])
    assert [each["Id"] for each in (*first["Items"], *second["Items"])] == assets[::-1]
    assert "NextToken" not in second
    assert ark.result("UpdateAsset", Id=assets[0], Name="c") == {"Id": assets[0]}
    assert ark.result("UpdateAssetGroup", Id=group, Name="other", Description="d") == {"Id": group}
    assert [each["Name"] for each in listed(ark, "AIGC", group)["Items"]] == ["b.jpg", "c"]
    assert ark.result("DeleteAsset", Id=assets[0]) == {}
    assert ark.result("DeleteAssetGroup", Id=group) == {}
    assert ark.error("GetAsset", {"Id": assets[1]}) == (404, "NotFound.asset_id", None)
    assert ark.error("DeleteAssetGroup", {"Id": group}) == (404, "NotFound.group_id", None)
    return group


def test_chains_whose_steps_overlap(ark):
    """Four at once by one pair: none sees anything of another."""
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda number: chain(ark, number), range(4)))) == 4


def session(ark):
    """A check that nobody has passed yet."""
    created = ark.result("CreateVisualValidateSession", CallbackURL=CALLBACK)
    assert set(created) == {"BytedToken", "H5Link", "CallbackURL"}
    assert created["CallbackURL"] == CALLBACK
    return created


def scan(ark, link):
    """What the browser brings to the application when the person opens a link and completes the check."""
    page = ark.server.fetch(link)
    assert (page.status, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    parts = urlsplit(link)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = ark.server.request("POST", f"{parts.path}?{parts.query}", b"result=pass", form)
    assert answer.status == 303
    location = answer.headers["location"]
    assert location.startswith(f"{CALLBACK}&")
    return {name: value for name, (value,) in parse_qs(urlsplit(location).query).items()}


@pytest.fixture
def stranger(server):
    """The Name of a picture which a rule lets fail as one of somebody else."""
    verdict = {"review": {"status": "Failed", "code": "FaceMismatch"}}
    rule = {"match": {"action": "CreateAsset", "name": "stranger.jpg"}, "do": verdict}
    added = server.control("POST", "rules", rule)
    assert added.status == 200, added.raw
    yield "stranger.jpg"
    server.control("DELETE", f"rules/{added.body['id']}")


def test_a_person_from_the_link_to_the_deletion(ark, stranger):
    """Reads before a scan burn nothing, while two checks overlap; a rule fails a stranger's photo by FaceMismatch."""
    first, second = session(ark), session(ark)
    for _ in range(3):
        for token in (first["BytedToken"], second["BytedToken"]):
            assert ark.error("GetVisualValidateResult", {"BytedToken": token}) == (404, f"NotFound.{token}", None)
    groups = []
    for check in (second, first):
        token = check["BytedToken"]
        callback = scan(ark, check["H5Link"])
        assert (callback["bytedToken"], callback["resultCode"], callback["order"]) == (token, "10000", "7")
        groups.append(ark.result("GetVisualValidateResult", BytedToken=token)["GroupId"])
        assert ark.error("GetVisualValidateResult", {"BytedToken": token})[0] == 404
    group, other = groups
    assert group != other
    assert ark.result("GetAssetGroup", Id=group)["GroupType"] == "LivenessFace"
    own, wrong = asset(ark, group, "own.jpg"), asset(ark, group, stranger)
    ark.server.advance(30)
    assert ark.result("GetAsset", Id=own)["Status"] == "Active"
    failed = ark.result("GetAsset", Id=wrong)
    assert failed["Status"] == "Failed"
    assert failed["Error"] == {"Code": "FaceMismatch", "Message": "Face consistency verification failed."}
    assert {each["Id"] for each in listed(ark, "LivenessFace", group)["Items"]} == {own, wrong}
    assert ark.result("DeleteAssetGroup", Id=group) == {}
    assert ark.error("GetAsset", {"Id": own}) == (404, "NotFound.asset_id", None)
    assert ark.result("DeleteAssetGroup", Id=other) == {}
