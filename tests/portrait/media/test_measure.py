"""Measuring real files, and files that are not what they should be."""

from __future__ import annotations

import struct
import sys
import threading
import time
import tracemalloc
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from portrait.errors import UsageError
from portrait.media import Measurement, measure
from portrait.models import AssetType
from tests import media_samples as samples
from tests.hypothesis_profiles import searching
from tests.media_samples import box

ORIENTED = ("jpeg", "png", "webp", "tiff")


@pytest.mark.parametrize("format_name", samples.IMAGE_FORMATS)
@pytest.mark.parametrize(("width", "height"), [(640, 480), (301, 733), (1, 1)])
def test_images(format_name, width, height):
    """Width, height, size and type of a still image are those that went in."""
    if format_name == "heic" and width == 1:
        width, height = 16, 18
    data = samples.image(format_name, width, height)
    assert measure(data) == Measurement(
        size=len(data),
        format=format_name,
        mime=f"image/{format_name}",
        asset_type=AssetType.IMAGE,
        width=width,
        height=height,
    )


@pytest.mark.parametrize("format_name", ORIENTED)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_photos_are_measured_as_displayed(format_name, orientation):
    """A phone photo with an EXIF orientation has the size that Pillow gives it once it is turned upright."""
    data = samples.image(format_name, 640, 320, orientation=orientation)
    with Image.open(BytesIO(data)) as picture:
        upright = ImageOps.exif_transpose(picture).size
    measured = measure(data)
    assert (measured.width, measured.height) == upright
    assert upright == ((320, 640) if orientation >= 5 else (640, 320))


@pytest.mark.parametrize(
    ("format_name", "options"),
    [
        ("jpeg", {"progressive": True}),
        ("jpeg", {"restart_marker_blocks": 4}),
        ("jpeg", {"icc_profile": b"\xff\xd9" * 40_000}),
        ("png", {"interlace": 1}),
        ("webp", {"lossless": True}),
        ("tiff", {"compression": "tiff_lzw"}),
        ("tiff", {"compression": "tiff_deflate", "big_tiff": True}),
        ("gif", {"interlace": 0}),
    ],
)
def test_other_codings_of_a_format(format_name, options):
    """Progressive, interlaced, lossless, compressed and big variants are read as well."""
    measured = measure(samples.image(format_name, 500, 400, **options))
    assert (measured.width, measured.height, measured.problem) == (500, 400, None)


@pytest.mark.parametrize("format_name", ["gif", "webp"])
def test_animations(format_name):
    """An animated image is an image of the size of its canvas."""
    measured = measure(samples.animation(format_name))
    assert (measured.asset_type, measured.width, measured.height) == (AssetType.IMAGE, 400, 320)
    assert measured.problem is None


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA"])
@pytest.mark.parametrize("format_name", ["png", "bmp", "tiff"])
def test_colour_modes(format_name, mode):
    """Rows of every depth are counted rightly, so that a sound file is not taken for a cut-off one."""
    out = BytesIO()
    Image.new(mode, (333, 77)).save(out, format_name.upper())
    assert measure(out.getvalue()).problem is None
    assert measure(out.getvalue()).width == 333


def test_bitmap_of_os2_and_upside_down():
    """A bitmap with the 12-byte header, and one whose height is negative, are measured."""
    old = b"BM" + struct.pack("<IHHI", 0, 0, 0, 26) + struct.pack("<IHHHH", 12, 10, 20, 1, 24) + bytes(32 * 20)
    assert (measure(old).width, measure(old).height, measure(old).problem) == (10, 20, None)
    top_down = bytearray(samples.image("bmp", 40, 30))
    top_down[22:26] = struct.pack("<i", -30)
    assert (measure(bytes(top_down)).height, measure(bytes(top_down)).problem) == (30, None)


