"""Recorded creates and their results: another process knows the id of what was created before lists show it."""

from __future__ import annotations

from functools import partial

from attrs import evolve, frozen
from sqlalchemy import RowMapping, delete, or_, select

from portrait.state.database import Database, Transaction
from portrait.state.records import Create, Key
from portrait.state.schema import CREATES
from portrait.state.statements import Retention, Upsert, about_key, equal, param

KEEP = 7 * 86_400.0
"""Seconds. Reads lag by seconds only, after which lists are the better memory; what is asked for again is mostly asked
for within a week, and is then known without looking through lists."""

_OLD = Retention(CREATES.c.begun_at, KEEP)
_RECORD = Upsert(CREATES)
_WITHDRAW = delete(CREATES).where(equal(CREATES, "id"))
_FORGET = delete(CREATES).where(equal(CREATES, "account", "result_id"))
_RENAME = CREATES.update().where(equal(CREATES, "account", "result_id")).values(result_id=param("new_id"))
_NEWEST = select(CREATES).where(about_key(CREATES)).order_by(CREATES.c.begun_at.desc()).limit(1)
_ANSWERED = _NEWEST.where(CREATES.c.answered_at.is_not(None))
_PENDING = _NEWEST.where(CREATES.c.answered_at.is_(None))
_RESULT = select(CREATES).where(equal(CREATES, "account", "result_id")).order_by(CREATES.c.answered_at.desc()).limit(1)
_RECENT = (
    select(CREATES)
    .where(equal(CREATES, "account", "scope"))
    .where(or_(CREATES.c.begun_at > param("since"), CREATES.c.answered_at > param("since")))  # an index for each
    .order_by(CREATES.c.begun_at)
)


@frozen
class Creates:
    """The creates of a state."""

    _database: Database

    def record_again(self, create: Create) -> Create:
        """Record that a create is sent now, some time after `State.begin` recorded it.

        It is on the disk when this returns.

        Raises:
            StateError: It cannot be recorded; nothing should be sent then.
        """

        def work(transaction: Transaction) -> Create:
            current = evolve(create, begun_at=transaction.now())
            self.put(transaction, current)
            return current

        return self._database.write(work, durable=True)

    def forget(self, account: str, result_id: str) -> None:
        """Forget a create whose result was deleted or is not to be used again."""
        self._database.write(lambda transaction: transaction.execute(_FORGET, account=account, result_id=result_id))

    def rename(self, account: str, result_id: str, new_id: str) -> None:
        """What is known by one id is known by another from now on: a task has told the asset's."""
        values = {"account": account, "result_id": result_id, "new_id": new_id}
        self._database.write(lambda transaction: transaction.execute(_RENAME, **values))

    def answered(self, account: str, scope: str) -> list[Create]:
        """All creates there that were answered, the oldest first."""
        return [create for create in self.recent(account, scope, 2 * KEEP) if create.result_id is not None]

    def find(self, key: Key) -> Create | None:
        """The newest create of it that was answered."""
        return self._database.read(lambda transaction: self.newest(transaction, key, transaction.now(), answered=True))

    def age(self, account: str, result_id: str) -> float | None:
        """Seconds since it was created; None if that is not known."""

        def work(transaction: Transaction) -> float | None:
            now, values = transaction.now(), {"account": account, "result_id": result_id}
            create = transaction.first(_RESULT, partial(_create, now=now), **values)
            return None if create is None else create.age

        return self._database.read(work)

    def recent(self, account: str, scope: str, seconds: float) -> list[Create]:
        """All creates there that were begun or answered within so many seconds, the oldest first."""
        return self._database.read(lambda transaction: self.of_scope(transaction, account, scope, seconds))

    @staticmethod
    def of_scope(transaction: Transaction, account: str, scope: str, seconds: float) -> list[Create]:
        """As a part of a transaction: all creates there that were begun or answered within so many seconds."""
        now = transaction.now()
        values = {"account": account, "scope": scope, "since": now - seconds}
        return transaction.all(_RECENT, partial(_create, now=now), **values)

    @staticmethod
    def put(transaction: Transaction, create: Create) -> None:
        """As a part of a transaction: record it as it is."""
        transaction.upsert(_RECORD, _row(create))
        if create.answered_at is None:
            transaction.drop_old(_OLD, create.begun_at)

    @staticmethod
    def drop(transaction: Transaction, create: Create) -> None:
        """As a part of a transaction: withdraw it."""
        transaction.execute(_WITHDRAW, id=create.id)

    @staticmethod
    def newest(transaction: Transaction, key: Key, now: float, *, answered: bool) -> Create | None:
        """As a part of a transaction: the newest create that was answered, or the newest one that was not."""
        return transaction.first(_ANSWERED if answered else _PENDING, partial(_create, now=now), **key._asdict())


def _row(create: Create) -> dict[str, object]:
    times = {"begun_at": create.begun_at, "answered_at": create.answered_at}
    return {"id": create.id, **create.key._asdict(), **times, "result_id": create.result_id}


def _create(row: RowMapping, now: float) -> Create:
    begun_at = float(row["begun_at"])
    answered = None if row["answered_at"] is None else float(row["answered_at"])
    return Create(
        id=row["id"],
        key=Key(row["account"], row["scope"], row["item"]),
        begun_at=begun_at,
        answered_at=answered,
        result_id=row["result_id"],
        age=now - (begun_at if answered is None else answered),
    )
