"""Jobs, which are created by one call and read by others: tasks of the gateways, and generations of videos.

Records, and what follows from them and `now`. Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from emulator.domain.records import AssetState
from portrait.enums import VideoStatus


class TaskKind(StrEnum):
    """The kinds of tasks."""

    ASSETS = "assets"
    SESSION = "session"  # a liveness check was opened
    PERSON = "person"  # the result of a liveness check was asked for


class TaskState(StrEnum):
    """The states of a task."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@frozen(kw_only=True)
class TaskItem:
    """One asset of a task.

    Attributes:
        asset_id: Its id.
        name: Its Name when it was created.
        outcome: How its review ended, once the whole task has; None before.
        code: Why it failed.
    """

    asset_id: str
    name: str
    outcome: AssetState | None = None
    code: str = ""


@frozen(kw_only=True)
class Task:
    """A task.

    Attributes:
        number: Its place in the order of creation.
        model: The model that its assets are for.
        expected: When it is expected to end, for its progress.
        ended: When it ended; None before.
        failed: Whether it ended in a failure.
        items: Its assets.
        validation: The handle of its liveness check, "" for none and for one that is forgotten.
        group_id: The person's group, once there is one.
    """

    number: int
    id: str
    customer: str
    project: str
    kind: TaskKind
    model: str = ""
    created: float
    expected: float = 0.0
    ended: float | None = None
    failed: bool = False
    items: tuple[TaskItem, ...] = ()
    validation: str = ""
    group_id: str = ""

    @property
    def state(self) -> TaskState:
        """Its state."""
        if self.ended is None:
            return TaskState.PROCESSING
        return TaskState.FAILED if self.failed else TaskState.COMPLETED

    def progress(self, now: float) -> int:
        """Percent: 10 at the start (contract §8, D), then by the time that it is expected to take, 100 at the end."""
        return 100 if self.ended is not None else percent(now, self.created, self.expected)

    @property
    def due(self) -> None:
        """A task ends when it is read, and not by itself."""


def percent(now: float, start: float, end: float) -> int:
    """Percent of a job that has not ended: from 10 at its start to 99."""
    share = (now - start) / (end - start) if end > start else 1.0
    return 10 + int(89 * min(max(share, 0.0), 1.0))


@frozen(kw_only=True)
class UsedAsset:
    """An asset that a generation refers to.

    Attributes:
        asset_id: Its id.
        place: Where it stands in the request, such as `content[0].image_url.url`.
    """

    asset_id: str
    place: str


@frozen(kw_only=True)
class Generation:
    """A video that is generated.

    Attributes:
        number: Its place in the order of creation.
        starts: When it leaves the queue.
        due: When it ends by itself; None once it has ended.
        ended: When it ended; None before.
        outcome: How it ended, or will if nothing else is found.
        code: Why it fails, "" if it does not.
        message: The same for people.
        assets: What it refers to.
        seconds: The length of the video.
        tokens: What it costs.
        extension: Of the video's file, with its dot.
        last_frame: Whether a picture of the last frame was asked for.
        options: Further fields of the request, which change nothing and are repeated by reads.
    """

    number: int
    id: str
    customer: str
    model: str
    created: float
    starts: float
    due: float | None
    ended: float | None = None
    outcome: VideoStatus = VideoStatus.SUCCEEDED
    code: str = ""
    message: str = ""
    assets: tuple[UsedAsset, ...] = ()
    seconds: int
    resolution: str
    ratio: str
    tokens: int
    extension: str = ".mp4"
    last_frame: bool = False
    options: Mapping[str, Any] = field(factory=dict)

    def state(self, now: float) -> VideoStatus:
        """Its state."""
        if self.ended is not None:
            return self.outcome
        return VideoStatus.RUNNING if now >= self.starts else VideoStatus.QUEUED

    def progress(self, now: float) -> int:
        """Percent: 0 in the queue, then by the time that it takes, 100 at the end."""
        if self.due is None:
            return 100
        return percent(now, self.starts, self.due) if now >= self.starts else 0


Job = Task | Generation


def rejected_message(place: str, why: str) -> str:
    """The service's sentence about a reference. Contract §7 (M)."""
    return f"The parameter `{place}` specified in the request is not valid: {why}"


def unknown_asset_message(asset_id: str) -> str:
    """The service's sentence about an asset that is not Active, not the customer's, or not there. Contract §7 (M)."""
    return f"The specified asset {asset_id} is not found."
