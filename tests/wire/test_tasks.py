"""Plays the golden files of the task gateways, and what takes more than one request to see."""

import pytest

from tests.wire.golden import assert_answered, assert_explained, files

PRIVATE, REAL = "/v1/seedance2/private-avatar", "/v1/seedance2/real-avatar"


@pytest.mark.parametrize("path", **files("wire-tasks"))
def test_the_answer_is_the_golden_one(path, server, me, other):
    """The gateway answers a golden request with the golden status and body."""
    assert_answered(path, server, {"me": me, "other": other})


def test_a_golden_file_says_what_it_is_and_where_it_comes_from():
    """A golden file names its case, its mark and its source."""
    for path in files("wire-tasks")["argvalues"]:
        assert_explained(path)


def post(customer, path, body):
    """The `data` of a call that succeeds."""
    answer = customer.json("POST", path, body)
    assert answer.status == 200, answer.raw
    return answer.body["data"]


def task(customer, task_id):
    """The `data` of a task."""
    answer = customer.json("GET", f"/v1/tasks/{task_id}")
    assert answer.status == 200, answer.raw
    return answer.body["data"]


def test_a_batch_of_twenty_with_three_that_fail(server, me):
    """The task is a failed one; 17 assets have addresses that are usable, 3 are named with their reason."""
    codes = {3: "FaceMismatch", 8: "InputImageSensitiveContentDetected", 19: "InternalError"}
    query = {number: f"?code={code}" for number, code in codes.items()}
    assets = [{"url": f"https://magic.test/{n}.png{query.get(n, '')}", "name": f"a{n}"} for n in range(20)]
    created = post(me, PRIVATE, {"group": {"name": "batch"}, "assets": assets})
    assert (created["status"], created["progress"]) == ("processing", 10)
    server.advance(2)
    assert 10 < task(me, created["id"])["progress"] < 100
    server.advance(3)
    ended = task(me, created["id"])
    result = ended["result"]
    assert (ended["status"], ended["progress"], ended["error"]["code"]) == ("failed", 100, "task_failed")
    assert [item["name"] for item in result["assets"]] == [asset["name"] for asset in assets]
    assert {item["name"]: item["error"]["code"] for item in result["failed_assets"]} == {
        f"a{number}": code for number, code in codes.items()
    }
    assert len(result["usable_assets"]) == 17
    assert all(item["asset_url"] == f"asset://{item['asset_id']}" for item in result["usable_assets"])


def test_what_a_gateway_makes_is_seen_by_the_actions(server, me):
    """Group and assets exist when the call is answered, under the names that were sent."""
    post(
        me,
        PRIVATE,
        {"group": {"name": "seen", "description": "d"}, "assets": [{"url": "https://a.example/a.png", "name": "n"}]},
    )
    mine = {"Filter": {"GroupType": "AIGC", "Name": "seen"}}
    (group,) = me.call("ListAssetGroups", mine).result["Items"]
    assert (group["Name"], group["Description"]) == ("seen", "d")
    (asset,) = me.call("ListAssets", {"Filter": {"GroupType": "AIGC", "GroupIds": [group["Id"]]}}).result["Items"]
    assert (asset["Name"], asset["Status"], asset["AssetType"]) == ("n", "Processing", "Image")


def test_a_refused_batch_leaves_nothing(server, me):
    """One bad file, and neither the group nor the other assets are there."""
    assets = [
        {"url": "https://a.example/a.png", "name": "a"},
        {"url": "https://magic.test/b.png?reject=FpsTooLow", "name": "b"},
    ]
    assert me.json("POST", PRIVATE, {"group": {"name": "none"}, "assets": assets}).status == 400
    assert me.call("ListAssetGroups", {"Filter": {"GroupType": "AIGC"}}).result["TotalCount"] == 0


def test_a_wrong_callback_is_named_as_it_was_sent(me):
    """By the field of this request, not by that of the Action behind it."""
    refused = me.json("POST", REAL, {"callback_url": "back"})
    assert (refused.status, "callback_url must be" in refused.body["error"]["message"]) == (400, True)


