"""A part of a file as the body of a request, and bodies under way at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portrait.flow import CancelToken
from portrait.s3 import SourceChanged
from portrait.s3.files import FilePart, read_whole, stat_file
from portrait.s3.parts import Plan
from tests.s3_stub import S3Stub

Make = Callable[..., Any]


def test_a_body_gives_no_more_than_it_is_asked_for(tmp_path: Path) -> None:
    """Neither past the end of the part; and all of it again from its beginning."""
    path = tmp_path / "digits"
    path.write_bytes(b"0123456789")
    with FilePart(path, Plan(10, 4).part(2), sha256=None, cancel=CancelToken()) as body:
        assert (len(body), body.read(1), body.read(2), body.tell()) == (4, b"4", b"56", 3)
        assert (body.read(9), body.read(9), body.read()) == (b"7", b"", b"")
        body.seek(0)
        assert body.read(None) == b"4567"


def test_a_small_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    """One that has grown or shrunk since it was looked at is another."""
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    assert read_whole(path, 10) == b"0123456789"
    for size in (9, 11):
        with pytest.raises(SourceChanged, match=f"had {size} bytes a moment ago and has 10 now"):
            read_whole(path, size)


def test_whatever_tells_that_a_file_was_written_is_remembered(tmp_path: Path) -> None:
    """Not all file systems keep all of it: each of its size, its times and its inode counts."""
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    os.utime(path, (1, 1))
    seen = path.stat()
    values = (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
    assert len(set(values)) == 4
    assert stat_file(path).fingerprint == "{} {} {} {}".format(*values)


def test_files_of_different_contents_are_stored_beside_each_other(
    stub: S3Stub, open_store: Make, make_file: Make
) -> None:
    """One writer for each key, and not one for all."""
    meeting = threading.Barrier(2, timeout=10)
    stub.fault("PutObject", "call", times=2, hook=meeting.wait)
    stored = open_store(concurrency=2).put_many([make_file("a.jpg", seed=1), make_file("b.jpg", seed=2)])
    assert len({each.key for each in stored}) == len(stub.bucket.objects) == 2
    assert not meeting.broken