@pytest.mark.parametrize("format_name", ["mp4", "mov"])
def test_video(format_name):
    """Duration in seconds, frames per second, tracks and size of a video."""
    measured = measure(samples.video(format_name, 640, 800, fps=25, seconds=2))
    assert (measured.format, measured.asset_type) == (format_name, AssetType.VIDEO)
    assert (measured.width, measured.height, measured.fps) == (640, 800, 25.0)
    assert measured.duration == pytest.approx(2, abs=0.1)
    assert (measured.has_audio, measured.has_video, measured.problem) == (True, True, None)
    assert not measure(samples.video(format_name, audio=False)).has_audio


@pytest.mark.parametrize("format_name", ["mp4", "mov"])
@pytest.mark.parametrize(
    ("rotation", "expected"), [(0, (640, 800)), (90, (800, 640)), (180, (640, 800)), (270, (800, 640))]
)
def test_turned_video_is_measured_as_displayed(format_name, rotation, expected):
    """A video that a phone recorded on its side has its sides exchanged."""
    measured = measure(samples.video(format_name, 640, 800, rotation=rotation))
    assert (measured.width, measured.height) == expected


def test_mp4_without_picture_is_audio():
    """What is in the container counts, not its name."""
    measured = measure(samples.video("mp4", picture=False))
    assert (measured.format, measured.asset_type, measured.has_video) == ("mp4", AssetType.AUDIO, False)
    assert measured.fps is None


@pytest.mark.parametrize("format_name", ["wav", "mp3"])
@pytest.mark.parametrize("seconds", [1, 2, 5.5])
def test_audio(format_name, seconds):
    """Duration in seconds of a sound, without the silence that encoders add."""
    measured = measure(samples.audio(format_name, seconds=seconds))
    assert measured.duration == pytest.approx(seconds, abs=0.001)
    assert (measured.asset_type, measured.has_audio, measured.width) == (AssetType.AUDIO, True, None)


def test_mp3_is_as_long_as_it_plays():
    """A header that promises more than there is does not count."""
    assert measure(samples.cut_off(samples.audio("mp3", seconds=6), 0.5)).duration == pytest.approx(3, abs=0.3)


def test_wav_from_a_pipe():
    """A WAV whose writer could not know its size is sound."""
    data = bytearray(samples.audio("wav"))
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    assert measure(bytes(data)).problem is None
    assert measure(bytes(data)).duration == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("format_name", [*samples.IMAGE_FORMATS, "mp4", "mov", "wav"])
@pytest.mark.parametrize("keep", [0.02, 0.3, 0.6, 0.95])
def test_cut_off_files_are_a_problem(format_name, keep):
    """A file that ends too early is noticed wherever it ends; its format stays known where it can be told."""
    data = samples.cut_off(samples.sample(format_name), keep)
    measured = measure(data)
    assert measured.problem is not None
    assert measured.size == len(data)
    assert measured.format in {format_name, None}


def test_cut_off_by_one_byte():
    """Even the last byte is missed where it belongs to the picture; of PNG and GIF it is only an end mark."""
    for format_name in ("jpeg", "bmp", "webp"):
        assert measure(samples.image(format_name)[:-1]).problem, format_name


def test_padded_rows_cut_off():
    """The padding of the rows of a bitmap counts."""
    out = BytesIO()
    Image.new("L", (333, 77)).save(out, "BMP")
    assert measure(out.getvalue()).problem is None
    assert measure(out.getvalue()[:-1]).problem


@pytest.mark.parametrize("gap", range(-2, 3))
def test_jpeg_marker_across_blocks(gap):
    """The end marker is found wherever it falls between two reads."""
    data = samples.image("jpeg", 40, 30)
    scan = data.index(b"\xff\xda") + 14
    stretched = data[:-2] + bytes((1 << 16) - (len(data) - 2 - scan) + gap) + b"\xff\xd9"
    assert measure(stretched).problem is None
    assert measure(stretched[:-2]).problem
    assert measure(stretched[:-1]).problem


