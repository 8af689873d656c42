"""TIFF directories, of TIFF files and of the EXIF blocks in other images. Reads no pixels."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType
from typing import BinaryIO, Final

from attrs import frozen

from portrait.media._bytes import ByteOrder, InvalidMedia, Size, length_of, read_exactly, read_uint

_WIDTH, _HEIGHT, _ORIENTATION = 256, 257, 274
# Where the pixels are, and how many bytes: strips, then tiles (TIFF 6.0, sections 8 and 15).
_DATA: Final = ((273, 279), (324, 325))
_TAGS: Final = frozenset({_WIDTH, _HEIGHT, _ORIENTATION, *(tag for pair in _DATA for tag in pair)})
_ITEM_BYTES: Final = {3: 2, 4: 4, 13: 4, 16: 8}
_ORDERS: Final[Mapping[bytes, ByteOrder]] = MappingProxyType({b"II": "little", b"MM": "big"})
_MAX_ITEMS: Final = 1_000_000


@frozen
class _Layout:
    """Byte order, and the widths in bytes of offsets and counts: 4 and 2 in classic TIFF, 8 and 8 in BigTIFF."""

    order: ByteOrder
    offset: int
    count: int


def tiff(file: BinaryIO) -> Size:
    """The displayed size of a TIFF file's first picture, all of whose pixels must be present.

    Raises:
        InvalidMedia: It is malformed or truncated.
    """
    tags = _directory(file)
    try:
        (width, *_), (height, *_) = tags[_WIDTH], tags[_HEIGHT]
    except (KeyError, ValueError):
        raise InvalidMedia("its directory does not tell width and height") from None
    length = length_of(file)
    ends = [
        at + size for where, sizes in _DATA for at, size in zip(tags.get(where, ()), tags.get(sizes, ()), strict=False)
    ]
    if not ends:
        raise InvalidMedia("its directory does not tell where the pixels are")
    if max(ends) > length:
        raise InvalidMedia("its pixels reach over the end, as if it had been cut off")
    return Size(width, height).rotated(_first(tags, _ORIENTATION))


def exif_orientation(exif: bytes) -> int:
    r"""The EXIF orientation, 1 to 8. A malformed or silent block counts as 1: no photo is refused for its EXIF.

    Args:
        exif: The block, with or without its `Exif\0\0` prefix.
    """
    try:
        return _first(_directory(BytesIO(exif.removeprefix(b"Exif\x00\x00"))), _ORIENTATION)
    except InvalidMedia:
        return 1


def _first(tags: dict[int, tuple[int, ...]], tag: int) -> int:
    return next(iter(tags.get(tag, ())), 1)


def _directory(file: BinaryIO) -> dict[int, tuple[int, ...]]:
    file.seek(0)
    mark = read_exactly(file, 2)
    order = _ORDERS.get(mark)
    if order is None:
        raise InvalidMedia("it does not begin as a TIFF does")
    if read_uint(file, 2, order) == 43:
        layout = _Layout(order, 8, 8)
        read_exactly(file, 4)
    else:
        layout = _Layout(order, 4, 2)
    _go_to(file, read_exactly(file, layout.offset), order)
    tags: dict[int, tuple[int, ...]] = {}
    for _ in range(min(read_uint(file, layout.count, order), 4096)):
        tag, kind, count = read_uint(file, 2, order), read_uint(file, 2, order), read_uint(file, layout.offset, order)
        field = read_exactly(file, layout.offset)
        if tag in _TAGS and kind in _ITEM_BYTES:
            tags[tag] = _items(file, layout, field, kind=kind, count=count)
    return tags


def _go_to(file: BinaryIO, offset: bytes, order: ByteOrder) -> None:
    """Seek to an offset from the file. Offsets far behind the end would raise platform errors in `seek`."""
    position = read_uint(BytesIO(offset), len(offset), order)
    if position > length_of(file):
        raise InvalidMedia("its directory lies behind its end, as if it had been cut off")
    file.seek(position)


def _items(file: BinaryIO, layout: _Layout, field: bytes, *, kind: int, count: int) -> tuple[int, ...]:
    width = _ITEM_BYTES[kind]
    if count > _MAX_ITEMS:
        raise InvalidMedia("its directory is too long to be real")
    if width * count <= len(field):
        data = field[: width * count]
    else:
        back = file.tell()
        _go_to(file, field, layout.order)
        data = read_exactly(file, width * count)
        file.seek(back)
    return tuple(int.from_bytes(data[at : at + width], layout.order) for at in range(0, len(data), width))
