"""Sources that cannot be read, or are none: each ends in one outcome, and the others go on (cases of section 3)."""

import os
from io import BytesIO, StringIO
from pathlib import Path

import pytest

from portrait import UsageError
from tests.media_samples import image

OTHERS = 2


@pytest.fixture
def group(portrait_client):
    """A group's id."""
    return portrait_client.create_asset_group(name="hosts").id


def loop(folder):
    """A link that leads to itself."""
    path = folder / "loop.png"
    path.symlink_to(path)
    return path


def fifo(folder):
    """A pipe that nobody writes to."""
    path = folder / "pipe.png"
    os.mkfifo(path)
    return path


def empty(folder):
    """A file without a byte."""
    path = folder / "empty.png"
    path.touch()
    return path


def closed(_):
    """An open file that is not."""
    file = BytesIO(b"x")
    file.close()
    return file


BAD = {
    "a name that is too long": lambda _: "y" * 300,
    "a path that is too long": lambda _: "y/" * 3000,
    "a NUL": lambda _: "a\0b",
    "half of a pair": lambda _: "a\ud800b",
    "nothing there": lambda folder: folder / "missing.png",
    "a loop": loop,
    "a pipe": fifo,
    "a device": lambda _: Path("/dev/zero"),
    "an empty file": empty,
    "a number": lambda _: 7,
    "nothing": lambda _: None,
    "a list": lambda _: ["a.png"],
    "text": lambda _: StringIO("x"),
    "a closed file": closed,
    "a data address": lambda _: "data:image/png;base64," + "A" * 300,
    "half an address": lambda _: "https://[::1",
}


@pytest.mark.rotate("colour")  # the flow is common to both
@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("plans", [False, True], ids=["ensure", "plan"])
def test_one_bad_source_is_one_rejected_outcome(colour, portrait_emulator, tmp_path, group, kind, *, plans):
    """answer-sources, answer-type: the others are done, and the error says what to do."""
    sources = [image("png", 400, 400), BAD[kind](tmp_path), "https://cdn.example/a.jpg"]
    client = colour.client(portrait_emulator)
    if plans:
        ends = [str(entry.verdict) for entry in colour.run(client.plan_assets, sources, group_id=group).entries]
        assert ends == ["new", "rejected", "new"]
        return
    outcomes = colour.run(client.ensure_assets, sources, group_id=group)
    assert sorted(outcome.state for outcome in outcomes) == ["Active", "Active", "Rejected"]
    assert {outcome.group_id for outcome in outcomes} == {group}
    (error,) = [outcome.error for outcome in outcomes if outcome.error]
    assert isinstance(error, UsageError)
    assert error.message
    assert len(str(error)) < 500


@pytest.mark.parametrize("sources", [7, None, 1.5], ids=str)
def test_what_is_no_source_is_a_usage_error(colour, portrait_emulator, group, sources):
    """answer-type: neither one nor several."""
    client = colour.client(portrait_emulator)
    with pytest.raises(UsageError, match="Give a path"):
        colour.run(client.ensure_assets, sources, group_id=group)
    with pytest.raises(UsageError, match="Give a path"):
        colour.run(client.plan_assets, sources, group_id=group)


@pytest.mark.parametrize("single", [True, False], ids=["ensure_asset", "ensure_assets"])
def test_an_open_file_is_a_source(colour, portrait_emulator, tmp_path, group, *, single):
    """answer-type: an open binary file with a name, as `upload_asset` takes it."""
    client = colour.client(portrait_emulator)
    path = tmp_path / "alice.png"
    path.write_bytes(image("png", 400, 400))
    with path.open("rb") as file:
        if single:
            outcome = colour.run(client.ensure_asset, file, group_id=group)
        else:
            (outcome,) = colour.run(client.ensure_assets, file, group_id=group)
    assert (outcome.state, outcome.source) == ("Active", "alice.png")
    assert outcome.name.startswith("alice-")
    again = colour.run(client.ensure_asset, path, group_id=group)
    assert again.asset_id == outcome.asset_id


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, BytesIO])
def test_bytes_may_have_a_name(colour, portrait_emulator, group, kind):
    """answer-type: `name=` stands before the digest in the asset's Name."""
    client = colour.client(portrait_emulator)
    outcome = colour.run(client.ensure_asset, kind(image("png", 400, 400)), group_id=group, name="bob")
    assert outcome.name.startswith("bob-")


def test_a_folder_that_cannot_be_read_is_one_rejected_outcome(colour, portrait_emulator, tmp_path, group, monkeypatch):
    """answer-folder: the other files of the tree are done."""
    locked = tmp_path / "photos" / "locked"
    locked.mkdir(parents=True)
    (tmp_path / "photos" / "a.png").write_bytes(image("png", 400, 400))
    deny(monkeypatch, locked)
    outcomes = colour.run(colour.client(portrait_emulator).ensure_assets, tmp_path / "photos", group_id=group)
    assert {outcome.source: outcome.state for outcome in outcomes} == {
        str(tmp_path / "photos" / "a.png"): "Active",
        str(locked): "Rejected",
    }
    (error,) = [outcome.error for outcome in outcomes if outcome.error]
    assert "cannot be read" in error.message


def deny(monkeypatch, folder):
    """Let a folder be closed to this user, who may be root."""
    scan, open_ = os.scandir, os.open

    def refuse(path, usual, *args, **kwargs):
        if os.fspath(path) == str(folder):
            raise PermissionError(13, "Permission denied", str(folder))
        return usual(path, *args, **kwargs)

    monkeypatch.setattr(os, "scandir", lambda path=".": refuse(path, scan))
    monkeypatch.setattr(os, "open", lambda path, *args, **kwargs: refuse(path, open_, *args, **kwargs))


@pytest.mark.parametrize("change", ["gone", "other bytes", "longer", "a pipe"])
def test_a_file_that_changes_before_it_is_sent_is_rejected(colour, portrait_emulator, tmp_path, group, change):
    """answer-sources: what was looked at is not what would be sent; nothing of it is created."""
    path, other = tmp_path / "a.png", tmp_path / "b.png"
    path.write_bytes(image("png", 400, 400))
    other.write_bytes(image("png", 500, 500))
    client = colour.client(portrait_emulator)
    plan = colour.run(client.plan_assets, [path, other], group_id=group)
    data = path.read_bytes()
    path.unlink()
    if change == "a pipe":
        os.mkfifo(path)
    elif change != "gone":
        path.write_bytes(data + b"\0" if change == "longer" else image("png", 600, 600))
    outcomes = {Path(o.source).name: o for o in colour.run(client.ensure_assets, plan)}
    assert {name: outcome.state for name, outcome in outcomes.items()} == {"a.png": "Rejected", "b.png": "Active"}
    assert outcomes["a.png"].error.advice
    assert len(list(portrait_emulator.client().iter_assets())) == 1