def test_webp_chunks_are_padded():
    """What follows a chunk of odd length is read at its place."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("<I", len(body)) + body + bytes(len(body) & 1)

    exif = b"II*\x00" + struct.pack("<IHHHIHHI", 8, 1, 274, 3, 1, 6, 0, 0)
    canvas = b"\x08\0\0\0" + (39).to_bytes(3, "little") + (29).to_bytes(3, "little")
    pixels = b"\x2f" + struct.pack("<I", 39 | 29 << 14)
    body = b"WEBP" + chunk(b"VP8X", canvas) + chunk(b"VP8L", pixels) + chunk(b"EXIF", exif)
    measured = measure(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert (measured.width, measured.height, measured.problem) == (30, 40, None)


def test_long_track_header():
    """A track header of version 1, with 64-bit times, is turned as one of version 0 is."""
    data = samples.video("mp4", 64, 96, seconds=0.5, rotation=90)
    at = data.index(b"tkhd") - 4
    old = data[at : at + 92]
    times = bytes(4) + old[12:16] + bytes(4) + old[16:20] + old[20:28] + bytes(4) + old[28:32]
    patched = data[:at] + struct.pack(">I4s", 104, b"tkhd") + b"\x01" + old[9:12] + times + old[32:] + data[at + 92 :]
    for kind in (b"moov", b"trak"):
        start = patched.index(kind) - 4
        length = int.from_bytes(patched[start : start + 4], "big") + 12
        patched = patched[:start] + struct.pack(">I", length) + patched[start + 4 :]
    assert (measure(data).width, measure(data).height) == (96, 64)
    assert (measure(patched).width, measure(patched).height, measure(patched).problem) == (96, 64, None)


def test_cover_picture_makes_no_video():
    """A song with a cover in its tags is audio."""
    cover = b"\x00image/jpeg\x00\x03\x00" + samples.image("jpeg", 64, 64)
    frame = b"APIC" + struct.pack(">IH", len(cover), 0) + cover
    length = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    sound = samples.audio("mp3")
    tags = 10 + int.from_bytes(sound[6:10], "big")  # shorter than 128 bytes, so the length is in the last one
    song = b"ID3\x03\x00\x00" + length + frame + sound[tags:]
    measured = measure(song)
    assert (measured.asset_type, measured.has_video, measured.width, measured.problem) == (
        AssetType.AUDIO,
        False,
        None,
        None,
    )
    assert measured.duration == pytest.approx(3, abs=0.001)


def test_faststart_video_cut_off():
    """A video whose header is complete but whose frames are not is cut off too."""
    assert measure(samples.video(movflags="faststart")).problem is None
    assert measure(samples.cut_off(samples.video(movflags="faststart"), 0.9)).problem


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the file is empty"),
        (samples.TEXT, "the file is text"),
        (samples.HTML, "the file is an HTML page"),
        (b"\x00" * 100, "the file is in no known format"),
    ],
)
def test_no_media(data, problem):
    """An empty file, and text that was named .jpg, are no media and say what they are."""
    assert measure(data) == Measurement(size=len(data), problem=problem)


def test_known_format_that_is_not_taken_is_only_named():
    """A format outside of the limits is told apart, not opened."""
    measured = measure(b"OggS" + bytes(100))
    assert (measured.format, measured.asset_type, measured.width, measured.problem) == (
        "ogg",
        AssetType.AUDIO,
        None,
        None,
    )


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that states any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")
    )


FTYP = box(b"ftyp", b"isom", bytes(4), b"isom")
STSZ = box(b"stsz", struct.pack(">III", 0, 1, 2_000_000_000))
TRACK = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", STSZ))))
NESTED = b""
for _ in range(5000):
    NESTED = box(b"moov", NESTED)

GIF_START = b"GIF89a\x10\x00\x10\x00\x00\x00\x00"
BMP_START = b"BM" + bytes(8) + struct.pack("<II", 54, 40)
HEIC_FTYP = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
CUT_OFF = "as if it had been cut off"
HOSTILE = {
    "png bomb": (png_claiming(2**31 - 1, 2**31 - 1), None),
    "png without pixels": (png_claiming(0, 9), "no pixels"),
    "png with an endless chunk": (png_claiming(9, 9)[:33] + b"\xff\xff\xff\xffIDAT", CUT_OFF),
    "png with a changed byte": (png_claiming(9, 9).replace(b"x\x9c", b"x\x9d"), "a checksum in it is wrong"),
    "jpeg of empty segments": (b"\xff\xd8" + b"\xff\xe0\x00\x02" * 300_000, "too many parts"),
    "jpeg of fill bytes": (b"\xff\xd8" + b"\xff" * 3_000_000, CUT_OFF),
    "jpeg of stray bytes": (b"\xff\xd8" + b"\xff\x00" * 3_000_000, CUT_OFF),
    "jpeg that is only a header": (
        b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x09\x00\x09\x01\x01\x11\x00\xff\xd9",
        "it holds no picture",
    ),
    "gif of empty frames": (
        b"GIF89a\x10\x00\x10\x00\x00\x00\x00" + b"\x01\x00" * 3_000_000,
        CUT_OFF,
    ),
    "gif of tiny blocks": (GIF_START + b"!\xf9" + b"\x01\x01" * 1_500_000, "too many parts"),
    "tiff with a directory of billions": (
        b"II*\x00" + struct.pack("<IHHHII", 8, 1, 273, 4, 2**32 - 1, 8),
        "its directory is too long",
    ),
    "tiff that points at itself": (b"II*\x00\x04\x00\x00\x00\xff\xff", CUT_OFF),
    "big tiff that points nowhere": (b"II+\x00\x08\x00\x00\x00" + b"\xff" * 8, "its directory lies behind its end"),
    "bmp of impossible size": (BMP_START + struct.pack("<iiHH", 2**31 - 1, -(2**31), 1, 24) + bytes(40), CUT_OFF),
    "bmp of impossible depth": (BMP_START + struct.pack("<iiHH", 9, 9, 1, 0) + bytes(40), "impossible depth"),
    "webp without chunks": (b"RIFF\x04\x00\x00\x00WEBP", "it holds no picture"),
    "mp4 of billions of samples": (FTYP + box(b"moov", TRACK), "neither video nor audio"),
    "mp4 that hides a track": (FTYP + box(b"moov", box(b"udta", TRACK)), "neither video nor audio"),
    "mp4 fragment of billions of samples": (
        FTYP + box(b"moof", box(b"traf", box(b"trun", struct.pack(">II", 0, 2**32 - 1)))),
        "FFmpeg does not open it",
    ),
    "mp4 with a compressed header": (FTYP + box(b"moov", box(b"cmov", bytes(8))), "FFmpeg does not open it"),
    "mp4 nested without end": (FTYP + NESTED, "nested too deeply"),
    "mp4 of empty boxes": (FTYP + box(b"free") * 400_000, "too many parts"),
    "mp4 with a box of no length": (FTYP + struct.pack(">I4sQ", 1, b"mdat", 3), CUT_OFF),
    "mp4 without tracks": (FTYP + box(b"free"), "FFmpeg does not open it"),
    "wav without samples": (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(16), "it holds no samples"),
    "mp3 of nothing": (b"ID3\x04\x00\x00\x00\x00\x00\x00" + bytes(1000), "FFmpeg does not open it"),
    "heic without a picture": (HEIC_FTYP + box(b"free"), "it holds no picture"),
    "heic with an empty header": (HEIC_FTYP + box(b"meta", bytes(4)), "libheif does not open it"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_stay_bounded(name):
    """A file made to crash, hang or fill the memory of its reader is refused quickly, or is only a number."""
    data, problem = HOSTILE[name]
    tracemalloc.start()
    started = time.thread_time()
    try:
        measured = measure(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.thread_time() - started < 8
    assert peak < 3 * len(data) + 2_000_000
    if problem is None:
        assert (measured.width, measured.problem) == (2**31 - 1, None)
    else:
        assert problem in (measured.problem or "")


@pytest.mark.parametrize("name", ["jpeg", "mp4"])
def test_every_kind_of_source(tmp_path: Path, name):
    """Bytes, a path and an open file give the same, and an open file stays where it stood."""
    data = samples.sample(name)
    path = tmp_path / "wrong-name.txt"
    path.write_bytes(data)
    with path.open("rb") as file:
        file.seek(7)
        assert measure(file) == measure(path) == measure(data)
        assert file.tell() == 7


def test_unreadable_path(tmp_path: Path):
    """A file that cannot be opened is an error of the system, not a fault of the file."""
    with pytest.raises(FileNotFoundError):
        measure(tmp_path / "absent.jpg")


def test_portrait_of_the_demo():
    """The kept sample is small, and is what its script draws."""
    measured = measure(samples.PORTRAIT)
    assert (measured.format, measured.width, measured.height) == ("jpeg", 720, 960)
    assert measured.size < 60_000
    assert samples.draw_portrait().size == (720, 960)


@pytest.mark.parametrize(("format_name", "module"), [("heic", "pillow_heif"), ("mp4", "av"), ("mp3", "av")])
def test_missing_extra_says_what_to_install(monkeypatch, format_name, module):
    """Without the extra, the error names it; the other formats work on."""
    data = samples.sample(format_name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=f"needs {module}, which is not installed") as caught:
        measure(data)
    assert caught.value.advice == "Run: pip install 'portrait-actions[media]'"
    assert measure(samples.sample("jpeg")).problem is None


def test_threads_do_not_meet():
    """Files measured at once in several threads come out as one after the other."""
    names = ("jpeg", "heic", "mp4", "mp3") * 2
    expected = [measure(samples.sample(name)) for name in names]
    found: list[Measurement | None] = [None] * len(names)

    def run(index: int) -> None:
        found[index] = measure(samples.sample(names[index]))

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(names))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


SMALL = {
    **{name: samples.image(name, 40, 30) for name in ("jpeg", "png", "webp", "bmp", "tiff", "gif", "heic")},
    "turned jpeg": samples.image("jpeg", 40, 30, orientation=6),
    "mp4": samples.video("mp4", 64, 64, seconds=0.5),
    "mov": samples.video("mov", 64, 64, seconds=0.5),
    "wav": samples.audio("wav", seconds=0.1),
    "mp3": samples.audio("mp3", seconds=0.3),
}


@settings(searching(75), deadline=2000)
@given(st.binary(max_size=400))
def test_any_bytes_can_be_measured(data):
    """Random bytes never raise."""
    assert measure(data).size == len(data)


@settings(searching(40), deadline=2000)
@given(prefix=st.sampled_from([value[:12] for value in SMALL.values()] + [FTYP]), rest=st.binary(max_size=300))
def test_any_bytes_after_a_real_beginning_can_be_measured(prefix, rest):
    """Random bytes after the magic of a format never raise."""
    assert measure(prefix + rest).size == len(prefix) + len(rest)


@pytest.mark.parametrize("name", SMALL)
@settings(searching(15), deadline=2000)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4)), max_size=5),
    data=st.data(),
)
def test_any_change_to_a_real_file_can_be_measured(name, changes, data):
    """A real file with changed, inserted or missing bytes never raises, and its size is told rightly."""
    broken = bytearray(SMALL[name])
    for where, what in changes:
        at = int(where * len(broken))
        broken[at : at + data.draw(st.integers(0, 8))] = what
    measured = measure(bytes(broken))
    assert measured.size == len(broken)
    assert (measured.width is None) == (measured.height is None)
    assert measured.duration is None or measured.duration >= 0


@settings(searching(10), deadline=2000)
@given(
    name=st.sampled_from([name for name in samples.IMAGE_FORMATS if name != "heic"]),
    width=st.integers(1, 90),
    height=st.integers(1, 90),
)
def test_sizes_agree_with_pillow(name, width, height):
    """For any size of picture, the walkers and Pillow read the same."""
    data = samples.image(name, width, height)
    with Image.open(BytesIO(data)) as picture:
        assert (measure(data).width, measure(data).height) == picture.size
    assert measure(data).problem is None
