"""`put`: files go in, `asset://` addresses come out.

Files are selected and checked, those that fit are sent, and every outcome is reported. Ctrl-C stops softly at first.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from portrait.actions import CREATE_ASSET
from portrait.cli.context import Context
from portrait.cli.dry_run import dry_run
from portrait.cli.errors import INTERRUPTED
from portrait.cli.manifest import Manifest
from portrait.cli.parser import library_quota
from portrait.cli.progress import Progress, progress
from portrait.cli.put_session import PutSession
from portrait.cli.report import NO_MEDIA, Summary
from portrait.cli.select import Checked, Selection, check, left_out, select
from portrait.cli.storage import StorageOptions, open_store
from portrait.ensure import EnsureQuery, FileOutcome, check_group_name
from portrait.errors import UsageError
from portrait.events import CreateDelayed, Event, FileProgress, GroupFound, listens_to
from portrait.gateways import PRIVATE_AVATAR, REAL_AVATAR
from portrait.models import AssetType, GroupType
from portrait.rate_limiter import UPLOAD
from portrait.s3 import Stage, StorageWarning, UploadProgress
from portrait.s3.keys import parse_location

if TYPE_CHECKING:
    from portrait.s3 import ObjectStore

_STOPPING = "Stopping; what is under way is finished first. Ctrl-C again ends at once."

_DELAYED = """\
portrait: the service limits creates: the next one is sent in {seconds:.0f} s, and so on until all are sent.
  → --pace N/min keeps to a pace from the beginning.
