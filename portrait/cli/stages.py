"""A line for each stage of work on many files: how far it is, how fast, how long it will take. Owns the lines and their
figures; must not know what the stages do. Without a terminal there is nothing to see.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from portrait.cli.output import Output
from portrait.cli.progress import display

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import ProgressColumn, Task, TaskID

_SHOW_CURSOR = b"\x1b[?25h\n"


class Stages:
    """The lines; may be told from several threads.

    Args:
        shown: Rich's display, None for none.
        totals: What each stage has to do: a number of files, or of bytes where the stage is in `in_bytes`.
        in_bytes: Stages that are measured in bytes.
    """

    def __init__(self, shown: RichProgress | None, totals: Mapping[str, int], in_bytes: frozenset[str]) -> None:
        self._shown = shown
        self._lines: dict[str, TaskID] = {}
        if shown is not None:
            self._lines = {
                stage: shown.add_task(stage, total=total, in_bytes=stage in in_bytes) for stage, total in totals.items()
            }

    def advance(self, stage: str, by: int = 1) -> None:
        """That much more is done; a stage that has no line is passed over."""
        if self._shown is not None and stage in self._lines:
            self._shown.advance(self._lines[stage], by)

    def spare(self, stage: str, by: int = 1) -> None:
        """That much need not be done."""
        if self._shown is not None and stage in self._lines:
            line = self._lines[stage]
            total = self._shown.tasks[self._shown.task_ids.index(line)].total
            self._shown.update(line, total=max(0, (total or 0) - by))

    def say(self, words: str) -> None:
        """A line above the others."""
        if self._shown is not None:
            self._shown.console.print(words, markup=False, soft_wrap=True)

    def give_up(self) -> None:
        """Leave a terminal behind that can be used, without waiting for anything."""
        if self._shown is not None:
            os.write(self._shown.console.file.fileno(), _SHOW_CURSOR)


@contextmanager
def stages(output: Output, totals: Mapping[str, int], in_bytes: frozenset[str] = frozenset()) -> Iterator[Stages]:
    """Lines for as long as the block runs, one below the other in the order of `totals`."""
    with display(output, _columns) as shown:
        yield Stages(shown, totals, in_bytes)


def _columns() -> Sequence[ProgressColumn]:
    from rich.progress import BarColumn, ProgressColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415  (an extra)
    from rich.text import Text  # noqa: PLC0415  (an extra)

    class Figure(ProgressColumn):
        """How far, and how fast."""

        def render(self, task: Task) -> Text:
            return Text(figure(task.completed, task.total or 0, task.speed, in_bytes=task.fields["in_bytes"]))

    return TextColumn("{task.description:8}", markup=False), BarColumn(16), Figure(), TimeRemainingColumn(compact=True)


def figure(done: float, total: float, speed: float | None, *, in_bytes: bool) -> str:
    """`12/40  3.1/s`, `1.2/8.0 MB  0.4 MB/s`; without a speed that is known only how far."""
    if in_bytes:
        far, rate = f"{_mega(done)}/{_mega(total)} MB", f"{_mega(speed or 0)} MB/s"
    else:
        far, rate = f"{done:.0f}/{total:.0f}", f"{speed or 0:.1f}/s"
    return f"{far}  {rate}" if speed and done < total else far


def _mega(number: float) -> str:
    return f"{number / 1_000_000:.1f}"
