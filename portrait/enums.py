"""The closed sets of the protocol. Nothing else is loaded with them: the help of a command names their members, too."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


class GroupType(StrEnum):
    """How a group came to be. Contract §3."""

    AIGC = "AIGC"
    LIVENESS_FACE = "LivenessFace"


class AssetType(StrEnum):
    """What a file is. Contract §2, CreateAsset."""

    IMAGE = "Image"
    VIDEO = "Video"
    AUDIO = "Audio"


AssetTypeName = Literal["Image", "Video", "Audio"]


class AssetStatus(StrEnum):
    """How far the review of an asset is. Contract §3; a value outside of these three is read as not finished."""

    PROCESSING = "Processing"
    ACTIVE = "Active"
    FAILED = "Failed"


class SortBy(StrEnum):
    """What a list is ordered by. `GroupId` is for assets only. Contract §2."""

    CREATE_TIME = "CreateTime"
    UPDATE_TIME = "UpdateTime"
    GROUP_ID = "GroupId"


SortByName = Literal["CreateTime", "UpdateTime", "GroupId"]


class SortOrder(StrEnum):
    """Which way a list is ordered. Contract §2."""

    DESC = "Desc"
    ASC = "Asc"


SortOrderName = Literal["Desc", "Asc"]


Language = Literal["zh", "en", "zh-Hant"]
"""A language of the page that the link leads to (contract §3)."""


class VideoStatus(StrEnum):
    """How far a video is. Providers have other words for it; one that is not known counts as running."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """True once nothing more will happen."""
        return self not in {VideoStatus.QUEUED, VideoStatus.RUNNING}
