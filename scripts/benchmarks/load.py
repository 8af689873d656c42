"""The load generator, a process of its own: several connections, one request under way on each.

It reads jobs as lines of JSON (`port`, `request`, `connections`, `seconds`) and answers each with requests per second
and their number. Requests are ready-made bytes, and of an answer little more than its length is looked at, so the
server is what limits.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from scripts.benchmarks.processes import PYTHON, ROOT, Process, environment
from scripts.benchmarks.wire import Connection


@dataclass(frozen=True)
class Load:
    """What a server did under load.

    Attributes:
        rate: Requests per second.
        cpu: Seconds of its CPU for one request.
    """

    rate: float
    cpu: float


class Generator:
    """The process, from the outside."""

    def __enter__(self) -> Self:
        command = [PYTHON, "-m", "scripts.benchmarks.load"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def load(self, server: Process, request: bytes, seconds: float, connections: int = 32) -> Load:
        """Keep a server busy for so long."""
        before = server.cpu_seconds()
        job = {"port": server.port, "request": request.decode(), "connections": connections, "seconds": seconds}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        rate, answered = json.loads(self._process.stdout.readline())
        return Load(rate, (server.cpu_seconds() - before) / answered)


def rate(port: int, request: bytes, connections: int, seconds: float) -> tuple[float, int]:
    """Keep every connection busy for so long; requests per second, and how many in all."""
    sockets = [Connection(port) for _ in range(connections)]
    for connection in sockets:
        connection.send(request)
    answered = 0
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        for connection in sockets:
            connection.receive()
            connection.send(request)
        answered += connections
    elapsed = time.perf_counter() - started
    for connection in sockets:
        connection.receive()
        connection.close()
    return answered / elapsed, answered + connections


if __name__ == "__main__":
    for line in sys.stdin:
        arguments = json.loads(line)
        result = rate(arguments["port"], arguments["request"].encode(), arguments["connections"], arguments["seconds"])
        print(json.dumps(result), flush=True)
