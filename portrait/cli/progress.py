"""How far long work is, as one line that comes and goes on a terminal. Owns the display; must not know the work. Where
there is no terminal, or no rich, there is nothing to see, and the results tell the same.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from portrait.cli.output import Form, Output

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Progress:
    """A display that is not there."""

    def begin(self, words: str, total: int | None = None) -> None:
        """A new stage; without a total it only shows that time passes."""

    def advance(self, words: str = "") -> None:
        """One more is done."""

    def say(self, words: str) -> None:
        """Other words for the same stage."""


class _Shown(Progress):
    """A display by rich. Its methods may be called from several threads."""

    def __init__(self, display: RichProgress) -> None:
        self._display = display
        self._task: TaskID | None = None
        self._lock = threading.Lock()

    def begin(self, words: str, total: int | None = None) -> None:
        with self._lock:
            if self._task is not None:
                self._display.remove_task(self._task)
            self._task = self._display.add_task(words, total=total)

    def advance(self, words: str = "") -> None:
        with self._lock:
            if self._task is not None:
                self._display.advance(self._task)
        if words:
            self.say(words)

    def say(self, words: str) -> None:
        with self._lock:
            if self._task is not None:
                self._display.update(self._task, description=words)


@contextmanager
def progress(output: Output) -> Iterator[Progress]:
    """A display for as long as the block runs. Lines of the output go above it."""
    stream = _terminal(output)
    if stream is None:
        yield Progress()
        return
    try:
        from rich.console import Console  # noqa: PLC0415  (an extra)
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
        from rich.progress import Progress as RichProgress  # noqa: PLC0415
    except ImportError:
        yield Progress()
        return
    console = Console(file=stream, highlight=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    display = RichProgress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    write = output.write
    if stream is output.surroundings.stdout:
        output.write = lambda line: console.print(line, markup=False, soft_wrap=True)
    try:
        with display:
            yield _Shown(display)
    finally:
        output.write = write


def _terminal(output: Output) -> TextIO | None:
    if output.form is Form.QUIET:
        return None
    around = output.surroundings
    return next((stream for stream in (around.stdout, around.stderr) if stream.isatty()), None)
