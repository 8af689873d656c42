"""What the processes of the tests do; they are forked from a server that has loaded the library already."""

import multiprocessing
import os
import signal
from math import inf

from portrait.clock import SystemClock
from portrait.state import Claim, ClaimedCreate, Holder, Key, PoolChange, PoolKey, open_state

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["portrait.state.state", "portrait.state.sqlite", "portrait.state.postgres"])
CLOCK = SystemClock()
PATIENCE = 20.0  # seconds; a process that died says nothing
KEYS = [Key("account", "group-1", f"digest-{number}") for number in range(4)]
POOL = PoolKey("account", "group-1")
EVICTION = 60.0  # seconds


def change(state, holder, ttl=30, ticket=None, **parts):
    """Do something to the pool, whatever is in it; returns the holder's ticket."""
    result = PoolChange(**parts)
    return state.pools.update(POOL, holder, lambda _: (result, None), ttl=ttl, eviction=EVICTION, ticket=ticket)[1]


def lease(state, holder, ttl=30, **ids):
    """Lease items of the pool."""
    change(state, holder, ttl, leases=ids)


def holders(state):
    """Who leases what, with the asset and the seconds that are left."""
    return [(each.item, each.holder, each.asset_id, each.seconds) for each in state.pools.view(POOL).leases]


def use_pool(state):
    """Every call about pools."""
    lease(state, "x", a="asset-a", b=None)
    state.pools.settle(POOL, "x", {"b": "asset-b"}, 30)
    state.pools.lease_known(POOL, "y", ["a"], 30)
    state.pools.renew(POOL, "x", 30)
    change(state, "z", waits=True, victims={"asset-c": "c"})
    state.pools.end_eviction(POOL, "asset-c", is_deleted=False)
    state.pools.view(POOL)
    state.pools.look(POOL, "z", ["a"])
    state.pools.forget(POOL, "asset-c")
    state.pools.pin(POOL, "y", "pin of y", {"a": "asset-a"})
    state.pools.close(POOL, 0)
    state.pools.idle(POOL)
    for holder in ("x", "z", "pin of y"):
        state.pools.release(POOL, holder)


def begin(state, key):
    """Claim a create and record it."""
    return state.creates.begin(key, 30, lambda: 0)


def find(state, key):
    """The newest create of it that was answered."""
    creates, _ = state.creates.recent(key.account, key.scope, inf)
    return next((each for each in reversed(creates) if each.key == key and each.result_id is not None), None)


def replacement_age(state):
    """Seconds since it took the place of a state that was lost."""
    return state.creates.recent("account", "group-1", 0)[1]


def answer(state, key, result_id):
    """A create that was answered."""
    state.creates.finish(begin(state, key), result_id)


def pending(state, key):
    """The create of a key that has no answer, if there is one."""
    creates, _ = state.creates.recent(key.account, key.scope, inf)
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
    while isinstance(claimed := state.creates.begin(key, 60, lambda: 60), Holder):
        CLOCK.sleep(0.01)
    if isinstance(claimed, ClaimedCreate):
        state.creates.finish(claimed, f"asset-{claimed.create.id}")
    return find(state, key).result_id


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
    results.put((before, state.creates.begin(KEYS[0], ttl, lambda: 0).create.id))
    results.close()
    results.join_thread()  # which sends it
    os.kill(os.getpid(), signal.SIGKILL)
