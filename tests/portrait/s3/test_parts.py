"""The part plan, by its own rules for any size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portrait.errors import UsageError
from portrait.s3.parts import LARGEST_FILE, LARGEST_PART, MIB, MOST_PARTS, SMALLEST_PART, USUAL_PART, plan_parts

sizes = st.one_of(st.integers(1, LARGEST_FILE), st.integers(1, 10 * SMALLEST_PART))
wishes = st.integers(SMALLEST_PART, LARGEST_PART)


@given(sizes, wishes)
def test_limits_of_s3(size: int, wish: int) -> None:
    """At most 10,000 parts of 5 MiB to 5 GiB, whatever the file and the wish."""
    plan = plan_parts(size, wish)
    assert plan.count <= MOST_PARTS
    assert SMALLEST_PART <= plan.part_size <= LARGEST_PART
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
    assert plan_parts(MOST_PARTS * USUAL_PART).part_size == USUAL_PART
    assert plan_parts(MOST_PARTS * USUAL_PART + 1).part_size == USUAL_PART + MIB


@pytest.mark.parametrize(
    ("size", "wish"), [(0, USUAL_PART), (LARGEST_FILE + 1, USUAL_PART), (1, SMALLEST_PART - 1), (1, LARGEST_PART + 1)]
)
def test_what_s3_does_not_take(size: int, wish: int) -> None:
    """Sizes that no storage takes are refused before anything is sent."""
    with pytest.raises(UsageError):
        plan_parts(size, wish)
