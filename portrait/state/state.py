"""A state: its tables, by what they remember."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from attrs import evolve
from sqlalchemy import func, select

from portrait.clock import Clock
from portrait.state.claims import Claims
from portrait.state.creates import Creates
from portrait.state.database import Backend, Database, Transaction
from portrait.state.erasures import Erasures
from portrait.state.pace import Paces
from portrait.state.pools import Pools
from portrait.state.records import ClaimedCreate, Create, Holder, Key, Report
from portrait.state.schema import META, METADATA
from portrait.state.uploads import Uploads

_UNCHANGED = META.update().values(version=META.c.version)  # it still needs a disk that can be written
_VERSION = select(META.c.version)
_REPLACED_AT = select(META.c.replaced_at)
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
        machine: Tells the files of this machine from those of others that share the state; "" where none can.
    """

    def __init__(
        self, backend: Backend, location: str, clock: Clock, new_id: Callable[[], str], *, machine: str = ""
    ) -> None:
        self.machine = machine
        self._database = database = Database(backend, clock)
        self._location = location
        self._new_id = new_id
        self.creates = Creates(database)
        self.claims = Claims(database, new_id)
        self.uploads = Uploads(database)
        self.erasures = Erasures(database)
        self.pools = Pools(database)
        self.paces = Paces(database)

    def begin(self, key: Key, ttl: float, max_age: Callable[[], float]) -> ClaimedCreate | Create | Holder:
        """Claim a create and record it, in one transaction that is on the disk when this returns.

        Args:
            key: What is to be created, and where.
            ttl: Seconds for which the claim holds.
            max_age: Gives seconds: what was created less than that ago is taken. It is called once the claim is there,
                because it may take a while to get it.

        Returns:
            The claim; the create that was answered within `max_age`; or that somebody else has the claim. Where an
            earlier create was not answered, the claim comes with that one, and nothing new is recorded.

        Raises:
            StateError: It cannot be recorded; nothing should be sent then.
        """
        token = self._new_id()

        def work(transaction: Transaction) -> ClaimedCreate | Create | Holder:
            claim = self.claims.take(transaction, key, token, ttl)
            if isinstance(claim, Holder):
                return claim
            now = transaction.now()
            known = self.creates.newest(transaction, key, now, answered=True)
            if known is not None and known.age < max_age():
                self.claims.drop(transaction, claim)
                return known
            pending = self.creates.newest(transaction, key, now, answered=False)
            if pending is not None and pending.id != token:  # it is this one where the transaction runs again
                return ClaimedCreate(claim=claim, create=pending, is_new=False)
            create = Create(id=token, key=key, begun_at=now)
            self.creates.put(transaction, create)
            return ClaimedCreate(claim=claim, create=create, is_new=True)

        return self._database.write(work, durable=True)

    def finish(self, claimed: ClaimedCreate, result_id: str | None, *, withdraw: bool = False) -> None:
        """Release the claim, and record what came of the create, in one transaction.

        Args:
            claimed: From `begin`.
            result_id: The id of what was created or found; None if it is not known.
            withdraw: The create was surely not carried out.
        """

        def work(transaction: Transaction) -> None:
            was_ours = self.claims.drop(transaction, claimed.claim)
            if result_id is not None:
                answered = evolve(claimed.create, answered_at=transaction.now(), result_id=result_id)
                self.creates.put(transaction, answered)
            elif withdraw and was_ours:  # whoever has the claim now may have sent the create by this record
                self.creates.drop(transaction, claimed.create)

        self._database.write(work)

    def replacement_age(self) -> float | None:
        """Seconds since it took the place of a state that was lost; None where it did not.

        What was created before that is not in it, and may not be in a list yet either: as long as this is less than the
        lag of the service's reads, a list that lacks something is believed only after the lag.
        """

        def work(transaction: Transaction) -> float | None:
            replaced_at = _replaced_at(transaction)
            return None if replaced_at is None else transaction.now() - replaced_at

        return self._database.read(work)

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
                replaced_at=_replaced_at(transaction),
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


def _replaced_at(transaction: Transaction) -> float | None:
    """A moment that cannot be read is now: what such a state lacks is not believed."""
    found = transaction.all(_REPLACED_AT, lambda row: None if row["replaced_at"] is None else float(row["replaced_at"]))
    return found[0] if found else transaction.now()
