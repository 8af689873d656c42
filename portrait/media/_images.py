"""Still images by their structure. Owns one walker per format, which reads the size and goes through to the end
without decoding a pixel: time is linear in the file, memory is constant, and a cut-off file is noticed. Must not know
limits, and needs the standard library only, except for HEIC, which libheif opens.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import BinaryIO, Final

from portrait.media._bytes import Parts, Size, Unreadable, boxes, length_of, number, take
from portrait.media._extra import pillow_heif
from portrait.media._tiff import orientation, tiff

_BLOCK: Final = 1 << 16
_HEIF_MOST: Final = 128 << 20

# Start of frame: C0 to CF but for DHT (C4), JPG (C8) and DAC (CC). ITU-T T.81, table B.1.
_FRAME_STARTS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
# In entropy-coded data FF is followed by 00, or by a restart marker, or by more FF.
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def _jpeg(file: BinaryIO) -> Size:
    parts, size, turn, scans = Parts(), None, 1, 0
    take(file, 2)
    while (marker := _next_marker(file)) != 0xD9:
        parts.another()
        if marker in _STANDALONE:
            continue
        length = number(file, 2, "big") - 2
        if length < 0:
            raise Unreadable("it has a segment of impossible length")
        body = take(file, length)
        if marker in _FRAME_STARTS and length >= 5:
            size = Size(int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"))
        elif marker == 0xE1 and body.startswith(b"Exif\x00\x00"):
            turn = orientation(body)
        elif marker == 0xDA:
            scans += 1
            _skip_scan(file)
    if size is None or not scans:
        raise Unreadable("it holds no picture")
    return size.turned(turn)


def _next_marker(file: BinaryIO) -> int:
    if take(file, 1) != b"\xff":
        raise Unreadable("its segments do not follow each other")
    fill = Parts()
    while (marker := take(file, 1)[0]) == 0xFF:
        fill.another()
    return marker


def _skip_scan(file: BinaryIO) -> None:
    while True:
        start, block = file.tell(), file.read(_BLOCK)
        if found := _MARKER.search(block):
            file.seek(start + found.start())
            return
        if len(block) < 2:
            raise Unreadable("it ends within its pixels, as if it had been cut off")
        if block.endswith(b"\xff"):
            file.seek(-1, 1)


def _png(file: BinaryIO) -> Size:
    parts, size, turn, pixels = Parts(), None, 1, False
    take(file, 8)
    while True:
        parts.another()
        length, kind = number(file, 4, "big"), take(file, 4)
        kept = _checked_chunk(file, kind, length)
        if size is None:
            if kind != b"IHDR" or length != 13:
                raise Unreadable("its header chunk is missing")
            size = Size(int.from_bytes(kept[:4], "big"), int.from_bytes(kept[4:8], "big"))
        elif kind == b"eXIf":
            turn = orientation(kept)
        elif kind == b"IDAT":
            pixels = True
        elif kind == b"IEND":
            break
    if not pixels:
        raise Unreadable("it holds no picture")
    return size.turned(turn)


def _checked_chunk(file: BinaryIO, kind: bytes, length: int) -> bytes:
    """Read a PNG chunk over, compare its checksum, and give back its first block."""
    checksum, left, first = zlib.crc32(kind), length, b""
    while left:
        block = take(file, min(left, _BLOCK))
        first = first or block
        checksum, left = zlib.crc32(block, checksum), left - len(block)
    if number(file, 4, "big") != checksum:
        raise Unreadable("a checksum in it is wrong")
    return first


def _gif(file: BinaryIO) -> Size:
    parts, pictures = Parts(1_000_000), 0
    take(file, 6)
    size = Size(number(file, 2, "little"), number(file, 2, "little"))
    _skip_palette(file, take(file, 3)[0])
    while (kind := take(file, 1)) != b";":
        if kind == b"!":
            take(file, 1)
        elif kind == b",":
            pictures += 1
            _skip_palette(file, take(file, 9)[8])
            take(file, 1)
        else:
            raise Unreadable("its blocks do not follow each other")
        while count := take(file, 1)[0]:
            parts.another()
            take(file, count)
        parts.another()
    if not pictures:
        raise Unreadable("it holds no picture")
    return size


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        take(file, 3 << (flags & 7) + 1)


def _bmp(file: BinaryIO) -> Size:
    header = take(file, 18)
    offset, kind = int.from_bytes(header[10:14], "little"), int.from_bytes(header[14:18], "little")
    if kind == 12:
        width, height = number(file, 2, "little"), number(file, 2, "little")
        bits, packed, coded = int.from_bytes(take(file, 4)[2:], "little"), 0, 0
    else:
        width, height = number(file, 4, "little"), abs(int.from_bytes(take(file, 4), "little", signed=True))
        bits, packed, coded = (
            int.from_bytes(take(file, 4)[2:], "little"),
            number(file, 4, "little"),
            number(file, 4, "little"),
        )
    # Rows are padded to four bytes; RLE, JPEG and PNG inside of a BMP (1, 2, 4, 5) tell their size themselves.
    if bits not in {1, 2, 4, 8, 16, 24, 32} and packed not in {4, 5}:
        raise Unreadable("its pixels have an impossible depth")
    pixels = coded if packed in {1, 2, 4, 5} else (width * bits + 31) // 32 * 4 * height
    if offset + pixels > length_of(file):
        raise Unreadable("its pixels reach over the end, as if it had been cut off")
    return Size(width, height)


def _webp(file: BinaryIO) -> Size:
    parts, size, turn, pixels = Parts(), None, 1, False
    end = 8 + int.from_bytes(take(file, 12)[4:8], "little")
    if end > length_of(file):
        raise Unreadable("it ends too early, as if it had been cut off")
    while (start := file.tell()) + 8 <= end:
        parts.another()
        kind, length = take(file, 4), number(file, 4, "little")
        if start + 8 + length > end:
            raise Unreadable("one of its chunks reaches over the end")
        body = file.read(min(length, _BLOCK))
        size = size or _webp_size(kind, body)
        pixels = pixels or kind in {b"VP8 ", b"VP8L", b"ANMF"}
        turn = orientation(body) if kind == b"EXIF" else turn
        file.seek(start + 8 + length + (length & 1))
    if size is None or not pixels:
        raise Unreadable("it holds no picture")
    return size.turned(turn)


def _webp_size(kind: bytes, body: bytes) -> Size | None:
    """The size that a chunk tells (RFC 9649, 2.5 to 2.7)."""
    if kind == b"VP8X" and len(body) >= 10:
        return Size(int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1)
    if kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        packed = int.from_bytes(body[1:5], "little")
        return Size((packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        return Size(int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF)
    return None


def _heif(file: BinaryIO) -> Size:
    length = length_of(file)
    kinds = {box.type for box in boxes(file, 0, length, Parts())}
    if b"meta" not in kinds:
        raise Unreadable("it holds no picture")
    if length > _HEIF_MOST:
        raise Unreadable("it is too large to be looked at")
    opener = pillow_heif()
    file.seek(0)
    try:
        # Opened, not decoded; libheif has its own limits against bombs, and tells the size after rotation.
        return Size(*opener.open_heif(file).size)
    except Exception as error:  # noqa: BLE001 - whatever a C library makes of a hostile file is a fault of the file
        raise Unreadable(f"libheif does not open it ({type(error).__name__})") from None


WALKERS: Final[Mapping[str, Callable[[BinaryIO], Size]]] = MappingProxyType(
    {
        "jpeg": _jpeg,
        "png": _png,
        "gif": _gif,
        "bmp": _bmp,
        "webp": _webp,
        "tiff": tiff,
        "heic": _heif,
        "heif": _heif,
    }
)
"""Format name → the walker: it starts at the beginning of the file, returns pixels as displayed, or `Unreadable`."""
