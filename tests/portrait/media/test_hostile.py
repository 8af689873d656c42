"""Files that were made to take memory and time, and good ones that were once refused: `fixtures/media/hostile`."""

from __future__ import annotations

import resource
import struct
import threading
import time
import zlib
from fractions import Fraction
from pathlib import Path

import pytest

from portrait.media import describe, limits_for, measure, sniff, validate
from portrait.media._worker import WORKER
from portrait.models import AssetType
from tests import media_samples as samples
from tests.media_samples import box


def hostile(name: str) -> Path:
    """A file of the fixtures."""
    return samples.HOSTILE / name


def codes(measured) -> set[str]:
    """The codes of a file's faults."""
    return {violation.code for violation in validate(measured, limits_for())}


# Case (the file's name) → the codes of its faults.
FILES = {
    "elst-1000x100000.mp4": {"DurationTooLong"},
    "samples-8M.mp4": {"DurationTooLong"},
    "exif-repeated.jpg": set(),
    "tiff-repeated.tif": {"FormatUndetectable"},
    "id3-priv-8M.mp3": set(),
    "fps-23.976.mp4": set(),
    "title-traffic.mp4": set(),
    "jpeg-app-length.jpg": set(),
    "raw.cr2": {"FormatUnsupported"},
    "bmp-hotspot.bmp": set(),
    "gif-frame-larger.gif": {"WidthTooSmall", "HeightTooSmall"},
}


def test_every_file_has_a_case():
    """A file that is added is tested."""
    assert set(FILES) == {path.name for path in samples.HOSTILE.iterdir()}


@pytest.mark.parametrize("name", FILES)
def test_files(name):
    """Each file is refused for what is wrong with it, and for nothing else."""
    assert codes(measure(hostile(name))) == FILES[name]


@pytest.mark.parametrize("name", FILES)
def test_no_file_takes_a_second_or_100_mb(name):
    """Neither of this process nor of the worker, counting what the libraries take themselves before."""
    measure(samples.audio())
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = Path(f"/proc/{WORKER.pid}/status")
    Path(f"/proc/{WORKER.pid}/clear_refs").write_text("5")  # the peak starts anew
    before = _peak(status)
    started = time.process_time()
    measure(hostile(name))
    assert time.process_time() - started < 0.1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - own < 10_000
    if status.exists():  # what was left behind may have ended the worker
        assert _peak(status) - before < 100_000


def _peak(status: Path) -> int:
    """The peak of a process's memory in kB."""
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def test_a_clip_that_needs_more_memory_than_there_is():
    """elst: 1,000 edits of 100,000 samples would take 2 GB; the worker does without, and measures the next file."""
    data = hostile("elst-1000x100000.mp4").read_bytes()
    started = time.perf_counter()
    assert codes(measure(data)) != set()
    assert time.perf_counter() - started < 5
    assert measure(samples.audio()).problem is None


def entries(tag: int, count: int, each: int, *others: bytes) -> bytes:
    """A little-endian TIFF whose directory has a tag many times, each with many items in the same place."""
    directory = struct.pack("<H", count + len(others))
    directory += b"".join(others) + struct.pack("<HHII", tag, 4, each, 8) * count
    return b"II*\x00" + struct.pack("<I", 8) + directory + bytes(4 * each)


@pytest.mark.parametrize("tag", [256, 273, 274, 279, 324, 330, 271, 259])
@pytest.mark.parametrize("wrap", ["tiff", "jpeg", "png", "webp"])
def test_a_repeated_tag_is_read_once(tag, wrap):
    """exif-repeated, tiff-repeated: whatever the tag, and in whichever file it is."""
    exif = entries(tag, 3000, 7000)
    if wrap == "jpeg":
        segment = b"\xff\xe1" + struct.pack(">H", len(exif[:65000]) + 8) + b"Exif\x00\x00" + exif[:65000]
        data = b"\xff\xd8" + segment * 20 + samples.image()[2:]
    elif wrap == "png":
        chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
        data = samples.image("png")[:33] + chunk * 20 + samples.image("png")[33:]
    elif wrap == "webp":
        chunk = b"EXIF" + struct.pack("<I", len(exif)) + exif
        body = samples.image("webp")[8:] + chunk * 20
        data = b"RIFF" + struct.pack("<I", len(body)) + body
    else:
        data = exif
    started = time.thread_time()
    measured = measure(data)
    assert time.thread_time() - started < 0.25
    assert measured.size == len(data)
    assert measured.problem is None or wrap == "tiff"


