"""An upload of 300 MiB, killed twenty times at random moments: the next run leaves it as if nothing had happened."""

from __future__ import annotations

import hashlib
import random
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest

from portrait.s3.plan import MIB, SMALLEST_PART
from tests.portrait.s3.processes import start, until_idle
from tests.s3_stub import S3Stub

SIZE = 300 * MIB
PARTS = SIZE // SMALLEST_PART
KILLS = 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file in which no two MiB are equal."""
    path = tmp_path / "clip.bin"
    noise = random.Random(1).randbytes(MIB - 8)
    with path.open("wb") as made:
        for number in range(SIZE // MIB):
            made.write(number.to_bytes(8) + noise)
    return path


def kill(stub: S3Stub, state: Path, file: Path, chance: random.Random, kills_left: int) -> None:
    """Start the upload and kill it, some parts or some time later, never so late that it could be done."""
    parts = chance.randint(0, 2 * (PARTS - len(stub.bucket.parts_received)) // (kills_left + 1))
    until = min(len(stub.bucket.parts_received) + parts, PARTS - kills_left - 6)
    with start(stub, state, file) as victim:
        if parts:
            while victim.poll() is None and len(stub.bucket.parts_received) < until:
                threading.Event().wait(0.001)
            threading.Event().wait(chance.random() * 0.03)
        else:  # while it is loaded, hashes, or begins
            threading.Event().wait(chance.random() * 0.6)
        victim.send_signal(signal.SIGKILL)
        _, errors = victim.communicate()
    assert victim.returncode == -signal.SIGKILL, errors
    until_idle(stub)


@pytest.mark.parametrize("seed", [1])
def test_large_upload_killed_twenty_times(tmp_path: Path, file: Path, seed: int) -> None:
    """One object with the right bytes, no unfinished upload, and every part received once, by R2's rules."""
    chance = random.Random(seed)
    with S3Stub(etags="opaque") as stub:
        stub.fault("UploadPart", "call", times=10**9, hook=lambda: threading.Event().wait(0.02))
        progress = []
        for number in range(KILLS):
            kill(stub, tmp_path / "state", file, chance, KILLS - 1 - number)
            progress.append(len(stub.bucket.parts_received))
        assert stub.bucket.objects == {}
        assert len(set(progress)) > KILLS // 2, "most kills must fall between the first part and the last"
        with start(stub, tmp_path / "state", file) as last:
            output, errors = last.communicate()
        assert last.returncode == 0, errors
        assert stub.bucket.uploads == {}
        ((key, found),) = stub.bucket.objects.items()
        received = stub.bucket.parts_received
    with file.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    assert output.split() == [key, "False"]
    assert sha256 in key
    assert hashlib.sha256(found.content).hexdigest() == sha256
    assert Counter(number for _, number in received) == Counter(range(1, PARTS + 1))
    assert len({upload for upload, _ in received}) == 1
    assert not list((tmp_path / "state").rglob("*.jsonl"))
