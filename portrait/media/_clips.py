"""Video and audio files, measured with PyAV without decoding a frame.

The structure of each file is checked before FFmpeg opens it, so that a small hostile file cannot make it allocate
gigabytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, Final

from attrs import frozen

from portrait.media._bytes import Box, InvalidMedia, PartBudget, Size, boxes, length_of, read_exactly, read_uint
from portrait.media._optional import av, library_errors

_MAX_SAMPLES: Final = 8_000_000
_MAX_PACKETS: Final = 200_000
# Limits on how much FFmpeg reads to detect streams (bytes; microseconds), and on the frames that it decodes.
_OPTIONS: Final = MappingProxyType({
    "probesize": "5000000", "analyzeduration": "5000000", "max_streams": "32", "max_pixels": "70000000", "threads": "1",
})  # fmt: skip
_DEMUXERS: Final = MappingProxyType({"mp4": "mov", "mov": "mov", "wav": "wav", "mp3": "mp3"})
_CONTAINERS: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"})
_MAX_DEPTH: Final = 8
# FFmpeg parses these as well. They hold metadata in free form, where no track belongs.
_METADATA_BOXES: Final = frozenset({b"udta", b"meta", b"edts", b"dinf", b"mvex", b"tref", b"wave"})
_MAX_METADATA_BYTES: Final = 32 << 20
_STRUCTURE_TYPES: Final = re.compile(b"moov|trak|mdia|stbl|moof|traf")
# Box type → offset in its content of the sample count.
_SAMPLE_COUNTS: Final = MappingProxyType({b"stsz": 8, b"stz2": 8, b"trun": 4})


@frozen(kw_only=True)
class Clip:
    """The properties of a video or audio file.

    Attributes:
        size: Pixels as displayed; None without video.
        duration: Seconds.
        fps: Frames per second; None without video, 0.0 if the file states none.
        has_audio: Whether it has an audio track.
    """

    size: Size | None
    duration: float
    fps: float | None
    has_audio: bool


def clip(file: BinaryIO, format_name: str) -> Clip:
    """Measure a video or audio file.

    Args:
        file: Seekable.
        format_name: "mp4", "mov", "wav" or "mp3". FFmpeg uses this demuxer and does not probe for others, so that
            playlists and other indirections are never opened.

    Raises:
        InvalidMedia: It is malformed or truncated.
        UsageError: PyAV is not installed.
    """
    rotated = PRECHECKS[format_name](file)
    library = av()
    # PyAV before 19 raises for metadata that is not UTF-8 unless told otherwise; later versions lack the parameter.
    metadata = {} if _major_version(library) >= 19 else {"metadata_errors": "ignore"}
    file.seek(0)
    with (
        library_errors("FFmpeg"),
        library.open(
            file, "r", format=_DEMUXERS[format_name], options=dict(_OPTIONS), timeout=10.0, **metadata
        ) as container,
    ):
        return _measure(container, library.time_base, rotated=rotated, count=format_name == "mp3")


def _major_version(library: Any) -> int:
    return int(library.__version__.partition(".")[0])


def _measure(container: Any, time_base: int, *, rotated: bool, count: bool) -> Clip:
    streams = container.streams
    # Cover art is stored as a video stream; it does not make a song a video.
    video = next((one for one in streams.video if not one.disposition.value & _ATTACHED_PICTURE), None)
    if video is None and not streams.audio:
        raise InvalidMedia("it holds neither video nor audio")
    if container.duration is None or container.duration < 0:
        raise InvalidMedia("it does not tell its duration")
    duration = container.duration / time_base
    if count and streams.audio:
        duration = _decoded_seconds(container, streams.audio[0], declared=duration)
    if video is None:
        return Clip(size=None, duration=duration, fps=None, has_audio=True)
    if video.codec_context is None:
        raise InvalidMedia("its video codec is unknown")
    size = Size(video.codec_context.width, video.codec_context.height)
    return Clip(
        size=Size(size.height, size.width) if rotated else size,
        duration=duration,
        fps=float(video.average_rate or video.guessed_rate or 0),
        has_audio=bool(streams.audio),
    )


_ATTACHED_PICTURE: Final = 0x400


def _decoded_seconds(container: Any, stream: Any, *, declared: float) -> float:
    """The duration of an MP3 by its frames, in seconds, where its header or bit rate says something else."""
    total = 0
    for index, packet in enumerate(container.demux(stream)):
        if index >= _MAX_PACKETS:
            return max(declared, float(total * stream.time_base))
        total += packet.duration or 0
    decoded = float(total * stream.time_base)
    # Encoders pad with some frames of silence, which the header excludes and the sum includes.
    return declared if abs(decoded - declared) < 0.2 else decoded


def _precheck_boxes(file: BinaryIO) -> bool:
    """Check the boxes of an MP4 or QuickTime file; True if the first video track is rotated by 90 or 270 degrees."""
    samples, rotated, matrix = 0, None, False
    for box in _tree(file, 0, length_of(file), PartBudget()):
        if box.type == b"cmov":
            raise InvalidMedia("its header is compressed")
        if box.type in _SAMPLE_COUNTS:
            file.seek(box.start + _SAMPLE_COUNTS[box.type])
            samples += read_uint(file, 4, "big")
            if samples > _MAX_SAMPLES:
                raise InvalidMedia("it states more samples than a real file has")
        elif box.type == b"tkhd":
            matrix = _is_quarter_turn(file, box)
        elif box.type == b"hdlr" and rotated is None:
            file.seek(box.start + 8)
            rotated = matrix if file.read(4) == b"vide" else None
    return bool(rotated)


def _tree(file: BinaryIO, start: int, end: int, parts: PartBudget, depth: int = 0) -> Iterator[Box]:
    if depth > _MAX_DEPTH:
        raise InvalidMedia("its boxes are nested too deeply")
    for box in boxes(file, start, end, parts):
        yield box
        if box.type in _CONTAINERS:
            yield from _tree(file, box.start, box.end, parts, depth + 1)
        elif box.type in _METADATA_BOXES:
            file.seek(box.start)
            if box.end - box.start > _MAX_METADATA_BYTES or _STRUCTURE_TYPES.search(
                read_exactly(file, box.end - box.start)
            ):
                raise InvalidMedia("its metadata hides more than metadata")


def _is_quarter_turn(file: BinaryIO, box: Box) -> bool:
    """Whether the matrix of a track header swaps width and height (ISO/IEC 14496-12, 8.3.2: a, b, u, c, d, …)."""
    file.seek(box.start)
    long = read_exactly(file, 1) == b"\x01"
    file.seek(box.start + (52 if long else 40))
    a, b, _, c, d = (read_uint(file, 4, "big") for _ in range(5))
    return a == d == 0 and b != 0 and c != 0


def _precheck_riff(file: BinaryIO) -> bool:
    """Check that a WAV file holds all samples that it declares."""
    parts, length = PartBudget(), length_of(file)
    file.seek(12)
    while (start := file.tell()) + 8 <= length:
        parts.count()
        kind, size = read_exactly(file, 4), read_uint(file, 4, "little")
        if kind == b"data":
            # Programs that write to a pipe do not know the size, and declare 0 or the maximum.
            if start + 8 + size > length and size != 0xFFFFFFFF:
                raise InvalidMedia("it ends within its samples, as if it had been cut off")
            return False
        file.seek(start + 8 + size + (size & 1))
    raise InvalidMedia("it holds no samples")


def _no_precheck(_file: BinaryIO) -> bool:
    return False


PRECHECKS: Final[Mapping[str, Callable[[BinaryIO], bool]]] = MappingProxyType(
    {
        "mp4": _precheck_boxes,
        "mov": _precheck_boxes,
        "wav": _precheck_riff,
        "mp3": _no_precheck,
    }
)
"""Format name → a structural check before FFmpeg opens it; True if the picture is rotated by 90 or 270 degrees."""
