"""Values of the task gateways: what a task is created from (`NewAsset`), and what it is when it is read (`Task`)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from portrait.arguments import TEXT, check_address, check_arguments
from portrait.errors import OutcomeError, PortraitError, UsageError
from portrait.gateways import FINISHED
from portrait.models import Asset, AssetStatus, AssetType, Failure, Response, VisualValidateSession
from portrait.urls import redact_url
from portrait.wait import asset_failed


@frozen
class NewAsset:
    """A file that becomes an asset of a task.

    Attributes:
        url: Its public http(s) address.
        name: The asset's Name, by which it is found again in the task: best one that no other asset of the task has.

    Raises:
        UsageError: The address is none, or the name is blank.
    """

    url: str = field(repr=False)
    name: str

    def __attrs_post_init__(self) -> None:
        check_arguments({"url": TEXT, "name": TEXT}, {"url": self.url, "name": self.name})
        if not self.name.strip():
            raise UsageError("An asset of a task needs a name.", advice="The task is matched by it.")
        check_address(redact_url(self.url), self.url)


class TaskStatus(StrEnum):
    """The states of a task. Gateways have more words for them; an unknown one counts as processing (contract §8)."""

    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True once nothing more will happen."""
        return self in FINISHED


@frozen(kw_only=True)
class Task:
    """One task, as it was last read.

    That it failed says only that not all of its assets are usable: `usable` has those that are, `failed` the others
    (contract §8). Each asset is judged by itself, whatever the task says.

    Attributes:
        id: The gateway's id of it.
        status: Its state.
        progress: Percent; None where the gateway does not say.
        assets: Its assets, once it has ended, in the order in which they were sent where that is known.
        names: The Names that this client sent, in order; empty for a task that was read by its id alone.
        asset_type: The files' type, as this client declared it; None likewise.
        session: The liveness check that it opened; None for another task.
        group_id: The group of the person who passed; "" for another task.
        failure: What the gateway says of a failed one.
        response: The answer it was read from.
    """

    id: str
    status: TaskStatus
    progress: int | None = None
    assets: tuple[Asset, ...] = ()
    names: tuple[str, ...] = ()
    asset_type: AssetType | None = None
    session: VisualValidateSession | None = field(default=None, repr=False)
    group_id: str = ""
    failure: Failure | None = None
    response: Response = field(factory=Response, eq=False, repr=False)

    @property
    def usable(self) -> tuple[Asset, ...]:
        """The assets that are Active: their `uri` can be used."""
        return tuple(asset for asset in self.assets if asset.status is AssetStatus.ACTIVE)

    @property
    def failed(self) -> tuple[Asset, ...]:
        """The assets whose review ended in Failed; `failure` says why."""
        return tuple(asset for asset in self.assets if asset.status is AssetStatus.FAILED)

    @property
    def by_name(self) -> Mapping[str, Asset]:
        """The assets by their names; of two with one name, the first."""
        return {asset.name: asset for asset in reversed(self.assets) if asset.name}

    def error(self) -> PortraitError | None:
        """Why not all is well; None for a task that goes on, or whose assets are all usable."""
        if self.failed:
            return asset_failed(self.failed[0])
        if self.status in {TaskStatus.COMPLETED, TaskStatus.PROCESSING}:
            return None
        why = f": {self.failure.message}" if self.failure is not None and self.failure.message else ""
        return OutcomeError(f"The task {self.id} is {self.status}{why.rstrip('.')}.", advice="Create it again.")

    def check(self) -> tuple[Asset, ...]:
        """The usable assets, if no asset has failed.

        Raises:
            AssetFailed: An asset has failed; `usable` has those that have not.
            OutcomeError: The task failed as a whole, or was cancelled.
        """
        if (error := self.error()) is not None:
            raise error
        return self.usable


@frozen(kw_only=True)
class UploadedImage:
    """A picture that the gateway keeps for 72 hours (contract §8).

    Attributes:
        url: Its address.
        filename: As it was sent.
        content_type: What it is.
        size: Bytes.
        created: Seconds since 1970; None where the gateway does not say.
    """

    url: str = field(repr=False)
    filename: str = ""
    content_type: str = ""
    size: int | None = None
    created: float | None = None
