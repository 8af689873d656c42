"""The client reads each golden answer of the task gateways: a task, or the error that its status stands for."""

import json
from pathlib import Path

import orjson
import pytest
from attrs import evolve

from portrait.actions import ACTIONS
from portrait.dialects import TASKS
from portrait.dialects.tasks import encode_library
from portrait.errors import (
    AccountError,
    ApiError,
    AuthError,
    InvalidRequest,
    NotFound,
    ServerError,
    Throttled,
    UnknownOutcome,
)
from portrait.http import HttpResponse
from portrait.providers import PROVIDERS
from portrait.results import decode_result
from portrait.tasks import AsyncTaskClient, NewAsset, TaskClient, TaskStatus
from portrait.tasks.operations import NewAssets, TaskService
from portrait.tasks.shapes import decode_task
from tests.portrait.helpers import answer, decode, endpoint, play

FOLDER = Path("fixtures/wire-tasks")
FILES = sorted(path for name in ("GetTask", "PrivateAvatar", "RealAvatar") for path in (FOLDER / name).glob("*.json"))
ERRORS = {
    400: InvalidRequest,
    401: AuthError,
    402: AccountError,
    404: NotFound,
    429: Throttled,
    500: ServerError,
}


_GROUP, _ASSET = {"Id": "group-1"}, {"Id": "asset-1"}
# What the Actions' requests are, by the golden file that shows how they are sent.
ENCODED = {
    "list-assets": (
        "ListAssets",
        {"Filter": {"GroupIds": ["group-1"], "Statuses": ["Active"]}, "SortBy": "CreateTime"},
    ),
    "get-asset": ("GetAsset", _ASSET),
    "unknown-asset": ("GetAsset", {"Id": "asset_b"}),
    "rename-asset": ("UpdateAsset", {**_ASSET, "Name": "other"}),
    "delete-asset": ("DeleteAsset", _ASSET),
    "create-group": ("CreateAssetGroup", {"Name": "hosts", "Description": "demo", "GroupType": "AIGC"}),
    "list-groups": ("ListAssetGroups", {"Filter": {"Name": "host"}}),
    "get-group": ("GetAssetGroup", _GROUP),
    "rename-group": ("UpdateAssetGroup", {**_GROUP, "Name": "people"}),
    "delete-group": ("DeleteAssetGroup", _GROUP),
    "delete-group-with-assets": ("DeleteAssetGroup", _GROUP),
}


def identified(item):
    """Golden ids are all one placeholder: an asset gets one of its own, by its name."""
    if "asset_id" not in item:
        return item
    return {**item, "asset_id": f"asset-{item['name']}", "asset_url": f"asset://asset-{item['name']}"}


