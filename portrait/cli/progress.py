"""Progress on a terminal: one line for each stage of the work, which disappear at the end.

Without a terminal there is nothing to see, and the results say the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from portrait.cli.console import is_file
from portrait.cli.output import Output, OutputFormat

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import ProgressColumn, TaskID

_REFRESH_HZ = 5
_SHOW_CURSOR = b"\x1b[?25h\n"


class Progress:
    """The lines of all stages. Its methods may be called from several threads.

    Args:
        display: Rich's display; None shows nothing.
        totals: What each stage has to do: a number of files, or of bytes; None where that is not known.
        in_bytes: The stages that are measured in bytes.
    """

    def __init__(
        self, display: RichProgress | None, totals: Mapping[str, int | None], in_bytes: Collection[str] = ()
    ) -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}
        if display is not None:
            for stage, total in totals.items():
                self._tasks[stage] = display.add_task(stage, total=total, in_bytes=stage in in_bytes)

    def advance(self, stage: str, by: int = 1) -> None:
        """Add to what is done; a stage without a line is ignored."""
        if self._display is not None and stage in self._tasks:
            self._display.advance(self._tasks[stage], by)
            self._display.update(self._tasks[stage], description=stage)

    def reduce_total(self, stage: str, by: int = 1) -> None:
        """Take from what there is to do."""
        if self._display is not None and stage in self._tasks:
            task = next(task for task in self._display.tasks if task.id == self._tasks[stage])
            self._display.update(task.id, total=max(0, (task.total or 0) - by))

    def describe(self, stage: str, text: str) -> None:
        """Say beside the stage's name what it waits for, until it advances."""
        if self._display is not None and stage in self._tasks:
            self._display.update(self._tasks[stage], description=f"{stage}, {text}")

    def print(self, text: str) -> None:
        """Print a line above the others."""
        if self._display is not None:
            self._display.console.print(text, markup=False, soft_wrap=True)

    def restore_cursor(self) -> None:
        """Leave a usable terminal behind, without waiting for any lock."""
        if self._display is not None:
            os.write(self._display.console.file.fileno(), _SHOW_CURSOR)


@contextmanager
def progress(output: Output, totals: Mapping[str, int | None], in_bytes: Collection[str] = ()) -> Iterator[Progress]:
    """Show progress while the block runs; `totals` and `in_bytes` as in `Progress`. Output goes above the lines."""
    stream = output_terminal(output)
    if stream is None:
        yield Progress(None, totals)
        return
    display = create_display(stream)
    console = display.console
    write, write_stderr = output.write, output.write_stderr
    if stream is output.console.stdout:
        output.write = lambda line: console.print(line, markup=False, soft_wrap=True)
    if output.console.stderr.isatty():
        output.write_stderr = lambda lines: console.print(lines, end="", markup=False, soft_wrap=True)
    try:
        with display:
            yield Progress(display, totals, in_bytes)
    finally:
        output.write, output.write_stderr = write, write_stderr


def output_terminal(output: Output) -> TextIO | None:
    """The terminal that a person reads while the command runs, None without one."""
    console = output.console
    if output.format is OutputFormat.QUIET:
        return None
    if console.stdout.isatty():
        return console.stdout
    # A pipe may end on this very terminal, as `portrait put | cat` does; a file does not.
    return console.stderr if console.stderr.isatty() and is_file(console.stdout) else None


def create_display(stream: TextIO, get_time: Callable[[], float] | None = None) -> RichProgress:
    """Rich's display with our columns, measured in seconds of `get_time`."""
    from rich import progress as rich  # noqa: PLC0415  (slow to load)
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    class Amount(rich.ProgressColumn):
        """How much is done and how fast, in files or in bytes."""

        _bytes = (rich.DownloadColumn(), rich.TransferSpeedColumn())

        def render(self, task: rich.Task) -> Text:
            if task.total is None:
                return Text()
            speed = task.finished_speed or task.speed
            if task.fields["in_bytes"]:
                return Text("  ").join(column.render(task) for column in self._bytes[: 2 if speed else 1])
            return Text(f"{task.completed:.0f}/{task.total:.0f}{f'  {speed:.1f}/s' if speed else ''}")

    columns: tuple[ProgressColumn, ...] = (
        rich.SpinnerColumn("line", finished_text=" "),
        rich.TextColumn("{task.description:8}", markup=False),
        rich.BarColumn(16),
        Amount(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(),
    )
    return rich.Progress(
        *columns,
        console=Console(file=stream, highlight=False),
        get_time=get_time,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        refresh_per_second=_REFRESH_HZ,
    )
