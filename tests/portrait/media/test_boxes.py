"""Clips whose boxes are odd: bytes behind the last one, samples behind the end, a movie that is turned as a whole."""

from __future__ import annotations

import struct

import pytest
from attrs import evolve

from portrait.media import limits_for, measure, validate
from tests import media_samples as samples
from tests.media_samples import box

TURN = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
CUT_OFF = "as if it had been cut off"


def patched(data: bytes, kind: bytes, position: int, new: bytes) -> bytes:
    """A file with other bytes there in the content of the first box of that type."""
    at = data.index(kind) + 4 + position
    return data[:at] + new + data[at + len(new) :]


@pytest.mark.parametrize("format_name", ["mp4", "mov"])
@pytest.mark.parametrize("trailer", [b"abc", b"hello, these are no boxes", b"\xff" * 5000, bytes(64)])
def test_bytes_behind_the_last_box_are_skipped(format_name, trailer):
    """Cameras and programs append things of their own, and players do not mind."""
    data = samples.video(format_name)
    assert measure(data + trailer) == evolve(measure(data), size=len(data + trailer))


@pytest.mark.parametrize("trailer", [b"abc", b"hello, these are no boxes"])
def test_bytes_behind_a_heic_picture_are_skipped(trailer):
    """As libheif does."""
    data = samples.image("heic")
    assert measure(data + trailer) == evolve(measure(data), size=len(data + trailer))


def test_a_heic_picture_that_is_too_large_is_not_read():
    """It is refused for its size alone, and takes no memory."""
    data = samples.image("heic") + box(b"free", bytes(33 << 20))
    measured = measure(data)
    assert (measured.width, measured.problem) == (None, None)
    assert [violation.code for violation in validate(measured, limits_for())] == ["FileSizeTooLarge"]


@pytest.mark.parametrize("kind", [b"mdat", b"moof", b"moov", b"free"])
def test_a_box_that_was_cut_off_is_no_trailer(kind):
    """A type that clips have says that the file went on."""
    assert CUT_OFF in measure(samples.video() + struct.pack(">I4s", 1000, kind) + bytes(500)).problem


@pytest.mark.parametrize("rest", [0, 3, 8])
def test_a_clip_cut_off_before_its_samples(rest):
    """Its header is complete, and says where they would be."""
    data = samples.video(movflags="faststart")
    assert CUT_OFF in measure(data[: data.index(b"mdat") - 4 + rest]).problem


@pytest.mark.parametrize("offsets", [b"stco", b"co64"])
def test_samples_behind_the_end(offsets):
    """By any of the offsets, of 32 or 64 bits."""
    data = samples.video()
    at = data.index(b"stco")
    (count,) = struct.unpack_from(">I", data, at + 8)
    if offsets == b"stco":
        broken = patched(data, b"stco", 4 + 4 * count, struct.pack(">I", len(data)))
    else:
        broken = replaced(data, at - 4, 12 + 4 * count, box(b"co64", struct.pack(">IIQ", 0, 1, 1 << 63)))
    assert CUT_OFF in measure(broken).problem


def replaced(data: bytes, at: int, old: int, new: bytes) -> bytes:
    """A file in which a box of the first track is replaced; the boxes around it have their new lengths."""
    data = data[:at] + new + data[at + old :]
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        start = data.index(kind) - 4
        data = (
            data[:start]
            + struct.pack(">I", struct.unpack_from(">I", data, start)[0] + len(new) - old)
            + data[start + 4 :]
        )
    return data


@pytest.mark.parametrize(("movie", "track", "expected"), [(0, 0, (640, 960)), (1, 0, (960, 640)), (1, 1, (640, 960))])
def test_the_movie_turns_its_tracks(movie, track, expected):
    """The matrix of the movie comes upon that of the track, as in FFmpeg."""
    data = samples.video(width=640, height=960)
    data = patched(data, b"mvhd", 36, TURN) if movie else data
    data = patched(data, b"tkhd", 40, TURN) if track else data
    measured = measure(data)
    assert (measured.width, measured.height, measured.rotated) == (*expected, expected[0] > expected[1])
