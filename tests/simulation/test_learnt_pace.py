"""Creates at a pace that is learnt from a service of each plan, with and without bursts, by one worker and by more."""

from math import ceil
from random import Random

import pytest
from attrs import evolve

from emulator.domain.quotas import count_create
from emulator.domain.reasons import Refusal
from emulator.domain.records import Customer
from emulator.testing import Emulator
from portrait.actions import CREATE_ASSET
from portrait.errors import Throttled
from portrait.flow import Send
from portrait.pace import CreatePacer, MemoryPaces
from tests.simulation.scheduler import Scheduler


class Service:
    """Counts creates as the emulator does, and nothing else.

    Attributes:
        accepted_at: When each create was accepted.
        refused: How many were throttled.
    """

    def __init__(self, clock, limit, burst):
        self._clock = clock
        self._customer = Customer(name="x", number=1, creates_per_minute=limit, creates_burst=burst)
        self.accepted_at, self.refused = [], 0

    def send(self, _):
        """One create."""
        try:
            self._customer = count_create(self._customer, self._clock.now())
        except Refusal:
            self.refused += 1
            raise Throttled("Slow down.") from None
        self.accepted_at.append(self._clock.now())


def create_all(pacer, wanted):
    """Create until nothing is wanted any more."""
    while wanted:
        wanted.pop()
        is_created = False
        while not is_created:
            turn = yield from pacer.take_turn("source")
            try:
                yield Send(None)
            except Throttled as error:
                yield from pacer.refuse(turn, error)
            else:
                yield from pacer.accept()
                is_created = True


def play(limit, burst, count, workers, latency):
    """The seconds that so many creates take by workers who share a pace, and how many were throttled."""
    emulator = Emulator()
    clock, endpoint = emulator.clock, emulator.client()._endpoint
    service = Service(clock, limit, burst)
    scheduler = Scheduler(clock, Random(1), service.send, 10_000, latency)
    endpoint, wanted = evolve(endpoint, paces=MemoryPaces(clock)), [None] * count
    for worker in range(workers):
        scheduler.start(create_all(CreatePacer.start(endpoint, CREATE_ASSET), wanted), worker)
    started_at = clock.now()
    scheduler.run()
    assert len(service.accepted_at) == count
    return service.accepted_at[-1] - started_at, service.refused


@pytest.mark.parametrize("latency", [0.0, 0.1])
@pytest.mark.parametrize("workers", [1, 4, 16])
@pytest.mark.parametrize("burst", [True, False])
@pytest.mark.parametrize(("limit", "count"), [(3, 12), (120, 360), (300, 600)])
def test_a_learnt_pace_is_near_that_of_the_plan(limit, count, burst, workers, latency):
    """Within a minute of twice the time that the plan asks for, or of three times where no such plan is documented.

    Each worker is refused once, and the pace twice more; a plan without bursts refuses what arrives together by chance,
    twice a minute.
    """
    seconds, refused = play(limit, burst, count, workers, latency)
    ideal = 60 * (ceil(count / limit) - 1) if burst else 60 / limit * (count - 1)
    is_documented = burst or limit < 300
    assert seconds <= (2 if is_documented else 3) * ideal + 60
    assert refused <= workers + 2 + (0 if burst else 2 * seconds / 60)


@pytest.mark.parametrize("workers", [4, 16])
def test_a_slow_line_costs_a_part_of_the_pace(workers):
    """A plan without bursts refuses some that were sent apart and arrive together; the pace stays near the plan's.

    Requests take up to half a second.
    """
    seconds, refused = play(120, False, 240, workers, 0.5)
    assert seconds <= 3 * 120 + 60
    assert refused <= workers + 2 + 3 * seconds / 60
