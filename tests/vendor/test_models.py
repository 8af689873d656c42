"""Every answer of the emulator, held against the vendor's own generated models: an oracle that is not of our making."""

import json
from collections import Counter

import pydantic
import pytest

from tests.vendor.sdk_models import BESIDES, REQUESTS, RESULTS, read, strangers
from tests.wire.golden import at as value_at
from tests.wire.golden import filled, load, play
from tests.wire.test_golden import FILES

pytestmark = pytest.mark.slow

FOLDERS = sorted({path.parent.name for path in FILES})

# Golden requests that the emulator refuses and the vendor's request classes would send, by how their names begin.
STRICTER = {
    "empty-": "§2, small print: an empty string in a required field is a missing one (I)",
    "media-": "§3: the file itself is refused (M); no request shows that",
    "url-": "§2: URL is public http or https (D); the class takes any address",
    "callback-": "§2: CallbackURL is http or https; the class takes any address",
    "liveness-face": "§3: only AIGC groups are created (D); the class says so in its text only",
    "unknown-sort-by": "§2: SortBy is a closed set; the class has a plain string",
    "missing-name": "§10.6: the guide requires it, the schema does not",
    "null-name": "§10.6",
}


def answers(folder, server):
    """(golden file, its request, the answer) for each golden file of a folder, played for customers of its own."""
    for path in (path for path in FILES if path.parent.name == folder):
        golden = load(path)
        me, other = server.customer(), server.customer()
        customers, names = {"me": me, "other": other}, {"me": me.key, "other": other.key}
        for step in golden["given"]:
            answer = play(step, server, customers, names)
            names |= {name: value_at(answer.body, pointer) for name, pointer in step.get("save", {}).items()}
        yield path, filled(golden["request"], names), play(golden["request"], server, customers, names)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_answer_parses_with_the_vendors_models(folder, server, vendor):
    """What the emulator answers to each golden request fits the vendor's class: types, enums, addresses, times."""
    read_well = 0
    for path, request, answer in answers(folder, server):
        action = request["query"].get("Action", folder)
        try:
            model = read(vendor, folder if folder == "upload" else action, answer.raw, answer.body)
        except pydantic.ValidationError as error:
            pytest.fail(f"{path.parent.name}/{path.stem}: {error}")
        assert strangers(model, answer.body) <= BESIDES, path.stem
        read_well += 1
    assert read_well >= 4


def test_every_action_succeeds_somewhere_in_both_profiles(server, vendor):
    """The golden requests make each of the 12 Actions, and the upload, succeed and fail under the vendor's models."""
    seen = Counter()
    for folder in FOLDERS:
        for _, _, answer in answers(folder, server):
            error = "error" in answer.body or "Error" in answer.body["ResponseMetadata"]
            seen[folder, error] += 1
    for action in [*RESULTS, "upload"]:
        assert seen[action, False], action
        assert seen[action, True], action


def test_a_wrong_answer_does_not_parse(vendor):
    """The models as used here do refuse: a number as a string, a missing field, a word outside of a set, a fraction."""
    metadata = {"RequestId": "r", "Action": "a", "Version": "v", "Service": "ark", "Region": "r"}
    item = {"Id": "asset-1", "Status": "Active", "CreateTime": "2026-03-18T03:57:10Z"}
    page = {"TotalCount": 1, "Items": [item], "PageNumber": 1, "PageSize": 10}
    wrong = [
        ("GetAsset", item | {"Status": "active"}),
        ("GetAsset", item | {"URL": "not an address"}),
        ("GetAsset", item | {"CreateTime": "2026-03-18T03:57:10"}),
        ("ListAssets", page | {"TotalCount": "1"}),
        ("ListAssets", {key: value for key, value in page.items() if key != "PageSize"}),
        ("CreateAsset", {}),
        ("GetVisualValidateResult", {"GroupId": None}),
    ]
    for action, result in [("GetAsset", item), ("ListAssets", page)]:
        body = {"ResponseMetadata": metadata, "Result": result}
        assert strangers(read(vendor, action, json.dumps(body), body), body) == set()
    for action, result in wrong:
        body = {"ResponseMetadata": metadata, "Result": result}
        with pytest.raises(pydantic.ValidationError):
            read(vendor, action, json.dumps(body), body)
    body = {"ResponseMetadata": metadata, "Result": item | {"Colour": "red"}}
    assert strangers(read(vendor, "GetAsset", json.dumps(body), body), body) == {("AssetItem", "Colour")}


def test_requests_are_judged_as_the_vendors_request_models_judge_them(server, vendor):
    """Nothing is accepted that the vendor's class refuses, and what is refused beyond it has a stated reason."""
    stricter, looser = set(), set()
    for action in RESULTS:
        model = getattr(vendor, REQUESTS[action])
        for path, request, answer in answers(action, server):
            body = request.get("json")
            if not isinstance(body, dict) or answer.status != 200:
                continue
            code = answer.body["ResponseMetadata"].get("Error", {"Code": ""})["Code"]
            ours, theirs = not code.startswith(("MissingParameter", "InvalidParameter")), accepts(model, body)
            stricter |= {path.stem} if theirs and not ours else set()
            looser |= {path.stem} if ours and not theirs else set()
    assert looser == set()
    known = {stem for stem in stricter if stem.startswith(tuple(STRICTER))}
    assert stricter == known
    profile_free = {prefix for prefix in STRICTER if prefix not in {"missing-name", "null-name"}}
    assert profile_free <= {prefix for prefix in STRICTER if any(stem.startswith(prefix) for stem in stricter)}


def accepts(model, body):
    """Would the vendor's SDK take the request?"""
    try:
        model.model_validate_json(json.dumps(body), strict=True)
    except pydantic.ValidationError:
        return False
    return True
