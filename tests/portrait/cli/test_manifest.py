"""The manifest: each outcome is recorded whole or told to be missing, and `forget` says what it cannot read of it."""

import errno
import hashlib
import io
import json
import os
import time
from pathlib import Path

import pytest

from portrait.cli import main
from portrait.cli.manifest import read_manifest
from portrait.errors import UsageError
from tests.portrait.cli.sample_folders import make_plain


@pytest.fixture
def full_disk(monkeypatch):
    """Makes a disk that is full as soon as a file has so many bytes."""
    write = os.write

    def fill(path, size):
        def limited(file, data):
            if not os.path.samestat(os.fstat(file), path.stat()):
                return write(file, data)
            if not (free := size - path.stat().st_size):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(file, data[:free])

        monkeypatch.setattr("portrait.cli.manifest.os.write", limited)

    return fill


def test_a_manifest_goes_on_after_a_torn_line(portrait, tmp_path):
    """A killed run leaves half a line; the next one begins a new line."""
    path = tmp_path / "manifest.jsonl"
    path.write_text('{"file": "a')
    folder = make_plain(tmp_path / "photos", 1)
    assert portrait("put", str(folder), "--group", "brand", "--manifest", str(path)).code == 0
    assert json.loads(path.read_text().splitlines()[1])["status"] == "Active"


@pytest.fixture
def in_tokyo(monkeypatch):
    """A machine nine hours east of Greenwich."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_tokyo")
def test_each_line_says_what_became_of_a_file(portrait, emulator, stub, tmp_path, monkeypatch):
    """What was stored, what became of it, what was passed over, and where that was; a file as it was named."""
    monkeypatch.chdir(tmp_path)
    path = make_plain(tmp_path / "photos", 1) / "00.jpg"
    (tmp_path / "photos" / "notes.txt").write_text("words")
    (tmp_path / "photos" / ".hidden.jpg").touch()
    storage = ["--to", "s3://portraits/faces", "--endpoint-url", stub.url, "--public-base", stub.public_base]
    ran = portrait("put", "./photos", "--group", "brand", *storage, "--manifest", "m.jsonl")
    assert ran.code == 0, ran.err
    (key,), (asset,) = stub.bucket.objects, emulator.client().iter_assets()
    nothing = dict.fromkeys(("uri", "origin", "asset_id", "group_id", "sha256", "stored_key"))
    passed_over = {**nothing, "status": "Skipped"}
    place = {"group": "brand", "group_id": asset.group_id, "stored_key": key, "stored_in": "portraits"}
    printed = [
        {**passed_over, "file": "photos/notes.txt", "reason": "no media", "group": "brand"},
        {**passed_over, "file": "photos/.hidden.jpg", "reason": "hidden", "group": None},
        {
            **place,
            "file": "photos/00.jpg",
            "uri": f"asset://{asset.id}",
            "status": "Active",
            "origin": "created",
            "asset_id": asset.id,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        },
    ]
    assert ran.rows == printed
    stored = {**place, "file": "photos/00.jpg", "status": "Stored"}
    where = {"base_url": emulator.base_url, "project": "default"}
    lines = read_manifest("m.jsonl").rows
    assert [{**line, "time": None} for line in lines] == [
        {**line, **where, "time": None} for line in (*printed[:2], stored, printed[2])
    ]
    assert {line["time"][:14] for line in lines} == {"2026-03-18T00:"}


def test_a_file_is_called_as_it_was_named_all_the_way(portrait, stub, tmp_path, picture, monkeypatch):
    """By the object's line as well, which is written before anything else is known of it."""
    monkeypatch.chdir(tmp_path)
    picture("a.jpg")
    storage = ["--to", "s3://portraits", "--endpoint-url", stub.url]
    assert portrait("put", "./a.jpg", "--group", "brand", *storage, "--manifest", "m.jsonl").code == 0
    assert [row["file"] for row in read_manifest("m.jsonl").rows] == ["./a.jpg"] * 2


@pytest.mark.parametrize(("action", "is_known"), [("ListAssetGroups", False), ("ListAssets", True)])
def test_what_was_not_sent_is_recorded_as_well(portrait, emulator, client, group, picture, *, action, is_known):
    """With its content, its group as far as that was found, and the reason."""
    path = picture("a.jpg")
    emulator.rules.add(match={"action": action}, do={"error": "KeyUnknown"})
    ran = portrait("put", path, "--group", "hosts")
    assert ran.code == 3
    (row,) = ran.rows
    assert row.pop("error")["kind"] == "AuthError"
    assert row == {
        "file": path,
        "uri": None,
        "status": "Refused",
        "origin": None,
        "asset_id": None,
        "group_id": group if is_known else None,
        "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
        "stored_key": None,
        "group": "hosts",
    }


