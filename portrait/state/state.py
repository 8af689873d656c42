"""A state: its tables, by what they remember."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from attrs import evolve
from sqlalchemy import func, select

from portrait.clock import Clock
from portrait.state.claims import Claims
from portrait.state.creates import Creates, replaced_at
from portrait.state.database import Backend, Database, Transaction
from portrait.state.erasures import Erasures
from portrait.state.pace import Paces
from portrait.state.pools import Pools
from portrait.state.records import Report
from portrait.state.schema import META, METADATA
from portrait.state.uploads import Uploads

_UNCHANGED = META.update().values(version=META.c.version)  # it still needs a disk that can be written
_VERSION = select(META.c.version)
_COUNTS = select(
    *(
        select(func.count()).select_from(table).scalar_subquery().label(table.name)
        for table in METADATA.sorted_tables
        if table is not META
    )
)


class State:
    """What this side remembers across runs, processes and machines. It blocks, and is safe across threads and forks.

    Attributes:
        creates: What was created, by what it is.
        claims: Who may create what now.
        uploads: Unfinished uploads.
        erasures: Groups that are being erased.
        pools: Who uses which asset of a group, and who waits for a slot.
        paces: The turns of an account, and what was learnt of its limits.
        machine: Distinguishes the files of this machine from those of others that share the state; "" where none can.
    """

    def __init__(
        self, backend: Backend, location: str, clock: Clock, new_id: Callable[[], str], *, machine: str = ""
    ) -> None:
        self.machine = machine
        self._database = database = Database(backend, clock)
        self._location = location
        self.claims = Claims(database, new_id)
        self.creates = Creates(database, new_id)
        self.uploads = Uploads(database)
        self.erasures = Erasures(database)
        self.pools = Pools(database)
        self.paces = Paces(database)

    def check(self) -> None:
        """Open it and write to it.

        Raises:
            StateError: It cannot be read or written.
            UsageError: It cannot be used as it was named.
        """
        self._database.write(lambda transaction: transaction.execute(_UNCHANGED), durable=True)

    def report(self) -> Report:
        """What people may want to know of it: where it is, since when, and how much is in it.

        Raises:
            StateError: It cannot be read.
            UsageError: It cannot be used as it was named.
        """

        def work(transaction: Transaction) -> Report:
            return Report(
                location=self._location,
                version=transaction.first(_VERSION, lambda row: int(row["version"])) or 0,
                replaced_at=replaced_at(transaction),
                rows=transaction.all(_COUNTS, dict)[0],
            )

        return evolve(self._database.read(work), notes=tuple(self._database.notes()))

    def close(self) -> None:
        """Close what is open; the next use opens it again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
