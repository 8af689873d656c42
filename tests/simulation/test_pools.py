"""Seeded simulations of pools: many workers on few accounts, with kills, faults, lagging reads and others' deletions.

Safety: no leased asset is deleted, no pool exceeds its slots by our doing, nothing is made twice. Liveness: every lease
is served or refused in time.
"""

import os

import pytest

from tests.simulation.pool_world import PoolWorld

LEASES = int(os.environ.get("SIMULATED_LEASES", "1000"))  # 100000 take a quarter of an hour; -s prints how it goes


def test_a_seed_plays_the_same_again(tmp_path):
    """What was found once can be looked at."""
    worlds = [play(2, tmp_path / name, 30, workers=8, slots=5) for name in ("first", "second")]
    assert worlds[0].outcomes == worlds[1].outcomes
    assert worlds[0].truth.sent == worlds[1].truth.sent
    assert worlds[0].emulator.clock.now() == worlds[1].emulator.clock.now()


def play(seed, path, leases, **values):
    """A world after so many leases."""
    sizes = {"workers": 40, "accounts": 4, "contents": 400, "slots": 50, "trouble": 0.02, "lag": 9.0}
    world = PoolWorld(seed, path / "state.db", **{**sizes, **values})
    world.play(leases)
    assert world.truth.violations == []
    assert world.late == []
    assert sum(world.outcomes[name] for name in world.outcomes) >= leases
    return world


@pytest.mark.parametrize(
    "values",
    [
        {"workers": 12, "accounts": 2, "contents": 80, "slots": 8},
        {"workers": 8, "accounts": 2, "contents": 24, "slots": 5, "trouble": 0.15},
        {"workers": 8, "accounts": 4, "contents": 80, "slots": 8, "trouble": 0.0, "lag": 0.0},
    ],
)
def test_whatever_happens_what_is_leased_stays(tmp_path, values):
    """Small pools, so that all of it happens: room is made, somebody waits, somebody is killed."""
    world = play(1, tmp_path, 60, **values)
    assert world.truth.sent["DeleteAsset"] > 5
    assert world.outcomes["leased"] > 30
    assert world.outcomes["killed"]


@pytest.mark.slow
def test_thousands_of_leases_violate_nothing(tmp_path):
    """Forty workers, four accounts, four hundred contents. SIMULATED_LEASES and SIMULATION_SEED play others."""
    world = play(int(os.environ.get("SIMULATION_SEED", "0")), tmp_path, LEASES)
    assert world.outcomes["leased"] > 0.85 * LEASES
