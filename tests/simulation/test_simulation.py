"""A seeded simulation: clients, kills and an adversarial service, driven at the effects.

Safety: nothing is created twice and nothing is lost. Liveness: every flow ends within a bounded number of effects. A
scenario that fails is shrunk and printed by Hypothesis; `--hypothesis-seed=N` plays others.
"""

import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from attrs import evolve, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from emulator.settings import Settings
from emulator.testing import Emulator
from portrait.ensure import FileState, ensure_assets, ensure_group, parse_options
from portrait.ensure.backend import ActionBackend
from portrait.memory import Memory
from portrait.recent_creates import RecentCreates
from tests.hypothesis_profiles import searching
from tests.simulation.adversary import Adversary
from tests.simulation.scheduler import Scheduler

MAX_EFFECTS = 5_000  # of one job
KEY = "sk-simulation"


@frozen(kw_only=True)
class Scenario:
    """What happens, but for the seed's choices.

    Attributes:
        seed: Decides delays, faults and order.
        jobs: For each process, which contents it ensures.
        kills: When which process is killed, in seconds; it begins anew a moment later.
        trouble: The share of calls that meet a fault, until everything has been tried once.
        lag: Seconds by which reads may be behind.
    """

    seed: int
    jobs: list[list[int]]
    kills: list[tuple[float, int]] = field(factory=list)
    trouble: float = 0.0
    lag: float = 0.0


class World:
    """One emulator, its adversary, and the processes that ensure assets in one group.

    Args:
        scenario: What happens.
        state: Where the processes have a state in common; None for none.
    """

    def __init__(self, scenario, state=None):
        self._state, self._memories = state, []
        self.scenario = scenario
        rng = Random(scenario.seed)
        self.emulator = Emulator(Settings(seed=scenario.seed))
        self.emulator.customer()
        self.emulator.service.control.patch_customer(KEY, assets=1000)
        self.adversary = Adversary(self.emulator, rng, scenario.trouble, scenario.lag)
        self.scheduler = Scheduler(self.emulator.clock, rng, self.adversary.send, MAX_EFFECTS)
        self.client = self.emulator.client(api_key=KEY)
        self.outcomes = {}

    def close(self):
        """What the processes have open."""
        for memory in self._memories:
            memory.close()

    def job(self, number):
        """One process's work, from nothing to outcomes."""
        endpoint = evolve(self.client._endpoint, recent=RecentCreates())
        memory = Memory(self.emulator.clock, self._state, endpoint.base_url, KEY)
        self._memories.append(memory)
        group = yield from ensure_group(endpoint, memory, "brand")
        options = parse_options(memory, endpoint, {"group_id": group.id, "quota": None})
        backend = ActionBackend(endpoint=endpoint, memory=memory)
        yield from ensure_assets(backend, [source(content) for content in self.scenario.jobs[number]], options)
        return group.id

    def start(self, number):
        """A process begins; it has forgotten what an earlier one of its number knew."""
        self.outcomes[number] = self.scheduler.start(self.job(number), number)

    def play(self):
        """All jobs with faults and kills; then once more, undisturbed."""
        for number in range(len(self.scenario.jobs)):
            self.start(number)
        for seconds, number in self.scenario.kills:
            self.scheduler.after(seconds, lambda number=number: self.kill(number))
        self.scheduler.run()
        self.troubled = dict(self.outcomes)
        self.emulator.clock.advance(60)
        self.adversary.trouble = 0.0
        for number in range(len(self.scenario.jobs)):
            self.start(number)
        self.scheduler.run()

    def kill(self, number):
        """The process is gone, and another one begins after a moment."""
        self.scheduler.kill(number)
        self.scheduler.after(0.5, lambda: self.start(number))

    def groups(self):
        """The groups of the name, without those that made way."""
        return [group for group in self.client.iter_asset_groups() if group.name == "brand"]

    def assets(self):
        """Every asset, whatever its group."""
        return [
            asset
            for group in self.client.iter_asset_groups()
            for asset in self.client.iter_assets(group_ids=[group.id])
        ]


