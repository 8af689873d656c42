"""Still images, measured by their structure: one parser per format.

A parser reads the size and goes through to the end of the file without decoding a pixel, so time is linear in the file,
memory is constant, and truncated files are found. Headers that no decoder takes are refused.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import BinaryIO, Final

from portrait.media._bytes import (
    CUT_OFF,
    MAX_PARTS,
    TOO_MANY,
    InvalidMedia,
    PartBudget,
    Size,
    length_of,
    read_exactly,
    read_uint,
)
from portrait.media._tiff import exif_orientation, tiff

_BLOCK: Final = 1 << 16
# The pixels of the largest picture that is accepted (contract §5), with 16 bits for each of four channels.
_MAX_INFLATED: Final = 6000 * 6000 * 8

# Start of frame: C0 to CF but for DHT (C4), JPG (C8) and DAC (CC). ITU-T T.81, table B.1.
_FRAME_STARTS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Differential, hierarchical and lossless arithmetic coding, which no decoder reads.
_UNREADABLE_FRAMES: Final = frozenset({0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF})
# Bits of a sample, by the kind of frame (table B.2); extended and progressive frames have 8 or 12.
_SAMPLE_BITS: Final = MappingProxyType({0xC0: (8,), 0xC3: range(2, 17)})
_START: Final = 0xD8
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
# In entropy-coded data FF is followed by 00, or by a restart marker, or by more FF.
_AFTER_SCAN: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Between segments, bytes without a marker are skipped, as libjpeg does: real cameras state wrong segment lengths.
_BETWEEN_SEGMENTS: Final = re.compile(rb"\xff[^\x00\xff]")

# Bits of a sample, by colour type. PNG, third edition, table 12.
_PNG_DEPTHS: Final = MappingProxyType({0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)})

# What introduces a block, or ends the file. Other bytes between blocks are skipped, as decoders do.
_GIF_BLOCK: Final = re.compile(rb"[!,;]")


def _jpeg(file: BinaryIO) -> Size:
    size, orientation, scans, quantized = None, None, 0, False
    for marker, body in _segments(file):
        if marker in _FRAME_STARTS:
            if size is not None:
                raise InvalidMedia("it has two frame headers")
            size, quantized = _jpeg_frame(marker, body), quantized or marker == 0xC3  # lossless
        elif marker == 0xE1 and orientation is None and not scans and body.startswith(b"Exif\x00\x00"):
            orientation = exif_orientation(body)
        elif marker == 0xDB:
            quantized = True
        elif marker == 0xDA:
            if size is None or not quantized:
                raise InvalidMedia("its pixels begin before its frame header or a quantization table")
            scans += 1
            _next_marker(file, _AFTER_SCAN)
            file.seek(-2, 1)
    if size is None or not scans:
        raise InvalidMedia("it holds no picture")
    return size.oriented(orientation or 1)


def _jpeg_frame(marker: int, header: bytes) -> Size:
    """The size in a frame header (ITU-T T.81, B.2.2)."""
    if marker in _UNREADABLE_FRAMES:
        raise InvalidMedia("its coding is one that no decoder reads")
    bits, height, width, components = struct.unpack(">BHHB", header[:6].ljust(6, b"\0"))
    if not components or len(header) != 6 + 3 * components or bits not in _SAMPLE_BITS.get(marker, (8, 12)):
        raise InvalidMedia("its frame header is malformed")
    return Size(width, height)


def _segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The codes of the markers, and what follows them, up to the end of the picture."""
    file.seek(2)
    for _ in range(MAX_PARTS):
        marker = _next_marker(file, _BETWEEN_SEGMENTS)
        if marker == 0xD9:
            return
        if marker in _STANDALONE:
            continue
        if marker == _START:
            raise InvalidMedia("another picture begins in it")
        head = file.read(2)
        length = int.from_bytes(head, "big") - len(head)
        if length < 0:
            raise InvalidMedia("it has a segment of impossible length")
        body = file.read(length)
        if len(head) < 2 or len(body) < length:
            raise InvalidMedia(CUT_OFF)
        yield marker, body
    raise InvalidMedia(TOO_MANY)


