"""TIFF directories, of TIFF files and of the EXIF blocks in other images. Reads no pixels."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from io import BytesIO
from itertools import chain, repeat
from types import MappingProxyType
from typing import BinaryIO, Final

from attrs import frozen

from portrait.media._bytes import ByteOrder, InvalidMedia, Size, length_of, read_exactly, read_uint

_WIDTH, _HEIGHT, _ORIENTATION = 256, 257, 274
# Where the pixels are, and how many bytes: strips, then tiles (TIFF 6.0, sections 8 and 15).
_DATA: Final = ((273, 279), (324, 325))
# Without them no decoder opens the pixels: BitsPerSample, ColorMap, ExtraSamples, SampleFormat, JPEGTables.
_DECODING: Final = (258, 320, 338, 339, 347)
_PICTURE_TAGS: Final = frozenset({_WIDTH, _HEIGHT, _ORIENTATION, *_DECODING, *(tag for pair in _DATA for tag in pair)})
# Tags that tell a camera's raw file: NewSubfileType, Compression, PhotometricInterpretation, Make, SubIFDs, DNGVersion.
_SUBFILE_TYPE, _COMPRESSION, _PHOTOMETRIC, _MAKE, _SUB_DIRECTORIES, _DNG_VERSION = 254, 259, 262, 271, 330, 50706
_RAW_TAGS: Final = frozenset({_SUBFILE_TYPE, _COMPRESSION, _PHOTOMETRIC, _MAKE, _SUB_DIRECTORIES, _DNG_VERSION})
# The compressions of Sony, of other packed raw data, of Nikon and of Pentax; colour filter array, and linear raw.
_RAW_VALUES: Final = MappingProxyType({_COMPRESSION: {32767, 32769, 32770, 34713, 65535}, _PHOTOMETRIC: {32803, 34892}})
_RAW_BY_MAKER: Final = (
    (b"NIKON", "nef"), (b"SONY", "arw"), (b"PENTAX", "pef"), (b"RICOH", "pef"), (b"SAMSUNG", "srw"), (b"CANON", "cr2"),
)  # fmt: skip
_MAX_TEXT: Final = 64
_ITEM_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 17: 8}
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
    layout, start = _header(file)
    tags = _directory(file, layout, start, _PICTURE_TAGS)
    try:
        (width, *_), (height, *_) = tags[_WIDTH], tags[_HEIGHT]
    except (KeyError, ValueError):
        raise InvalidMedia("its directory does not tell width and height") from None
    length = length_of(file)
    # Old programs leave the counts out, and libtiff reckons them.
    ends = [
        at + size
        for where, sizes in _DATA
        for at, size in zip(tags.get(where, ()), chain(tags.get(sizes, ()), repeat(0)), strict=False)
    ]
    if not ends:
        raise InvalidMedia("its directory does not tell where the pixels are")
    if max(ends) > length:
        raise InvalidMedia("its pixels reach over the end, as if it had been cut off")
    return Size(width, height).oriented(_first(tags, _ORIENTATION))


def camera_raw(file: BinaryIO) -> str | None:
    """The format of a camera's raw file, which is built as a TIFF is; None for a picture.

    DNG says so itself. Others state a colour filter array or their maker's compression in one of their directories, or
    have a small preview in the first directory and the rest behind it.
    """
    try:
        layout, start = _header(file)
        first = _directory(file, layout, start, _RAW_TAGS, most=_MAX_TEXT)
        others = [_directory(file, layout, at, _RAW_TAGS, most=1) for at in first.get(_SUB_DIRECTORIES, ())[:8]]
    except InvalidMedia:
        return None
    maker = bytes(item & 0xFF for item in first.get(_MAKE, ())).upper()
    name = next((name for start_of_name, name in _RAW_BY_MAKER if maker.startswith(start_of_name)), None)
    if _DNG_VERSION in first:
        return "dng"
    if any(_first(tags, tag) in values for tags in (first, *others) for tag, values in _RAW_VALUES.items()):
        return name or "raw"
    return name if others and _first(first, _SUBFILE_TYPE, 0) & 1 else None


def exif_orientation(exif: bytes) -> int:
    r"""The EXIF orientation, 1 to 8. A malformed block, or one without it, counts as 1: EXIF refuses no photo.

    Args:
        exif: The block, with or without its `Exif\0\0` prefix.
    """
    try:
        file = BytesIO(exif.removeprefix(b"Exif\x00\x00"))
        return _first(_directory(file, *_header(file), {_ORIENTATION}, most=1), _ORIENTATION)
    except InvalidMedia:
        return 1


def _first(tags: dict[int, tuple[int, ...]], tag: int, default: int = 1) -> int:
    return next(iter(tags.get(tag, ())), default)


def _header(file: BinaryIO) -> tuple[_Layout, int]:
    """The layout of a file, and where its first directory is."""
    file.seek(0)
    order = _ORDERS.get(read_exactly(file, 2))
    if order is None:
        raise InvalidMedia("it does not begin as a TIFF does")
    if read_uint(file, 2, order) == 43:
        layout = _Layout(order, 8, 8)
        read_exactly(file, 4)
    else:
        layout = _Layout(order, 4, 2)
    return layout, read_uint(file, layout.offset, order)


def _directory(
    file: BinaryIO, layout: _Layout, start: int, wanted: AbstractSet[int], *, most: int = _MAX_ITEMS
) -> dict[int, tuple[int, ...]]:
    """The values of some tags. The first entry of a tag counts, as in libtiff, and at most so many items of it."""
    _go_to(file, start)
    order = layout.order
    tags: dict[int, tuple[int, ...]] = {}
    for _ in range(min(read_uint(file, layout.count, order), 4096)):
        tag, kind, count = read_uint(file, 2, order), read_uint(file, 2, order), read_uint(file, layout.offset, order)
        field = read_exactly(file, layout.offset)
        if tag in wanted and tag not in tags and kind in _ITEM_BYTES:
            if count > _MAX_ITEMS:
                raise InvalidMedia("its directory is too long to be real")
            tags[tag] = _items(file, layout, field, width=_ITEM_BYTES[kind], count=min(count, most), total=count)
    return tags


def _go_to(file: BinaryIO, position: int) -> None:
    """Seek to an offset from the file. Offsets far behind the end would raise platform errors in `seek`."""
    if position > length_of(file):
        raise InvalidMedia("its directory lies behind its end, as if it had been cut off")
    file.seek(position)


def _items(file: BinaryIO, layout: _Layout, field: bytes, *, width: int, count: int, total: int) -> tuple[int, ...]:
    """The first `count` items of a value, which stands in the entry's field if all `total` items fit there."""
    if width * total <= len(field):
        data = field[: width * count]
    else:
        back = file.tell()
        _go_to(file, int.from_bytes(field, layout.order))
        data = read_exactly(file, width * count)
        file.seek(back)
    return tuple(int.from_bytes(data[at : at + width], layout.order) for at in range(0, len(data), width))
