"""The part plan, by its own rules for any size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait.errors import UsageError
from portrait.s3.parts import (
    DEFAULT_PART_BYTES,
    MAX_FILE_BYTES,
    MAX_PART_BYTES,
    MAX_PARTS,
    MIB,
    MIN_PART_BYTES,
    plan_parts,
)

sizes = st.one_of(st.integers(1, MAX_FILE_BYTES), st.integers(1, 10 * MIN_PART_BYTES))
wishes = st.integers(MIN_PART_BYTES, MAX_PART_BYTES)


@given(sizes, wishes)
def test_limits_of_s3(size: int, wish: int) -> None:
    """At most 10,000 parts of 5 MiB to 5 GiB, whatever the file and the wish."""
    plan = plan_parts(size, wish)
    assert plan.count <= MAX_PARTS
    assert MIN_PART_BYTES <= plan.part_size <= MAX_PART_BYTES
    assert plan.part_size >= wish


@given(sizes, wishes, st.data())
def test_parts_cover_the_file(size: int, wish: int, data: st.DataObject) -> None:
    """Neighbouring parts touch, the first begins at 0 and the last ends with the file; only the last is smaller."""
    plan = plan_parts(size, wish)
    first, last = plan.part(1), plan.part(plan.count)
    assert first.offset == 0
    assert last.offset + last.size == size
    assert 0 < last.size <= plan.part_size
    if plan.count > 1:
        number = data.draw(st.integers(1, plan.count - 1))
        part = plan.part(number)
        assert part.size == plan.part_size
        assert plan.part(number + 1).offset == part.offset + part.size


@given(st.integers(1, 200 * MIB))
def test_parts_are_all_of_them_in_order(size: int) -> None:
    """`parts()` is `part(1)` to `part(count)`, and their sizes add up."""
    plan = plan_parts(size)
    parts = list(plan.parts())
    assert parts == [plan.part(number) for number in range(1, plan.count + 1)]
    assert sum(part.size for part in parts) == size


def test_usual_part_is_kept_while_it_suffices() -> None:
    """The part size grows only where 10,000 parts of the usual one are too few."""
    assert plan_parts(MAX_PARTS * DEFAULT_PART_BYTES).part_size == DEFAULT_PART_BYTES
    assert plan_parts(MAX_PARTS * DEFAULT_PART_BYTES + 1).part_size == DEFAULT_PART_BYTES + MIB


@pytest.mark.parametrize(
    ("size", "wish"),
    [
        (0, DEFAULT_PART_BYTES),
        (MAX_FILE_BYTES + 1, DEFAULT_PART_BYTES),
        (1, MIN_PART_BYTES - 1),
        (1, MAX_PART_BYTES + 1),
    ],
)
def test_what_s3_does_not_take(size: int, wish: int) -> None:
    """Sizes that no storage takes are refused before anything is sent."""
    with pytest.raises(UsageError):
        plan_parts(size, wish)
