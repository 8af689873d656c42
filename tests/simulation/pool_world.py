"""Workers who lease assets of pools on one manual clock: kills, faults, lagging reads, and others who use the account.

It knows what the service truly holds, and who was granted what until when: it sees at once what must never happen.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from itertools import count
from random import Random

from attrs import define, evolve

from emulator.settings import Settings
from emulator.testing import Emulator
from portrait.ensure import parse_digest
from portrait.errors import NoFreeSlot, PortraitError, Throttled
from portrait.flow import Sleep
from portrait.memory import Memory, remembering
from portrait.pool.operations import Pool
from portrait.recent_creates import RecentCreates
from portrait.retry import RetryPolicy
from portrait.state import open_state
from tests.simulation.adversary import Adversary, body_of
from tests.simulation.scheduler import Scheduler

TTL = 120.0  # seconds of a lease
TIMEOUT = 300.0  # seconds for a lease
SLACK = (
    90.0  # seconds by which the last call of a lease may outlast its deadline: attempts, and looks for what was lost
)
MAX_EFFECTS = 20_000  # of one lease
PROGRESS = 1_000  # leases after which a line is printed
# By plan: how much more often some contents are wanted than others. One that takes three creates a minute serves
# workers who mostly want the same.
SKEW = {"entry": 30, "advanced": 6, "premium": 6}


@define
class Account:
    """A customer with one pool.

    Attributes:
        key: Its API key.
        plan: How many creates a minute it has, and whether they may come at once.
        slots: Of its pool.
        group: The pool's group.
        others: Whether somebody else creates assets in the group; the service then refuses what does not fit.
    """

    key: str
    plan: str
    slots: int
    group: str
    others: bool = False


@define
class Grant:
    """What a holder was granted.

    Attributes:
        ids: The assets.
        until: When it ends without a sign of life.
    """

    ids: frozenset[str]
    until: float


class Truth(Adversary):
    """The service, and what is true of it.

    Attributes:
        assets: The Name and the group of every asset.
        grants: By holder.
        violations: What must never happen, in words.
    """

    def __init__(self, emulator, rng, trouble, lag):
        super().__init__(emulator, rng, trouble, lag)
        self.assets: dict[str, tuple[str, str]] = {}
        self.grants: dict[str, Grant] = {}
        self.slots: dict[str, int] = {}
        self.violations: list[str] = []
        self.refused_full = Counter()

    def _throttle(self, action, request):
        """Creates are throttled by the plans alone: a rate that is learnt of chance would slow everybody down."""
        if action == "CreateAsset":
            return self._proxy_page(action, request)
        return super()._throttle(action, request)

    def _carry_out(self, action, request):
        response = super()._carry_out(action, request)
        if action not in {"CreateAsset", "DeleteAsset"}:
            return response
        fields, error = json.loads(request.body), body_of(response)["ResponseMetadata"].get("Error")
        if error:
            self.refused_full[fields.get("GroupId")] += "Quota" in error["Code"]
        elif action == "CreateAsset":
            self._created(body_of(response)["Result"]["Id"], fields["Name"], fields["GroupId"])
        else:
            self._deleted(fields["Id"])
        return response

    def _created(self, asset_id, name, group):
        if any(name == other and group == its for other, its in self.assets.values()):
            self.violations.append(f"{name} was made twice in {group}")
        self.assets[asset_id] = (name, group)
        held = sum(its == group for _, its in self.assets.values())
        if held > self.slots[group]:
            self.violations.append(f"{group} holds {held} of {self.slots[group]}")

    def _deleted(self, asset_id):
        name, _ = self.assets.pop(asset_id, ("", ""))
        if parse_digest(name) is None:
            self.violations.append(f"{asset_id} of somebody else was deleted")
        for holder in self.holders(asset_id):
            self.violations.append(f"{asset_id} was deleted, which {holder} holds")

    def holders(self, asset_id):
        """Who holds an asset now."""
        now = self._clock.now()
        return [holder for holder, grant in self.grants.items() if asset_id in grant.ids and grant.until > now]


class PoolWorld:
    """Workers, accounts and contents.

    Args:
        seed: Decides everything.
        state: Where the state is.
        workers: How many there are, each on one account.
        accounts: How many accounts there are.
        contents: How many contents there are.
        slots: Of each pool.
        trouble: The share of calls that meet a fault.
        lag: Seconds by which reads may be behind.
    """

    def __init__(self, seed, state, *, workers, accounts, contents, slots, trouble, lag):
        self.rng = rng = Random(seed)
        self.emulator = Emulator(Settings(seed=seed))
        self.truth = Truth(self.emulator, rng, trouble, lag)
        self.scheduler = Scheduler(self.emulator.clock, rng, self.truth.send, MAX_EFFECTS)
        self._names = count(1)
        self.state = open_state(state, self.emulator.clock, new_id=lambda: str(next(self._names)))
        self.accounts = [self._account(number, slots) for number in range(accounts)]
        self.contents, self.workers = contents, workers
        self.outcomes: Counter[str] = Counter()
        self.late: list[str] = []
        self.remaining = 0

    def _account(self, number, slots):
        """On a plan of the seed's choice. In every other group somebody else works, too."""
        others, plan = number % 2 == 1, self.rng.choice(list(SKEW))
        key = self.emulator.customer(tier=plan)
        self.emulator.service.control.patch_customer(key, assets=slots if others else 10_000, assets_per="group")
        group = self.emulator.client(api_key=key).create_asset_group(name="set").id
        self.truth.slots[group] = slots
        return Account(key, plan, slots, group, others)

    def __str__(self):
        plans = [account.plan for account in self.accounts]
        bad = {"violations": self.truth.violations, "late": self.late}
        return f"{self.remaining} leases to go on {plans}: {dict(self.outcomes)}, {dict(self.truth.sent)}, {bad}"

    def play(self, leases):
        """So many leases by all workers together."""
        self.remaining = leases
        self.emulator.clock.advance(60)  # the groups are visible
        for worker in range(self.workers):
            self._start(worker)
        for account in self.accounts:
            self.scheduler.after(30.0, lambda account=account: self._others(account))
        self.scheduler.after(self.rng.uniform(20, 60), self._kill)
        self.scheduler.run()
        self.state.close()

    def _start(self, worker):
        """A process begins, and remembers nothing."""
        account = self.accounts[worker % len(self.accounts)]
        client = self.emulator.client(api_key=account.key)
        memory = Memory(self.emulator.clock, self.state, client._endpoint.base_url, account.key)
        own = {"recent": RecentCreates(), "rng": Random(self.rng.random())}
        endpoint = remembering(evolve(client._endpoint, **own), memory)
        holder = f"worker-{worker}-{next(self._names)}"
        pool = Pool(
            endpoint, memory, lambda: f"{holder}-{next(self._names)}", group_id=account.group, slots=account.slots
        )
        self._next(worker, pool, SKEW[account.plan])

    def _next(self, worker, pool, skew):
        if self.remaining > 0:
            self.remaining -= 1
            if self.remaining % PROGRESS == 0:
                print(self, flush=True)
            self.scheduler.start(self._work(pool, skew), worker, lambda _: self._next(worker, pool, skew))

    def _work(self, pool, skew):
        """Lease a few contents, mostly of those that are wanted often; use them; give them back."""
        rng, clock = self.rng, self.emulator.clock
        wanted = sorted({int(self.contents * rng.random() ** skew) for _ in range(rng.randint(1, 3))})
        began = clock.now()
        try:
            held = yield from pool.lease([source(content) for content in wanted], TTL, TIMEOUT)
        except PortraitError as error:
            self.outcomes["no slot" if isinstance(error, NoFreeSlot) else type(error).__name__] += 1
            held = None
        if clock.now() - began > TIMEOUT + SLACK:
            self.late.append(f"{clock.now() - began:.0f} s")
        if held is None:
            yield Sleep(rng.uniform(1, 30))
            return
        self.outcomes["leased"] += 1
        self._grant(held)
        for _ in range(rng.choice([0, 1, 1, 1, 5])):
            yield Sleep(rng.uniform(1, TTL / 3))
            before = clock.now()
            if (yield from held.renew()):
                self.truth.grants[held.holder].until = before + TTL
            else:
                self.outcomes["lost"] += 1
        del self.truth.grants[held.holder]
        yield from held.release()

    def _grant(self, held):
        """What is granted is there: but for what somebody else has deleted while it was granted."""
        for asset_id in held.ids:
            if asset_id not in self.truth.assets:
                self.outcomes["gone already"] += 1
        self.truth.grants[held.holder] = Grant(frozenset(held.ids), self.emulator.clock.now() + TTL / 2)

    def _kill(self):
        """A process stops where it is; what it holds is held until its time is over. Another one begins."""
        if self.remaining <= 0:
            return
        worker = self.rng.randrange(self.workers)
        self.scheduler.kill(worker)
        self.outcomes["killed"] += 1
        self.scheduler.after(0.5, lambda: self._start(worker))
        self.scheduler.after(self.rng.uniform(20, 60), self._kill)

    def _others(self, account):
        """Somebody else deletes an asset that nobody leases, and creates and deletes one of their own."""
        if self.remaining <= 0:
            return
        client, truth = self.emulator.client(api_key=account.key, retry=RetryPolicy(attempts=1)), self.truth
        mine = {asset_id: name for asset_id, (name, group) in truth.assets.items() if group == account.group}
        theirs = [asset_id for asset_id, name in mine.items() if parse_digest(name) is None]
        is_enough = len(theirs) > account.slots // 5  # the pool can make room among its own assets alone
        idle = theirs if is_enough else [asset_id for asset_id in mine if not truth.holders(asset_id)]
        if idle:
            victim = self.rng.choice(idle)
            client.delete_asset(id=victim)
            del truth.assets[victim]
        if account.others and len(mine) < account.slots:
            name = f"of somebody else {next(self._names)}"
            with suppress(Throttled):
                asset_id = client.create_asset(
                    group_id=account.group, url="https://cdn.example/x.jpg", asset_type="Image", name=name
                ).id
                truth.assets[asset_id] = (name, account.group)
        self.outcomes["deleted by others"] += bool(idle)
        self.scheduler.after(self.rng.uniform(30, 200), lambda: self._others(account))


def source(content):
    """The address of a content."""
    return f"https://cdn.example/portraits/{content}.jpg"
