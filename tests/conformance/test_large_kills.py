"""An upload of 300 MiB, killed twenty times at random moments: the next run leaves it as if nothing had happened."""

from __future__ import annotations

import hashlib
import random
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest

from portrait.s3.parts import MIB, MIN_PART_BYTES
from tests.portrait.s3.conftest import count_uploads
from tests.portrait.s3.processes import end_claims, start, until_idle
from tests.s3_stub import S3Stub
from tests.s3_stub.server import Dropped

SIZE = 300 * MIB
PARTS = SIZE // MIN_PART_BYTES
KILLS = 20
EARLY = 0.25  # the share of kills that do not wait for a part


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file in which no two MiB are equal."""
    path = tmp_path / "clip.bin"
    noise = random.Random(1).randbytes(MIB - 8)
    with path.open("wb") as created:
        for number in range(SIZE // MIB):
            created.write(number.to_bytes(8) + noise)
    return path


class Gate:
    """Lets so many parts through; what comes after them is held until its sender is dead, and then lost.

    However fast the machine is, no process gets further than it should before it is killed.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._dead = threading.Event()
        self._remaining = 0

    def let(self, parts: int) -> None:
        """For the next process."""
        self._remaining = parts
        self._dead = threading.Event()

    def free(self) -> None:
        """The process is dead."""
        self._dead.set()

    def __call__(self) -> None:
        """In the middle of a part."""
        threading.Event().wait(0.02)
        with self._turn:
            self._remaining -= 1
            passes = self._remaining >= 0
        if not passes:
            self._dead.wait()
            raise Dropped


def kill(stub: S3Stub, gate: Gate, state: Path, file: Path, *, chance: random.Random, remaining: int) -> None:
    """Start the upload and kill it, some parts or some time later; each later kill finds at least a part to send."""
    early, share, delay = (chance.random() for _ in range(3))  # as many for each kill, whatever the one before achieved
    done = len(stub.bucket.parts_received)
    most = min(2 * (PARTS - done) // (remaining + 1), PARTS - 1 - remaining - done)
    gate.let(most)
    with start(stub, state, file) as victim:
        if early < EARLY:  # while it is loaded, hashes, or begins
            threading.Event().wait(delay * 0.6)
        else:
            while victim.poll() is None and len(stub.bucket.parts_received) <= done + int(share * most):
                threading.Event().wait(0.001)
            threading.Event().wait(delay * 0.03)
        victim.send_signal(signal.SIGKILL)
        _, errors = victim.communicate(timeout=600)
    gate.free()
    end_claims(state)
    assert victim.returncode == -signal.SIGKILL, errors
    until_idle(stub)
    while stub.connections:  # until what it sent last is read, and not taken for the next one's
        threading.Event().wait(0.005)


@pytest.mark.parametrize("seed", [1])
def test_large_upload_killed_twenty_times(tmp_path: Path, file: Path, seed: int) -> None:
    """One object with the right bytes, no unfinished upload, and every part received once, by R2's rules."""
    chance = random.Random(seed)
    with S3Stub(etags="opaque") as stub:
        gate = Gate()
        stub.fault("UploadPart", "call", times=10**9, hook=gate)
        progress = []
        for number in range(KILLS):
            kill(stub, gate, tmp_path / "state.db", file, chance=chance, remaining=KILLS - 1 - number)
            progress.append(len(stub.bucket.parts_received))
        assert stub.bucket.objects == {}
        assert len(set(progress)) > KILLS // 2, "most kills must fall between the first part and the last"
        gate.let(PARTS)
        with start(stub, tmp_path / "state.db", file) as last:
            output, errors = last.communicate(timeout=600)
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
    assert count_uploads(tmp_path / "state.db") == 0