"""


@frozen(kw_only=True)
class PutOptions(StorageOptions):
    """The options of one run.

    Attributes:
        group: The group of everything that no subfolder claims.
        subfolders: Whether each subfolder of a folder is a group of its name.
        dry_run: Whether to send nothing.
        manifest: The manifest's path; None for none.
        quota: Assets that a group may hold; `none` for no limit, None for what the provider documents.
        pace: Creates in a minute; None learns it from the service.
        no_wait: Whether to leave the reviews alone.
        timeout: Seconds for the reviews.
        asset_type: What addresses lead to; None goes by their endings.
        group_type: Of the group, where the provider cannot give it; None asks, or is AIGC.
    """

    group: str | None
    subfolders: bool
    dry_run: bool
    manifest: str | None
    quota: int | Literal["none"] | None
    pace: float | None
    no_wait: bool
    timeout: float | None
    asset_type: str | None
    group_type: str | None


def put(context: Context, /, paths: Sequence[str], **values: Any) -> int:
    """Send files, folders and http(s) addresses."""
    options = PutOptions(**values)
    if options.group is None and not options.subfolders:
        raise UsageError("--group is missing.", advice="portrait put --help says what it takes.")
    selections = select(paths, options.group, subfolders=options.subfolders)
    for selection in selections:
        check_group_name(selection.group, context.name_limit)
    with open_run(context, options) as run:
        groups = run.check(selections)
        if not any(group.valid or group.rejected for group in groups):
            raise UsageError(f"There are no images, video or audio in {', '.join(paths)}.", advice="Nothing was sent.")
        if options.dry_run:
            return dry_run(context, groups, left_out(paths), run.ensure_options)
        return run.send(groups, left_out(paths))


@contextmanager
def open_run(context: Context, options: PutOptions) -> Iterator[Run]:
    """A run; everything that it writes to was seen to be writable.

    Raises:
        UsageError: It is not, or the options cannot be right.
    """
    run = Run(context, options)
    if not options.dry_run:
        context.state.check()
    path = None if options.dry_run else options.manifest
    with (
        Manifest(path, context.console.clock, {} if path is None else context.service_identity) as manifest,
        closing(run.store) if run.store is not None else nullcontext(),
        on_sigint(lambda: run.progress.print(_STOPPING), lambda: run.progress.restore_cursor()),  # noqa: PLW0108  (changes)
    ):
        run.summary = Summary(context.output, manifest, parse_location(options.to).bucket if options.to else None)
        yield run


class Run:
    """One run of `put`: what is open meanwhile, and how far each stage is.

    Attributes:
        progress: What a person sees at present.
        store: The object storage, if there is one.
        ensure_options: The library's options of all groups.
        summary: Takes outcomes.
    """

    summary: Summary

    def __init__(self, context: Context, options: PutOptions) -> None:
        self._context = context
        self._options = options
        self._client = context.any_client.with_options(on_event=self._on_event, pace=_limits(options.pace))
        self._delayed = False
        self._sizes: dict[str, int] = {}
        self._bytes_done: dict[Path, int] = {}
        self._finished: set[tuple[str, str]] = set()
        self._created: set[str] = set()
        self.progress = Progress(None, {})
        self.store: ObjectStore | None = open_store(context, options, self._on_storage_event)
        self.ensure_options: EnsureQuery = {
            "store": self.store,
            "check_public": options.check_public,
            "asset_type": AssetType(options.asset_type) if options.asset_type else None,
            "group_type": GroupType(options.group_type) if options.group_type else None,
            "quota": library_quota(options.quota),
            "timeout": options.timeout,
            "concurrency": options.concurrency,
            "wait": not options.no_wait,
        }

    def check(self, selections: Sequence[Selection]) -> list[Checked]:
        """Check every file."""
        total = sum(len(selection.sources) for selection in selections)
        with progress(self._context.output, {"checked": total}) as self.progress:
            return check(self._client, selections, self.ensure_options)

    def send(self, groups: Sequence[Checked], skipped: Mapping[str, str]) -> int:
        """Send what fits and report everything; returns the exit code.

        Args:
            groups: The files.
            skipped: What was passed over in folders, with the reason.
        """
        context, options, summary = self._context, self._options, self.summary
        for group in groups:
            for outcome in group.rejected:
                summary.add(outcome, group.group)
            for source in group.skipped:
                summary.skip(source, NO_MEDIA, group.group)
        for source, reason in skipped.items():
            summary.skip(source, reason, None)
        if context.output.interactive:
            summary.print_failures()
        valid = [content for group in groups for content in group.valid]
        summary.paths = {content.path: content.source for content in valid if content.path is not None}
        self._sizes = {content.sha256: content.size for content in valid}
        context.resume_hint = "The same command goes on where this one stopped; nothing is sent twice."
        if options.pace and (minutes := (len(valid) - 1) / options.pace) > 1:
            context.output.info(f"At {options.pace:g} creates a minute this takes about {minutes:.0f} minutes.")
        files = sum(len(group.valid) + len(group.rejected) for group in groups)
        try:
            with progress(context.output, self._totals(groups), {"stored"}) as self.progress:
                PutSession(self._client, self.ensure_options, self._add, summary.group_ids).run(groups)
        except KeyboardInterrupt as error:
            error.add_note(summary.describe_progress(files, self._created))
            raise
        return summary.finish()

    def _totals(self, groups: Sequence[Checked]) -> dict[str, int]:
        """The amount of work in each stage; a content that comes twice is done once."""
        contents = {(group.group, content.digest): content for group in groups for content in group.valid}
        if not contents:
            return {}
        totals = {"stored": sum(content.size for content in contents.values())} if self.store is not None else {}
        totals["created"] = len(contents)
        return totals if self._options.no_wait else totals | {"reviewed": len(contents)}

    def _add(self, outcome: FileOutcome, group: str) -> None:
        self.summary.add(outcome, group)
        content = (outcome.group_id, outcome.sha256)
        if content in self._finished:
            return
        self._finished.add(content)
        if outcome.asset_id:
            self.progress.advance("reviewed")
        else:  # there is nothing to review
            self.progress.reduce_total("reviewed")
        if self._created.isdisjoint({outcome.asset_id, *outcome.duplicates}):
            self.progress.reduce_total("created")
        if not outcome.stored_key:
            self.progress.reduce_total("stored", self._sizes[outcome.sha256])

    @listens_to(FileProgress, GroupFound, CreateDelayed)
    def _on_event(self, event: Event) -> None:
        if isinstance(event, FileProgress) and event.stage in {"checked", "created"}:
            self._created |= {event.asset_id} - {""}
            self.progress.advance(event.stage)
        elif isinstance(event, GroupFound):
            self.summary.group_ids[event.name] = event.group_id
        elif isinstance(event, CreateDelayed):
            self.progress.describe("created", f"next in {event.delay:.0f} s")
            if not self._delayed:  # once for those who see no display
                self._delayed = True
                self._context.output.error(_DELAYED.format(seconds=event.delay))

    def _on_storage_event(self, event: UploadProgress | StorageWarning) -> None:
        """Called by the store, by one thread at a time."""
        if isinstance(event, StorageWarning):
            self._context.output.error(f"portrait: {event.message}\n")
            return
        if event.stage in {Stage.STORED, Stage.EXISTED}:
            self.summary.stored(event.file, event.key)
        if event.stage not in {Stage.HASHING, Stage.WAITING}:
            self.progress.advance("stored", event.bytes_done - self._bytes_done.get(event.file, 0))
            self._bytes_done[event.file] = event.bytes_done


def _limits(pace: float | None) -> Mapping[str, float] | None:
    """The library's rate limits, in calls a second: files are created by one of these."""
    return None if pace is None else dict.fromkeys((CREATE_ASSET.name, UPLOAD, PRIVATE_AVATAR, REAL_AVATAR), pace / 60)


@contextmanager
def on_sigint(soft: Callable[[], object], hard: Callable[[], object]) -> Iterator[None]:
    """Handle Ctrl-C while the block runs.

    Args:
        soft: Called at the first one, before `KeyboardInterrupt` is raised in the block.
        hard: Called at the second one, before the process ends at once. Must not wait for anything.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupted = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        del number, frame
        if interrupted:
            hard()
            os._exit(INTERRUPTED)
        interrupted = True
        soft()
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
