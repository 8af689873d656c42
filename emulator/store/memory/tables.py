"""The data of the store in memory, behind one lock: filled, copied and replaced as a whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Iterator
from functools import partial
from itertools import islice
from threading import RLock

from emulator.domain.ports import StoredFile
from emulator.domain.records import Asset, Group, Validation
from emulator.gc_policy import Replacements
from emulator.store.base import Contents, CustomerFactory, CustomerUsage, Latest
from emulator.store.memory import lists
from emulator.store.memory.customer_records import CustomerRecords
from emulator.store.memory.index import Table
from portrait.clock import SystemClock

_MAX_LOOKED_AT = 2_000  # assets, for the newest ones: a fraction of a millisecond
# A thread that takes a lock again at once keeps others from it, and from the interpreter for 5 ms each time.
_OTHERS_TURN = partial(SystemClock.sleep, 0.0001)
_COUNTERS = ("numbers", "validations", "customers")
_CONTAINERS = ("by_customer", "groups", "assets", "tokens", "handles", "files", "expiring")


class Tables:
    """The records of all customers, and the lock that guards them.

    Args:
        new_customer: Makes a customer's record when it first comes.
    """

    def __init__(self, new_customer: CustomerFactory) -> None:
        self.lock = RLock()
        self.numbers = 0
        self.validations = 0
        self.customers = 0
        self.new_customer = new_customer
        self.by_customer: dict[str, CustomerRecords] = {}
        self.groups: Table[Group] = Table()
        self.assets: Table[Asset] = Table()
        self.tokens: dict[str, Validation] = {}
        self.handles: dict[str, str] = {}
        self.files: dict[str, StoredFile] = {}
        self.expiring: deque[tuple[float, str]] = deque()  # validations in the order of their making: end and token
        self.replacements = Replacements()  # of assets

    def live_asset(self, asset_id: str) -> Asset | None:
        """An asset whose group has not been deleted."""
        asset = self.assets.get(asset_id)
        return asset if asset is not None and asset.group_id in self.groups.numbers else None

    def latest(self, limit: int) -> Latest:
        """The newest records; what a deleted group had is skipped, and the search given up where that is too much."""
        customers = islice(reversed(self.by_customer.values()), limit)
        groups = islice(reversed(self.groups.records.values()), limit)
        assets = islice(reversed(self.assets.records.values()), _MAX_LOOKED_AT)
        live = (asset for asset in assets if asset.group_id in self.groups.numbers)
        return Latest(
            customers=[
                CustomerUsage(customer=each.customer, groups=each.group_count, assets=each.asset_count)
                for each in customers
            ],
            groups=[(group, self.by_customer[group.customer].assets.size((group.id, None))) for group in groups],
            assets=list(islice(live, limit)),
            validations=list(islice(reversed(self.tokens.values()), limit)),
            totals={
                "customers": len(self.by_customer),
                "groups": len(self.groups.records),
                "assets": len(self.assets.records),
                "validations": len(self.tokens),
            },
        )

    def copy(self) -> Contents:
        """Everything held, as of its end. Assets are copied in slices, between which other threads have a turn."""
        table, slices = self.assets, deque[list[Asset]]()
        table.changes = changes = dict[int, Asset | None]()
        try:
            for first in range(0, self.numbers + 1, lists.SLICE):
                with self.lock:
                    found = map(table.records.get, range(first, first + lists.SLICE))
                    slices.append([asset for asset in found if asset is not None])
                if first + lists.SLICE <= self.numbers:
                    _OTHERS_TURN()
            with self.lock:
                table.changes = None  # what follows is no part of it
                customers = tuple(records.customer for records in self.by_customer.values())
                groups = tuple(self.groups.records.values())
                numbers = self.numbers
                validations, files = tuple(self.tokens.values()), dict(self.files)
                jobs = [job for records in self.by_customer.values() for job in records.jobs.values()]
        finally:
            table.changes = None
        return Contents(
            customers=customers,
            groups=groups,
            assets=tuple(_live(_merged(slices, changes), {group.id for group in groups}, files)),
            validations=validations,
            jobs=tuple(sorted(jobs, key=lambda job: job.number)),
            files=files,
            numbers=numbers,
        )

    def fill(self, contents: Contents) -> None:
        """Take in all records; nothing else is held."""
        self.numbers = contents.numbers
        for customer in contents.customers:
            self.by_customer[customer.name] = CustomerRecords(customer, self.groups, self.assets)
            self.customers = max(self.customers, customer.number)
        for group in contents.groups:
            self.by_customer[group.customer].add_group(group)
            self.numbers = max(self.numbers, group.number)
        for asset in contents.assets:
            self.by_customer[asset.customer].add_asset(asset)
            self.numbers = max(self.numbers, asset.number)
        for validation in contents.validations:
            self.tokens[validation.token] = validation
            self.handles[validation.handle] = validation.token
            self.expiring.append((validation.expires, validation.token))
            self.validations = max(self.validations, validation.number)
        for job in contents.jobs:
            self.by_customer[job.customer].set_job(job.id, job)
            self.numbers = max(self.numbers, job.number)
        self.files.update(contents.files)

    def exchange(self, other: Tables) -> None:
        """Take over what other tables hold, and give them what these held, in one step. Numbers go on."""
        with self.lock:
            for counter in _COUNTERS:
                setattr(self, counter, max(getattr(self, counter), getattr(other, counter)))
            for name in _CONTAINERS:
                mine = getattr(self, name)
                setattr(self, name, getattr(other, name))
                setattr(other, name, mine)

    def free(self) -> None:
        """Free what is held, piece by piece: to free a large container in one step would stop every thread."""
        for records in self.by_customer.values():
            records.free()
        self.assets.free()
        self.groups.free()

    def customer_records(self, customer: str) -> CustomerRecords:
        """The records of a customer; a new one has none."""
        records = self.by_customer.get(customer)
        if records is None:
            self.customers += 1
            new_customer = self.new_customer(customer, self.customers)
            records = self.by_customer[customer] = CustomerRecords(new_customer, self.groups, self.assets)
        return records


def _merged(slices: deque[list[Asset]], changes: dict[int, Asset | None]) -> Iterator[Asset]:
    """The assets of a copy in their order, with what was changed while it was made. It empties both, piece by piece."""
    while slices:
        for asset in slices.popleft():
            current = changes.pop(asset.number, asset)
            if current is not None:
                yield current
    yield from (new for _, new in sorted(changes.items()) if new is not None)


def _live(assets: Iterable[Asset], groups: Container[str], files: dict[str, StoredFile]) -> Iterator[Asset]:
    """Those of groups that are there; what others have left is freed later, and their files are no part of the copy."""
    for asset in assets:
        if asset.group_id in groups:
            yield asset
        else:
            files.pop(asset.file, None)
