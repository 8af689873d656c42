"""Groups of a name: clients that create one at once converge on the oldest, and no name is ruined for later."""

from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier

import pytest

from emulator.server import EmulatorServer
from emulator.settings import Settings
from emulator.testing import Emulator
from portrait import PortraitClient
from portrait.ensure import ensure_group
from portrait.errors import UnknownOutcome
from portrait.memory import Memory
from tests.simulation.adversary import Adversary
from tests.simulation.scheduler import Scheduler


def names(emulator):
    """Every group's id by its name."""
    emulator.rules.clear()
    return {group.name: group.id for group in emulator.client().iter_asset_groups()}


class Meanwhile:
    """A listener: another client creates the group when ours has seen none, before or after a second has passed."""

    def __init__(self, emulator, name, seconds):
        self._emulator, self._name, self._seconds = emulator, name, seconds
        self.id = None

    def __call__(self, event):
        """An event of ours."""
        if getattr(event, "action", "") == "ListAssetGroups" and self.id is None:
            self.id = self._emulator.client().create_asset_group(name=self._name).id
            self._emulator.clock.advance(self._seconds)


@pytest.mark.parametrize("seconds", [0, 1], ids=["same second", "a second apart"])
@pytest.mark.parametrize("name", ["hosts", "n" * 50])
def test_the_younger_group_makes_way(colour, name, seconds):
    """Case once-race: both get the oldest; the younger one is renamed within the limit, and never deleted."""
    emulator = Emulator()
    other = Meanwhile(emulator, name, seconds)
    client = colour.client(emulator, on_event=other)
    group = colour.run(client.ensure_group, name)
    assert group.id == other.id
    assert group.name == name
    found = names(emulator)
    assert found.pop(name) == other.id
    ((leftover, leftover_id),) = found.items()
    assert leftover == f"{name[:44]}~{leftover_id[-5:]}"
    assert colour.run(client.ensure_group, name).id == other.id


def test_a_group_that_cannot_be_renamed_does_no_harm(colour):
    """Whoever looks later takes the oldest all the same."""
    emulator = Emulator()
    emulator.rules.add(match={"action": "UpdateAssetGroup"}, do={"error": "Internal"})
    other = Meanwhile(emulator, "hosts", 0)
    client = colour.client(emulator, on_event=other)
    assert colour.run(client.ensure_group, "hosts").id == other.id
    assert colour.run(client.ensure_group, "hosts").id == other.id
    assert emulator.calls.count("CreateAssetGroup") == 2
    assert emulator.calls.count("DeleteAssetGroup") == 0


def test_a_new_group_is_as_the_service_lists_it(colour):
    """CreateTime included, although CreateAssetGroup answers an id and nothing else."""
    emulator = Emulator()
    assert colour.run(colour.client(emulator).ensure_group, "hosts").create_time


def test_a_look_that_fails_once_is_repeated(colour):
    """What was created is not lost for it, nor created again."""
    emulator = Emulator()
    client = colour.client(emulator)
    emulator.rules.add(match={"action": "ListAssetGroups"}, when={"nth": [2]}, do={"error": "KeyUnknown"})
    group = colour.run(client.ensure_group, "crew")
    assert names(emulator) == {"crew": group.id}


def test_without_any_look_the_outcome_is_unknown(colour):
    """An older group may be there: that is said, with the id of the one that was created."""
    emulator = Emulator()
    client = colour.client(emulator)
    emulator.rules.add(match={"action": "ListAssetGroups"}, when={"nth": [2, 3, 4, 5]}, do={"error": "KeyUnknown"})
    with pytest.raises(UnknownOutcome) as caught:
        colour.run(client.ensure_group, "crew")
    assert caught.value.may_have_executed
    assert names(emulator)["crew"] in str(caught.value)


@pytest.mark.parametrize("seed", range(25))
def test_clients_converge_whatever_happens(seed):
    """Four clients, faults in a fifth of the calls, reads up to 8 s late: who gets a group gets the same one."""
    rng = Random(seed)
    emulator = Emulator(Settings(seed=seed))
    adversary = Adversary(emulator, rng, trouble=0.2, lag=8.0)
    scheduler = Scheduler(emulator.clock, rng, adversary.send, max_effects=1000)
    endpoint = emulator.client()._endpoint
    tasks = [scheduler.start(ensure_group(endpoint, Memory(emulator.clock), "brand"), process) for process in range(4)]
    scheduler.run()
    adversary.trouble = 0.0
    later = scheduler.start(ensure_group(endpoint, Memory(emulator.clock), "brand"), "later")
    scheduler.run()
    assert {task.result.id for task in [*tasks, later] if task.error is None} == {later.result.id}


def test_two_threads_with_a_client_each_over_http():
    """Case once-race over sockets: both have looked before either creates, and creates take their time."""
    barrier = Barrier(2, timeout=5)
    with EmulatorServer() as server:
        server.control.add_rule({"match": {"action": "CreateAssetGroup"}, "do": {"delay": 0.05}})

        def ensure(_):
            looked = iter([barrier.wait])

            def meet(event):
                if getattr(event, "action", "") == "ListAssetGroups":
                    next(looked, lambda: None)()

            with PortraitClient(api_key="k", base_url=f"{server.url}/v1", on_event=meet) as client:
                return client.ensure_group("n").id

        with ThreadPoolExecutor(2) as pool:
            (group,) = set(pool.map(ensure, range(2)))
        with PortraitClient(api_key="k", base_url=f"{server.url}/v1") as client:
            assert client.ensure_group("n").id == group
            assert len(list(client.iter_asset_groups())) == 2, "both have created one"
