"""Video generation with `asset://` references, for every provider: `client.videos`, and the values that it takes."""

from portrait.enums import VideoStatus
from portrait.videos.client import AsyncVideos, Videos
from portrait.videos.models import Reference, Video, VideoFailure, VideoPage, VideoRequest
from portrait.videos.operations import VideoService

__all__ = [
    "AsyncVideos",
    "Reference",
    "Video",
    "VideoFailure",
    "VideoPage",
    "VideoRequest",
    "VideoService",
    "VideoStatus",
    "Videos",
]
