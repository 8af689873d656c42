"""Two or more workers of a pool, effect by effect: what one reserves or waits for, the others see."""

from itertools import pairwise
from random import Random

import pytest
from attrs import evolve

from emulator.testing import Emulator
from portrait.errors import NoFreeSlot
from portrait.flow import Sleep
from portrait.memory import Memory, remembering
from portrait.pool.operations import Pool
from portrait.recent_creates import RecentCreates
from portrait.state import PoolKey, open_state
from tests.simulation.adversary import Adversary
from tests.simulation.pool_world import source
from tests.simulation.scheduler import Scheduler

TTL = 90.0
MINUTE = 60.0  # for the rest of a create that was recorded, and for the pace


class Workers:
    """Workers on one pool, whose service makes no trouble.

    Attributes:
        clock: The clock of all.
        scheduler: Runs their flows.
        calls: What reached the service.
    """

    def __init__(self, path, slots, seed=1):
        rng = Random(seed)
        self.emulator = Emulator()
        self.clock = self.emulator.clock
        self.calls = Adversary(self.emulator, rng, trouble=0.0, lag=0.0)
        self.scheduler = Scheduler(self.clock, rng, self.calls.send, 20_000)
        self.state = open_state(path / "state.db", self.clock)
        self.slots = slots
        self.started_at = self.clock.now()
        self.group = self.emulator.client().ensure_group("set").id

    def start(self, name, *contents, timeout=600.0, hold=0.0):
        """A process that leases contents, holds them for some seconds, and gives them back."""
        client = self.emulator.client()
        memory = Memory(self.clock, self.state, client._endpoint.base_url, self.emulator.api_key)
        endpoint = remembering(evolve(client._endpoint, recent=RecentCreates()), memory)
        pool = Pool(endpoint, memory, lambda: name, group_id=self.group, slots=self.slots)
        return self.scheduler.start(self._work(pool, contents, timeout, hold), name)

    def _work(self, pool, contents, timeout, hold):
        held = yield from pool.lease([source(content) for content in contents], TTL, timeout)
        leased_at = self.clock.now()
        released_at = leased_at + hold
        while self.clock.now() < released_at:
            yield Sleep(min(TTL / 3, released_at - self.clock.now()))
            assert (yield from held.renew())
        yield from held.release()
        return leased_at

    def leases(self):
        """Who leases what."""
        memory = Memory(self.clock, self.state, self.emulator.client()._endpoint.base_url, self.emulator.api_key)
        return self.state.pools.view(PoolKey(memory.account, self.group)).leases

    def at(self, seconds, action):
        """Do that in so many seconds."""
        self.scheduler.after(seconds, action)


@pytest.fixture
def workers(tmp_path):
    """Makes workers on a pool of so many slots."""
    worlds = []

    def make(slots, **options):
        worlds.append(Workers(tmp_path, slots, **options))
        return worlds[-1]

    yield make
    for each in worlds:
        each.state.close()


def throttle(workers, count):
    """The service throttles the first creates: each waits for the pace."""
    workers.emulator.rules.add(match={"action": "CreateAsset"}, when={"first": count}, do={"error": "Throttled"})


def test_who_finds_the_same_content_under_way_waits_for_it(workers):
    """One create for three who want it at once, although it has to wait for the pace."""
    few = workers(slots=1)
    throttle(few, 1)
    tasks = [few.start(name, 1) for name in "abc"]
    few.scheduler.run()
    assert [task.error for task in tasks] == [None] * 3
    assert few.emulator.calls.count("CreateAsset", outcome="ok") == 1


def test_a_reservation_counts_while_its_create_waits_for_the_pace(workers):
    """Another content gets no slot meanwhile, and the error says who has reserved it."""
    few = workers(slots=1)
    throttle(few, 3)
    first = few.start("first", 1)
    tasks = []
    few.at(5, lambda: tasks.append(few.start("second", 2, timeout=15)))
    few.scheduler.run()
    assert first.error is None
    assert isinstance(tasks[0].error, NoFreeSlot)
    assert [(lease.holder, lease.asset_id) for lease in tasks[0].error.leases] == [("first", None)]
    assert few.emulator.calls.count("DeleteAsset") == 0


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))])
def test_the_last_slot_goes_to_one_after_the_other(workers, seed):
    """Six want six contents in one slot: whatever the order, each gets it, and there is never a second asset."""
    few = workers(slots=1, seed=seed)
    few.emulator.service.control.patch_customer(few.emulator.api_key, assets=1)
    tasks = [few.start(str(number), number, hold=5) for number in range(6)]
    few.scheduler.run()
    assert [task.error for task in tasks] == [None] * 6
    assert few.emulator.calls.count("CreateAsset", outcome="QuotaExceeded") == 0
    turns = sorted(task.result for task in tasks)
    assert all(later - earlier >= 5 for earlier, later in pairwise(turns))


def test_those_who_wait_are_served_in_their_order(workers):
    """One who comes while others wait does not overtake them; who wants what is leased anyway need not wait."""
    few = workers(slots=1)
    few.start("holder", 0, hold=30)
    order, sharing = [], []
    for number in range(1, 5):
        few.at(10 + number, lambda number=number: order.append(few.start(str(number), number)))
    few.at(20, lambda: sharing.append(few.start("sharing", 0)))
    few.scheduler.run()
    times = [task.result for task in order]
    assert times == sorted(times)
    assert sharing[0].result < times[0]


@pytest.mark.parametrize("killed_at", [10.0, 100.0])
def test_what_a_killed_worker_reserved_is_free_after_its_ttl_and_never_before(workers, killed_at):
    """While it waited for the pace: its last sign of life counts, not the timeout of its lease."""
    few = workers(slots=1)
    throttle(few, 99)
    few.start("killed", 1, timeout=5000)
    ends_at, tasks = [], []

    def kill():
        few.scheduler.kill("killed")
        few.emulator.rules.clear()
        (lease,) = few.leases()
        assert lease.asset_id is None
        ends_at.append(few.clock.now() + lease.seconds)
        tasks.append(few.start("next", 2))

    few.at(killed_at, kill)
    few.scheduler.run()
    assert ends_at[0] <= tasks[0].result <= ends_at[0] + MINUTE
    assert ends_at[0] - few.started_at <= killed_at + TTL
