"""A state: its tables, by what they remember."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from attrs import evolve
from sqlalchemy import Table, func, select

from portrait.clock import Clock
from portrait.state.claims import Claims
from portrait.state.creates import Creates
from portrait.state.database import Backend, Database, Transaction
from portrait.state.erasures import Erasures
from portrait.state.leases import Leases
from portrait.state.pace import Pace
from portrait.state.records import Report
from portrait.state.schema import META, METADATA
from portrait.state.uploads import Uploads


class State:
    """What this side remembers across runs, processes and machines. It blocks, and is safe across threads and forks.

    Attributes:
        creates: What was created, by what it is.
        claims: Who may create what now.
        uploads: Unfinished uploads.
        erasures: Groups that are being erased.
        leases: Items of pools that are in use.
        pace: The turns of an account.
    """

    def __init__(self, backend: Backend, location: str, clock: Clock, new_id: Callable[[], str]) -> None:
        self._database = database = Database(backend, clock)
        self._location = location
        self.creates = Creates(database, new_id)
        self.claims = Claims(database, new_id)
        self.uploads = Uploads(database)
        self.erasures = Erasures(database)
        self.leases = Leases(database)
        self.pace = Pace(database)

    def age(self) -> float:
        """Seconds since it was created.

        What was created before that is not in it, and may not be in a list yet either: as long as this is less than the
        lag of the service's reads, a list that lacks something is believed only after the lag.
        """
        return self._database.read(lambda transaction: transaction.now() - _created_at(transaction))

    def check(self) -> Report:
        """Report on the state; opens it and writes to it.

        Raises:
            StateError: It cannot be read or written.
            UsageError: It cannot be used as it was named.
        """

        def work(transaction: Transaction) -> Report:
            # A write that changes nothing still needs a disk that can be written.
            transaction.execute(META.update().values(version=META.c.version))
            return Report(
                location=self._location,
                version=transaction.first(select(META.c.version), lambda row: int(row["version"])) or 0,
                remembers_since=_created_at(transaction),
                rows={table.name: _count(transaction, table) for table in METADATA.sorted_tables if table is not META},
            )

        report = self._database.write(work, durable=True)
        return evolve(report, notes=tuple(self._database.notes()))

    def close(self) -> None:
        """Close what is open; the next use opens it again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _count(transaction: Transaction, table: Table) -> int:
    return transaction.first(select(func.count().label("rows")).select_from(table), lambda row: int(row["rows"])) or 0


def _created_at(transaction: Transaction) -> float:
    """When it was created; a state that cannot be read counts as new."""
    found = transaction.first(select(META.c.created_at), lambda row: float(row["created_at"]))
    return transaction.now() if found is None else found
