"""The processes that are measured: how they are started, known to be ready, and ended.

All get the same environment. Bytecode is written and read on every side, whatever the caller's environment says.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = sys.executable
PORTRAIT = str(ROOT / ".venv" / "bin" / "portrait")
EMULATOR = str(ROOT / ".venv" / "bin" / "portrait-emulator")
BENCH_PYTHON = str(ROOT / ".venv-bench" / "bin" / "python")
MOTO = str(ROOT / ".venv-bench" / "bin" / "moto_server")

_CPU_CLOCK = 2  # Linux: makes a clock's number of the complement of a process's

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


def cpu_of(*command: str) -> float:
    """How many seconds a command computes, with what it starts; a busy machine changes that little.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def module(name: str, *arguments: str) -> str:
    """What a module of this package prints when it runs as a process of its own."""
    command = [PYTHON, "-m", f"scripts.benchmarks.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.PIPE, text=True).stdout


@dataclass(frozen=True)
class Process:
    """A process that runs.

    Attributes:
        pid: Its number.
        ready: The line that it prints when it is ready, "" for one that prints none.
        port: Of this machine, where it listens.
    """

    pid: int
    ready: str
    port: int

    def cpu_seconds(self) -> float:
        """How long it has computed so far; a busy machine changes it less than what a clock on the wall shows."""
        return time.clock_gettime(~self.pid << 3 | _CPU_CLOCK)


@contextmanager
def running(*command: str, port: int | None = None) -> Iterator[Process]:
    """A process that lives as long as the block.

    Args:
        command: What is run.
        port: Where it listens; None for one that prints that, at the end of its first line.
    """
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if port else None,
        text=True,
    )
    assert process.stdout is not None
    try:
        if port:
            await_port(port)
            yield Process(process.pid, "", port)
        else:
            ready = process.stdout.readline().strip()
            yield Process(process.pid, ready, int(ready.rpartition(":")[2]))
    finally:
        process.terminate()
        process.wait()


def emulator(*options: str) -> AbstractContextManager[Process]:
    """An emulator."""
    return running(EMULATOR, "serve", "--port", "0", *options)


def moto() -> AbstractContextManager[Process]:
    """A server of moto's."""
    port = free_port()
    return running(MOTO, "-p", str(port), port=port)


def helper(name: str, *arguments: str) -> AbstractContextManager[Process]:
    """A server of this package that prints its port."""
    return running(PYTHON, "-m", f"scripts.benchmarks.{name}", *arguments)


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