def test_outcomes_are_printed_when_the_disk_fills_up(portrait, emulator, tmp_path, monkeypatch, full_disk):
    """once-manifest: the files are sent and told, the torn line and the exit code say that the manifest is short."""
    folder, path = make_plain(tmp_path / "photos", 3), tmp_path / "manifest.jsonl"
    room = 700  # bytes: more than one line, less than two
    path.touch()
    full_disk(path, room)
    ran = portrait("put", str(folder), "--group", "brand", "--manifest", str(path))
    assert ran.code == 2
    assert [row["status"] for row in ran.rows] == ["Active"] * 3
    assert ran.err.count(f"The manifest {path} cannot be written: No space left on device.") == 1
    assert "Free some space" in ran.err
    assert path.stat().st_size == room
    assert len(read_manifest(str(path)).rows) == 1
    monkeypatch.undo()
    assert portrait("put", str(folder), "--group", "brand", "--manifest", str(path)).code == 0
    assert len(read_manifest(str(path)).rows) == 4
    assert read_manifest(str(path)).unreadable == [2]
    assert emulator.calls.count("CreateAsset") == 3


def test_a_disk_that_fails_at_the_end_is_told(portrait, tmp_path, picture, monkeypatch):
    """once-manifest: some disks say only when data are synced that they were not written."""
    path, sync = tmp_path / "m.jsonl", os.fsync
    path.touch()

    def fail(file):
        if os.path.samestat(os.fstat(file), path.stat()):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(file)

    monkeypatch.setattr("portrait.cli.manifest.os.fsync", fail)
    ran = portrait("put", picture("a.jpg"), "--group", "brand", "--manifest", str(path))
    assert ran.code == 2
    assert [row["status"] for row in ran.rows] == ["Active"]
    assert "cannot be written: Input/output error" in ran.err


def test_a_manifest_records_what_stdout_cannot_take(portrait, tmp_path):
    """once-manifest: stdout is full, and yet each asset that was created stands in the manifest."""
    folder, path = make_plain(tmp_path / "photos", 3), tmp_path / "m.jsonl"
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123  (a descriptor)
        argv = ["put", str(folder), "--group", "brand", "--manifest", str(path)]
        assert main(argv, portrait.console(io.StringIO(), full, io.StringIO())) == 4
    rows = read_manifest(str(path)).rows
    assert len({row["uri"] for row in rows}) == 3


@pytest.fixture(params=["pipe", "folder", "device"])
def special(request, tmp_path):
    """A path of something that is not a regular file."""
    path = tmp_path / request.param
    if request.param == "device":
        return "/dev/full"
    (os.mkfifo if request.param == "pipe" else os.mkdir)(path)
    return str(path)


@pytest.mark.parametrize("command", ["put", "forget"])
def test_a_manifest_is_a_regular_file(portrait, emulator, picture, special, command):
    """answer-fifo, once-manifest: exit code 2 at once, nothing is sent, and nobody waits for a pipe's other end."""
    words = ["put", picture("a.jpg"), "--group", "brand"] if command == "put" else ["forget", "brand", "--yes"]
    ran = portrait(*words, "--manifest", special)
    assert ran.code == 2
    assert f"The manifest {special} is not a regular file." in ran.err
    assert emulator.calls.all() == []


@pytest.mark.parametrize("path", ["x" * 300, "no/such/folder/m.jsonl", "a\0b"])
@pytest.mark.parametrize("command", ["put", "forget"])
def test_a_manifest_that_cannot_be_opened_is_told(portrait, emulator, picture, command, path):
    """answer-fifo: whatever the name is, exit code 2."""
    words = ["put", picture("a.jpg"), "--group", "brand"] if command == "put" else ["forget", "brand", "--yes"]
    ran = portrait(*words, "--manifest", path)
    assert ran.code == 2
    assert "The manifest" in ran.err
    assert len(ran.err) < 400
    assert emulator.calls.all() == []


@pytest.mark.parametrize(
    "line",
    [
        b'{"file": "a',
        b"[" * 100_000,
        b"\xff\xfe\xfd",
        b"[1]",
        b'{"group_id": ["group-1"]}',
        b'{"stored_key": {"a": 1}}',
        b'{"asset_id": 7, "sha256": "x"}',
    ],
)
def test_forget_says_which_lines_it_cannot_read(portrait, group, tmp_path, line):
    """once-manifest: a line that cannot be read may name an object; the others are read."""
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"file": "a"}\n\n' + line + b'\n{"file": "b"}\n')
    ran = portrait("forget", group, "--yes", "--manifest", str(path))
    assert ran.code == 0, ran.err
    assert ran.json["unreadable_lines"] == [3]
    assert f"{path}: 1 line cannot be read: 3." in ran.err
    assert [row["file"] for row in read_manifest(str(path)).rows] == ["a", "b"]


def test_a_manifest_that_is_not_there_cannot_be_read(tmp_path):
    """Reading does not create it."""
    with pytest.raises(UsageError, match="cannot be read"):
        read_manifest(str(tmp_path / "m.jsonl"))
