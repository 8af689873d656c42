"""What the processes of the tests do; they are forked from a server that has loaded the library already."""

import multiprocessing
import os
import signal
from math import inf

from portrait.clock import SystemClock
from portrait.state import Claim, ClaimedCreate, Holder, Key, open_state

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["portrait.state.state", "portrait.state.sqlite", "portrait.state.postgres"])
CLOCK = SystemClock()
PATIENCE = 20.0  # seconds; a process that died says nothing
KEYS = [Key("account", "group-1", f"digest-{number}") for number in range(4)]


def begin(state, key):
    """Claim a create and record it."""
    return state.begin(key, 30, lambda: 0)


def answer(state, key, result_id):
    """A create that was answered."""
    state.finish(begin(state, key), result_id)


def pending(state, key):
    """The create of a key that has no answer, if there is one."""
    creates = state.creates.recent(key.account, key.scope, inf)
    return next((create for create in creates if create.key == key and create.answered_at is None), None)


def run_all(target, *arguments, count=8):
    """Start processes at one barrier; returns what each put into the queue."""
    barrier, results = FORKS.Barrier(count, timeout=PATIENCE), FORKS.Queue()
    processes = [FORKS.Process(target=target, args=(barrier, results, *arguments)) for _ in range(count)]
    for process in processes:
        process.start()
    found = [results.get(timeout=PATIENCE) for _ in processes]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return found


def claim_each(barrier, results, location):
    """Ask once for the claim of each key."""
    with open_state(location, CLOCK) as state:
        barrier.wait()
        results.put([isinstance(state.claims.acquire(key, 60), Claim) for key in KEYS])


def create_each(barrier, results, location):
    """Bring each thing about, or wait for who is at it."""
    with open_state(location, CLOCK) as state:
        barrier.wait()
        results.put([_create(state, key) for key in KEYS])


def _create(state, key):
    while isinstance(claimed := state.begin(key, 60, lambda: 60), Holder):
        CLOCK.sleep(0.01)
    if isinstance(claimed, ClaimedCreate):
        state.finish(claimed, f"asset-{claimed.create.id}")
    return state.creates.find(key).result_id


def open_together(barrier, results, location):
    """Open a state that nobody has opened yet."""
    barrier.wait()
    with open_state(location, CLOCK) as state:
        results.put(state.report().version)


def take_turn(state, action="CreateAsset", account="account", interval=1.0):
    """The next turn of an Action."""
    return state.paces.update(account, action, lambda pace, now: pace.reserve(now, interval))


def reserve(barrier, results, location):
    """Take three turns."""
    with open_state(location, CLOCK) as state:
        state.check()
        barrier.wait()
        results.put([take_turn(state, interval=100).delay for _ in range(3)])


def claim_and_die(barrier, results, location, ttl):
    """Take a claim, record a create, say when, and be killed."""
    state = open_state(location, CLOCK)
    state.check()
    barrier.wait()
    before = CLOCK.monotonic()  # the same scale in all processes of a machine
    results.put((before, state.begin(KEYS[0], ttl, lambda: 0).create.id))
    results.close()
    results.join_thread()  # which sends it
    os.kill(os.getpid(), signal.SIGKILL)
