"""The process that opens video, audio and HEIC files with C libraries, seen from the side that uses it.

A hostile file can make FFmpeg or libheif take gigabytes, loop or crash. In a process of their own, with limits on
memory and time, they harm nobody. The process is started when it is first needed, serves one file at a time, and is
replaced when it ends. It opens no file: it asks for the pieces that it wants, so nothing is copied, and any source can
be measured.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import IO, Any, BinaryIO, Final, cast

from portrait.media._bytes import InvalidMedia, length_of
from portrait.media._pipes import MAX_MESSAGE, receive, send

_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); import portrait.media._worker_main as main; main.run()"
)
# Ends that others cause: they say nothing about the file, which is tried once more.
_FOREIGN_ENDS: Final = frozenset(
    {0, *(-getattr(signal, name, 0) for name in ("SIGHUP", "SIGINT", "SIGKILL", "SIGTERM"))}
)
# Ends by the process's own deadlines: signals, and on Windows a thread that exits with status 1.
_DEADLINES: Final = frozenset({1, *(-getattr(signal, name, -1) for name in ("SIGALRM", "SIGPROF"))})
_SECONDS_TO_END: Final = 5.0
_CRASH: Final = "the library that opens it crashes"


class WorkerUnavailable(Exception):
    """The file could not be measured, for a reason that is not in the file. The message is a sentence."""


class _Child:
    """The child process and its pipes.

    Raises:
        WorkerUnavailable: It cannot be started.
    """

    def __init__(self) -> None:
        if getattr(sys, "frozen", False) or not sys.executable:  # it is the program itself, which would start again
            raise WorkerUnavailable(
                "Video, audio and HEIC are measured by a Python process, which a frozen program cannot start: "
                "leave these files to a program that an ordinary Python runs, or give their public addresses."
            )
        path = json.dumps([entry for entry in sys.path if type(entry) is str])
        command = [sys.executable, "-P", "-W", "ignore", "-c", _START, path]
        # One arena: each further one takes 64 MB of the address space, which is limited.
        environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
        pipe = subprocess.PIPE
        try:
            self.process = subprocess.Popen(  # noqa: S603 - this very Python
                command, bufsize=0, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment
            )
        except OSError as error:
            raise WorkerUnavailable(f"The process that measures files cannot be started: {error}.") from error
        self._pipes = cast("IO[bytes]", self.process.stdin), cast("IO[bytes]", self.process.stdout)
        self.stdin, self.stdout = (each.fileno() for each in self._pipes)
        try:
            receive(self.stdout)
        except EOFError:
            self.close_pipes()
            raise WorkerUnavailable(
                f"The process that measures files ended at once, with status {self.process.wait()}: "
                f"{sys.executable} must be a Python that can import portrait and av."
            ) from None

    def close_pipes(self) -> None:
        """Close this side of the pipes, which ends the process as soon as it waits for a file."""
        for pipe in self._pipes:
            pipe.close()

    def kill(self) -> None:
        """End the process now."""
        self.process.kill()
        self.close_pipes()
        self.process.wait()

    def end(self) -> int:
        """Wait for a process that is ending; returns its status."""
        self.close_pipes()
        try:
            return self.process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Worker:
    """A child process that measures files one after the other.

    It may be used from any thread. A fork of this process starts a child of its own. It ends with this process, however
    that ends: its standard input is closed then.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None

    @property
    def pid(self) -> int | None:
        """The id of the child process; None while there is none."""
        return self._child.process.pid if self._child is not None else None

    def measure(self, file: BinaryIO, format_name: str) -> Mapping[str, Any]:
        """Measure a file in the child process.

        Args:
            file: Seekable.
            format_name: A key of `portrait.media._libraries.READERS`.

        Returns:
            The fields of a `portrait.media._libraries.Properties`.

        Raises:
            InvalidMedia: The file is malformed, or opening it takes too much memory or time, or crashes its library.
            WorkerUnavailable: The child process cannot be started, or the library's interface is unknown.
            OSError: The file cannot be read.
        """
        with self._lock:
            for _ in range(2):
                answer = self._ask(file, format_name)
                if answer is not None:
                    return _result(answer)
        raise InvalidMedia(_CRASH)

    def close(self) -> None:
        """End the child process, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()

    def forget(self) -> None:
        """Let go of the child process, which belongs to the process that this one was forked from."""
        child, self._child = self._child, None
        self._lock = threading.Lock()
        if child is not None:
            child.process.returncode = 0  # not ours to wait for
            child.close_pipes()

    def _ask(self, file: BinaryIO, format_name: str) -> Mapping[str, Any] | None:
        """The child's answer about a file; None if somebody else ended the child."""
        if self._child is not None and self._child.process.poll() is not None:
            self.close()
        child = self._child = self._child or _Child()
        try:
            send(child.stdin, json.dumps([format_name, length_of(file)]).encode())
            while isinstance(answer := json.loads(receive(child.stdout)), list):
                file.seek(answer[0])
                send(child.stdin, file.read(min(answer[1], MAX_MESSAGE)))
        except (BrokenPipeError, EOFError):
            self._child = None
            return _verdict(child.end())
        except BaseException:
            self.close()  # in the midst of an exchange: the next file needs a new one
            raise
        return cast("Mapping[str, Any]", answer)


def _verdict(status: int) -> Mapping[str, Any] | None:
    """What the end of the child says about the file; None if nothing."""
    if status in _FOREIGN_ENDS:
        return None
    return {"problem": "opening it takes longer than a real file does" if status in _DEADLINES else _CRASH}


def _result(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    if "problem" in answer:
        raise InvalidMedia(answer["problem"])
    if "error" in answer:
        raise WorkerUnavailable(f"This file could not be measured, through no fault of its own: {answer['error']}.")
    return answer


WORKER: Final = Worker()
"""The worker of this process."""

atexit.register(WORKER.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=WORKER.forget)
