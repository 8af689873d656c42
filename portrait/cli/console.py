"""The outside of a command: streams that take any text, environment, clock, and whether a person is there."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Self, TextIO

if TYPE_CHECKING:
    from portrait.clock import Clock


class OutputError(Exception):
    """Stdout cannot be written, as when the disk is full; a closed pipe is `BrokenPipeError`."""


class Console(NamedTuple):
    """The outside of one run.

    Attributes:
        stdin: Answers and JSON are read from it.
        stdout: Results are written to it.
        stderr: Everything else is written to it.
        environ: The environment.
        clock: Time for waiting; None is the machine's.
    """

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str]
    clock: Clock | None = None

    @classmethod
    def of_process(cls) -> Self:
        """The streams and environment of this process. Text that a stream cannot encode is written as escapes; a stream
        that was closed before the start, which is None, is empty.
        """
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        streams = (sys.stdin, sys.stdout, sys.stderr)
        if None in streams:
            nowhere = open(os.devnull, "r+", encoding="utf-8")  # noqa: PTH123, SIM115  (as long as the process lives)
            streams = (sys.stdin or nowhere, sys.stdout or nowhere, sys.stderr or nowhere)
        return cls(*streams, os.environ)

    @property
    def debugging(self) -> bool:
        """Whether the user asked for tracebacks."""
        return self.environ.get("PORTRAIT_DEBUG", "") not in {"", "0"}

    @property
    def can_ask(self) -> bool:
        """Whether a person can read a question and answer it."""
        return self.stdin.isatty() and self.stderr.isatty()

    def write_stderr(self, text: str) -> None:
        """Write to stderr; where that fails, the exit code alone reports."""
        try:
            self.stderr.write(text)
            self.stderr.flush()
        except OSError:
            silence(self.stderr)


def silence(stream: TextIO) -> None:
    """Send what is still buffered to /dev/null, so that the interpreter does not complain at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def stdout_errors() -> Iterator[None]:
    """Turn errors of stdout in the block into `OutputError`.

    Raises:
        OutputError: Stdout cannot be written.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.strerror or type(error).__name__) from error


def is_file(stream: TextIO) -> bool:
    """Whether the stream is a regular file."""
    return stat.S_ISREG(_mode(stream))


def is_pipe(stream: TextIO) -> bool:
    """Whether the stream is a pipe."""
    return stat.S_ISFIFO(_mode(stream))


def _mode(stream: TextIO) -> int:
    """The type and permissions of what is behind a stream; 0 where nothing is."""
    try:
        return os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):
        return 0


def escape(text: str) -> str:
    """Foreign text as one line without control characters."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