def _next_marker(file: BinaryIO, pattern: re.Pattern[bytes]) -> int:
    """The code of the next marker; the file is then behind it."""
    near = file.read(2)  # nearly always, segments follow each other, and scans do not end at once
    if pattern.fullmatch(near):
        return near[1]
    file.seek(-len(near), 1)
    found = _find(file, pattern, 1 << 12)
    if found is None:
        raise InvalidMedia(CUT_OFF)
    return found[1]


def _find(file: BinaryIO, pattern: re.Pattern[bytes], count: int = 16) -> bytes | None:
    """The next match of a pattern of one byte, or of two that begin with FF; the file is then behind it.

    So many bytes are read at first, and then more and more.
    """
    while block := file.read(count):
        if found := pattern.search(block):
            file.seek(found.end() - len(block), 1)
            return found[0]
        if block.endswith(b"\xff") and len(block) > 1:
            file.seek(-1, 1)
        count = min(count * 4, _BLOCK)
    return None


def _png(file: BinaryIO) -> Size:
    parts, size, orientation = PartBudget(), None, None
    pixels: list[tuple[int, int]] = []
    read_exactly(file, 8)
    # The end chunk may be missing or damaged, as long as all pixels are there.
    while (header := file.read(8))[4:] != b"IEND":
        if len(header) < 8:
            _check_deflated(file, pixels)
            break
        parts.count()
        length, kind, start = int.from_bytes(header[:4], "big"), header[4:], file.tell()
        first_block = _checked_chunk(file, kind, length)
        if size is None:
            if kind != b"IHDR" or length != 13:
                raise InvalidMedia("its header chunk is missing")
            size = _png_header(first_block)
        elif kind == b"IHDR" or not kind.isalpha():
            raise InvalidMedia("one of its chunks is misplaced, or has an impossible name")
        elif kind == b"eXIf" and orientation is None:
            orientation = exif_orientation(first_block)
        elif kind == b"IDAT":
            pixels.append((start, length))
    if size is None or not any(length for _, length in pixels):
        raise InvalidMedia("it holds no picture")
    return size.oriented(orientation or 1)


def _png_header(header: bytes) -> Size:
    width, height, depth, colours, compression, filters, interlace = struct.unpack(">IIBBBBB", header)
    if depth not in _PNG_DEPTHS.get(colours, ()) or compression or filters or interlace > 1:
        raise InvalidMedia("its header chunk is malformed")
    return Size(width, height)


def _check_deflated(file: BinaryIO, chunks: list[tuple[int, int]]) -> None:
    """Check that the pixels of a PNG are complete: that the compressed data in these (start, length) ends."""
    stream, budget = zlib.decompressobj(), _MAX_INFLATED
    for start, length in chunks:
        file.seek(start)
        data = read_exactly(file, length)
        while data and budget > 0 and not stream.eof:
            budget -= len(stream.decompress(data, _BLOCK))
            data = stream.unconsumed_tail
    if not stream.eof:
        raise InvalidMedia(CUT_OFF)


def _checked_chunk(file: BinaryIO, kind: bytes, length: int) -> bytes:
    """Read a PNG chunk, verify its checksum, and return its first block."""
    checksum, remaining, first = zlib.crc32(kind), length, b""
    while remaining:
        block = read_exactly(file, min(remaining, _BLOCK))
        first = first or block
        checksum, remaining = zlib.crc32(block, checksum), remaining - len(block)
    if read_uint(file, 4, "big") != checksum:
        raise InvalidMedia("a checksum in it is wrong")
    return first


