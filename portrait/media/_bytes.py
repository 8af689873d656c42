"""Bounded reading of binary files, shared by all parsers of this package.

A file that ends too early, or has too many parts, always raises `InvalidMedia`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final, Literal

from attrs import frozen

ByteOrder = Literal["big", "little"]

MAX_PARTS: Final = 200_000
"""The most chunks, segments or boxes in one file. Real files have thousands, a hostile one could have millions."""

CUT_OFF: Final = "it ends too early, as if it had been cut off"
"""The usual problem of a file."""

TOO_MANY: Final = "it has too many parts to be a real file"


class InvalidMedia(Exception):
    """A file is truncated or malformed. The message is a clause in lower case without a full stop."""


@frozen
class Size:
    """The size of an image as it is displayed.

    Attributes:
        width: Pixels.
        height: Pixels.
        rotated: Whether width and height are exchanged against those that the file stores.
    """

    width: int
    height: int
    rotated: bool = False

    def oriented(self, orientation: int) -> Size:
        """The size after an EXIF orientation (1 to 8) is applied: 5 to 8 swap width and height."""
        return Size(self.height, self.width, rotated=True) if orientation in {5, 6, 7, 8} else self


def read_exactly(file: BinaryIO, count: int) -> bytes:
    """Read exactly `count` bytes.

    Raises:
        InvalidMedia: The file ends before that.
    """
    data = file.read(count)
    if len(data) < count:
        raise InvalidMedia(CUT_OFF)
    return data


def read_uint(file: BinaryIO, count: int, order: ByteOrder) -> int:
    """Read an unsigned integer of `count` bytes."""
    return int.from_bytes(read_exactly(file, count), order)


def length_of(file: BinaryIO) -> int:
    """The length of a seekable file in bytes. Its position is kept."""
    position = file.tell()
    length = file.seek(0, 2)
    file.seek(position)
    return length


class PartBudget:
    """Bounds the number of parts that a parser visits in one file."""

    def __init__(self, limit: int = MAX_PARTS) -> None:
        self._remaining = limit

    def count(self) -> None:
        """Count one part.

        Raises:
            InvalidMedia: The budget is used up.
        """
        self._remaining -= 1
        if self._remaining < 0:
            raise InvalidMedia(TOO_MANY)


@frozen
class Box:
    """An ISO base media box (ISO/IEC 14496-12, 4.2): its type, and where its content starts and ends in the file."""

    type: bytes
    start: int
    end: int


# Boxes on the top level of a clip or a HEIC picture. Other bytes behind the last one are none, and decoders skip them.
_TOP_BOXES: Final = frozenset({
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"meta", b"udta", b"uuid", b"free", b"skip", b"wide", b"pnot",
    b"pdin", b"sidx", b"ssix", b"prft", b"emsg",
})  # fmt: skip


def boxes(file: BinaryIO, start: int, end: int, parts: PartBudget, *, trailer: bool = False) -> Iterator[Box]:
    """Iterate over the boxes between two positions of the file.

    Args:
        file: Seekable.
        start: Where the first box starts.
        end: Where the last one ends.
        parts: Counts them.
        trailer: Whether bytes that are no box may follow the last one.

    Raises:
        InvalidMedia: A box reaches over the end, or there are too many.
    """
    while start < end - (7 if trailer else 0):
        parts.count()
        file.seek(start)
        length, kind, header = read_uint(file, 4, "big"), read_exactly(file, 4), 8
        if length == 1:
            length, header = read_uint(file, 8, "big"), 16
        elif length == 0:
            length = end - start
        if length < header or start + length > end:
            if trailer and kind not in _TOP_BOXES:
                return
            raise InvalidMedia("one of its boxes reaches over the end, as if it had been cut off")
        yield Box(kind, start + header, start + length)
        start += length
