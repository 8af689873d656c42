"""Files whose lengths, counts and offsets are changed on purpose: none takes more memory or time than a file may."""

from __future__ import annotations

import random
import re
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from portrait.media import measure
from portrait.media._worker import WORKER
from tests import media_samples as samples
from tests.media_samples import box

# Numbers that break sums, buffers and loops.
NUMBERS = (0, 1, 7, 255, 65_535, 100_000, 8_000_000, 2**31 - 1, 2**31, 2**32 - 8, 2**32 - 1)
MAX_KB, MAX_SECONDS = 100_000, 1.0
FTYP = box(b"ftyp", b"isom", bytes(4), b"isom")
SMALL = {
    **{name: samples.image(name, 40, 30) for name in samples.IMAGE_FORMATS},
    "exif": samples.image("jpeg", 40, 30, orientation=6),
    **{name: samples.video(name, 64, 64, seconds=0.5) for name in ("mp4", "mov")},
    "fragments": samples.video("mp4", 64, 64, seconds=0.5, movflags="frag_keyframe+empty_moov"),
    "wav": samples.audio("wav", seconds=0.1),
    "mp3": samples.audio("mp3", seconds=0.3),
}
# Where the lengths, counts and offsets are: behind the type of a box, a chunk, a marker.
FIELDS = re.compile(
    rb"elst|stts|stsz|stsc|stco|stss|ctts|trun|tfhd|trex|sidx|mvhd|mdhd|tkhd|stsd|iloc|iinf|ipma|ispe|hvcC|avcC|esds"
    rb"|IHDR|IDAT|VP8.|fmt |data|II\*\x00|MM\x00\*|ID3|Xing|Info|\xff[\xc0-\xfe]|GIF8..|BM"
)


def changed(rng: random.Random, data: bytes) -> bytes:
    """A file with some numbers near its fields replaced."""
    broken = bytearray(data)
    fields = [match.start() for match in FIELDS.finditer(data)] or [0]
    for _ in range(rng.randint(1, 4)):
        at = max(0, rng.choice(fields) + rng.choice((-4, 2, 4, 8, 12, 16, 20, 24)))
        layout = rng.choice((">I", "<I", ">H", "<H"))
        limit = 2 ** (8 * struct.calcsize(layout))
        number = struct.pack(layout, rng.choice((*NUMBERS, len(data), len(data) - 1)) % limit)
        broken[at : at + len(number)] = number
    return bytes(broken)


def repeated(rng: random.Random, data: bytes) -> bytes:
    """A file with one of its parts many times."""
    fields = [match.start() for match in FIELDS.finditer(data)] or [0]
    start = max(0, rng.choice(fields) - 4)
    part = data[start : start + rng.choice((12, 24, 100))]
    return (data[:start] + part * rng.choice((2, 100, 3000)))[:90_000] + data[start:]


def products(rng: random.Random, _data: bytes) -> bytes:
    """A clip of edits × samples, and of entries × counts, that are small in the file and large in memory."""
    edits, count, entries = rng.choice((1, 100, 1000)), rng.choice((100, 100_000, 7_999_999)), rng.choice((1, 50, 1000))
    edit = struct.pack(">IiI", 1000, 0, 0x10000)
    table = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), box(b"mp4v", bytes(24), struct.pack(">HH", 640, 640), bytes(50))),
        box(b"stts", struct.pack(">II", 0, entries), struct.pack(">II", count, 1) * entries),
        box(b"ctts", struct.pack(">II", 0, entries), struct.pack(">II", count, 1) * entries),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, count, 1)),
        box(b"stsz", struct.pack(">III", 0, 1, count)),
        box(b"stco", struct.pack(">III", 0, 1, 36)),
    )
    handler = box(b"hdlr", bytes(8), b"vide", bytes(13))
    media = box(b"mdia", box(b"mdhd", bytes(12), struct.pack(">III", 25, count, 0)), handler, box(b"minf", table))
    track = box(b"trak", box(b"edts", box(b"elst", struct.pack(">II", 0, edits), edit * edits)), media)
    return FTYP + box(b"moov", box(b"mvhd", bytes(12), struct.pack(">II", 1000, 9000), bytes(80)), track)


def nested(rng: random.Random, data: bytes) -> bytes:
    """Boxes in boxes, and boxes beside boxes."""
    kinds = (b"moov", b"trak", b"mdia", b"udta", b"meta", b"ilst", b"moof", b"traf", b"iprp", b"free", b"wave", b"cmov")
    content = rng.choice((b"", bytes(50), data[:2000]))
    for _ in range(rng.choice((5, 12, 900))):
        content = box(rng.choice(kinds), content)
    return FTYP + content + box(rng.choice(kinds)) * rng.choice((0, 9000))


def directories(rng: random.Random, data: bytes) -> bytes:
    """A TIFF or an EXIF block with many entries that have many items, in the same place."""
    count, items = rng.choice((3, 1000, 4000)), rng.choice((1, 1000, 100_000))
    entry = struct.pack(
        "<HHII", rng.choice((254, 256, 259, 271, 273, 274, 279, 324, 330)), rng.choice((3, 4)), items, 8
    )
    tiff = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", count) + entry * count + bytes(200)
    exif = b"Exif\x00\x00" + tiff
    segment = b"\xff\xe1" + struct.pack(">H", min(len(exif) + 2, 65_535)) + exif[:65_533]
    return rng.choice((tiff, b"\xff\xd8" + segment + SMALL["jpeg"][2:]))


KINDS: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "changed": changed,
    "repeated": repeated,
    "products": products,
    "nested": nested,
    "directories": directories,
}
ROUNDS = {"changed": 1500, "repeated": 500, "products": 60, "nested": 150, "directories": 150}


class Meter:
    """The time and the memory that one file takes, of this process and of the worker."""

    def __init__(self) -> None:
        measure(samples.audio())
        measure(SMALL["heic"])
        self.pid = WORKER.pid
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the peak of memory starts anew
        self._memory, self._cpu, self._own = self._peak(), self._worker_seconds(), time.thread_time()

    def seconds(self) -> float:
        """CPU seconds until now."""
        return time.thread_time() - self._own + self._worker_seconds() - self._cpu

    def kilobytes(self) -> int:
        """How much the peak of the worker's memory has grown."""
        return self._peak() - self._memory

    def _worker_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def _peak(self) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_no_file_takes_more_than_a_file_may(kind):
    """No exception, at most 100 MB and a second, whatever the numbers in a file are; the seed is in the message."""
    meter = Meter()
    for seed in range(ROUNDS[kind]):
        rng = random.Random(seed)
        data = KINDS[kind](rng, rng.choice(list(SMALL.values())))
        started = time.thread_time()
        assert measure(data).size == len(data), (kind, seed)
        assert time.thread_time() - started < MAX_SECONDS, (kind, seed)
        if WORKER.pid == meter.pid:  # else it was ended for this file, by its limits
            assert meter.kilobytes() < MAX_KB, (kind, seed)
            assert meter.seconds() < MAX_SECONDS * (seed + 1), (kind, seed)
        else:
            meter = Meter()
