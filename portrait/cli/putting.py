"""`put`: files go in, `asset://` addresses come out. Four steps, each a function of what the one before gave: which
files (`_sources`), what is to become of them (`_plan`), doing it (`_work`), and what became of it (`_sum_up`). Owns how
that is told; must not know how a file is sent, nor how it is recognized when it comes again.
"""

from __future__ import annotations

import argparse
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from portrait.cli.command import Command, add_timeout
from portrait.cli.failing import as_json, combined, exit_code, lines
from portrait.cli.grouping import find_group
from portrait.cli.progress import Progress, progress
from portrait.cli.records import counted
from portrait.errors import UsageError
from portrait.events import Event, FileMoved

if TYPE_CHECKING:
    from portrait.cli.context import Context
    from portrait.ensuring import EnsureQuery, FileOutcome

_DETAILS = """\
JPEG, PNG and WebP files of at most 10 MB. A group of that name is made if there is none. A file whose content the group
has already is not sent again, so that the same command, given once more, goes on where it stopped.

examples:
  portrait put front.jpg side.jpg --group brand-host
  portrait put *.png --group group-20260518163348-xtzxl --quiet > uris.txt
"""


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", metavar="PATH", nargs="+", help="files")
    parser.add_argument("--group", metavar="NAME|ID", required=True, help="the group that they go into")
    add_timeout(parser)


def _put(context: Context, told: argparse.Namespace) -> int:
    plan = _plan(context, told, _sources(told.paths))
    outcomes = _work(context, plan)
    return _sum_up(context, plan, outcomes)


class _Plan(NamedTuple):
    """What is to be done.

    Attributes:
        sources: Files.
        how: The keywords of `ensure_assets`.
    """

    sources: Sequence[str]
    how: EnsureQuery


def _sources(named: Sequence[str]) -> list[str]:
    """The files that are meant.

    Raises:
        UsageError: Something is not a file. Nothing was sent.
    """
    for word in named:
        if word.lower().startswith(("http://", "https://")):
            raise UsageError("put takes files, not addresses.", advice="`portrait call CreateAsset` takes an address.")
        if Path(word).is_dir():
            raise UsageError(f"{word} is a folder.", advice=f"Name its files: {word.rstrip('/')}/*.jpg")
        if not Path(word).exists():
            raise UsageError(f"{word} is not there.", advice="Nothing was sent.")
    return list(dict.fromkeys(named))


def _plan(context: Context, told: argparse.Namespace, sources: Sequence[str]) -> _Plan:
    """What is to become of the files; the group is there afterwards.

    Raises:
        PortraitError: As `find_group`.
    """
    context.how_to_go_on = "The same command goes on where this one stopped; nothing is sent twice."
    return _Plan(sources, {"group_id": find_group(context.client, told.group), "timeout": told.timeout})


def _work(context: Context, plan: _Plan) -> list[FileOutcome]:
    """Do it, and tell what became of each file as soon as that is known. To people, failures are told at the end.

    Raises:
        PortraitError: Nothing can be done at all.
    """
    outcomes: list[FileOutcome] = []
    with progress(context.output, "checking", len(plan.sources)) as shown:
        stages = _Stages(shown, len(plan.sources))
        client = context.client.with_options(on_event=stages)
        for outcome in client.ensure_assets(plan.sources, **plan.how):
            outcomes.append(outcome)
            stages.ended()
            _tell(context, outcome)
    return outcomes


def _sum_up(context: Context, plan: _Plan, outcomes: Sequence[FileOutcome]) -> int:
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    for outcome in failed:
        if outcome.error is not None:
            context.output.complain(lines(outcome.error, outcome.source))
    done = counted(len(outcomes) - len(failed), "file")
    context.output.remark(f"{done} Active in {plan.how['group_id']}{f', {len(failed)} not' if failed else ''}.")
    return combined(0 if outcome.error is None else exit_code(outcome.error) for outcome in outcomes)


def _tell(context: Context, outcome: FileOutcome) -> None:
    record: dict[str, Any] = {
        "file": outcome.source,
        "uri": outcome.uri or None,
        "status": outcome.state.value,
        "how": outcome.how.value if outcome.how else None,
        "group_id": outcome.group_id or None,
        "sha256": outcome.sha256 or None,
    }
    if outcome.error is not None:
        record["error"] = as_json(outcome.error)
        context.output.event(record)
    else:
        context.output.event(record, line=f"{outcome.uri}  {outcome.source}", key="uri")


class _Stages:
    """Hears of each file's steps, on several threads, and shows how far the whole is."""

    def __init__(self, shown: Progress, total: int) -> None:
        self._shown = shown
        self._total = total
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        if isinstance(event, FileMoved) and event.stage != "ended":
            self._count(event.stage)

    def ended(self) -> None:
        """One more file has its outcome."""
        self._count("ended")
        self._shown.advance()

    def _count(self, stage: str) -> None:
        with self._lock:
            self._counts[stage] += 1
            far = self._counts
            if far["created"] + far["ended"] >= self._total:
                words = "in review"
            else:
                words = "sending" if far["checked"] >= self._total else "checking"
        self._shown.say(words)


COMMANDS = {"put": Command(_options, _put, _DETAILS)}