@pytest.mark.rotate("seconds")
@pytest.mark.parametrize("fps", [24, Fraction(24000, 1001), 25, Fraction(30000, 1001), 60])
@pytest.mark.parametrize(
    "flags", ["", "frag_keyframe+empty_moov", "frag_keyframe", "empty_moov+default_base_moof+frag_every_frame"]
)
@pytest.mark.parametrize("seconds", [2, 3.5])
def test_the_frame_rate_is_that_of_the_frames(fps, flags, seconds):
    """fps-23.976: fragmented clips with sound too, whose header says nothing of the frames."""
    measured = measure(samples.video(width=640, height=640, fps=fps, seconds=seconds, movflags=flags))
    assert measured.fps == pytest.approx(float(fps), abs=0.001)
    assert codes(measured) == set()


@pytest.mark.parametrize("format_name", ["mp4", "mov"])
@pytest.mark.parametrize(
    ("aspect", "rotation", "expected"),
    [
        (Fraction(64, 45), 0, (1024, 576)),
        (Fraction(64, 45), 90, (576, 1024)),
        (Fraction(1, 2), 0, (360, 576)),
        (Fraction(1, 1), 270, (576, 720)),
    ],
)
def test_pixels_that_are_not_square(format_name, aspect, rotation, expected):
    """720 × 576 with pixels of 64:45 is shown as 1024 × 576."""
    measured = measure(samples.video(format_name, 720, 576, aspect=aspect, rotation=rotation))
    assert (measured.width, measured.height, measured.rotated) == (*expected, rotation in {90, 270})


def test_a_video_track_without_pixels_says_so():
    """A track of 0 × 0 is told by that, and not as too narrow."""
    data = hostile("fps-23.976.mp4").read_bytes().replace(struct.pack(">HH", 640, 640), bytes(4))
    measured = measure(data)
    assert "its video track has no pixels: it states 0 × 0" in measured.problem
    assert codes(measured) == {"FormatUndetectable"}


def id3(length: int, *, footer: bool = False) -> bytes:
    """An ID3 tag with so many bytes in it."""
    size = bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0))
    end = b"3DI\x04\x00\x10" + size if footer else b""
    return b"ID3\x04\x00" + (b"\x10" if footer else b"\x00") + size + bytes(length) + end


@pytest.mark.parametrize(
    "tag",
    [id3(10), id3(5000), id3(300_000), id3(100, footer=True), id3(20) + id3(9000)],
    ids=["short", "long", "very long", "with a footer", "two"],
)
@pytest.mark.parametrize(
    ("rest", "expected"), [(b"fLaC" + bytes(60), "flac"), (b"\xff\xf1\x50\x80" + bytes(60), "aac"), (None, "mp3")]
)
def test_what_is_behind_a_tag_counts(tag, rest, expected):
    """FLAC behind an ID3 tag is FLAC, however long the tag is."""
    measured = measure(tag + (rest if rest is not None else samples.audio("mp3")[45:]))
    assert measured.format == expected
    if rest is not None:
        assert codes(measured) == {"FormatUnsupported"}


def directory(*tags: tuple[int, int, int, int]) -> bytes:
    """A TIFF directory of (tag, type, count, value)."""
    return struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)


def camera_file(maker: bytes, *tags: tuple[int, int, int, int], second: bytes = b"") -> bytes:
    """A TIFF of a camera; the maker's name is at 200, a second directory at 220."""
    picture = [(256, 4, 1, 1600), (257, 4, 1, 1200), (273, 4, 1, 300), (279, 4, 1, 16)]
    first = directory(*sorted([*picture, (271, 2, len(maker), 200), *tags]))
    return (b"II*\x00\x08\x00\x00\x00" + first).ljust(200, b"\0") + maker.ljust(20, b"\0") + second.ljust(96, b"\0")


