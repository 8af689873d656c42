"""Uploads in processes of their own, which can be killed."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

from tests.s3_stub import S3Stub


def start(stub: S3Stub, state: Path, *files: Path) -> subprocess.Popen[str]:
    """A process that stores files."""
    command = [sys.executable, "-m", "tests.portrait.s3.upload_process", stub.url, str(state), *map(str, files)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path.cwd())


def end_claims(state: Path) -> None:
    """What dead processes claimed ends now, and not in some seconds of real time; there may be no state yet."""
    with contextlib.closing(sqlite3.connect(state)) as connection, contextlib.suppress(sqlite3.OperationalError):
        connection.execute("DELETE FROM portrait_claims")
        connection.commit()


def until_idle(stub: S3Stub) -> None:
    """Wait until the storage is done with what a dead process had sent."""
    while stub.under_way:
        threading.Event().wait(0.005)
