"""Plays every golden file against the server: set-up steps, the request, and the answer key for key.

`fixtures/wire` is AllToken's mount, `fixtures/wire-ark` Volcengine's and BytePlus's.
"""

import pytest

from tests.wire.client import Customer
from tests.wire.golden import FIXTURES, PAIRS, assert_answered, assert_explained, load, named
from tests.wire.matchers import differences

ROOTS = {"alltoken": FIXTURES / "wire", "ark": FIXTURES / "wire-ark"}
FILES, ARK_FILES = (sorted(root.glob("*/*.json")) for root in ROOTS.values())
CUSTOMERS = ("me", "other")
ACTIONS = {
    "CreateAssetGroup", "GetAssetGroup", "ListAssetGroups", "UpdateAssetGroup", "DeleteAssetGroup",
    "CreateAsset", "GetAsset", "ListAssets", "UpdateAsset", "DeleteAsset",
    "CreateVisualValidateSession", "GetVisualValidateResult",
}  # fmt: skip


@pytest.fixture(scope="session")
def ark_server(start):
    """A server whose customers have a pair of keys and a Bearer key each."""
    keys = [("--access-key", f"{':'.join(PAIRS[name])}={name}", "--api-key", f"{name}={name}") for name in CUSTOMERS]
    return start(*(option for options in keys for option in options), "--project", "film")


@pytest.mark.parametrize("path", FILES, ids=named)
def test_the_answer_is_the_golden_one(path, server, me, other):
    """The service answers a golden request with the golden status and body."""
    assert_answered(path, server, {"me": me, "other": other})


@pytest.mark.parametrize("path", ARK_FILES, ids=named)
def test_the_signed_answer_is_the_golden_one(path, ark_server):
    """The same for the signed mount, whose customers start with nothing."""
    assert ark_server.control("POST", "reset").status == 200
    assert_answered(path, ark_server, {name: Customer(ark_server, name) for name in PAIRS})


def test_a_golden_file_says_what_it_is_and_where_it_comes_from():
    """A golden file carries its own name, a sentence, a mark, a source, a date, and only known matchers."""
    for path in (*FILES, *ARK_FILES):
        assert_explained(path)
        action = load(path)["request"]["query"].get("Action", path.parent.name)
        assert path.parent.name in {action, "http"}


@pytest.mark.parametrize(("dialect", "besides"), [("alltoken", {"upload", "http"}), ("ark", {"http"})])
def test_every_action_has_a_success_and_a_refusal(dialect, besides):
    """None of the 12 Actions is without golden files of both colours."""
    root = ROOTS[dialect]
    for action in ACTIONS:
        refused = {"Error" in load(path)["response"]["body"]["ResponseMetadata"] for path in root.glob(f"{action}/*")}
        assert refused == {True, False}, action
    assert {path.name for path in root.iterdir()} == ACTIONS | besides


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1}, {}), ({}, {"a": 1}), ({"a": 1}, {"a": True}), ({"a": 1}, {"a": 1.0}), ({"a": None}, {"a": 0}),
        ("<time>", "2026-03-18T03:57:10.5Z"), ("<time>", None), ("<group-id>", "asset-20260318035710-xxxxx"),
        ("<text>", ""), ("<text:Name>", "the field Id"), ([1], []), ([1, 2], [2, 1]), ("<url>", "/relative"),
        ({"a?": "<text>"}, {"a": 1}), ("x", "X"), ("<request-id>", "20260318035710abcdefabcdefabcdefabcd"),
    ],
)  # fmt: skip
def test_a_difference_is_seen(expected, actual):
    """Matching fails on a missing or extra key, another type, another order, and a matcher's near miss."""
    assert differences(expected, actual)


def test_equal_and_matching_values_have_no_difference():
    """Matching accepts equal values, matchers that fit, and the absence of an optional key."""
    expected = {"Id": "<group-id>", "Message": "<text:Name>", "Items": [{"n": 1}], "code?": "x", "other": "<any>"}
    actual = {"Id": "group-20260318035710-ab12z", "Message": "Name is long", "Items": [{"n": 1}], "other": None}
    assert differences(expected, actual) == []
