"""Jobs: what a customer waits for besides reviews. A task creates assets or leads a person; a generation makes a video.

Records only, with what follows from them and `now`. Times are seconds since 1970.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from emulator.domain.records import AssetState


class TaskKind(StrEnum):
    """What a task is about."""

    ASSETS = "assets"
    SESSION = "session"  # a liveness check was opened
    PERSON = "person"  # the result of a liveness check was asked for


class TaskState(StrEnum):
    """How far a task is."""

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
        due: When it is expected to end, for its progress.
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
    due: float = 0.0
    ended: float | None = None
    failed: bool = False
    items: tuple[TaskItem, ...] = ()
    validation: str = ""
    group_id: str = ""

    @property
    def state(self) -> TaskState:
        """How far it is."""
        if self.ended is None:
            return TaskState.PROCESSING
        return TaskState.FAILED if self.failed else TaskState.COMPLETED

    def progress(self, now: float) -> int:
        """Percent: 10 at the start (contract §8, D), then by the time that it is expected to take, 100 at the end."""
        return 100 if self.ended is not None else percent(now, self.created, self.due)


def percent(now: float, start: float, end: float) -> int:
    """Percent of a job that has not ended: from 10 at its start to 99."""
    share = (now - start) / (end - start) if end > start else 1.0
    return 10 + int(89 * min(max(share, 0.0), 1.0))


Job = Task
