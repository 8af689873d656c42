"""One run of `put`: what it writes to and shows, and how Ctrl-C stops it. Owns what is open meanwhile, and how far each
stage is; must not know how a file is sent.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from portrait.cli.checking import Check, Checked
from portrait.cli.interrupting import stoppable
from portrait.cli.manifest import Manifest
from portrait.cli.put_session import Sending, SendOptions
from portrait.cli.report import Summary
from portrait.cli.select import Chosen
from portrait.cli.stages import StageProgress, stages
from portrait.cli.storage import open_store, state_dir
from portrait.ensure import CreateLog, FileOutcome
from portrait.events import Event, FileProgress
from portrait.models import AssetType
from portrait.s3 import Stage as Storing
from portrait.s3 import StorageWarning, UploadProgress
from portrait.s3.keys import parse_location

if TYPE_CHECKING:
    from portrait.cli.context import Context
    from portrait.s3 import ObjectStore

_STOPPING = "Stopping; what is under way is finished first. Ctrl-C again ends at once."


@contextmanager
def opened(context: Context, args: argparse.Namespace) -> Iterator[Run]:
    """A run; everything that it writes to was seen to be writable.

    Raises:
        UsageError: It is not, or the options cannot be right.
    """
    run = Run(context, args)
    if not args.dry_run:
        CreateLog(state_dir(context, args)).check()
    with (
        Manifest(None if args.dry_run else args.manifest, context.console.clock, context.home) as manifest,
        closing(run.store) if run.store is not None else nullcontext(),
        stoppable(lambda: run.shown.say(_STOPPING), lambda: run.shown.give_up()),  # noqa: PLW0108  (another one by then)
    ):
        run.summary = Summary(context.output, manifest, None if args.to is None else parse_location(args.to).bucket)
        yield run


class Run:
    """One run.

    Attributes:
        shown: What a person sees at present.
        store: The object storage, if there is one.
        summary: Takes outcomes.
        quota: Assets that a group may hold; None for no limit.
    """

    summary: Summary

    def __init__(self, context: Context, args: argparse.Namespace) -> None:
        self._context = context
        self._args = args
        self._asset_type = None if args.asset_type is None else AssetType(args.asset_type)
        self._sizes: dict[str, int] = {}
        self._far: dict[Path, int] = {}
        self._ended: set[tuple[str, str]] = set()
        self._created: set[str] = set()
        self.shown = StageProgress(None, {}, frozenset())
        self.quota: int | None = getattr(args, "quota", context.provider.asset_quota)
        self.store: ObjectStore | None = open_store(context, args, self._storing)

    def check(self, chosen: Sequence[Chosen], provider: str) -> list[Checked]:
        """Look at every file."""
        looking = Check(provider, self.store is not None, self._asset_type, self._args.concurrency)
        with stages(self._context.output, {"checked": sum(len(one.sources) for one in chosen)}) as self.shown:
            return looking.over(chosen, lambda: self.shown.advance("checked"))

    def send(self, groups: Sequence[Checked]) -> int:
        """Send what fits, tell everything; the result is the exit code."""
        context, summary = self._context, self.summary
        for group in groups:
            for outcome in group.faulty:
                summary.give(outcome, group.group)
            for source in group.others:
                summary.skip(source, group.group)
        if context.output.interactive:
            summary.tell_failures()
        fits = [content for group in groups for content in group.fits]
        summary.paths = {content.path: content.source for content in fits if content.path is not None}
        self._sizes = {content.sha256: content.size for content in fits}
        context.resume_hint = "The same command goes on where this one stopped; nothing is sent twice."
        with stages(context.output, self._totals(groups), frozenset({"stored"})) as self.shown:
            client = context.client.with_options(on_event=self._moved)
            Sending(client, self._options(), self._give, summary.enter).run(groups)
        return summary.sum_up()

    def _totals(self, groups: Sequence[Checked]) -> dict[str, int]:
        """What each stage has to do; a content that comes twice is done once."""
        contents = {(group.group, content.digest): content for group in groups for content in group.fits}
        if not contents:
            return {}
        totals = {"stored": sum(content.size for content in contents.values())} if self.store is not None else {}
        totals["created"] = len(contents)
        return totals if self._args.no_wait else totals | {"reviewed": len(contents)}

    def _options(self) -> SendOptions:
        args = self._args
        return SendOptions(
            store=self.store,
            check_public=args.check_public,
            asset_type=self._asset_type,
            quota=self.quota,
            timeout=args.timeout,
            concurrency=args.concurrency,
            state_dir=state_dir(self._context, args),
            wait=not args.no_wait,
        )

    def _give(self, outcome: FileOutcome, group: str) -> None:
        self.summary.give(outcome, group)
        content = (outcome.group_id, outcome.sha256)
        if content in self._ended:
            return
        self._ended.add(content)
        if outcome.asset_id:
            self.shown.advance("reviewed")
        else:  # nothing that anybody reviews
            self.shown.spare("reviewed")
        if self._created.isdisjoint({outcome.asset_id, *outcome.duplicates}):
            self.shown.spare("created")
        if not outcome.stored_key:
            self.shown.spare("stored", self._sizes.get(outcome.sha256, 0))

    def _moved(self, event: Event) -> None:
        if isinstance(event, FileProgress) and event.stage == "created":
            self._created.add(event.asset_id)
            self.shown.advance("created")

    def _storing(self, event: UploadProgress | StorageWarning) -> None:
        """The store lets one thread at a time in here."""
        if isinstance(event, StorageWarning):
            self._context.output.error(f"portrait: {event.message}\n")
            return
        if event.stage in {Storing.STORED, Storing.EXISTED}:
            self.summary.stored(event.file, event.key)
        if event.stage not in {Storing.HASHING, Storing.WAITING}:
            self.shown.advance("stored", event.bytes_done - self._far.get(event.file, 0))
            self._far[event.file] = event.bytes_done
