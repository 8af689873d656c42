"""What becomes of a file: one value for each, whatever happened. Values only."""

from __future__ import annotations

from enum import StrEnum

from attrs import field, frozen

from portrait.errors import PortraitError
from portrait.media import Violation
from portrait.models import Asset
from portrait.uri import asset_uri


class FileState(StrEnum):
    """How a file ended."""

    ACTIVE = "Active"  # usable as asset://
    REJECTED = "Rejected"  # does not fit; nothing was sent
    NO_ROOM = "NoRoom"  # the quota is full
    REFUSED = "Refused"  # the service, or the storage, said no
    FAILED = "Failed"  # the review said no
    VANISHED = "Vanished"  # somebody deleted the asset meanwhile
    TIMED_OUT = "Late"  # the review is not finished; a later run goes on
    UNKNOWN = "Unknown"  # an answer was lost and could not be found out
    STOPPED = "Stopped"  # not begun, since the run was stopped or nobody could be reached


class Origin(StrEnum):
    """How an asset came to be."""

    EXISTING = "existing"
    CREATED = "created"
    RECOVERED = "recovered"  # created; its answer was lost and found again
    REPLACED = "replaced"  # created in the place of one that had failed through no fault of the file


@frozen(kw_only=True)
class FileOutcome:
    """What became of one file.

    Attributes:
        source: The path or address as given.
        state: How it ended.
        asset_id: The asset's id, "" if there is none.
        origin: How the asset came to be; None without one.
        sha256: Of the content, 64 hex digits; for an address of the address; "" if it could not be read.
        group_id: The group.
        name: The asset's Name.
        asset: As it was read last.
        faults: Everything that is wrong with the file.
        duplicates: Ids of further assets with the same content; none of them was touched.
        stored_key: The object's key, where the file went by object storage.
        error: What stands in the way; None if it is Active.
    """

    source: str
    state: FileState
    asset_id: str = ""
    origin: Origin | None = None
    sha256: str = ""
    group_id: str = ""
    name: str = ""
    asset: Asset | None = field(default=None, repr=False)
    faults: tuple[Violation, ...] = ()
    duplicates: tuple[str, ...] = ()
    stored_key: str = ""
    error: PortraitError | None = None

    @property
    def uri(self) -> str:
        """`asset://<id>`, "" without an asset."""
        return asset_uri(self.asset_id) if self.asset_id else ""

    def check(self) -> str:
        """`asset://<id>` if the asset is Active.

        Raises:
            PortraitError: `error`, if it is not.
        """
        if self.error is not None:
            raise self.error
        return self.uri
