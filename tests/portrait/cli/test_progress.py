"""What `put` counts for people: each stage ends with all of its work done, whatever became of the files."""

from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest


class Stages:
    """In place of the display: what each stage has to do, and what was done of it."""

    def __init__(self, totals):
        self.totals = Counter(totals)
        self.completed = Counter()

    def advance(self, stage, by=1):
        """That much more."""
        self.completed[stage] += by

    def reduce_total(self, stage, by=1):
        """That much less to do."""
        self.totals[stage] -= by

    def describe(self, stage, text):
        """Not counted."""

    def print(self, text):
        """Not counted."""


@pytest.fixture
def displays(monkeypatch):
    """The displays of a run: of the checks, and of the sending."""
    found = []

    @contextmanager
    def progress(output, totals, in_bytes=()):
        found.append((Stages(totals), dict(totals)))
        yield found[-1][0]

    monkeypatch.setattr("portrait.cli.put.progress", progress)
    return found


@pytest.fixture
def put(portrait, stub, displays):
    """Runs `put` into a bucket; what each stage of the sending had to do, as it was foreseen and in the end."""

    def run(*files, code=0):
        displays.clear()
        ran = portrait("put", *files, "--group", "brand", "--to", "s3://portraits", "--endpoint-url", stub.url)
        assert ran.code == code, ran.err
        (checked, _), (sent, foreseen) = displays
        assert checked.completed == {"checked": len(files)} == checked.totals
        assert {stage: sent.completed[stage] for stage in sent.totals} == sent.totals
        return foreseen, {stage: total for stage, total in sent.totals.items() if total}

    return run


def test_stages_count_contents_and_bytes(put, picture):
    """A content that comes twice is stored, created and reviewed once."""
    one, same, other = picture("a.jpg", 400), picture("b.jpg", 400), picture("c.jpg", 401)
    size = Path(one).stat().st_size + Path(other).stat().st_size
    everything = {"stored": size, "created": 2, "reviewed": 2}
    assert put(one, same, other) == (everything, everything)


def test_what_is_there_already_is_neither_stored_nor_created(put, picture):
    """The second run foresees the same work, and has only the review to wait for."""
    put(picture("a.jpg"))
    foreseen, found = put(picture("a.jpg"))
    assert foreseen.keys() == {"stored", "created", "reviewed"}
    assert found == {"reviewed": 1}


def test_what_cannot_be_created_is_stored_and_nothing_more(put, picture, emulator):
    """A refused create leaves nothing to review."""
    emulator.rules.add(match={"action": "CreateAsset"}, do={"error": "InvalidParameter"})
    _, found = put(picture("a.jpg"), code=3)
    assert found.keys() == {"stored"}


def test_without_a_storage_nothing_is_stored(portrait, displays, picture):
    """And without waiting for reviews there is one stage."""
    for words, stages in (((), {"created", "reviewed"}), (("--no-wait",), {"created"})):
        displays.clear()
        assert portrait("put", picture(f"{len(words)}.jpg", 400 + len(words)), "--group", "brand", *words).code == 0
        assert displays[1][1].keys() == stages
