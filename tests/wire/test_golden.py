"""Plays every golden file against the server: set-up steps, the request, and the answer key for key.

`fixtures/wire` is AllToken's mount, `fixtures/wire-ark` Volcengine's and BytePlus's. A step to `/` is signed, after the
options of its `sign`; every other one carries a Bearer key.
"""

import base64
import json
import re
from pathlib import Path

import pytest

from tests.wire.client import Customer, part
from tests.wire.matchers import MATCHERS, differences
from tests.wire.signer import Signer

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
ROOTS = {"alltoken": FIXTURES / "wire", "ark": FIXTURES / "wire-ark"}
FILES, ARK_FILES = (sorted(root.glob("*/*.json")) for root in ROOTS.values())
PAIRS = {
    "me": ("AKLTME", "secret-of-me"),
    "other": ("AKLTOTHER", "secret-of-other"),
    "wrong": ("AKLTME", "secret-of-other"),
    "nobody": ("AKLTNOBODY", "secret-of-me"),
}
CUSTOMERS = ("me", "other")
ACTIONS = {
    "CreateAssetGroup", "GetAssetGroup", "ListAssetGroups", "UpdateAssetGroup", "DeleteAssetGroup",
    "CreateAsset", "GetAsset", "ListAssets", "UpdateAsset", "DeleteAsset",
    "CreateVisualValidateSession", "GetVisualValidateResult",
}  # fmt: skip


def load(path):
    """A golden file's content."""
    return json.loads(path.read_text(encoding="utf-8"))


def filled(value, names):
    """The value with every `${name}` in its strings replaced."""
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda match: names[match.group(1)], value)
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    return value


def at(body, pointer):
    """The value at a JSON pointer."""
    for key in pointer.split("/")[1:]:
        body = body[int(key)] if isinstance(body, list) else body[key]
    return body


def play(step, server, customers, names):
    """Sends one step of a golden file."""
    step = filled(step, names)
    query = "&".join(f"{name}={value}" for name, value in step.get("query", {}).items())
    target = step["path"] + (f"?{query}" if query else "")
    if target.startswith("/_emulator/"):
        return server.control(step["method"], target.removeprefix("/_emulator/"), step.get("json"))
    customer = customers[step.get("as", "me")]
    if "multipart" in step:
        return customer.upload(*(form_part(entry) for entry in step["multipart"]))
    payload = step["raw"] if "raw" in step else json.dumps(step["json"]) if "json" in step else None
    if payload is not None:
        payload = payload.encode().ljust(step.get("pad_to", 0))
    proof = signed(step, server, payload) if step["path"] == "/" else customer.headers
    headers = {name: value for name, value in (proof | step.get("headers", {})).items() if value is not None}
    return server.request(step["method"], target, payload, headers)


def signed(step, server, payload):
    """The headers of a signed step."""
    access_key, secret_key = PAIRS[step.get("as", "me")]
    signer = Signer(server, access_key=access_key, secret_key=secret_key)
    return signer.headers(step["query"], payload, **step.get("sign", {}))


def form_part(entry):
    """The part of a form that an entry of `multipart` describes."""
    content = base64.b64decode(entry["base64"]) if "base64" in entry else entry["text"].encode()
    return part(entry["name"], content.ljust(entry.get("pad_to", 0), b"\0"), entry.get("filename"), entry.get("type"))


def named(path):
    """Action and case."""
    return f"{path.parent.name}/{path.stem}"


@pytest.fixture(scope="session")
def ark_server(start):
    """A server whose customers have a pair of keys and a Bearer key each."""
    keys = [("--access-key", f"{':'.join(PAIRS[name])}={name}", "--api-key", f"{name}={name}") for name in CUSTOMERS]
    return start(*(option for options in keys for option in options), "--project", "film")


@pytest.mark.parametrize("path", FILES, ids=named)
def test_the_answer_is_the_golden_one(path, server, me, other):
    """The service answers a golden request with the golden status and body."""
    replay(path, server, {"me": me, "other": other})


@pytest.mark.parametrize("path", ARK_FILES, ids=named)
def test_the_signed_answer_is_the_golden_one(path, ark_server):
    """The same for the signed mount, whose customers start with nothing."""
    assert ark_server.control("POST", "reset").status == 200
    replay(path, ark_server, {name: Customer(ark_server, name) for name in PAIRS})


def replay(path, server, customers):
    """Plays a golden file, and compares the answer."""
    golden = load(path)
    names = {name: customer.key for name, customer in customers.items()}
    for step in golden["given"]:
        answer = play(step, server, customers, names)
        assert answer.status == 200, (step, answer.raw)
        assert "Error" not in (answer.body or {}).get("ResponseMetadata", {}), (step, answer.raw)
        names |= {name: at(answer.body, pointer) for name, pointer in step.get("save", {}).items()}

    answer = play(golden["request"], server, customers, names)

    assert answer.status == golden["response"]["status"], answer.raw[:500]
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    assert differences(filled(golden["response"]["body"], names), answer.body) == []


@pytest.mark.parametrize("path", [*FILES, *ARK_FILES], ids=named)
def test_a_golden_file_says_what_it_is_and_where_it_comes_from(path):
    """A golden file carries its own name, a sentence, a mark, a source, a date, and only known matchers."""
    golden = load(path)
    assert golden.keys() == {"case", "summary", "mark", "source", "date", "given", "request", "response"}
    assert golden["case"] == path.stem
    assert golden["mark"] in {"D", "M", "I"}
    assert golden["source"].startswith("protocol §")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", golden["date"])
    assert golden["summary"].endswith(".")
    assert golden["request"]["query"].get("Action", path.parent.name) == path.parent.name or path.parent.name == "http"
    used = re.findall(r'"<([a-z0-9-]+)[:>]', json.dumps(golden["response"]))
    assert set(used) <= MATCHERS.keys() | {"any"}


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