def test_an_outcome_stays_when_the_asset_is_deleted(server, me):
    """A task that has been read to its end says the same ever after; one that was not, that the asset is gone."""
    first, second = (
        post(me, PRIVATE, {"group": {"name": "g"}, "url": "https://a.example/a.png", "name": "a"})["id"]
        for _ in range(2)
    )
    server.advance(5)
    before = task(me, first)
    for asset in me.call("ListAssets", {"Filter": {"GroupType": "AIGC"}}).result["Items"]:
        assert me.call("DeleteAsset", {"Id": asset["Id"]}).result == {}
    assert task(me, first) == before
    assert task(me, second)["status"] == "failed"


def test_the_link_of_a_session_leads_to_the_page_and_back(server, me):
    """The H5 page of the task's link passes the scan, and the waiting task then has the group."""
    session = post(me, REAL, {"callback_url": "https://app.example/back?nonce=1"})
    result = task(me, session["id"])["result"]
    person = post(me, REAL, {"byted_token": result["byted_token"]})
    assert person["status"] == "processing"
    path = result["h5_link"].removeprefix(server.url)
    assert server.request("GET", path).status == 200
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    done = server.request("POST", path, b"result=pass", form)
    assert done.headers["location"].startswith("https://app.example/back?nonce=1&bytedToken=")
    ended = task(me, person["id"])
    assert ended["status"] == "completed"
    assert me.call("GetAssetGroup", {"Id": ended["result"]["GroupId"]}).result["GroupType"] == "LivenessFace"
    assert post(me, REAL, {"byted_token": result["byted_token"]})["result"] == ended["result"]


def test_a_session_that_nobody_opens_fails(server, me):
    """After the token's life the task of its result is a failed one, and so is a new one."""
    session = post(me, REAL, {"callback_url": "https://app.example/back"})
    token = task(me, session["id"])["result"]["byted_token"]
    person = post(me, REAL, {"byted_token": token})
    server.advance(121)
    assert task(me, person["id"])["status"] == "failed"
    assert post(me, REAL, {"byted_token": token})["status"] == "failed"


@pytest.fixture(scope="module")
def keyed(start):
    """A server whose keys stand for providers, with xcompute's newer form of a task."""
    names = ("xcompute", "apimart", "gccai")
    options = [option for name in names for option in ("--key-provider", f"sk-{name}={name}")]
    return start(*options, "--profile", "schema")


def test_a_task_stands_alone_at_xcompute_by_setting(keyed):
    """The newer page's form is xcompute's only; an unknown task is 400 at apimart and 404 elsewhere."""
    for name, bare, unknown in (("xcompute", True, 404), ("apimart", False, 400), ("gccai", False, 404)):
        customer = keyed.customer_of(f"sk-{name}")
        created = post(customer, PRIVATE, {"group": {"name": "g"}, "url": "https://a.example/a.png", "name": "a"})
        body = customer.json("GET", f"/v1/tasks/{created['id']}").body
        assert ("data" in body) is not bare
        assert (body if bare else body["data"])["status"] == "processing"
        assert customer.json("GET", "/v1/tasks/nosuch").status == unknown


def test_a_task_is_forgotten_after_a_week(server, me):
    """What was created 7 days ago is unknown."""
    created = post(me, PRIVATE, {"group": {"name": "g"}, "url": "https://a.example/a.png", "name": "a"})
    server.advance(7 * 86_400 - 1)
    assert task(me, created["id"])["status"] == "completed"
    server.advance(2)
    assert me.json("GET", f"/v1/tasks/{created['id']}").status == 404


def test_the_log_shows_no_token_of_a_task(server, me):
    """The call log has the validation's handle in the place of the token, and no query of an address."""
    session = post(me, REAL, {"callback_url": "https://app.example/back?secret=1"})
    token = task(me, session["id"])["result"]["byted_token"]
    post(me, REAL, {"byted_token": token})
    post(me, PRIVATE, {"group": {"name": "g"}, "assets": [{"url": "https://a.example/a.png?sig=1", "name": "a"}]})
    calls = server.control("GET", f"calls?customer={me.key}").body["calls"]
    assert [call["action"] for call in calls] == ["RealAvatar", "GetTask", "RealAvatar", "PrivateAvatar"]
    assert token not in str(calls)
    assert "sig=1" not in str(calls)
    assert "secret=1" not in str(calls)
    assert calls[2]["request"]["byted_token"].startswith("val-")
