"""apimart's library of assets and groups over raw HTTP: the same records as the Actions', by method and path."""

import pytest

ASSETS, GROUPS = "/v1/seedance2/private-avatar/assets", "/v1/seedance2/private-avatar/groups"


def result(customer, method, path, body=None):
    """The `Result` of a call that succeeds."""
    answer = customer.json(method, path, body)
    assert answer.status == 200, answer.raw
    assert set(answer.body) == {"ResponseMetadata", "Result"}
    return answer.body["Result"]


def error(customer, method, path, body=None):
    """Status and message of a call that is refused."""
    answer = customer.json(method, path, body)
    assert set(answer.body) == {"error"}, answer.raw
    assert answer.body["error"]["code"] == answer.status
    return answer.status, answer.body["error"]["message"]


def created(customer, group, **fields):
    """The task of a new asset."""
    body = {"group_id": group, "asset_type": "Image", "assets": [{"url": "https://a.example/a.png", "name": "ann"}]}
    answer = customer.json("POST", ASSETS, body | fields)
    assert answer.status == 200, answer.raw
    return answer.body["data"]


def test_a_group_from_create_to_delete(server, me):
    """Created, listed, read, renamed and deleted, and seen by the Actions."""
    group = result(me, "POST", GROUPS, {"name": "hosts", "description": "d"})["Id"]
    assert [item["Id"] for item in result(me, "GET", GROUPS)["Items"]] == [group]
    assert result(me, "GET", f"{GROUPS}/{group}")["Description"] == "d"
    assert result(me, "PATCH", f"{GROUPS}/{group}", {"name": "guests"}) == {"Id": group}
    assert me.call("GetAssetGroup", {"Id": group}).result["Name"] == "guests"
    assert result(me, "DELETE", f"{GROUPS}/{group}") == {}
    assert error(me, "GET", f"{GROUPS}/{group}")[0] == 404


def test_an_asset_from_create_to_delete(server, me):
    """A task creates it; it is listed with filters, read, renamed and deleted."""
    group = me.group()
    task = created(me, group)
    assert (task["status"], task["object"]) == ("processing", "seedance.avatar.asset.task")
    (item,) = result(me, "GET", f"{ASSETS}?group_id={group}&status=Processing&name=AN&page_size=5")["Items"]
    assert (item["Name"], item["Status"], item["GroupId"]) == ("ann", "Processing", group)
    server.advance(5)
    assert result(me, "GET", f"{ASSETS}?status=Processing")["TotalCount"] == 0
    assert result(me, "PATCH", f"{ASSETS}/{item['Id']}", {"name": "bob"}) == {"Id": item["Id"]}
    assert result(me, "GET", f"{ASSETS}/{item['Id']}")["Name"] == "bob"
    assert result(me, "DELETE", f"{ASSETS}/{item['Id']}") == {}
    assert error(me, "DELETE", f"{ASSETS}/{item['Id']}")[0] == 404


def test_a_group_with_assets_is_not_deleted(server, me):
    """409, and both are still there."""
    group = me.group()
    created(me, group)
    assert error(me, "DELETE", f"{GROUPS}/{group}")[0] == 409
    assert result(me, "GET", f"{ASSETS}?group_id={group}")["TotalCount"] == 1


def test_a_name_may_be_missing(server, me):
    """An asset of the library needs none, and a group can be made with it."""
    assets = [{"url": "https://a.example/a.png"}]
    answer = me.json("POST", ASSETS, {"group": {"name": "new"}, "asset_type": "Image", "assets": assets})
    assert answer.status == 200
    (group,) = result(me, "GET", f"{GROUPS}?name=new")["Items"]
    (asset,) = result(me, "GET", f"{ASSETS}?group_id={group['Id']}")["Items"]
    assert asset["Name"] == ""


def test_a_bad_asset_is_named(server, me):
    """A synchronous 400 for the whole call."""
    assets = [{"url": "https://a.example/a.png"}, {"url": "https://magic.test/b.png?reject=WidthTooSmall"}]
    body = {"group_id": me.group(), "asset_type": "Image", "assets": assets}
    status, message = error(me, "POST", ASSETS, body)
    assert (status, "assets[1].url" in message, "WidthTooSmall" in message) == (400, True, True)


def test_pages(server, me):
    """By number and size, newest first."""
    groups = [result(me, "POST", GROUPS, {"name": f"g{n}"})["Id"] for n in range(3)][::-1]
    first, second = (result(me, "GET", f"{GROUPS}?page_size=2&page_number={page}") for page in (1, 2))
    assert [item["Id"] for item in first["Items"] + second["Items"]] == groups
    assert (first["TotalCount"], first["PageNumber"], second["PageSize"]) == (3, 1, 2)


@pytest.mark.parametrize(
    ("method", "path", "body", "part"),
    [
        ("GET", f"{ASSETS}?page_size=101", None, "page_size"),
        ("GET", f"{ASSETS}?status=Nosuch", None, "status"),
        ("GET", f"{GROUPS}?group_type=Nosuch", None, "group_type"),
        ("POST", GROUPS, {}, "name"),
        ("POST", ASSETS, {"group_id": "g", "assets": []}, "asset_type"),
        ("POST", ASSETS, {"group_id": "g", "asset_type": "Image", "assets": []}, "assets"),
        ("PATCH", f"{ASSETS}/asset-1", {}, "name"),
    ],
)
def test_what_is_wrong_is_named(me, method, path, body, part):
    """400 with the field."""
    status, message = error(me, method, path, body)
    assert (status, part in message) == (400, True)


def test_nothing_of_others_is_seen(me, other):
    """Neither listed nor read, renamed or deleted."""
    group = other.group()
    assert result(me, "GET", GROUPS)["TotalCount"] == 0
    for method in ("GET", "DELETE"):
        assert error(me, method, f"{GROUPS}/{group}")[0] == 404
    assert error(me, "PATCH", f"{GROUPS}/{group}", {"name": "x"})[0] == 404
