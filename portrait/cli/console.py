"""What a command touches outside of itself: streams, environment, clock. Owns how streams are made fit for any text and
how it is known that a person sits at them; must not know a command.
"""

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
    """Stdout takes nothing more, as when the disk is full. A reader who has gone is another matter."""


class Console(NamedTuple):
    """The outside of one run.

    Attributes:
        stdin: Where answers and JSON come from.
        stdout: Where results go.
        stderr: Where everything else goes.
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
        """Those of this process. Text that a stream cannot encode is written as escapes."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return cls(sys.stdin, sys.stdout, sys.stderr, os.environ)

    @property
    def debugging(self) -> bool:
        """Has the user asked for tracebacks?"""
        return self.environ.get("PORTRAIT_DEBUG", "") not in {"", "0"}

    @property
    def can_ask(self) -> bool:
        """Is there somebody who reads a question and can answer it?"""
        return self.stdin.isatty() and self.stderr.isatty()

    def write_stderr(self, text: str) -> None:
        """Write to stderr. Where that takes nothing there is nobody to tell, and the exit code says it alone."""
        try:
            self.stderr.write(text)
            self.stderr.flush()
        except OSError:
            silence(self.stderr)


def silence(stream: TextIO) -> None:
    """Nobody reads it any more: let what is still buffered go nowhere, so that nothing complains at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def stdout_errors() -> Iterator[None]:
    """A block that writes to stdout.

    Raises:
        OutputError: Stdout takes nothing more.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(error.strerror or type(error).__name__) from error


def is_file(stream: TextIO) -> bool:
    """Does the stream lead into or out of a file?"""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def is_pipe(stream: TextIO) -> bool:
    """Does the stream lead into or out of a pipe?"""
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def escape(text: str) -> str:
    """Text from elsewhere as one line that a terminal shows and does not obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