@given(seed=st.integers(0, 1_000_000), lag=st.sampled_from([3.0, 9.0, 12.0]))
@searching(8)
def test_a_batch_in_a_fresh_group_is_not_refused(seed, lag):
    """visible-group, visible-create: reads and creates that do not know the group yet refuse nothing for good."""
    world = World(Scenario(seed=seed, jobs=[[0, 1, 2]], trouble=1e-9, lag=lag))
    world.play()
    (task,) = world.troubled.values()
    assert task.error is None, task.error
    assert [outcome.state for outcome in task.emitted] == [FileState.ACTIVE] * 3
    assert not {key: count for key, count in world.adversary.executed.items() if count > 1}


def source(content):
    """The address of a content."""
    return f"https://cdn.example/portraits/{content}.jpg"


jobs = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6, unique=True), min_size=1, max_size=4)
scenarios = st.builds(
    Scenario,
    seed=st.integers(0, 1_000_000),
    jobs=jobs,
    kills=st.lists(st.tuples(st.floats(0.0, 40.0), st.integers(0, 3)), max_size=3),
    trouble=st.sampled_from([0.0, 0.1, 0.2, 0.35]),
    lag=st.sampled_from([0.0, 3.0, 9.0]),
).map(lambda s: Scenario(**{**vars_of(s), "kills": [(t, n % len(s.jobs)) for t, n in s.kills]}))


def vars_of(scenario):
    """A scenario's fields."""
    return {name: getattr(scenario, name) for name in ("seed", "jobs", "kills", "trouble", "lag")}


@given(scenario=scenarios)
@searching(15)
def test_whatever_happens_all_agree_in_the_end_and_nothing_is_lost(scenario):
    """Undisturbed, every process ends with the same Active asset for a content, and every other one is reported."""
    world = World(scenario)
    world.play()
    (group,) = {task.result for task in world.outcomes.values()}
    assert group in {each.id for each in world.groups()}
    asset_ids, reported = {}, set()
    for number, task in world.outcomes.items():
        assert task.error is None, task.error
        assert len(task.emitted) == len(scenario.jobs[number])
        for outcome in task.emitted:
            assert outcome.state is FileState.ACTIVE, outcome
            assert asset_ids.setdefault(outcome.source, outcome.asset_id) == outcome.asset_id
            reported.update(outcome.duplicates)
    assert reported.isdisjoint(asset_ids.values())
    in_group = {asset.id for asset in world.client.iter_assets(group_ids=[group])}
    assert in_group == reported | set(asset_ids.values())


@given(scenario=scenarios.filter(lambda s: len(s.jobs) == 1 or not s.kills))
@searching(15)
def test_one_process_creates_nothing_twice(scenario):
    """However many answers are lost: one process, never killed, creates each content once; and says what it left."""
    world = World(Scenario(**{**vars_of(scenario), "jobs": scenario.jobs[:1], "kills": []}))
    world.play()
    assert not {key: count for key, count in world.adversary.executed.items() if count > 1}
    asset_ids = {outcome.asset_id for outcome in world.troubled[0].emitted}
    unsure = {outcome.name for outcome in world.troubled[0].emitted if outcome.state is FileState.UNKNOWN}
    task = world.troubled[0]
    if task.error is None:
        assert all(asset.id in asset_ids or asset.name in unsure for asset in world.assets())
    assert Counter(asset.name for asset in world.assets()).keys() == {o.name for o in world.outcomes[0].emitted}


@given(scenario=scenarios)
@searching(15)
def test_with_a_shared_state_nothing_is_created_twice(scenario):
    """once-race, once-race-asset, once-kill: whoever races and is killed, one create for each group and content."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(scenario, Path(folder) / "state.db")
        world.play()
        world.close()
    assert not {key: count for key, count in world.adversary.executed.items() if count > 1}
    for number, task in world.outcomes.items():
        assert task.error is None, task.error
        assert [outcome.state for outcome in task.emitted] == [FileState.ACTIVE] * len(scenario.jobs[number])
    assert {asset.id for asset in world.assets()} == {o.asset_id for t in world.outcomes.values() for o in t.emitted}
    assert len({task.result for task in world.outcomes.values()}) == 1
