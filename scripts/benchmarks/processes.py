"""The processes that are measured: how they are started, known to be ready, and ended.

All get the same environment. Bytecode is written and read on every side, whatever the caller's environment says.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = sys.executable
EMULATOR = str(ROOT / ".venv" / "bin" / "portrait-emulator")
MOTO = str(ROOT / ".venv-bench" / "bin" / "moto_server")

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def environment() -> dict[str, str]:
    """Ours, without what would change a measurement: switches of Python, and proxies."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name.lower() not in _PROXIES
    }


def seconds_of(*command: str) -> float:
    """How long a command runs.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    started = time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def module(name: str, *arguments: str) -> str:
    """What a module of this package prints when it runs as a process of its own."""
    command = [PYTHON, "-m", f"scripts.benchmarks.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def running(*command: str, announces: bool = True) -> Iterator[str]:
    """A process that lives as long as the block; gives the line that it says when it is ready."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=None if announces else subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip() if announces else ""
    finally:
        process.terminate()
        process.wait()


@contextmanager
def emulator() -> Iterator[int]:
    """An emulator; gives its port."""
    with running(EMULATOR, "serve", "--port", "0") as ready:
        yield int(ready.rpartition(":")[2])


@contextmanager
def moto() -> Iterator[int]:
    """A server of moto's; gives its port."""
    port = free_port()
    with running(MOTO, "-p", str(port), announces=False):
        await_port(port)
        yield port


@contextmanager
def helper(name: str, *arguments: str) -> Iterator[int]:
    """A server of this package that prints its port."""
    with running(PYTHON, "-m", f"scripts.benchmarks.{name}", *arguments) as port:
        yield int(port)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def await_port(port: int) -> None:
    """Return as soon as somebody listens."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.002)  # noqa: TID251 - a process is awaited, not a clock
        else:
            return
