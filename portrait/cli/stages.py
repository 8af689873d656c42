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

_SURE = 2.0  # seconds after which a rate says something
_SHOW_CURSOR = b"\x1b[?25h\n"


class StageProgress:
    """The lines; may be told from several threads.

    Args:
        shown: Rich's display, None for none.
        totals: What each stage has to do: a number of files, or of bytes where the stage is in `in_bytes`.
        in_bytes: StageProgress that are measured in bytes.
    """

    def __init__(self, shown: RichProgress | None, totals: Mapping[str, int], in_bytes: frozenset[str]) -> None:
        self._shown = shown
        self._lines: dict[str, TaskID] = {}
        if shown is not None:
            self._life = _Life(shown)
            self._lines = {
                stage: shown.add_task(
                    stage, total=total, in_bytes=stage in in_bytes, since=None, first=0, life=self._life
                )
                for stage, total in totals.items()
            }

    def advance(self, stage: str, by: int = 1) -> None:
        """That much more is done; a stage that has no line is passed over."""
        if self._shown is not None and stage in self._lines:
            task = self._task(stage)
            self._life.moved = self._shown.get_time()
            if task.fields["since"] is None:  # from here on it is measured
                self._shown.update(task.id, since=self._shown.get_time(), first=by)
            self._shown.advance(task.id, by)

    def spare(self, stage: str, by: int = 1) -> None:
        """That much need not be done."""
        if self._shown is not None and stage in self._lines:
            task = self._task(stage)
            self._shown.update(task.id, total=max(0, (task.total or 0) - by))

    def say(self, words: str) -> None:
        """A line above the others."""
        if self._shown is not None:
            self._shown.console.print(words, markup=False, soft_wrap=True)

    def give_up(self) -> None:
        """Leave a terminal behind that can be used, without waiting for anything."""
        if self._shown is not None:
            os.write(self._shown.console.file.fileno(), _SHOW_CURSOR)

    def _task(self, stage: str) -> Task:
        assert self._shown is not None  # noqa: S101  (asked before)
        return next(task for task in self._shown.tasks if task.id == self._lines[stage])


class _Life:
    """Since when nothing has moved, and which line it is that does not."""

    def __init__(self, shown: RichProgress) -> None:
        self._shown = shown
        self.moved = shown.get_time()

    def still(self, task: Task) -> float:
        """Seconds for which nothing has moved; 0 for every line but the one that the others wait for."""
        waiting = next((one for one in self._shown.tasks if one.completed < (one.total or 0)), None)
        return self._shown.get_time() - self.moved if waiting is not None and waiting.id == task.id else 0.0


@contextmanager
def stages(
    output: Output, totals: Mapping[str, int], in_bytes: frozenset[str] = frozenset()
) -> Iterator[StageProgress]:
    """Lines for as long as the block runs, one below the other in the order of `totals`."""
    with display(output, _columns) as shown:
        yield StageProgress(shown, totals, in_bytes)


def _columns() -> Sequence[ProgressColumn]:
    from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, TextColumn  # noqa: PLC0415  (an extra)
    from rich.text import Text  # noqa: PLC0415  (an extra)

    class Figure(ProgressColumn):
        """How far, how fast, how long."""

        def render(self, task: Task) -> Text:
            since, first = task.fields["since"], task.fields["first"]
            moved = 0.0 if since is None else task.get_time() - since
            rate = (task.completed - first) / moved if moved >= _SURE else 0.0
            still, in_bytes = task.fields["life"].still(task), task.fields["in_bytes"]
            return Text(format_progress(task.completed, task.total or 0, rate, in_bytes=in_bytes, still=still))

    life = SpinnerColumn("line", finished_text=" ")
    return life, TextColumn("{task.description:8}", markup=False), BarColumn(16), Figure()


def format_progress(done: float, total: float, rate: float, *, in_bytes: bool, still: float = 0.0) -> str:
    """`12/40  3.1/s  9 s left`, `1.2/8.0 MB  0.4 MB/s  17 s left`; without a rate, 0, how far and since when."""
    if in_bytes:
        far, fast = (
            f"{_mega(done)}/{_mega(total)} MB",
            f"{_mega(rate)} MB/s" if rate >= 1e5 else f"{rate / 1e3:.0f} kB/s",
        )
    else:
        far, fast = f"{done:.0f}/{total:.0f}", f"{rate:.1f}/s"
    if rate <= 0 or done >= total:
        return f"{far}  {still:.0f} s" if still >= 1 and done < total else far
    seconds = (total - done) / rate
    left = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    return f"{far}  {fast}  {left} left"


def _mega(number: float) -> str:
    return f"{number / 1_000_000:.1f}"
