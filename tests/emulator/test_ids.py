"""Identifiers and moments."""

import math
import re

import pytest

import emulator.ids
from emulator.clocks import TimestampFormatter, parse_timestamp
from emulator.ids import Ids

NOW = 1_773_792_000.9


def new_ids(seed, count=1):
    """So many ids of each kind."""
    ids = Ids(seed, TimestampFormatter())
    return [
        (ids.group(NOW, n), ids.asset(NOW, n), ids.token(NOW), ids.key(), ids.byted_token(NOW, "alice"))
        for n in range(count)
    ]


def test_ids_have_the_forms_of_the_contract():
    """Group and asset ids carry stamp and tail, tokens 14 digits and 20 hexadecimal ones."""
    forms = (r"group-20260318000000-[a-z0-9]{5}", r"asset-20260318000000-[a-z0-9]{5}", r"20260318000000[0-9A-F]{20}",
             r"[0-9a-f]{12}", r"20260318000000[0-9A-F]{20}")  # fmt: skip
    for found, form in zip(new_ids(0)[0], forms, strict=True):
        assert re.fullmatch(form, found)


def test_a_seed_repeats_its_ids_and_another_does_not():
    """The same seed gives the same ids."""
    assert new_ids(7, 5) == new_ids(7, 5)
    assert new_ids(7, 5) != new_ids(8, 5)


def test_no_id_comes_twice_in_one_second():
    """A hundred thousand assets of one second have as many ids, and sixty million could."""
    ids = Ids(0, TimestampFormatter())
    assert math.gcd(emulator.ids._STEP, 36) == 1
    assert len({ids.asset(NOW, n) for n in range(100_000)}) == 100_000


def test_a_moment_is_written_in_utc_without_fraction():
    """Fractions are cut, and many moments push none out of shape."""
    format_time = TimestampFormatter()
    assert format_time(NOW) == "2026-03-18T00:00:00Z"
    for second in range(9_000):
        format_time(second)
    assert (format_time(NOW), format_time(NOW + 1)) == ("2026-03-18T00:00:00Z", "2026-03-18T00:00:01Z")
    assert parse_timestamp(format_time(NOW)) == int(NOW)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-03-18T00:00:00"])
def test_a_moment_without_a_zone_is_none(text):
    """What cannot be placed in time is refused."""
    with pytest.raises(ValueError, match=r"."):
        parse_timestamp(text)