RAW = {
    "cr2": hostile("raw.cr2").read_bytes(),
    "nef": camera_file(b"NIKON CORPORATION\0", (254, 4, 1, 1), (330, 4, 1, 220), second=directory((262, 3, 1, 32803))),
    "nef of one directory": camera_file(b"NIKON CORPORATION\0", (259, 3, 1, 34713)),
    "arw": camera_file(b"SONY\0", (254, 4, 1, 1), (330, 4, 1, 220), second=directory((259, 3, 1, 32767))),
    "dng": camera_file(b"Leica\0", (50706, 1, 4, 0x0401)),
    "pef": camera_file(b"PENTAX \0", (259, 3, 1, 65535)),
    "raw": camera_file(b"Phase One\0", (262, 3, 1, 32803)),
    "cr3": box(b"ftyp", b"crx \x00\x00\x00\x01crx isom"),
    "orf": b"IIRO\x08\x00\x00\x00" + bytes(100),
    "rw2": b"IIU\x00\x08\x00\x00\x00" + bytes(100),
    "raf": b"FUJIFILMCCD-RAW 0201" + bytes(100),
    "crw": b"II\x1a\x00\x00\x00HEAPCCDR" + bytes(100),
    "x3f": b"FOVb" + bytes(100),
    "mrw": b"\x00MRM" + bytes(100),
}


@pytest.mark.parametrize("name", RAW)
def test_camera_raw_is_refused_by_name(name):
    """raw.cr2: neither a TIFF of the preview's size nor an MP4, whatever the maker."""
    measured = measure(RAW[name])
    assert (measured.format, measured.asset_type, measured.width) == (name.split()[0], AssetType.IMAGE, None)
    (violation,) = validate(measured, limits_for())
    assert violation.code == "FormatUnsupported"
    assert f"Format {measured.format} is not supported" in violation.message


def test_a_tiff_of_a_camera_maker_is_a_picture():
    """Programs of a maker write its name into ordinary TIFF files, too."""
    assert measure(camera_file(b"NIKON CORPORATION\0")).format == "tiff"
    assert measure(camera_file(b"SONY\0", (262, 3, 1, 2), (330, 4, 1, 220), second=directory())).width == 1600


def test_png_without_its_end():
    """A missing or damaged end chunk is no fault where the pixels are complete, and they are looked at."""
    data = samples.image("png", 500, 400)
    for missing in range(1, 13):
        assert measure(data[:-missing]).problem is None, missing
    cut = data[:-12]
    assert measure(cut[:-1]).problem
    assert measure(cut[: len(cut) // 2]).problem


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(*parts: bytes, header: tuple[int, ...] = (8, 0, 0, 0, 0)) -> bytes:
    """A PNG of 300 × 300 grey pixels without an end, with these IDAT chunks."""
    start = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 300, 300, *header))
    return b"\x89PNG\r\n\x1a\n" + start + b"".join(png_chunk(b"IDAT", part) for part in parts)


def test_png_cut_between_its_chunks():
    """A file that ends where a chunk ends, but not where the pixels do, is cut off."""
    pixels = zlib.compress(bytes(301 * 300), 0)
    assert measure(png_of(pixels[:4000], pixels[4000:])).problem is None
    assert "cut off" in measure(png_of(pixels[:4000])).problem
    assert "cut off" in measure(png_of(pixels[:-1])).problem
    assert "cut off" in measure(png_of()).problem


def test_png_that_inflates_without_end():
    """The check of pixels takes time by the bytes that there are, up to those of the largest picture."""
    bomb = zlib.compress(bytes(100_000_000))[:-4]
    started = time.thread_time()
    assert measure(png_of(bomb)).problem
    assert time.thread_time() - started < 1


