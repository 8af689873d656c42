"""How far long work is, as lines that come and go on a terminal. Owns the display; must not know the work. Where there
is no terminal, or no rich, there is nothing to see, and the results tell the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from portrait.cli.console import is_file
from portrait.cli.output import Output, OutputFormat

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import ProgressColumn

_CALM = 5  # times a second


class Progress:
    """A display that is not there."""

    def advance(self) -> None:
        """One more is done."""

    def say(self, words: str) -> None:
        """What is going on now. May be called from several threads."""


class _Shown(Progress):
    """A display by rich."""

    def __init__(self, display: RichProgress, words: str, total: int | None) -> None:
        self._display = display
        self._done, self._total = 0, total
        self._task = display.add_task(words, total=total, far=self._far)

    @property
    def _far(self) -> str:
        return "" if self._total is None else f"{self._done}/{self._total}"

    def advance(self) -> None:
        self._done += 1
        self._display.update(self._task, completed=self._done, far=self._far)

    def say(self, words: str) -> None:
        self._display.update(self._task, description=words)


@contextmanager
def progress(output: Output, words: str, total: int | None = None) -> Iterator[Progress]:
    """A display for as long as the block runs; without a total it shows that time passes. Lines go above it."""
    with display(output, _columns) as shown:
        yield Progress() if shown is None else _Shown(shown, words, total)


def _columns() -> Sequence[ProgressColumn]:
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415  (an extra)

    text, far = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[far]}", markup=False)
    return text, BarColumn(20), far, TimeElapsedColumn()


@contextmanager
def display(output: Output, columns: Callable[[], Sequence[ProgressColumn]]) -> Iterator[RichProgress | None]:
    """Rich's display with those columns, None where nobody would see it."""
    stream = _terminal(output)
    if stream is None:
        yield None
        return
    try:
        from rich.console import Console  # noqa: PLC0415  (an extra)
        from rich.progress import Progress as RichProgress  # noqa: PLC0415  (an extra)
    except ImportError:
        yield None
        return
    console = Console(file=stream, highlight=False)
    shown = RichProgress(
        *columns(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        refresh_per_second=_CALM,
    )
    write, tell = output.write, output.write_stderr
    if stream is output.console.stdout:
        output.write = lambda line: console.print(line, markup=False, soft_wrap=True)
    if output.console.stderr.isatty():
        output.write_stderr = lambda lines: console.print(lines, end="", markup=False, soft_wrap=True)
    try:
        with shown:
            yield shown
    finally:
        output.write, output.write_stderr = write, tell


def _terminal(output: Output) -> TextIO | None:
    if output.format is OutputFormat.QUIET:
        return None
    console = output.console
    if console.stdout.isatty():
        return console.stdout
    # What goes into a pipe may come out on this very terminal; what goes into a file does not.
    return console.stderr if console.stderr.isatty() and is_file(console.stdout) else None
