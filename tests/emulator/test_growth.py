"""The emulator's memory after hours of use is that of the beginning."""

import gc
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HOURS = 6
IN_ALL = 100_000  # validations, and assets that are deleted
PAGE = 4096


def resident():
    """Bytes of memory that this process has."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def use(customer, clock, hours, in_all):
    """Validations that nobody reads and assets that are deleted, their reviews far ahead; then all is forgotten."""
    group = customer.group()
    for _ in range(hours):
        for _ in range(in_all // hours):
            customer.token()
            asset = customer.asset(group, "https://magic.test/a.jpg?after=900000000")
            customer.call("DeleteAsset", {"Id": asset})
            customer.effects.clear()
        clock.advance(3600)
    clock.advance(7200)
    for _ in range(in_all // 1000):
        customer.call("ListAssets", {"Filter": {"GroupType": "AIGC"}})
    customer.call("DeleteAssetGroup", {"Id": group})


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory as Linux gives it")
def test_six_hours_of_use_leave_the_memory_of_the_beginning(start, clock):
    """emulator-growth: 100,000 validations and as many deleted assets, within ten percent."""
    alice = start(assets=10**6)
    use(alice, clock, 2, 2 * IN_ALL // HOURS)  # an expired validation is answered as one for an hour
    before = resident()
    use(alice, clock, HOURS, IN_ALL)
    after = resident()
    print(f"{before / 2**20:.1f} MiB before, {after / 2**20:.1f} MiB after")
    assert after == pytest.approx(before, rel=0.1)
