"""Ark's Actions over raw HTTP, signed by the standard library alone: what a verifier refuses, and what plans allow."""

import pytest

from tests.wire.signer import REGIONS, Signer

IMAGE = {"URL": "https://cdn.example/host.jpg", "AssetType": "Image"}


@pytest.fixture(params=REGIONS)
def ark(request, server):
    """The published pair at each of the two providers."""
    return Signer(server, request.param)


def test_an_asset_before_and_after_its_review(ark):
    """An empty URL while Processing; then a link, the strategy of its moderation, and no FailedReason."""
    group = ark.result("CreateAssetGroup", Name="n")["Id"]
    asset = ark.result("CreateAsset", GroupId=group, **IMAGE)["Id"]
    assert ark.result("GetAsset", Id=asset)["URL"] == ""
    ark.server.advance(30)
    item = ark.result("GetAsset", Id=asset)
    assert (item["Status"], item["Moderation"], "FailedReason" in item) == ("Active", {"Strategy": "Default"}, False)
    assert item["URL"].startswith("http")


def test_data_names_the_field(ark):
    """Business errors carry `Data`."""
    error = ark.call("GetAsset").body["ResponseMetadata"]["Error"]
    assert (error["Code"], error["Data"]) == ("MissingParameter.Id", {"__Message.parameter": "Id"})


STALE = {"volcengine": 403, "byteplus": 400}
REFUSED = {
    "no authorization": ({"changes": {"authorization": None}}, (401, "MissingAuthenticationToken", 100003)),
    "a bearer key": ({"changes": {"authorization": "Bearer k"}}, (400, "InvalidAuthorization", None)),
    "no signature": (
        {"changes": {"authorization": "HMAC-SHA256 Credential=A/20260101/cn-beijing/ark/request, SignedHeaders=host"}},
        (401, "MissingSignature", 100005),
    ),
    "a short scope": (
        {"changes": {"authorization": "HMAC-SHA256 Credential=A/x, SignedHeaders=host, Signature=00"}},
        (400, "InvalidCredential", None),
    ),
    "a region of nobody": ({"region": "mars-1"}, (400, "InvalidCredential", None)),
    "another service": ({"service": "ecs"}, (404, "ServiceNotFound", 100007)),
    "no date": ({"changes": {"x-date": None}}, (400, "MissingRequestInfo", 100004)),
    "an old date": ({"date": "20240101T000000Z"}, (None, "InvalidTimestamp", 100006)),
    "a changed body": ({"sent": b'{"Name": "m"}'}, (401, "SignatureDoesNotMatch", 100010)),
    "a wrong hash": ({"changes": {"x-content-sha256": "0" * 64}}, (401, "SignatureDoesNotMatch", 100010)),
    "a changed header": ({"changes": {"content-type": "text/plain"}}, (401, "SignatureDoesNotMatch", 100010)),
    "no action": ({"action": ""}, (400, "MissingParameter", 100002)),
    "no version": ({"version": None}, (400, "MissingParameter", 100002)),
    "another version": ({"version": "2020-01-01"}, (404, "InvalidActionOrVersion", 100008)),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_the_front_gateway_refuses(ark, fault):
    """Each fault with its status, code and number."""
    options, (status, code, number) = REFUSED[fault]
    options = {"action": "ListAssetGroups"} | options
    expected = (STALE[ark.provider] if status is None else status, code, number)
    assert ark.error(options.pop("action"), {"Name": "n"}, **options) == expected


def test_wrong_keys(ark):
    """An unknown access key and a wrong secret are told apart."""
    stranger, wrong = ark.with_(access_key="AKLTNOBODY"), ark.with_(secret_key="other")
    assert stranger.error("ListAssets") == (401, "InvalidAccessKey", 100009)
    assert wrong.error("ListAssets") == (401, "SignatureDoesNotMatch", 100010)


@pytest.mark.parametrize("name", ["authorization", "host", "x-content-sha256", "x-date", "content-type"])
def test_no_changed_header_is_accepted(server, name):
    """One character at a time, at every place of the header."""
    ark = Signer(server)
    query = {"Action": "ListAssetGroups", "Version": "2024-01-01"}
    body = b'{"Filter": {"GroupType": "AIGC"}}'
    headers = ark.headers(query, body)
    assert ark.send(query, body, headers).status == 200
    text = headers[name]
    for at in range(0, len(text), 7 if name == "authorization" else 3):
        changed = "1" if text[at] != "1" else "2"
        answer = ark.send(query, body, headers | {name: text[:at] + changed + text[at + 1 :]})
        assert answer.status in {400, 401, 403, 404}, (name, at, answer.raw)


@pytest.fixture
def premium(lone):
    """The published pair with a plan, on a server where it throttles nobody else."""
    lone.control("PATCH", "customers/AKLTEMULATOR", {"tier": "premium"})
    return Signer(lone, "volcengine")


def test_a_plan_allows_an_action_so_many_calls_a_second(premium):
    """DeleteAssetGroup: five; the sixth is throttled, and a second later it is not."""
    groups = [premium.result("CreateAssetGroup", Name=f"g{number}")["Id"] for number in range(6)]
    for group in groups[:5]:
        assert premium.result("DeleteAssetGroup", Id=group) == {}
    answer = premium.call("DeleteAssetGroup", {"Id": groups[5]})
    error = answer.body["ResponseMetadata"]["Error"]
    assert (answer.status, error["Code"], error["CodeN"]) == (429, "FlowLimitExceeded", 100018)
    premium.server.advance(1)
    assert premium.result("DeleteAssetGroup", Id=groups[5]) == {}


def test_a_plan_allows_lists_so_many_items_in_a_row(premium):
    """Five pages of 100; the sixth is throttled, and a while later it is not."""
    page = {"Filter": {"GroupType": "AIGC"}, "PageSize": 100}
    for number in range(1, 6):
        premium.result("ListAssetGroups", **page, PageNumber=number)
    assert premium.error("ListAssetGroups", {**page, "PageNumber": 6})[:2] == (429, "AccountFlowLimitExceeded")
    premium.server.advance(5)
    premium.result("ListAssetGroups", **page, PageNumber=6)


def test_a_plan_counts_calls_that_are_refused(premium):
    """GetVisualValidateResult: three a second; the fourth read of an open check is throttled."""
    token = premium.result("CreateVisualValidateSession", CallbackURL="https://app.example/back")["BytedToken"]
    premium.server.advance(1)
    found = [premium.error("GetVisualValidateResult", {"BytedToken": token}) for _ in range(4)]
    assert found == [(404, f"NotFound.{token}", None)] * 3 + [(429, "FlowLimitExceeded", 100018)]
