"""The interface of stores. All stores pass the same suite of tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from attrs import field, frozen

from emulator.domain.jobs import Generation, Job, Task
from emulator.domain.ports import ListQuery, StoredFile, Transaction
from emulator.domain.records import Asset, Customer, Group, Validation
from portrait.clock import Clock

# A customer's name and number → the customer as it starts.
CustomerFactory = Callable[[str, int], Customer]


@frozen(kw_only=True)
class Contents:
    """All records of a store at one moment, each kind in the order of its creation."""

    customers: Sequence[Customer] = ()
    groups: Sequence[Group] = ()
    assets: Sequence[Asset] = field(default=(), repr=False)  # their addresses may be presigned
    validations: Sequence[Validation] = ()
    jobs: Sequence[Job] = ()
    files: Mapping[str, StoredFile] = field(factory=dict)
    numbers: int = 0  # how many there were of groups, assets and jobs: none of them is given again

    @property
    def tasks(self) -> Sequence[Task]:
        """The jobs that are tasks."""
        return tuple(job for job in self.jobs if isinstance(job, Task))

    @property
    def generations(self) -> Sequence[Generation]:
        """The jobs that are generations."""
        return tuple(job for job in self.jobs if isinstance(job, Generation))


@frozen(kw_only=True)
class CustomerUsage:
    """The use that a customer makes of its quotas.

    Attributes:
        customer: The customer with its limits.
        groups: How many groups it has.
        assets: How many assets it has in all.
    """

    customer: Customer
    groups: int
    assets: int


@frozen(kw_only=True)
class Latest:
    """The newest records of all customers, newest first.

    Attributes:
        customers: With what they use.
        groups: Each with the number of its assets.
        assets: As they were last stored.
        validations: As they were last stored.
        totals: How many records there are of each kind, by the names above.
    """

    customers: Sequence[CustomerUsage]
    groups: Sequence[tuple[Group, int]]
    assets: Sequence[Asset]
    validations: Sequence[Validation]
    totals: Mapping[str, int]


class Store(Protocol):
    """Everything that one emulator remembers. Safe to use from several threads."""

    @property
    def blocks(self) -> bool:
        """True if a transaction may wait for a disk or a network: it is then carried out in a thread."""

    @property
    def in_turn(self) -> bool:
        """True if there is one transaction at a time, whoever waits for it."""

    @property
    def process(self) -> int:
        """How many processes had opened this store before this one did."""

    def secret(self, new: bytes) -> bytes:
        """The secret of signed links: `new`, if no process on this store came with one before."""

    def share(self, clock: Clock) -> None:
        """Have this clock, if it can be set, go on where the store's was, and be one with those of other processes."""

    def synchronize(self) -> None:
        """Have the clock agree with those of other processes now; each transaction does so at its beginning."""

    def close(self) -> None:
        """Give back what it has open. The records of a store in memory are gone then, those of others stay."""

    def transaction(self, customer: str) -> AbstractContextManager[Transaction]:
        """One customer's records, changed together or not at all.

        A name that is not known yet becomes a customer. An exception undoes what the block did since the last commit.
        """

    def customers(self) -> Sequence[str]:
        """All customers in the order of their first call."""

    def find_asset(self, asset_id: str) -> Asset | None:
        """An asset of any customer, as it was last stored."""

    def find_validation(self, token_or_handle: str) -> Validation | None:
        """A validation of any customer, by its token or by its handle `val-3`."""

    def find_job(self, job_id: str) -> Job | None:
        """A task or generation of any customer, as it was last stored."""

    def validations(self) -> Sequence[Validation]:
        """All validations in the order of their creation."""

    def latest(self, limit: int) -> Latest:
        """At most so many records of each kind. Takes no longer the more there are."""

    def file(self, key: str) -> StoredFile | None:
        """An uploaded file."""

    def clear(self) -> None:
        """Forget everything; numbers go on."""

    def copy(self) -> Contents:
        """All records. Other calls wait for no more than the time that the lists of them take."""

    def restore(self, contents: Contents, now: float | None = None) -> None:
        """Hold these records in place of everything; numbers go on.

        A clock that is shared, and can be set, is set to `now`, back too.
        Other calls are answered meanwhile by a store in memory, and wait for one that blocks.
        """


StoreFactory = Callable[[CustomerFactory], Store]


def is_search(query: ListQuery) -> bool:
    """Whether a list has to be searched record by record: only a part of a name and what is visible need that."""
    return bool(query.name) or query.before is not None or query.visible_at is not None
