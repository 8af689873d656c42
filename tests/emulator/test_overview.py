"""What the dashboard reads: bounded, whatever there is, and in a moment."""

import sys

import pytest

from emulator.control import overview


@pytest.fixture
def read(alice):
    """Reads the overview of the service that alice calls."""
    return alice.service.overview.read


def test_the_newest_of_each_kind_come_first(alice, read):
    """At most as many as asked for, and how many there are."""
    groups = [alice.group(f"g{number}") for number in range(3)]
    assert [group["id"] for group in read(2)["groups"]] == [groups[2], groups[1]]
    assert [call["request"]["Name"] for call in read(2)["calls"]] == ["g2", "g1"]
    assert read(2)["totals"] == {"customers": 1, "groups": 3, "assets": 0, "validations": 0, "calls": 3, "rules": 0}


def test_a_request_is_shortened(alice, read):
    """What is shown of a call is a few lines."""
    fields = {f"field{number}": "x" * 100 for number in range(20)}
    alice.call(
        "CreateAssetGroup", {"GroupType": "AIGC", "Name": "n", "Filter": {"deep": [[["x" * 100]] * 20]}, **fields}
    )
    request = read(1)["calls"][0]["request"]
    assert len(request) == overview._MAX_FIELDS
    assert all(len(text) <= overview._MAX_TEXT + 1 for text in request.values())
    assert request["GroupType"] == "AIGC"


def test_many_assets_are_no_work(alice, read):
    """As many steps are taken for a page of 50 of 3,000 assets as for one of 300."""
    alice.service.control.patch_customer(alice.key, assets=10**6)
    group = alice.group()

    def steps(assets):
        """How many functions are called for one reading, once there are so many."""
        for _ in range(assets - len(alice.service.store.latest(10**6).assets)):
            alice.asset(group, Name="name")
        calls = []
        sys.setprofile(lambda frame, event, _: calls.append(event))
        try:
            assert len(read(50)["assets"]) == 50
        finally:
            sys.setprofile(None)
        return len(calls)

    assert steps(300) == pytest.approx(steps(3_000), abs=50)