@pytest.mark.parametrize("make", [lambda: samples.image("gif", 400, 300), lambda: samples.animation("gif")])
def test_gif_without_its_trailer(make):
    """A missing trailer is no fault where the last picture is complete."""
    data = make()
    assert measure(data[:-1]).problem is None
    assert measure(data[:-2]).problem
    assert measure(data[:-40]).problem


def test_gif_with_stray_bytes_between_blocks():
    """Decoders skip them."""
    data = samples.animation("gif")
    at = data.rindex(b"!\xf9")
    measured = measure(data[:at] + bytes(70_000) + data[at:])
    assert (measured.width, measured.height, measured.problem) == (400, 320, None)
    assert measure(data[:at] + bytes(9) + data[at:-2]).problem


@pytest.mark.parametrize("stray", [b"\x00", b"\x00" * 700, b"Photoshop 3.0\x00", b"\xff\xff\xff", b"\xff\x00"])
def test_jpeg_with_stray_bytes_between_segments(stray):
    """jpeg-app-length: libjpeg skips them. The frame, the scan and the end are still demanded."""
    data = samples.image()
    at = 4 + int.from_bytes(data[4:6], "big")
    broken = data[:at] + stray + data[at:]
    measured = measure(broken)
    assert (measured.width, measured.height, measured.problem) == (640, 480, None)
    assert measure(broken[:-2]).problem
    assert measure(broken[: broken.index(b"\xff\xda")]).problem


def test_jpeg_with_two_exif_blocks_has_one_orientation():
    """The first counts."""
    turned, plain = samples.image(orientation=6), samples.image(orientation=3)
    exif = plain[2 : 4 + int.from_bytes(plain[4:6], "big")]
    at = turned.index(b"\xff\xdb")
    assert b"Exif" in exif or b"JFIF" in exif
    assert measure(turned[:at] + exif + turned[at:]).width == 480


@pytest.mark.parametrize("reserved", [b"\x05\x00\x09\x00", b"\xff" * 4])
def test_bmp_with_reserved_bytes(reserved):
    """bmp-hotspot: programs store other things there."""
    data = samples.image("bmp", 400, 300)
    assert measure(data[:6] + reserved + data[10:]).width == 400


def test_a_text_that_starts_as_a_bitmap():
    """BM begins many words."""
    assert sniff(b"BMW cars are made in Munich, and have been since 1928.") is None
    assert describe(b"BMW cars are made in Munich.") == "text"


def test_hidden_tracks_are_measured_as_they_play():
    """title-traffic: metadata may say anything, also what is the name of a box."""
    title = box(b"udta", box(b"\xa9nam", struct.pack(">HH", 4, 0) + b"moof moov trak stbl"))
    data = samples.video()
    at = data.index(b"moov") - 4
    (length,) = struct.unpack_from(">I", data, at)
    moov = struct.pack(">I", length + len(title)) + data[at + 4 : at + length] + title
    assert measure(data[:at] + moov + data[at + length :]).problem is None


def test_a_hostile_clip_does_not_hold_up_pictures():
    """While the worker is busy, pictures are measured at once."""
    data = hostile("elst-1000x100000.mp4").read_bytes()
    picture = samples.image()
    measure(samples.audio())
    thread = threading.Thread(target=measure, args=(data,))
    thread.start()
    longest = 0.0
    while thread.is_alive():
        started = time.perf_counter()
        measure(picture)
        longest = max(longest, time.perf_counter() - started)
    assert longest < 0.3


@pytest.mark.parametrize("format_name", ["jpeg", "gif", "mp3", "mp4"])
def test_a_file_of_gigabytes_is_not_read(tmp_path, format_name):
    """No service takes it, whatever it holds: it is refused for its size alone, and at once."""
    path = tmp_path / "large"
    path.write_bytes(samples.sample(format_name)[:600])
    with path.open("r+b") as file:
        file.truncate(8 << 30)  # it takes no room on the disk
    started = time.perf_counter()
    measured = measure(path)
    assert time.perf_counter() - started < 0.5
    assert (measured.format, codes(measured)) == (format_name, {"FileSizeTooLarge"})
