"""From files that fit to outcomes, group by group, then one wait for all reviews. Owns what happens to the rest when
something stands in the way of all; must not know how an outcome is told, nor how a file is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from portrait.cli.resolve import get_or_create_group
from portrait.cli.select import Checked
from portrait.ensure import FATAL, Content, FileOutcome, FileState, state_of_error
from portrait.errors import ConnectFailed, Interrupted, PortraitError, QuotaExceeded
from portrait.s3 import StorageError

if TYPE_CHECKING:
    from portrait.client import PortraitClient
    from portrait.models import AssetType
    from portrait.s3 import ObjectStore


@frozen(kw_only=True)
class SendOptions:
    """How files are to be sent.

    Attributes:
        store: Gives files an address; None for the gateway's upload.
        check_public: See from outside that a stored file can be fetched.
        asset_type: What addresses lead to.
        quota: Assets that a group may hold; None for no limit.
        timeout: Seconds for the reviews.
        concurrency: Files at once.
        state_dir: Remembers what was begun.
        wait: Whether to wait for the reviews.
    """

    store: ObjectStore | None
    check_public: bool
    asset_type: AssetType | None
    quota: int | None
    timeout: float | None
    concurrency: int
    state_dir: str
    wait: bool


class PutSession:
    """One run over all groups.

    Args:
        client: Who calls.
        options: How files are sent.
        give: Takes each outcome as soon as it is known, and the group as it was named.
        enter: Told the name and the id of the group that the work is at.
    """

    def __init__(
        self,
        client: PortraitClient,
        options: SendOptions,
        give: Callable[[FileOutcome, str], object],
        enter: Callable[[str, str], object],
    ) -> None:
        self._client = client
        self._options = options
        self._report = give
        self._enter = enter
        self._in_review: dict[str, list[FileOutcome]] = {}
        self._names: dict[str, str] = {}
        self._over: PortraitError | None = None

    def run(self, groups: Sequence[Checked]) -> None:
        """Bring every file that fits to its outcome. An interrupt goes through, after what is known was given."""
        try:
            for group in groups:
                if group.valid:
                    self._create(group)
            self._review()
        finally:
            for outcome in self._taken():
                self._give(evolve(outcome, error=Interrupted()))

    def _create(self, group: Checked) -> None:
        remaining: dict[str, list[Content]] = {}  # by source: addresses that differ in their query are called the same
        for content in group.valid:
            remaining.setdefault(content.source, []).append(content)
        group_id = ""
        try:
            if self._over is not None:
                raise self._over
            group_id = get_or_create_group(self._client, group.group, self._options.state_dir)
            self._names[group_id] = group.group
            self._enter(group.group, group_id)
            for outcome in self._ensured(group.valid, group_id):
                _take(remaining[outcome.source], outcome.sha256)
                if _stops_all(outcome.error):
                    self._over = outcome.error
                if outcome.state is FileState.TIMED_OUT and outcome.error is None:
                    self._in_review.setdefault(outcome.asset_id, []).append(outcome)
                else:
                    self._give(outcome)
        except PortraitError as error:
            if _stops_all(error):
                self._over = error
            for content in chain.from_iterable(remaining.values()):
                self._report(_undone(content, group_id, error), group.group)

    def _ensured(self, contents: Sequence[Content], group_id: str) -> Iterator[FileOutcome]:
        options = self._options
        return self._client.ensure_assets(
            contents,
            group_id=group_id,
            store=options.store,
            check_public=options.check_public,
            asset_type=options.asset_type,
            quota=options.quota,
            concurrency=options.concurrency,
            state_dir=options.state_dir,
            wait=False,
        )

    def _review(self) -> None:
        """One wait for all groups; without a service to ask there is nothing to wait for."""
        if not self._options.wait:
            for outcome in self._taken():
                self._give(outcome)
            return
        if isinstance(self._over, ConnectFailed):
            for outcome in self._taken():
                self._give(evolve(outcome, error=self._over))
            return
        groups = {outcome.group_id for outcomes in self._in_review.values() for outcome in outcomes}
        try:
            for end in self._client.watch_assets(
                list(self._in_review), group_ids=groups, timeout=self._options.timeout
            ):
                for outcome in self._in_review.pop(end.id):
                    self._give(evolve(outcome, state=FileState(end.state.value), asset=end.asset, error=end.error))
        except PortraitError as error:
            for outcome in self._taken():
                self._give(evolve(outcome, error=error))

    def _give(self, outcome: FileOutcome) -> None:
        self._report(outcome, self._names[outcome.group_id])

    def _taken(self) -> list[FileOutcome]:
        """What is in review, which is nobody's business afterwards."""
        taken = [outcome for outcomes in self._in_review.values() for outcome in outcomes]
        self._in_review.clear()
        return taken


def _take(contents: list[Content], sha256: str) -> None:
    """One of these has its outcome; where that does not say which content it has, any of them."""
    contents.remove(next((content for content in contents if content.sha256 == sha256), contents[0]))


def _stops_all(error: PortraitError | None) -> bool:
    """Would every further group meet it? One that is full says nothing of another."""
    if isinstance(error, StorageError):
        return error.fatal
    return isinstance(error, FATAL) and not isinstance(error, QuotaExceeded)


def _undone(content: Content, group_id: str, error: PortraitError) -> FileOutcome:
    return FileOutcome(
        source=content.source,
        state=state_of_error(error),
        sha256=content.sha256,
        group_id=group_id,
        name=content.name,
        error=error,
    )
