"""The process that opens video, audio and HEIC files, on its own side: it limits itself and measures what it is sent.

Started by `portrait.media._worker`. Standard input brings requests and pieces of the file, standard output takes
results and requests for pieces.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader, RawIOBase
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, Final, cast

from attrs import asdict

from portrait.media._bytes import InvalidMedia
from portrait.media._libraries import READERS
from portrait.media._optional import load
from portrait.media._pipes import receive, send

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None

_BUFFER: Final = 1 << 17
# What one file may take beyond what the libraries take themselves, in bytes; a HEIC file is read into memory.
_MEMORY: Final = 64 << 20
_MEMORY_PER_BYTE: Final = {"heic": 4, "heif": 4}
# When so many bytes have stayed behind from files, the process ends, and the next file gets a new one.
_MAX_RESIDUE: Final = 16 << 20
_CPU_SECONDS: Final = 0.7
_CPU_SECONDS_PER_BYTE: Final = 1e-7
# Where CPU time cannot be limited, this is the only deadline.
_SECONDS: Final = 10.0


class _RemoteFile(RawIOBase):
    """A file of the process at the other end, read piece by piece."""

    def __init__(self, pipes: tuple[int, int], size: int) -> None:
        self._stdin, self._stdout = pipes
        self._size, self._position = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        start = (0, self._position, self._size)[whence]
        if start + offset < 0:
            raise OSError("negative position")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        if self._position >= self._size:
            return 0
        try:
            send(self._stdout, json.dumps([self._position, min(len(buffer), self._size - self._position)]).encode())
            data = receive(self._stdin)
        except (EOFError, BrokenPipeError):
            os._exit(0)  # nobody waits for the result; an exception would be taken for one of the library's
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def run() -> None:
    """Measure files until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt of the terminal is for the other process
    pipes = os.dup(0), os.dup(1)
    # C libraries print; nothing of theirs may get between the messages.
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    load("av")
    send(pipes[1], b"ready")
    residue = 0
    with suppress(EOFError, BrokenPipeError):
        while residue < _MAX_RESIDUE:
            residue += _serve(pipes)


def _serve(pipes: tuple[int, int]) -> int:
    """Measure one file; returns the bytes of memory that stay behind."""
    format_name, size = json.loads(receive(pipes[0]))
    answer: dict[str, Any]
    before = 0
    try:
        load(READERS[format_name].library)
        before = _address_space()
        with _limits(format_name, size, before):
            file = BufferedReader(_RemoteFile(pipes, size), _BUFFER)
            answer = asdict(READERS[format_name].read(cast("BinaryIO", file), format_name))
    except InvalidMedia as error:
        answer = {"problem": str(error)}
    except MemoryError:
        answer = {"problem": "opening it takes more memory than a real file does"}
    except Exception as error:  # noqa: BLE001 - whatever it is, the other process must hear of it
        answer = {"error": f"{READERS[format_name].library}: {type(error).__name__}: {error}"}
    send(pipes[1], json.dumps(answer).encode())
    return _address_space() - before


@contextmanager
def _limits(format_name: str, size: int, before: int) -> Iterator[None]:
    """Limits on the memory and the time that one file takes. A limit that is overstepped ends this process.

    Only memory that is asked for in vain is noticed by the library, or raises `MemoryError`.
    """
    if resource is not None and before:
        most = before + _MEMORY + _MEMORY_PER_BYTE.get(format_name, 0) * size
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    _set_deadlines(_CPU_SECONDS + _CPU_SECONDS_PER_BYTE * size, _SECONDS)
    try:
        yield
    finally:
        _set_deadlines(0, 0)
        if resource is not None and before:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _set_deadlines(cpu_seconds: float, seconds: float) -> None:
    """End this process after so much time, by a signal or, on Windows, by a thread; 0 takes the deadlines back."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    elif seconds:
        faulthandler.dump_traceback_later(seconds, exit=True, file=sys.stderr)
    else:
        faulthandler.cancel_dump_traceback_later()


def _address_space() -> int:
    """The address space of this process in bytes; 0 where the platform cannot report it, and so cannot limit it."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
