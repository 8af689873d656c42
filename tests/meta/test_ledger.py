"""The ledger of behaviours: each row has a source, a mark and a test that is there; what is left out has a reason."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from scripts import readme_tables

ROOT = Path(__file__).resolve().parents[2]
LEDGER = json.loads((ROOT / "fixtures" / "ledger.json").read_text(encoding="utf-8"))
ROWS = LEDGER["rows"]
MARKS = ("D", "M", "I")
GOLDEN = re.compile(r"tests/wire/test_golden\.py::test_the_(answer|signed_answer)_is_the_golden_one\[(.+)\]")
FIXTURES = {"answer": ROOT / "fixtures" / "wire", "signed_answer": ROOT / "fixtures" / "wire-ark"}


@pytest.fixture(scope="module")
def collected():
    """Every test of the files that the ledger names, as pytest collects them: with and without its parameters."""
    files = sorted({row["test"].partition("::")[0] for row in ROWS})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    ids = {line for line in listed.splitlines() if "::" in line}
    return ids | {line.partition("[")[0] for line in ids}


def missing(rows, collected):
    """The rows whose test is not there."""
    return [row["id"] for row in rows if row["test"] not in collected]


def test_every_behaviour_has_a_test_that_is_there(collected):
    """Each row names a test that pytest collects, so that none points at one that was renamed or deleted."""
    assert missing(ROWS, collected) == []


def test_a_row_without_its_test_is_noticed(collected):
    """A row whose test is unknown, or whose golden file is gone, is told by its id."""
    row = ROWS[0]
    renamed = [row | {"id": "x", "test": row["test"] + "x"}, row | {"id": "y", "test": "tests/wire/test_gone.py::t"}]
    assert missing([*renamed, row], collected) == ["x", "y"]


def test_the_tests_are_raw_http():
    """The tests of the ledger are of the suites that speak HTTP by the standard library alone.

    Only a limit of half a minute is shown where a test can shorten it.
    """
    suites = ("tests/wire/", "tests/system/test_media_limits.py", "tests/emulator/test_fetch.py")
    for row in ROWS:
        assert row["test"].startswith(suites), row["id"]


def test_a_row_says_what_how_sure_and_where_from():
    """A row is an id, one sentence that stands alone, a known mark and sections of the contract."""
    for row in ROWS:
        assert row.keys() == {"id", "statement", "mark", "source", "test"}, row
        assert re.fullmatch(r"[a-z0-9]+(\.[a-z0-9-]+)*", row["id"]), row
        assert re.fullmatch(r"(?!It |They |So |Or )[A-Z`].*\.", row["statement"]), row
        assert ". " not in row["statement"], row
        assert row["mark"] in MARKS, row
        assert re.match(r"§\d", row["source"]), row


def test_no_row_comes_twice():
    """Ids and statements are unique, over what is imitated and what is not."""
    for part in ("id", "statement"):
        counts = Counter(row[part] for row in ROWS + LEDGER["not_imitated"])
        assert [name for name, count in counts.items() if count > 1] == []


def test_a_row_is_as_sure_as_its_golden_file():
    """Where a golden file shows a behaviour, its mark is the row's."""
    for row in ROWS:
        if found := GOLDEN.fullmatch(row["test"]):
            golden = json.loads((FIXTURES[found[1]] / f"{found[2]}.json").read_text(encoding="utf-8"))
            assert golden["mark"] == row["mark"], row["id"]


def test_every_section_of_the_contract_has_its_rows():
    """The sections on transport, Actions, states, errors, media and quotas are there, and each ruling on AllToken."""
    sources = " ".join(row["source"] for row in ROWS + LEDGER["not_imitated"])
    cited = set(re.findall(r"§(\d+(?:\.\d+)?)", sources))
    assert cited >= {"1", "2", "3", "4", "5", "6"} | {f"10.{number}" for number in range(1, 13)}


def test_every_action_has_rows_with_its_golden_files():
    """Each of the 12 Actions, and the upload, is shown by golden files of its own, by both dialects."""
    recorded = {(found[1], found[2].partition("/")[0]) for row in ROWS if (found := GOLDEN.fullmatch(row["test"]))}
    assert recorded == {(kind, path.name) for kind, root in FIXTURES.items() for path in root.iterdir()}


def test_what_is_not_imitated_has_its_reason():
    """What is left out says what, where the contract has it, and why."""
    assert LEDGER["not_imitated"]
    for row in LEDGER["not_imitated"]:
        assert row.keys() == {"id", "statement", "source", "reason"}, row
        assert row["statement"].endswith("."), row
        assert row["reason"].endswith("."), row
        assert re.match(r"§\d", row["source"]), row


def test_the_readme_counts_what_the_ledger_has():
    """The counts by mark that the README is given add up to the rows."""
    counts = readme_tables.ledger_counts()
    assert counts == Counter(row["mark"] for row in ROWS)
    assert f"lists {len(ROWS)} behaviours" in readme_tables.ledger_part()
    for row in LEDGER["not_imitated"]:
        assert row["statement"] in readme_tables.ledger_part()
