"""Golden files: calls with their set-up, played against the server, and their answers compared key for key.

A step to `/` is signed, after the options of its `sign`; every other one carries a Bearer key.
"""

import base64
import json
import re
from pathlib import Path

from tests.wire.client import part
from tests.wire.matchers import MATCHERS, differences
from tests.wire.signer import Signer

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PAIRS = {
    "me": ("AKLTME", "secret-of-me"),
    "other": ("AKLTOTHER", "secret-of-other"),
    "wrong": ("AKLTME", "secret-of-other"),
    "nobody": ("AKLTNOBODY", "secret-of-me"),
}


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
        return customer.upload(*(form_part(entry) for entry in step["multipart"]), path=step["path"])
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


def files(folder):
    """The golden files of a folder of the fixtures, and what pytest calls them."""
    found = sorted((FIXTURES / folder).glob("*/*.json"))
    return {"argvalues": found, "ids": [named(path) for path in found]}


def assert_answered(path, server, customers):
    """Plays one file, and compares status and body.

    Every step before succeeds; `customers` are by the name that a step has in `as`.
    """
    golden = load(path)
    names = {name: customer.key for name, customer in customers.items()}
    for step in golden["given"]:
        answer = play(step, server, customers, names)
        assert answer.status in {200, 202}, (step, answer.raw)
        assert "Error" not in (answer.body or {}).get("ResponseMetadata", {}), (step, answer.raw)
        names |= {name: at(answer.body, pointer) for name, pointer in step.get("save", {}).items()}

    answer = play(golden["request"], server, customers, names)

    assert answer.status == golden["response"]["status"], answer.raw[:500]
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    assert differences(filled(golden["response"]["body"], names), answer.body) == []


def assert_explained(path):
    """A golden file carries its own name, a sentence, a mark, a source, a date, and only known matchers."""
    golden = load(path)
    assert golden.keys() == {"case", "summary", "mark", "source", "date", "given", "request", "response"}
    assert golden["case"] == path.stem
    assert golden["mark"] in {"D", "M", "I"}
    assert golden["source"].startswith("protocol §")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", golden["date"])
    assert golden["summary"].endswith(".")
    used = re.findall(r'"<([a-z0-9-]+)[:>]', json.dumps(golden["response"]))
    assert set(used) <= MATCHERS.keys() | {"any", "number"}
