"""Golden files of calls that are told apart by path: played against the server with their set-up, key for key."""

import re
from pathlib import Path

from tests.wire.matchers import MATCHERS, differences
from tests.wire.test_golden import at, filled, load, play

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def files(folder):
    """The golden files of a folder of the fixtures, and what pytest calls them."""
    found = sorted((FIXTURES / folder).glob("*/*.json"))
    return {"argvalues": found, "ids": [f"{path.parent.name}/{path.stem}" for path in found]}


def assert_answered(path, server, me, other):
    """Plays one file, and compares status and body."""
    golden = load(path)
    customers, names = {"me": me, "other": other}, {"me": me.key, "other": other.key}
    for step in golden["given"]:
        answer = play(step, server, customers, names)
        assert answer.status in {200, 202}, (step, answer.raw)
        names |= {name: at(answer.body, pointer) for name, pointer in step.get("save", {}).items()}

    answer = play(golden["request"], server, customers, names)

    assert answer.status == golden["response"]["status"], answer.raw[:500]
    assert answer.headers["content-type"] == "application/json"
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
    used = re.findall(r"'<([a-z0-9-]+)[:>]", str(golden["response"]))
    assert set(used) <= MATCHERS.keys() | {"any", "number"}
