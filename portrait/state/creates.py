"""What was sent to be created, and what came of it: so that another process knows an id although lists lag."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import frozen
from sqlalchemy import RowMapping, delete, func, select

from portrait.state.database import Database, Transaction
from portrait.state.records import Create, Key
from portrait.state.schema import CREATES, matches

KEEP = 7 * 86_400.0
"""Seconds. Reads lag by seconds only, after which lists are the better memory; what is asked for again is mostly asked
for within a week, and is then known without looking through lists."""

_SETTLED_AT = func.coalesce(CREATES.c.answered_at, CREATES.c.begun_at)


@frozen
class Creates:
    """The creates of a state."""

    _database: Database
    _new_id: Callable[[], str]

    def record(self, key: Key) -> Create:
        """A create is about to be sent. It is on the disk when this returns.

        Raises:
            StateError: It cannot be recorded; nothing should be sent then.
        """
        attempt = self._new_id()

        def work(transaction: Transaction) -> Create:
            now = transaction.now()
            transaction.upsert(CREATES, {"id": attempt, **key._asdict(), "begun_at": now})
            transaction.drop_oldest(CREATES, CREATES.c.begun_at, now - KEEP)
            return Create(id=attempt, key=key, begun_at=now)

        return self._database.write(work, durable=True)

    def resolve(self, create: Create, result_id: str) -> None:
        """The create was answered, or found to have been carried out: that is its id."""

        def work(transaction: Transaction) -> None:
            row = {"id": create.id, **create.key._asdict(), "begun_at": create.begun_at}
            transaction.upsert(CREATES, row | {"answered_at": transaction.now(), "result_id": result_id})

        self._database.write(work)

    def withdraw(self, create: Create) -> None:
        """The create was surely not carried out."""
        self._database.write(lambda transaction: transaction.execute(delete(CREATES).where(CREATES.c.id == create.id)))

    def forget(self, account: str, result_id: str) -> None:
        """What was created is gone: it was deleted, or is not to be used again."""
        gone = delete(CREATES).where(CREATES.c.account == account, CREATES.c.result_id == result_id)
        self._database.write(lambda transaction: transaction.execute(gone))

    def find(self, key: Key) -> Create | None:
        """The newest create of it that was answered."""
        return self._newest(key, answered=True)

    def pending(self, key: Key) -> Create | None:
        """The newest create of it that was not answered: whoever sent it is at it, or was killed."""
        return self._newest(key, answered=False)

    def recent(self, account: str, scope: str, seconds: float) -> list[Create]:
        """All creates there that were begun or answered within so many seconds, the oldest first."""

        def work(transaction: Transaction) -> list[Create]:
            now = transaction.now()
            rows = select(CREATES).where(CREATES.c.account == account, CREATES.c.scope == scope)
            # An answer comes after its begin: the index on the begin bounds the search where answers are quick.
            rows = rows.where(CREATES.c.begun_at > now - KEEP, now - seconds < _SETTLED_AT)
            return transaction.all(rows.order_by(CREATES.c.begun_at), partial(_create, now=now))

        return self._database.read(work)

    def _newest(self, key: Key, *, answered: bool) -> Create | None:
        rows = select(CREATES).where(matches(CREATES, key))
        rows = rows.where(CREATES.c.answered_at.is_not(None) if answered else CREATES.c.answered_at.is_(None))
        rows = rows.order_by(CREATES.c.begun_at.desc()).limit(1)
        return self._database.read(lambda transaction: transaction.first(rows, partial(_create, now=transaction.now())))


def _create(row: RowMapping, now: float) -> Create:
    begun = float(row["begun_at"])
    answered = None if row["answered_at"] is None else float(row["answered_at"])
    return Create(
        id=row["id"],
        key=Key(row["account"], row["scope"], row["item"]),
        begun_at=begun,
        answered_at=answered,
        result_id=row["result_id"],
        age=now - (begun if answered is None else answered),
    )
