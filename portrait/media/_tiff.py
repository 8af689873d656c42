"""TIFF directories. Owns reading the first one, be it of a TIFF file or of the EXIF block in another image; must not
know where the bytes came from, and never reads pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType
from typing import BinaryIO, Final

from attrs import frozen

from portrait.media._bytes import ByteOrder, Size, Unreadable, length_of, number, take

_WIDTH, _HEIGHT, _ORIENTATION = 256, 257, 274
# Where the pixels are, and how many bytes: strips, then tiles (TIFF 6.0, sections 8 and 15).
_DATA: Final = ((273, 279), (324, 325))
_TAGS: Final = frozenset({_WIDTH, _HEIGHT, _ORIENTATION, *(tag for pair in _DATA for tag in pair)})
_ITEM_BYTES: Final = {3: 2, 4: 4, 13: 4, 16: 8}
_ORDERS: Final[Mapping[bytes, ByteOrder]] = MappingProxyType({b"II": "little", b"MM": "big"})
_MAX_ITEMS: Final = 1_000_000


@frozen
class _Layout:
    """The widths in bytes that tell a classic TIFF from a BigTIFF."""

    order: ByteOrder
    offset: int
    count: int


def tiff(file: BinaryIO) -> Size:
    """Measure the first picture of a TIFF file as displayed, and see that its pixels are all there.

    Raises:
        Unreadable: It is broken or cut off.
    """
    tags = _directory(file)
    try:
        (width, *_), (height, *_) = tags[_WIDTH], tags[_HEIGHT]
    except (KeyError, ValueError):
        raise Unreadable("its directory does not tell width and height") from None
    length = length_of(file)
    ends = [
        at + size for where, sizes in _DATA for at, size in zip(tags.get(where, ()), tags.get(sizes, ()), strict=False)
    ]
    if not ends:
        raise Unreadable("its directory does not tell where the pixels are")
    if max(ends) > length:
        raise Unreadable("its pixels reach over the end, as if it had been cut off")
    return Size(width, height).turned(_first(tags, _ORIENTATION))


def orientation(exif: bytes) -> int:
    r"""The EXIF orientation, 1 to 8; 1 where the block is broken or does not tell: nobody refuses a photo for its EXIF.

    Args:
        exif: The block, with or without its `Exif\0\0` prefix.
    """
    try:
        return _first(_directory(BytesIO(exif.removeprefix(b"Exif\x00\x00"))), _ORIENTATION)
    except Unreadable:
        return 1


def _first(tags: dict[int, tuple[int, ...]], tag: int) -> int:
    return next(iter(tags.get(tag, ())), 1)


def _directory(file: BinaryIO) -> dict[int, tuple[int, ...]]:
    file.seek(0)
    mark = take(file, 2)
    order = _ORDERS.get(mark)
    if order is None:
        raise Unreadable("it does not begin as a TIFF does")
    if number(file, 2, order) == 43:
        layout = _Layout(order, 8, 8)
        take(file, 4)
    else:
        layout = _Layout(order, 4, 2)
    _go_to(file, take(file, layout.offset), order)
    found: dict[int, tuple[int, ...]] = {}
    for _ in range(min(number(file, layout.count, order), 4096)):
        tag, kind, count = number(file, 2, order), number(file, 2, order), number(file, layout.offset, order)
        field = take(file, layout.offset)
        if tag in _TAGS and kind in _ITEM_BYTES:
            found[tag] = _items(file, layout, field, kind=kind, count=count)
    return found


def _go_to(file: BinaryIO, offset: bytes, order: ByteOrder) -> None:
    """Go to a position that the file itself names: far behind the end, seeking would raise errors of the platform."""
    position = number(BytesIO(offset), len(offset), order)
    if position > length_of(file):
        raise Unreadable("its directory lies behind its end, as if it had been cut off")
    file.seek(position)


def _items(file: BinaryIO, layout: _Layout, field: bytes, *, kind: int, count: int) -> tuple[int, ...]:
    width = _ITEM_BYTES[kind]
    if count > _MAX_ITEMS:
        raise Unreadable("its directory is too long to be real")
    if width * count <= len(field):
        data = field[: width * count]
    else:
        back = file.tell()
        _go_to(file, field, layout.order)
        data = take(file, width * count)
        file.seek(back)
    return tuple(int.from_bytes(data[at : at + width], layout.order) for at in range(0, len(data), width))