def _gif(file: BinaryIO) -> Size:
    parts, pictures = PartBudget(1_000_000), 0
    read_exactly(file, 6)
    width, height = read_uint(file, 2, "little"), read_uint(file, 2, "little")
    _skip_palette(file, read_exactly(file, 3)[0])
    # The trailer may be missing, as long as the last picture is complete.
    while (kind := _find(file, _GIF_BLOCK)) != b";" and (kind or not pictures):
        if kind == b"!":
            read_exactly(file, 1)
        elif kind == b",":
            x, y, wide, high, flags = struct.unpack("<4HB", read_exactly(file, 9))
            if not pictures:  # decoders enlarge the canvas to the first picture
                width, height = max(width, x + wide), max(height, y + high)
            pictures += 1
            _skip_palette(file, flags)
            read_exactly(file, 1)
        else:
            raise InvalidMedia(CUT_OFF)
        while count := read_exactly(file, 1)[0]:
            parts.count()
            read_exactly(file, count)
        parts.count()
    if not pictures:
        raise InvalidMedia("it holds no picture")
    return Size(width, height)


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        read_exactly(file, 3 << (flags & 7) + 1)


def _bmp(file: BinaryIO) -> Size:
    header = read_exactly(file, 18)
    offset, kind = int.from_bytes(header[10:14], "little"), int.from_bytes(header[14:18], "little")
    if kind == 12:
        width, height = read_uint(file, 2, "little"), read_uint(file, 2, "little")
        bits, packed, coded = int.from_bytes(read_exactly(file, 4)[2:], "little"), 0, 0
    else:
        width, height = read_uint(file, 4, "little"), abs(int.from_bytes(read_exactly(file, 4), "little", signed=True))
        bits, packed, coded = (
            int.from_bytes(read_exactly(file, 4)[2:], "little"),
            read_uint(file, 4, "little"),
            read_uint(file, 4, "little"),
        )
    # Rows are padded to four bytes; RLE, JPEG and PNG inside of a BMP (1, 2, 4, 5) state their size.
    if packed > 6 or (bits not in {1, 2, 4, 8, 16, 24, 32} and packed not in {4, 5}):
        raise InvalidMedia("its pixels have an impossible depth or compression")
    pixels = coded if packed in {1, 2, 4, 5} else (width * bits + 31) // 32 * 4 * height
    if offset + pixels > length_of(file):
        raise InvalidMedia("its pixels reach over the end, as if it had been cut off")
    return Size(width, height)


def _webp(file: BinaryIO) -> Size:
    parts, size, orientation, pixels, flags = PartBudget(), None, None, False, None
    end = 8 + int.from_bytes(read_exactly(file, 12)[4:8], "little")
    if end > length_of(file):
        raise InvalidMedia(CUT_OFF)
    while (start := file.tell()) + 8 <= end:
        parts.count()
        kind, length = read_exactly(file, 4), read_uint(file, 4, "little")
        if start + 8 + length > end:
            raise InvalidMedia("one of its chunks reaches over the end")
        body = file.read(min(length, _BLOCK))
        own_size = _webp_size(kind, body)
        if size is None:
            size, flags = own_size, body[0] if kind == b"VP8X" and body else None
            if size is None:
                raise InvalidMedia("it begins with neither a picture nor a canvas")
        elif flags is not None and own_size not in {None, size}:
            raise InvalidMedia("its picture is not as large as its canvas")
        pixels = pixels or kind in {b"VP8 ", b"VP8L", b"ANMF"}
        if kind == b"EXIF" and orientation is None and flags and flags & _WEBP_EXIF:
            orientation = exif_orientation(body)
        file.seek(start + 8 + length + (length & 1))
    if size is None or not pixels:
        raise InvalidMedia("it holds no picture")
    return size.oriented(orientation or 1)


_WEBP_EXIF: Final = 8  # the flag of a canvas with EXIF (RFC 9649, 2.7)


def _webp_size(kind: bytes, body: bytes) -> Size | None:
    """The size in a chunk (RFC 9649, 2.5 to 2.7)."""
    if kind == b"VP8X" and len(body) >= 10:
        return Size(int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1)
    if kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        packed = int.from_bytes(body[1:5], "little")
        return Size((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        return Size(int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF)
    return None


PARSERS: Final[Mapping[str, Callable[[BinaryIO], Size]]] = MappingProxyType(
    {
        "jpeg": _jpeg,
        "png": _png,
        "gif": _gif,
        "bmp": _bmp,
        "webp": _webp,
        "tiff": tiff,
    }
)
"""Format name → its parser: reads from the start of the file, returns the displayed size or raises `InvalidMedia`."""
