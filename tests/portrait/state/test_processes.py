"""Many processes and threads on one state."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from portrait.state import Claim, Holder, schema
from tests.portrait.state import workers
from tests.portrait.state.workers import CLOCK, FORKS, KEYS, PATIENCE, answer, begin, find, pending, run_all

TTL = 0.4


def test_of_eight_processes_exactly_one_has_each_claim(place):
    """Whoever is first, on a state that nobody has opened before."""
    wins = run_all(workers.claim_each, place.location)
    assert [sum(column) for column in zip(*wins, strict=True)] == [1] * len(KEYS)


def test_eight_processes_create_each_thing_once(place):
    """All get the same id, and one create of each was recorded."""
    found = run_all(workers.create_each, place.location)
    assert len(set(map(tuple, found))) == 1
    assert place.open_real().report().rows["portrait_creates"] == len(KEYS)


def test_a_claim_of_a_killed_process_is_free_when_its_time_is_over(place):
    """And not before; what it was about to create is known to whoever comes next."""
    state = place.open_real()
    state.check()
    barrier, results = FORKS.Barrier(2, timeout=PATIENCE), FORKS.Queue()
    process = FORKS.Process(target=workers.claim_and_die, args=(barrier, results, place.location, TTL))
    process.start()
    barrier.wait()
    claimed, attempt = results.get(timeout=PATIENCE)
    process.join()
    assert process.exitcode < 0
    assert isinstance(state.claims.acquire(KEYS[0], TTL), Holder)
    while not isinstance(state.claims.acquire(KEYS[0], TTL), Claim):
        CLOCK.sleep(0.01)
    assert CLOCK.monotonic() - claimed >= TTL
    assert pending(state, KEYS[0]).id == attempt


def test_eight_processes_open_an_empty_state_at_once(place):
    """All find the tables made, once."""
    assert run_all(workers.open_together, place.location) == [len(schema.STEPS) + 1] * 8
    assert set(place.open_real().report().rows.values()) == {0}


def test_turns_of_many_processes_are_in_one_order(place):
    """No two have the same one, and none is left out."""
    waits = sorted(wait for process in run_all(workers.reserve, place.location, count=4) for wait in process)
    # Each wait counts from a slightly later moment than the first one's.
    assert [round(wait / 100) for wait in waits] == list(range(12))


def test_threads_share_a_state(state):
    """One of them has each claim; the others hear that somebody has it."""
    with ThreadPoolExecutor(16) as pool:
        for key in KEYS:
            found = list(pool.map(lambda _, key=key: state.claims.acquire(key, 30), range(16)))
            assert sum(isinstance(one, Claim) for one in found) == 1


def test_closing_while_others_use_it_breaks_nothing(state):
    """They open it again."""
    stop = threading.Event()

    def close():
        while not stop.is_set():
            state.close()

    closer = threading.Thread(target=close)
    closer.start()
    try:
        creates = [begin(state, key._replace(scope=scope)) for key in KEYS for scope in ("a", "b", "c")]
    finally:
        stop.set()
        closer.join()
    assert state.report().rows["portrait_creates"] == len(creates)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_leaves_the_connections_to_the_parent(state):
    """The child opens its own, and its end does nothing to those of the parent."""
    claim = state.claims.acquire(KEYS[0], 30)
    connections = state._database._open.engine
    child = os.fork()
    if child == 0:
        code = 1
        try:
            taken_over = isinstance(state.claims.acquire(KEYS[0], 30), Claim)
            shared = state._database._open.engine is connections
            answer(state, KEYS[1], "asset-1")
            state.close()
            code = 2 * taken_over + 4 * shared
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert state.claims.renew(claim, 30)
    assert find(state, KEYS[1]).result_id == "asset-1"
