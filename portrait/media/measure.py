"""Measuring a file: its format by the first bytes, then its properties by structure or library."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from attrs import evolve, frozen

from portrait.enums import AssetType
from portrait.errors import UsageError
from portrait.media._bytes import InvalidMedia, length_of
from portrait.media._images import PARSERS
from portrait.media._libraries import READERS
from portrait.media._optional import require
from portrait.media._tiff import camera_raw
from portrait.media._worker import WORKER, WorkerUnavailable
from portrait.media.sniff import HEAD_BYTES, MEDIA_TYPES, MediaType, describe, sniff, tag_length

_MAX_BYTES: Final = 256 << 20  # larger files are only named: every service refuses them for their size (contract §5)


@frozen(kw_only=True)
class Measurement:
    """The properties of a file. None means: does not apply, or unknown.

    Attributes:
        size: Bytes.
        format: "jpeg", "mp4" …, as in `portrait.media.MEDIA_TYPES`; None if it is no media file.
        mime: The MIME type of the format.
        asset_type: The service's type for it. An MP4 without video is audio.
        width: Pixels, as displayed: after EXIF orientation or the rotation of a video.
        height: Pixels, likewise.
        rotated: Whether width and height are exchanged against those that the file stores.
        duration: Seconds.
        fps: Frames per second; 0.0 for a video that states none.
        has_audio: Whether there is an audio track.
        has_video: Whether there is a video track.
        problem: Why it cannot be read, as a clause without a full stop: "it ends too early, …". None for a valid file.
    """

    size: int
    format: str | None = None
    mime: str | None = None
    asset_type: AssetType | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    fps: float | None = None
    rotated: bool = False
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

    Files that are empty, truncated, hostile or no media do not raise: they have a `problem`, which
    `portrait.media.validate` reports. Images are not decoded. Memory is constant (HEIC files are read into memory,
    up to 32 MiB; larger ones have no width), time is linear in the size of the file. Of a file above 256 MiB only the
    format is told.

    Args:
        source: The bytes, a path, or a seekable binary file, which is read from its start; its position is kept.

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
    media = _detect(file, head)
    if media is None:
        return Measurement(size=size, problem=f"the file is {describe(head)}")
    measurement = Measurement(size=size, format=media.format, mime=media.mime, asset_type=media.asset_type)
    if size > _MAX_BYTES:
        return measurement
    file.seek(0)
    try:
        if media.format in PARSERS:
            picture = PARSERS[media.format](file)
            problem = None if picture.width and picture.height else f"this {media.format} file has no pixels"
            return evolve(
                measurement, width=picture.width, height=picture.height, rotated=picture.rotated, problem=problem
            )
        if media.format in READERS:
            return _measure_in_worker(file, measurement, media.format)
    except InvalidMedia as error:
        return evolve(measurement, problem=f"this {media.format} file is not sound: {error}")
    return measurement


def _detect(file: BinaryIO, head: bytes) -> MediaType | None:
    """The format of a file, also where a long tag or a directory far behind the head decides."""
    media = sniff(head)
    if media is not None and media.format == "mp3" and (length := tag_length(head)):
        file.seek(length)
        behind = sniff(file.read(HEAD_BYTES))
        return behind if behind is not None and behind.asset_type is AssetType.AUDIO else media
    if media is not None and media.format == "tiff":
        return MEDIA_TYPES[camera_raw(file) or "tiff"]
    return media


def _measure_in_worker(file: BinaryIO, measurement: Measurement, format_name: str) -> Measurement:
    require(READERS[format_name].library)
    try:
        properties = WORKER.measure(file, format_name)
    except WorkerUnavailable as error:
        raise UsageError(str(error)) from error
    measurement = evolve(measurement, **properties)
    if measurement.duration is None:
        return measurement
    return evolve(measurement, asset_type=AssetType.VIDEO if measurement.has_video else AssetType.AUDIO)
