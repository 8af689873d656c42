"""The limits of a multipart upload, and how a file is cut into parts: arithmetic on sizes."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from portrait.errors import UsageError

MIB = 1024 * 1024
# Contract §5 "Object storage": parts 5 MiB-5 GiB, at most 10,000 (D).
MIN_PART_BYTES = 5 * MIB
MAX_PART_BYTES = 5 * 1024 * MIB
MAX_PARTS = 10_000
MAX_FILE_BYTES = MAX_PART_BYTES * 1024
"""5 TiB, the largest object of S3 (D); R2 stops 5 GiB short of it."""
DEFAULT_PART_BYTES = 16 * MIB
"""Small enough that a cut connection costs little, large enough that requests do not dominate."""


@frozen
class Part:
    """One part: `number` counts from 1, `offset` and `size` are bytes."""

    number: int
    offset: int
    size: int


@frozen
class Plan:
    """A file of `size` bytes in parts of `part_size`; only the last may be smaller (contract §5: R2 insists, D)."""

    size: int
    part_size: int

    @property
    def count(self) -> int:
        """How many parts there are."""
        return -(-self.size // self.part_size)

    def part(self, number: int) -> Part:
        """The part of that number, from 1 to `count`."""
        offset = (number - 1) * self.part_size
        return Part(number, offset, min(self.part_size, self.size - offset))

    def parts(self) -> Iterator[Part]:
        """All parts in order."""
        return (self.part(number) for number in range(1, self.count + 1))


def plan_parts(size: int, part_size: int = DEFAULT_PART_BYTES) -> Plan:
    """Choose the part size: the one wished for, or the next full MiB that keeps within 10,000 parts.

    Args:
        size: Bytes of the file, at least 1.
        part_size: Bytes that a part should have, 5 MiB to 5 GiB.

    Raises:
        UsageError: The file or the wished part size is outside of what S3 takes.
    """
    if not MIN_PART_BYTES <= part_size <= MAX_PART_BYTES:
        raise UsageError(
            f"A part has 5 MiB to 5 GiB, not {part_size} bytes.", advice="Leave part_size= out for 16 MiB."
        )
    if not 1 <= size <= MAX_FILE_BYTES:
        raise UsageError(f"A multipart upload takes 1 byte to 5 TiB, not {size} bytes.", advice="Cut the file.")
    needed = -(-size // MAX_PARTS)
    return Plan(size, part_size if needed <= part_size else -(-needed // MIB) * MIB)
