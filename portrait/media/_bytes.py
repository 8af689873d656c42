"""Careful reading. Owns the one way in which the parsers of this package take bytes from a file, so that a file that
ends too early or never ends is always the same error; must not know any format but the ISO box, which three formats
share.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final, Literal

from attrs import frozen

ByteOrder = Literal["big", "little"]

MAX_PARTS: Final = 200_000
"""How many chunks, segments or boxes a file may have: real ones have thousands, a hostile one could have millions."""


class Unreadable(Exception):
    """A file is cut off or broken; the text says how, as a sentence without a capital or a full stop."""


@frozen
class Size:
    """The pixels of a picture as it is displayed.

    Attributes:
        width: Pixels.
        height: Pixels.
    """

    width: int
    height: int

    def turned(self, orientation: int) -> Size:
        """This size after an EXIF orientation (1 to 8); 5 to 8 exchange the sides."""
        return Size(self.height, self.width) if orientation in {5, 6, 7, 8} else self


def take(file: BinaryIO, count: int) -> bytes:
    """Read exactly so many bytes.

    Raises:
        Unreadable: The file ends before.
    """
    data = file.read(count)
    if len(data) < count:
        raise Unreadable("it ends too early, as if it had been cut off")
    return data


def number(file: BinaryIO, count: int, order: ByteOrder) -> int:
    """Read an unsigned number of so many bytes."""
    return int.from_bytes(take(file, count), order)


def length_of(file: BinaryIO) -> int:
    """The bytes in a seekable file; the position stays where it was."""
    position = file.tell()
    length = file.seek(0, 2)
    file.seek(position)
    return length


class Parts:
    """Counts the parts of a file and refuses the one too many."""

    def __init__(self, most: int = MAX_PARTS) -> None:
        self._left = most

    def another(self) -> None:
        """Count one more.

        Raises:
            Unreadable: There are too many.
        """
        self._left -= 1
        if self._left < 0:
            raise Unreadable("it has too many parts to be a real file")


@frozen
class Box:
    """An ISO base media box (ISO/IEC 14496-12, 4.2): its type, and the positions of its content in the file."""

    type: bytes
    start: int
    end: int


def boxes(file: BinaryIO, start: int, end: int, parts: Parts) -> Iterator[Box]:
    """Walk the boxes that lie between two positions.

    Raises:
        Unreadable: A box reaches over the end, or there are too many.
    """
    while start < end:
        parts.another()
        file.seek(start)
        length, kind, header = number(file, 4, "big"), take(file, 4), 8
        if length == 1:
            length, header = number(file, 8, "big"), 16
        elif length == 0:
            length = end - start
        if length < header or start + length > end:
            raise Unreadable("one of its boxes reaches over the end, as if it had been cut off")
        yield Box(kind, start + header, start + length)
        start += length