def answer_of(path):
    """The golden status and body."""
    response = json.loads(path.read_text(encoding="utf-8"), object_hook=identified)["response"]
    return HttpResponse(status=response["status"], headers={}, body=orjson.dumps(response["body"])), response["body"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_each_golden_answer_is_read(path):
    """Every asset of a task is in it once, with its address, by what the golden lists say of it."""
    response, body = answer_of(path)
    if response.status >= 400:
        with pytest.raises(ApiError) as caught:
            decode(TASKS, response, path.parent.name)
        assert isinstance(caught.value, ERRORS[response.status]) or caught.value.code.startswith("Inval")
        return
    task = decode_task(*decode(TASKS, response, path.parent.name))
    result = body["data"].get("result", {})
    result = result if isinstance(result, dict) else {}  # a placeholder: anything
    assert task.id
    assert task.status.value == body["data"]["status"]
    assert [asset.id for asset in task.usable] == [item["asset_id"] for item in result.get("usable_assets", [])]
    assert [asset.id for asset in task.failed] == [item["asset_id"] for item in result.get("failed_assets", [])]
    assert (task.session is not None) == ("byted_token" in result)
    assert task.group_id == result.get("GroupId", "")
    assert (task.failure is not None) == (task.status is TaskStatus.FAILED)


@pytest.mark.parametrize("path", sorted((FOLDER / "Library").glob("*.json")), ids=lambda path: path.stem)
def test_each_golden_answer_of_the_library_is_read(path):
    """As the result of the Action that it stands for; one with assets in it is refused."""
    response, body = answer_of(path)
    if response.status >= 400:
        with pytest.raises({404: NotFound, 409: InvalidRequest}[response.status]):
            decode(TASKS, response, "Library")
        return
    action = ACTIONS[body["ResponseMetadata"]["Action"]]
    value = decode_result(action, *decode(TASKS, response, action.name))
    if action.lists:
        (item,) = value.items
        assert (item.id, value.total_count) == (body["Result"]["Items"][0]["Id"], 1)
    elif "Id" in body["Result"]:
        assert value.id == body["Result"]["Id"]


@pytest.mark.parametrize("path", sorted((FOLDER / "Library").glob("*.json")), ids=lambda path: path.stem)
def test_each_golden_request_of_the_library_is_written(path):
    """Method, address and body, from the Action's own fields."""
    golden = json.loads(path.read_text(encoding="utf-8"))
    sent, (method, address, body) = golden["request"], encode_library(*ENCODED[path.stem])
    wanted = sent["path"].replace("${group}", "group-1").replace("${asset}", "asset-1")
    assert (method, f"/v1{address}", body) == (sent["method"], wanted, sent.get("json"))


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": {}}, {"data": []}], ids=str)
@pytest.mark.parametrize(("code", "kind"), [(429, Throttled), ("402", AccountError), (400, InvalidRequest)])
def test_a_refusal_with_a_good_status_has_a_code_and_no_data(code, kind, data):
    """answer-gateway: the gateways' own wrapper around nothing; the text is in the error."""
    with pytest.raises(kind, match="Not now"):
        decode(TASKS, answer({"code": code, "message": "Not now.", **data}), "PrivateAvatar")


@pytest.mark.parametrize("code", [0, 200, "200", "ok", "success"])
def test_a_code_of_success_is_no_refusal(code):
    """Beside no data, as an answer to what changes something."""
    assert decode(TASKS, answer({"code": code, "message": "ok"}), "DeleteAsset")[0]["code"] == code


def test_a_create_whose_answer_has_no_id_is_an_unknown_outcome():
    """As one whose answer was lost: the assets may be there, and it is not sent twice."""
    gateway = endpoint(dialect=TASKS, provider=PROVIDERS["xcompute"])
    new = NewAssets(assets=(NewAsset("https://cdn.example/a.png", "a"),), group="g")
    played = play(TaskService(endpoint=gateway).create_private(new), answer({"code": 200, "data": [{}]}))
    assert isinstance(played.error, UnknownOutcome)
    assert (played.error.may_have_executed, len(played.sent)) == (True, 1)


@pytest.mark.parametrize(("empty", "states"), [(3, ["Active"]), (99, ["Vanished"])])
def test_a_completed_task_without_a_result_is_read_again(colour, empty, states):
    """visible-asset: its result may come a moment later; to create at once what it has would make it twice."""
    names = []

    def reply(request):
        if request.method == "POST":
            names.append(orjson.loads(request.body)["assets"][0]["name"])
            return answer({"code": 200, "data": {"id": "task_1", "status": "submitted"}})
        item = {"asset_id": "asset-1", "name": names[0], "status": "Active"}
        reads.append(request)
        return answer({"id": "task_1", "status": "completed", "result": {"assets": [item] * (len(reads) > empty)}})

    reads = []
    kind = TaskClient if colour.name == "sync" else AsyncTaskClient
    client, _ = evolve(colour, kind=kind).scripted(reply, provider="xcompute")
    outcomes = client.ensure_assets(["https://cdn.example/a.png"], group="hosts")
    assert ([outcome.state for outcome in outcomes], len(names)) == (states, 1)


def test_all_goldens_are_there():
    """Tasks, and errors of every status of the table."""
    statuses = {answer_of(path)[0].status for path in FILES}
    assert statuses == set(ERRORS) | {200}
