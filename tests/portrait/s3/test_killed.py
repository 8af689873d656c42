"""A process that is killed at the worst moments leaves nothing that the next run does not put right."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portrait.clock import ManualClock, SystemClock
from tests.portrait.s3.conftest import count_uploads, only_object
from tests.portrait.s3.processes import start, until_idle
from tests.s3_stub import S3Stub

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("operation", "action", "part", "etags"),
    [
        pytest.param("UploadPart", "cut", 3, "md5", id="in the middle of a part"),
        pytest.param("UploadPart", "drop-after", 2, "opaque", id="before the answer to a part"),
        pytest.param("CompleteMultipartUpload", "drop-before", None, "md5", id="before Complete took effect"),
        pytest.param("CompleteMultipartUpload", "drop-after", None, "opaque", id="after Complete took effect"),
        pytest.param("CreateMultipartUpload", "drop-after", None, "opaque", id="before the upload id was known"),
    ],
)
def test_killed_and_run_again(
    stub: S3Stub,
    state: Path,
    open_store: Callable[..., Any],
    larger: Path,
    *,
    etags: str,
    operation: str,
    action: str,
    part: int | None,
) -> None:
    """SIGKILL at any moment, then the same call: one object, no unfinished upload, no listed part sent again."""
    stub.bucket.etags = etags
    started = threading.Event()
    process: list[subprocess.Popen[str]] = []

    def kill() -> None:
        started.wait()
        process[0].send_signal(signal.SIGKILL)
        process[0].wait(timeout=60)

    fault = stub.fault(operation, action, part=part, hook=kill)
    with start(stub, state, larger) as victim:
        process.append(victim)
        started.set()
        victim.communicate(timeout=60)
    assert victim.returncode == -signal.SIGKILL
    assert fault.fired == 1
    until_idle(stub)

    # What the dead process claimed ends by itself, as this clock's pauses cost no time.
    stored = open_store(clock=ManualClock(SystemClock().now())).put(larger)
    key, content = only_object(stub)
    assert key == stored.key
    assert content == larger.read_bytes()
    assert set(Counter(stub.bucket.parts_received).values()) == {1}
    assert len({upload for upload, _ in stub.bucket.parts_received}) == 1
    assert count_uploads(state) == 0


def test_two_processes_store_one_file(stub: S3Stub, state: Path, larger: Path) -> None:
    """Two processes with one state take turns: one sends, the other finds the object there."""
    with start(stub, state, larger) as one, start(stub, state, larger) as two:
        outputs = [one.communicate(timeout=60), two.communicate(timeout=60)]
    assert [one.returncode, two.returncode] == [0, 0], outputs
    assert sorted(out.split()[1] for out, _ in outputs) == ["False", "True"]
    assert only_object(stub)[1] == larger.read_bytes()
    assert len(stub.bucket.parts_received) == 3


def test_two_machines_store_one_file(stub: S3Stub, tmp_path: Path, larger: Path) -> None:
    """Without a common state they converge: one right object, nothing left over."""
    with start(stub, tmp_path / "a.db", larger) as one, start(stub, tmp_path / "b.db", larger) as two:
        outputs = [one.communicate(timeout=60), two.communicate(timeout=60)]
    assert [one.returncode, two.returncode] == [0, 0], outputs
    assert only_object(stub)[1] == larger.read_bytes()


def test_ctrl_c_ends_soon_and_cleanly(stub: S3Stub, state: Path, open_store: Callable[..., Any], larger: Path) -> None:
    """SIGINT in the middle of a part ends the process by KeyboardInterrupt; the next run goes on from there."""
    ready = threading.Event()
    process: list[subprocess.Popen[str]] = []

    def interrupt() -> None:
        ready.wait()
        process[0].send_signal(signal.SIGINT)

    stub.fault("UploadPart", "call", part=3, hook=interrupt)
    with start(stub, state, larger, larger) as victim:
        process.append(victim)
        ready.set()
        _, errors = victim.communicate(timeout=60)
    assert victim.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    until_idle(stub)
    assert count_uploads(state) == 1
    open_store(clock=ManualClock(SystemClock().now())).put(larger)
    assert only_object(stub)[1] == larger.read_bytes()
    assert sum(1 for _ in stub.bucket.parts_received) == 3
