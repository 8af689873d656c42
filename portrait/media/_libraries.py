"""Video, audio and HEIC files, measured by FFmpeg and libheif without decoding them.

Runs in the worker process alone (`portrait.media._worker`), where no file can take more memory or time than one may.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, BinaryIO, Final

from attrs import evolve, frozen

from portrait.media._bytes import Box, InvalidMedia, PartBudget, Size, boxes, length_of, read_exactly, read_uint
from portrait.media._optional import library_errors, load

_MAX_HEIF_BYTES: Final = 32 << 20  # which is read into memory; larger ones are refused for their size (contract §5)
_MAX_PACKETS: Final = 200_000
# All frames of the longest clip that is accepted: 30.2 s at 60 frames per second (contract §5).
_MAX_FRAMES: Final = 2_000
# Limits on how much FFmpeg reads to detect streams (bytes; microseconds), and on the frames that it decodes.
_OPTIONS: Final = MappingProxyType({
    "probesize": "5000000", "analyzeduration": "5000000", "max_streams": "32", "max_pixels": "70000000", "threads": "1",
})  # fmt: skip
_DEMUXERS: Final = MappingProxyType({"mp4": "mov", "mov": "mov", "wav": "wav", "mp3": "mp3"})
_CONTAINERS: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"iprp", b"ipco"})
# Where the chunks of samples are: the letter of `struct` for one offset.
_CHUNK_OFFSETS: Final = MappingProxyType({b"stco": "I", b"co64": "Q"})
_OFFSETS_AT_ONCE: Final = 1 << 14
_MAX_DEPTH: Final = 8
_ATTACHED_PICTURE: Final = 0x400


@frozen(kw_only=True)
class Properties:
    """What a library finds out about a file. Fields as of `portrait.media.Measurement`.

    Attributes:
        width: Pixels as displayed; None without a picture.
        height: Pixels, likewise.
        rotated: Whether width and height are exchanged against those that the file stores.
        duration: Seconds; None for a still image.
        fps: Frames per second; None without video, 0.0 if the file states none.
        has_audio: Whether it has an audio track.
        has_video: Whether it has a video track.
    """

    width: int | None = None
    height: int | None = None
    rotated: bool = False
    duration: float | None = None
    fps: float | None = None
    has_audio: bool = False
    has_video: bool = False


def _clip(file: BinaryIO, format_name: str) -> Properties:
    """Measure a video or audio file.

    Args:
        file: Seekable.
        format_name: "mp4", "mov", "wav" or "mp3". FFmpeg uses this demuxer and does not probe for others, so that
            playlists and other indirections are never opened.

    Raises:
        InvalidMedia: It is malformed or truncated.
    """
    if format_name == "wav":
        _check_riff(file)
    track = _video_track(file) if _DEMUXERS[format_name] == "mov" else _VideoTrack()
    library = load("av")
    # PyAV before 19 raises for metadata that is not UTF-8 by default; later versions lack the parameter.
    metadata = {} if int(library.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "ignore"}
    file.seek(0)
    with (
        library_errors("FFmpeg"),
        library.open(
            file, "r", format=_DEMUXERS[format_name], options=dict(_OPTIONS), timeout=10.0, **metadata
        ) as container,
    ):
        return _read_streams(container, library.time_base, track, count=format_name == "mp3")


def _read_streams(container: Any, time_base: int, track: _VideoTrack, *, count: bool) -> Properties:
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
        return Properties(duration=duration, has_audio=True)
    if video.codec_context is None:
        raise InvalidMedia("its video codec is unknown")
    size = _displayed(video, track)
    return Properties(
        width=size.width,
        height=size.height,
        rotated=track.rotated,
        duration=duration,
        fps=_frame_rate(container, video, track),
        has_audio=bool(streams.audio),
        has_video=True,
    )


def _displayed(video: Any, track: _VideoTrack) -> Size:
    """The size of a video track as players show it: pixels that are not square are stretched, then it is rotated."""
    width, height = video.codec_context.width or track.width, video.codec_context.height or track.height
    if not width or not height:
        raise InvalidMedia(f"its video track has no pixels: it states {width} × {height}")
    aspect = video.sample_aspect_ratio or video.codec_context.sample_aspect_ratio
    if aspect:
        width = max(1, round(width * aspect))
    return Size(height, width) if track.rotated else Size(width, height)


def _frame_rate(container: Any, video: Any, track: _VideoTrack) -> float:
    """Frames per second: frames through their durations.

    Of a fragmented file FFmpeg knows the first fragments and the length of the sound, and is up to 5 % off: there the
    frames are counted. The longest is left out: it lasts until the sound ends.
    """
    if track.fragmented:
        durations = [packet.duration for packet in islice(container.demux(video), _MAX_FRAMES) if packet.duration]
        total = sum(durations) - max(durations, default=0)
        if total:
            return float((len(durations) - 1) / (total * video.time_base))
    return float(video.average_rate or video.guessed_rate or 0)


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


@frozen
class _VideoTrack:
    """The first video track of an MP4 or QuickTime file, as its boxes describe it.

    Attributes:
        rotated: Whether it is displayed after rotation by 90 or 270 degrees.
        width: Pixels as stored; 0 if unknown.
        height: Pixels, likewise.
        fragmented: Whether the file goes on in fragments, of which its header says nothing.
    """

    rotated: bool = False
    width: int = 0
    height: int = 0
    fragmented: bool = False


def _video_track(file: BinaryIO) -> _VideoTrack:
    """Look for the first video track, and check that no box and no chunk of samples lies behind the end of the file."""
    track, movie_rotated, rotated, handler, fragmented = _VideoTrack(), False, False, b"", False
    for box in _tree(file, 0, length_of(file), PartBudget(), trailer=True):
        if box.type == b"mvhd":
            movie_rotated = _is_quarter_turn(file, box, 36)
        elif box.type == b"tkhd":
            rotated, handler = _is_quarter_turn(file, box, 40) != movie_rotated, b""
        elif box.type == b"hdlr":
            file.seek(box.start + 8)
            handler = handler or file.read(4)  # QuickTime has a second one, of the data
        elif box.type in _CHUNK_OFFSETS and handler in {b"vide", b"soun"}:
            _check_chunks(file, box)
        elif box.type == b"stsd" and handler == b"vide" and not track.width:
            # ISO/IEC 14496-12, 8.5.2 and 12.1.3: the size is in the first sample entry.
            file.seek(box.start + 40)
            track = _VideoTrack(rotated, read_uint(file, 2, "big"), read_uint(file, 2, "big"))
        fragmented = fragmented or box.type in {b"moof", b"mvex"}
    return evolve(track, fragmented=fragmented)


def _tree(
    file: BinaryIO, start: int, end: int, parts: PartBudget, depth: int = 0, *, trailer: bool = False
) -> Iterator[Box]:
    if depth > _MAX_DEPTH:
        raise InvalidMedia("its boxes are nested too deeply")
    for box in boxes(file, start, end, parts, trailer=trailer):
        yield box
        if box.type in _CONTAINERS:
            yield from _tree(file, box.start, box.end, parts, depth + 1)


def _check_chunks(file: BinaryIO, box: Box) -> None:
    """Check where the samples are (ISO/IEC 14496-12, 8.7.5): a file cut off before them has a sound header."""
    letter, length = _CHUNK_OFFSETS[box.type], length_of(file)
    width = struct.calcsize(f">{letter}")
    file.seek(box.start + 4)
    remaining = min(read_uint(file, 4, "big"), (box.end - box.start - 8) // width)
    while remaining > 0:
        count = min(remaining, _OFFSETS_AT_ONCE)
        if max(struct.unpack(f">{count}{letter}", read_exactly(file, count * width))) >= length:
            raise InvalidMedia("its samples lie behind its end, as if it had been cut off")
        remaining -= count


def _is_quarter_turn(file: BinaryIO, box: Box, position: int) -> bool:
    """Whether the matrix of a movie or track header swaps width and height.

    ISO/IEC 14496-12, 8.2.2 and 8.3.2: a, b, u, c, d, … Times of 64 bits move it by 12 bytes.
    """
    file.seek(box.start)
    long = read_exactly(file, 1) == b"\x01"
    file.seek(box.start + position + (12 if long else 0))
    a, b, _, c, d = (read_uint(file, 4, "big") for _ in range(5))
    return a == d == 0 and b != 0 and c != 0


def _check_riff(file: BinaryIO) -> None:
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
            return
        file.seek(start + 8 + size + (size & 1))
    raise InvalidMedia("it holds no samples")


def _heif(file: BinaryIO, _format_name: str) -> Properties:
    length = length_of(file)
    meta = [box for box in boxes(file, 0, length, PartBudget(), trailer=True) if box.type == b"meta"]
    if not meta:
        raise InvalidMedia("it holds no picture")
    if length > _MAX_HEIF_BYTES:
        return Properties()
    library = load("pillow_heif")
    file.seek(0)
    with library_errors("libheif"):
        # Opened, not decoded. libheif has its own limits against bombs, and returns the size after rotation.
        width, height = library.open_heif(file).size
    return Properties(width=width, height=height, rotated=_is_heif_rotated(file, meta[0]))


def _is_heif_rotated(file: BinaryIO, meta: Box) -> bool:
    """Whether the first rotation among the properties is by 90 or 270 degrees (ISO/IEC 23008-12, 6.5.10)."""
    for box in _tree(file, meta.start + 4, meta.end, PartBudget()):
        if box.type == b"irot":
            file.seek(box.start)
            return bool(read_uint(file, 1, "big") & 1)
    return False


@frozen
class Reader:
    """How the files of one format are measured.

    Attributes:
        library: The module that must be installed.
        read: Measures a seekable file of this format.
    """

    library: str
    read: Callable[[BinaryIO, str], Properties]


READERS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        **dict.fromkeys(_DEMUXERS, Reader("av", _clip)),
        **dict.fromkeys(("heic", "heif"), Reader("pillow_heif", _heif)),
    }
)
"""Format name → what measures its files."""
