"""A `Store` in memory: its records behind one lock, for a transaction is short."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from emulator.clocks import SettableClock
from emulator.domain.jobs import Job
from emulator.domain.ports import StoredFile
from emulator.domain.records import Asset, Validation
from emulator.store.base import Contents, CustomerFactory, Latest
from emulator.store.memory.tables import Tables
from emulator.store.memory.transaction import MemoryTransaction
from portrait.clock import Clock


class MemoryStore:
    """A `Store`.

    Args:
        new_customer: Makes a customer's record when it first comes.
    """

    blocks = in_turn = False
    process = 0

    def __init__(self, new_customer: CustomerFactory) -> None:
        self._tables = Tables(new_customer)
        self._whole = Lock()  # held while everything is copied or replaced
        self._clock: Clock | None = None

    def secret(self, new: bytes) -> bytes:
        """The secret of signed links: `new`, for no other process has this store."""
        return new

    def share(self, clock: Clock) -> None:
        """Remember the clock, for `restore`; no other process has this store."""
        self._clock = clock

    def synchronize(self) -> None:
        """Nothing to do: no other process has this store."""

    def close(self) -> None:
        """Nothing is open."""

    def transaction(self, customer: str) -> MemoryTransaction:
        """One customer's records."""
        return MemoryTransaction(self._tables, customer)

    def customers(self) -> Sequence[str]:
        """All customers in the order of their first call."""
        with self._tables.lock:
            return tuple(self._tables.by_customer)

    def find_asset(self, asset_id: str) -> Asset | None:
        """An asset of any customer, as it was last stored."""
        with self._tables.lock:
            return self._tables.live_asset(asset_id)

    def find_validation(self, token_or_handle: str) -> Validation | None:
        """A validation of whomever."""
        with self._tables.lock:
            return self._tables.tokens.get(self._tables.handles.get(token_or_handle, token_or_handle))

    def find_job(self, job_id: str) -> Job | None:
        """A job of any customer, as it was last stored."""
        with self._tables.lock:
            customers = self._tables.by_customer.values()
            return next((each.jobs[job_id] for each in customers if job_id in each.jobs), None)

    def validations(self) -> Sequence[Validation]:
        """All validations in the order of their creation."""
        with self._tables.lock:
            return tuple(self._tables.tokens.values())

    def latest(self, limit: int) -> Latest:
        """At most so many records of each kind."""
        with self._tables.lock:
            return self._tables.latest(limit)

    def file(self, key: str) -> StoredFile | None:
        """An uploaded file."""
        with self._tables.lock:
            return self._tables.files.get(key)

    def copy(self) -> Contents:
        """All records as they are at its end; they never change, so the copy is of the lists."""
        with self._whole:
            return self._tables.copy()

    def restore(self, contents: Contents, now: float | None = None) -> None:
        """Hold these records in place of everything; numbers go on."""
        other = Tables(self._tables.new_customer)
        other.fill(contents)  # the long part, without a lock
        with self._whole:
            self._tables.exchange(other)
            if now is not None and isinstance(self._clock, SettableClock):
                self._clock.set(now)
        other.free()

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        self.restore(Contents())
