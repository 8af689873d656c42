"""Measuring a file. Owns the order of the steps (first bytes, structure, library) and the `Measurement` that comes
out; must not know limits, addresses or where the file came from.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from attrs import evolve, frozen

from portrait.media._bytes import Unreadable, length_of
from portrait.media._clips import GUARDS, clip
from portrait.media._images import WALKERS
from portrait.media.sniff import HEAD_BYTES, describe, sniff
from portrait.models import AssetType


@frozen(kw_only=True)
class Measurement:
    """What is known of a file. None everywhere means: does not apply, or could not be told.

    Attributes:
        size: Bytes.
        format: "jpeg", "mp4" …, as in `portrait.media.MEDIA_TYPES`; None for what is no media.
        mime: The MIME type that goes with the format.
        asset_type: What the service would call it. An MP4 without a picture is audio.
        width: Pixels, as displayed: after EXIF orientation or the rotation of a video.
        height: Pixels, likewise.
        duration: Seconds.
        fps: Frames per second; 0.0 for a video that tells none.
        has_audio: There is an audio track.
        has_video: There is a moving picture.
        problem: Why it could not be read, as a clause without full stop: "it ends too early, …". None for a sound file.
    """

    size: int
    format: str | None = None
    mime: str | None = None
    asset_type: AssetType | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    fps: float | None = None
    has_audio: bool = False
    has_video: bool = False
    problem: str | None = None

    @property
    def pixels(self) -> int | None:
        """Width times height."""
        return None if self.width is None or self.height is None else self.width * self.height

    @property
    def ratio(self) -> float | None:
        """Width divided by height; None without a height."""
        return self.width / self.height if self.width is not None and self.height else None


def measure(source: bytes | Path | BinaryIO) -> Measurement:
    """Measure a media file.

    No file makes this fail: what is empty, cut off, hostile or no media at all comes back as a `problem`, from which
    `portrait.media.faults` makes a fault. No pixel and no frame is decoded for an image; memory does not grow with the
    file (HEIC is held in memory, up to 128 MiB), and time grows with it in proportion.

    Args:
        source: The bytes, a path, or a seekable binary file, which is read from its beginning and left where it stood.

    Raises:
        UsageError: HEIC, video and audio need the extra `media`, and it is not installed.
        OSError: The file cannot be opened or read.
    """
    if isinstance(source, bytes):
        return _measure(BytesIO(source))
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _measure(file)
    position = source.tell()
    source.seek(0)
    try:
        return _measure(source)
    finally:
        source.seek(position)


def _measure(file: BinaryIO) -> Measurement:
    size, head = length_of(file), file.read(HEAD_BYTES)
    media = sniff(head)
    if media is None:
        return Measurement(size=size, problem=f"the file is {describe(head)}")
    known = Measurement(size=size, format=media.format, mime=media.mime, asset_type=media.asset_type)
    file.seek(0)
    try:
        if media.format in WALKERS:
            picture = WALKERS[media.format](file)
            problem = None if picture.width and picture.height else f"this {media.format} file has no pixels"
            return evolve(known, width=picture.width, height=picture.height, problem=problem)
        if media.format in GUARDS:
            return _measure_clip(file, known, media.format)
    except Unreadable as error:
        return evolve(known, problem=f"this {media.format} file is not sound: {error}")
    return known


def _measure_clip(file: BinaryIO, known: Measurement, format_name: str) -> Measurement:
    found = clip(file, format_name)
    has_video = found.size is not None
    return evolve(
        known,
        asset_type=AssetType.VIDEO if has_video else AssetType.AUDIO,
        width=found.size.width if found.size else None,
        height=found.size.height if found.size else None,
        duration=found.duration,
        fps=found.fps,
        has_audio=found.has_audio,
        has_video=has_video,
    )
