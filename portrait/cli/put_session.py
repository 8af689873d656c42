"""Sends files that fit, group by group, then awaits all reviews together. What stops one group may stop the others."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import evolve

from portrait.cli.resolve import locate_group
from portrait.client import PortraitClient
from portrait.ensure import Content, EnsureQuery, FileOutcome, FileState, state_of_error, stops_other_groups
from portrait.errors import ConnectFailed, Interrupted, PortraitError
from portrait.models import GroupType

if TYPE_CHECKING:
    from portrait.cli.select import Checked
    from portrait.tasks import TaskClient


class PutSession:
    """One run over all groups.

    Args:
        client: Makes the calls.
        options: How files are sent.
        report: Takes each outcome as soon as it is known, and its group as it was named.
        group_ids: The ids of groups as they were named, in the order in which they are worked on; "" where one is not
            known yet.
    """

    def __init__(
        self,
        client: PortraitClient | TaskClient,
        options: EnsureQuery,
        report: Callable[[FileOutcome, str], object],
        group_ids: MutableMapping[str, str],
    ) -> None:
        self._client = client
        self._options = options
        self._report = report
        self._group_ids = group_ids
        self._in_review: dict[str, list[tuple[FileOutcome, str]]] = {}  # by asset
        self._types: dict[str, GroupType] = {}  # by group, as it was named
        self._fatal_error: PortraitError | None = None

    def run(self, groups: Sequence[Checked]) -> None:
        """Bring every file that fits to its outcome. An interrupt is raised after what is known was reported."""
        try:
            for group in groups:
                if group.valid:
                    self._send(group)
            self._review()
        finally:
            if self._in_review:
                self._finish_all(Interrupted())

    def _send(self, group: Checked) -> None:
        pending = list(group.valid)
        try:
            if self._fatal_error is not None:
                raise self._fatal_error
            place = locate_group(self._client, group.group)
            self._group_ids[group.group] = place.get("group_id") or ""
            options: EnsureQuery = {**self._options, **place}
            if (group_type := place.get("group_type")) is not None:
                self._types[group.group] = GroupType(group_type)
            if isinstance(self._client, PortraitClient):  # lists show all groups at once
                options["wait"] = False
            for outcome in self._client.ensure_assets(group.valid, **options):
                pending.remove(_content_of(outcome, pending))
                if stops_other_groups(outcome.error):
                    self._fatal_error = outcome.error
                if outcome.state is FileState.TIMED_OUT and outcome.error is None:
                    self._in_review.setdefault(outcome.asset_id, []).append((outcome, group.group))
                else:
                    self._report(outcome, group.group)
        except PortraitError as error:
            if stops_other_groups(error):
                self._fatal_error = error
            for content in pending:
                self._report(_not_sent(content, self._group_ids.get(group.group, ""), error), group.group)

    def _review(self) -> None:
        """One wait for all groups; without a service to ask there is nothing to wait for."""
        if not self._options.get("wait"):
            self._finish_all(None)
        elif isinstance(self._fatal_error, ConnectFailed):
            self._finish_all(self._fatal_error)
        elif self._in_review and isinstance(self._client, PortraitClient):
            in_review = [each for outcomes in self._in_review.values() for each in outcomes]
            types = {self._types.get(group) for _, group in in_review}
            read = {outcome.asset_id: outcome.asset for outcome, _ in in_review if len(self._group_ids) == 1}
            watch = self._client.watch_assets(
                [read.get(asset_id) or asset_id for asset_id in self._in_review],
                group_ids={outcome.group_id for outcome, _ in in_review},
                group_type=types.pop() if len(types) == 1 else None,
                timeout=self._options.get("timeout"),
            )
            try:
                for end in watch:
                    self._finish(end.id, state=FileState(end.state.value), asset=end.asset, error=end.error)
            except PortraitError as error:
                self._finish_all(error)

    def _finish(self, asset_id: str, **ending: Any) -> None:
        """Report the outcomes of one asset. A report that fails leaves the others for `_finish_all`."""
        outcomes = self._in_review[asset_id]
        while outcomes:
            outcome, group = outcomes.pop(0)
            self._report(evolve(outcome, **ending), group)
        del self._in_review[asset_id]

    def _finish_all(self, error: PortraitError | None) -> None:
        """Report everything that is still in review."""
        for asset_id in list(self._in_review):
            self._finish(asset_id, error=error)


def _content_of(outcome: FileOutcome, contents: Sequence[Content]) -> Content:
    """The content of an outcome; addresses that differ in their query alone have one source."""
    same = [content for content in contents if content.source == outcome.source]
    return next((content for content in same if content.sha256 == outcome.sha256), same[0])


def _not_sent(content: Content, group_id: str, error: PortraitError) -> FileOutcome:
    return FileOutcome(
        source=content.source,
        state=state_of_error(error),
        sha256=content.sha256,
        group_id=group_id,
        name=content.name,
        error=error,
    )
