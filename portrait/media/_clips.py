"""Video and audio. Owns opening them with PyAV behind a guard that reads the structure first, so that a small hostile
file cannot make FFmpeg reserve gigabytes; decodes no frame itself. Must not know limits or images.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, Final

from attrs import frozen

from portrait.media._bytes import Box, Parts, Size, Unreadable, boxes, length_of, number, take
from portrait.media._extra import av

_MAX_SAMPLES: Final = 8_000_000
_MAX_PACKETS: Final = 200_000
# FFmpeg looks at no more than this before it gives up (bytes; microseconds of stream), and decodes no larger frame.
_OPTIONS: Final = MappingProxyType({
    "probesize": "5000000", "analyzeduration": "5000000", "max_streams": "32", "max_pixels": "70000000", "threads": "1",
})  # fmt: skip
_DEMUXERS: Final = MappingProxyType({"mp4": "mov", "mov": "mov", "wav": "wav", "mp3": "mp3"})
_CONTAINERS: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"})
_MAX_DEPTH: Final = 8
# FFmpeg looks into these as well, but their content is loose: a track has no business there.
_LOOSE: Final = frozenset({b"udta", b"meta", b"edts", b"dinf", b"mvex", b"tref", b"wave"})
_MAX_LOOSE: Final = 32 << 20
_HIDDEN: Final = re.compile(b"moov|trak|mdia|stbl|moof|traf")
# Box type → position in its content of the number that says how many samples it speaks of.
_SAMPLE_COUNTS: Final = MappingProxyType({b"stsz": 8, b"stz2": 8, b"trun": 4})


@frozen(kw_only=True)
class Clip:
    """What a video or audio file holds.

    Attributes:
        size: Pixels as displayed, None without video.
        duration: Seconds.
        fps: Frames per second, None without video, 0.0 where the file tells none.
        has_audio: It has an audio track.
    """

    size: Size | None
    duration: float
    fps: float | None
    has_audio: bool


def clip(file: BinaryIO, format_name: str) -> Clip:
    """Measure a video or audio file.

    Args:
        file: Seekable.
        format_name: "mp4", "mov", "wav" or "mp3". FFmpeg is told so and never guesses:
            no playlist or other indirection opens.

    Raises:
        Unreadable: It is broken or cut off.
        UsageError: PyAV is not installed.
    """
    turned = GUARDS[format_name](file)
    library = av()
    file.seek(0)
    try:
        with library.open(
            file, "r", format=_DEMUXERS[format_name], options=dict(_OPTIONS), metadata_errors="ignore", timeout=10.0
        ) as container:
            return _measure(container, library.time_base, turned=turned, count=format_name == "mp3")
    except Unreadable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a C library makes of a hostile file is a fault of the file
        raise Unreadable(f"FFmpeg does not open it ({type(error).__name__})") from None


def _measure(container: Any, time_base: int, *, turned: bool, count: bool) -> Clip:
    streams = container.streams
    # A cover picture is stored as a video track; it does not make a song a video.
    video = next((one for one in streams.video if not one.disposition.value & _ATTACHED_PICTURE), None)
    if video is None and not streams.audio:
        raise Unreadable("it holds neither video nor audio")
    if container.duration is None or container.duration < 0:
        raise Unreadable("it does not tell its duration")
    duration = container.duration / time_base
    if count and streams.audio:
        duration = _played(container, streams.audio[0], stated=duration)
    if video is None:
        return Clip(size=None, duration=duration, fps=None, has_audio=True)
    size = Size(video.codec_context.width, video.codec_context.height)
    return Clip(
        size=Size(size.height, size.width) if turned else size,
        duration=duration,
        fps=float(video.average_rate or video.guessed_rate or 0),
        has_audio=bool(streams.audio),
    )


_ATTACHED_PICTURE: Final = 0x400


def _played(container: Any, stream: Any, *, stated: float) -> float:
    """The seconds that the frames of an MP3 add up to, where that is not what its header or bit rate promises."""
    total = 0
    for index, packet in enumerate(container.demux(stream)):
        if index >= _MAX_PACKETS:
            return max(stated, float(total * stream.time_base))
        total += packet.duration or 0
    played = float(total * stream.time_base)
    # Encoders add up to some frames of silence, which the header knows of and the sum does not.
    return stated if abs(played - stated) < 0.2 else played


def _guard_boxes(file: BinaryIO) -> bool:
    """Go through an MP4 or QuickTime file; says whether the first video track is displayed turned by a quarter."""
    samples, turned, matrix = 0, None, False
    for box in _tree(file, 0, length_of(file), Parts()):
        if box.type == b"cmov":
            raise Unreadable("its header is compressed")
        if box.type in _SAMPLE_COUNTS:
            file.seek(box.start + _SAMPLE_COUNTS[box.type])
            samples += number(file, 4, "big")
            if samples > _MAX_SAMPLES:
                raise Unreadable("it states more samples than a real file has")
        elif box.type == b"tkhd":
            matrix = _is_quarter_turn(file, box)
        elif box.type == b"hdlr" and turned is None:
            file.seek(box.start + 8)
            turned = matrix if file.read(4) == b"vide" else None
    return bool(turned)


def _tree(file: BinaryIO, start: int, end: int, parts: Parts, depth: int = 0) -> Iterator[Box]:
    if depth > _MAX_DEPTH:
        raise Unreadable("its boxes are nested too deeply")
    for box in boxes(file, start, end, parts):
        yield box
        if box.type in _CONTAINERS:
            yield from _tree(file, box.start, box.end, parts, depth + 1)
        elif box.type in _LOOSE:
            file.seek(box.start)
            if box.end - box.start > _MAX_LOOSE or _HIDDEN.search(take(file, box.end - box.start)):
                raise Unreadable("its metadata hides more than metadata")


def _is_quarter_turn(file: BinaryIO, box: Box) -> bool:
    """Whether the matrix of a track header exchanges the sides (ISO/IEC 14496-12, 8.3.2: a, b, u, c, d, …)."""
    file.seek(box.start)
    long = take(file, 1) == b"\x01"
    file.seek(box.start + (52 if long else 40))
    a, b, _, c, d = (number(file, 4, "big") for _ in range(5))
    return a == d == 0 and b != 0 and c != 0


def _guard_riff(file: BinaryIO) -> bool:
    """Go through a WAV file: the samples that it states must be there."""
    parts, length = Parts(), length_of(file)
    file.seek(12)
    while (start := file.tell()) + 8 <= length:
        parts.another()
        kind, size = take(file, 4), number(file, 4, "little")
        if kind == b"data":
            # Programs that write into a pipe cannot know the size, and state none or the largest.
            if start + 8 + size > length and size != 0xFFFFFFFF:
                raise Unreadable("it ends within its samples, as if it had been cut off")
            return False
        file.seek(start + 8 + size + (size & 1))
    raise Unreadable("it holds no samples")


def _guard_nothing(_file: BinaryIO) -> bool:
    return False


GUARDS: Final[Mapping[str, Callable[[BinaryIO], bool]]] = MappingProxyType(
    {
        "mp4": _guard_boxes,
        "mov": _guard_boxes,
        "wav": _guard_riff,
        "mp3": _guard_nothing,
    }
)
"""Format name → what reads its structure before FFmpeg may; returns whether the picture is turned by a quarter."""
