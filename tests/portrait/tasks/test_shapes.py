"""Tasks as gateways answer them: with the wrapper and without, judged by their items, matched by name (contract §8)."""

import pytest

from portrait.models import AssetStatus, AssetType, Failure, Response
from portrait.tasks import Task, TaskStatus
from portrait.tasks.shapes import decode_image, decode_task

SENT = Task(id="t", status=TaskStatus.PROCESSING, names=("a", "b"), asset_type=AssetType.VIDEO)
A = {"asset_id": "asset_a", "asset_url": "asset://asset_a", "status": "Active"}
B = {"asset_id": "asset_b", "asset_url": "asset://asset_b", "status": "Failed"}


def task(result, known=SENT, **fields):
    """A task with that result."""
    body = {"id": "t", "status": "completed", "progress": 100, "result": result, **fields}
    return decode_task(body, Response(), known)


def states(task):
    """Name, id and status of each asset."""
    return [(asset.name, asset.id, asset.status) for asset in task.assets]


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: {"code": 200, "data": body}, lambda b: {"data": [b]}])
def test_a_task_is_read_with_its_wrapper_and_without(wrap):
    """Xcompute's newer page shows the fields alone."""
    found = decode_task(wrap({"id": "t", "status": "processing", "progress": 10}), Response())
    assert (found.id, found.status, found.progress, found.assets) == ("t", TaskStatus.PROCESSING, 10, ())


@pytest.mark.parametrize("word", ["submitted", "pending", "in_progress", "processing", "brand-new", ""])
def test_an_unknown_status_is_not_finished(word):
    """Whatever a gateway calls it."""
    assert not decode_task({"id": "t", "status": word}, Response()).status.is_final


def test_part_of_a_failed_task_is_usable():
    """One failed asset fails the task, and the others keep their addresses: the documents' sample."""
    found = task(
        {"assets": [A, B], "usable_assets": [A], "failed_assets": [B]},
        status="failed",
        error={"code": "task_failed", "message": "部分素材审核失败"},
    )
    assert [(asset.name, asset.uri) for asset in found.usable] == [("a", "asset://asset_a")]
    assert [(asset.name, asset.failure) for asset in found.failed] == [
        ("b", Failure(code="task_failed", message="部分素材审核失败"))
    ]
    assert (found.status, found.usable[0].asset_type) == (TaskStatus.FAILED, AssetType.VIDEO)


def test_items_decide_and_not_the_task():
    """Clones end a task as completed though an asset failed (contract §8, M)."""
    found = task({"assets": [A, B]})
    assert ([asset.id for asset in found.usable], [asset.id for asset in found.failed]) == (["asset_a"], ["asset_b"])
    with pytest.raises(Exception, match="asset_b failed"):
        found.check()


def test_items_are_matched_by_name():
    """Clones reorder them (contract §8, M)."""
    found = task({"assets": [{**B, "name": "b"}, {**A, "name": "a"}]})
    assert states(found) == [("a", "asset_a", AssetStatus.ACTIVE), ("b", "asset_b", AssetStatus.FAILED)]


def test_items_without_names_are_matched_by_place_only_if_all_are_there():
    """One that is missing could be any of them."""
    assert [asset.name for asset in task({"assets": [A, B]}).assets] == ["a", "b"]
    assert [asset.name for asset in task({"assets": [B]}).assets] == [""]


def test_a_list_without_the_others_is_enough():
    """And nothing comes twice; addresses are compared without case, whatever an id looks like."""
    found = task({"usable_assets": [{"asset_url": "ASSET://cm9x"}], "failed_assets": [{"asset_id": "pa_7"}]})
    assert states(found) == [("a", "cm9x", AssetStatus.ACTIVE), ("b", "pa_7", AssetStatus.FAILED)]


def test_what_stands_among_the_failed_has_failed():
    """Whatever its own status says: nobody is to pay for a video that a dead asset ends."""
    odd = {**A, "status": "Active"}
    assert states(task({"assets": [odd, B], "failed_assets": [odd, B]}))[0] == ("a", "asset_a", AssetStatus.FAILED)


def test_a_single_asset_by_its_address_alone():
    """Single-asset tasks have it at the top of the result."""
    known = Task(id="t", status=TaskStatus.PROCESSING, names=("a",))
    assert states(task({"asset_url": "asset://asset_a"}, known)) == [("a", "asset_a", AssetStatus.ACTIVE)]


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ({"error": {"code": "FaceMismatch", "message": "no"}}, "FaceMismatch"),
        ({"error": "[FaceMismatch] no"}, "FaceMismatch"),
        ({"failed_reason": "FaceMismatch: no"}, "FaceMismatch"),
    ],
)
def test_the_reason_of_an_asset(reason, code):
    """By itself, or within a sentence."""
    (failed,) = task({"assets": [{**B, **reason}]}, None).failed
    assert failed.failure.code == code


@pytest.mark.parametrize("result", [None, [], "x", {"assets": "x"}, {"assets": [1, None]}, {"usable_assets": {}}])
def test_a_result_that_is_none(result):
    """No assets, and no exception."""
    assert task(result).assets == ()


def test_an_uploaded_picture():
    """At the top level; with a wrapper too."""
    body = {"url": "https://cdn.example/a.png", "filename": "a.png", "content_type": "image/png", "bytes": 7}
    assert decode_image(body) == decode_image({"data": body})
    assert (decode_image({**body, "created_at": 9}).created, decode_image({}).url) == (9.0, "")
