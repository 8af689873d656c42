"""Creates: claimed and recorded before they are sent. All processes know their results before lists show them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import evolve, frozen
from sqlalchemy import delete, or_, select

from portrait.state.claims import Claims
from portrait.state.database import Database, Row, Transaction
from portrait.state.records import ClaimedCreate, Create, Holder, Key, read_id
from portrait.state.schema import CREATES, META
from portrait.state.statements import Retention, Upsert, about_key, equal, param

KEEP = 7 * 86_400.0
"""Seconds. Reads lag by seconds only, after which lists are the better memory; what is asked for again is mostly asked
for within a week, and is then known without looking through lists."""

_OLD = Retention(CREATES.c.begun_at, KEEP)
_RECORD = Upsert(CREATES)
_REPLACED_AT = select(META.c.replaced_at)
_WITHDRAW = delete(CREATES).where(equal(CREATES, "id"))
_FORGET = delete(CREATES).where(equal(CREATES, "account", "result_id"))
_RENAME = CREATES.update().where(equal(CREATES, "account", "result_id")).values(result_id=param("new_id"))
_OF_KEY = select(CREATES).where(about_key(CREATES)).order_by(CREATES.c.begun_at.desc())
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
    _new_id: Callable[[], str]

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
            claim = Claims.take(transaction, key, token, ttl)
            if isinstance(claim, Holder):
                return claim
            now = transaction.now()
            newest_first = transaction.all(_OF_KEY, partial(_create, now=now), **key._asdict())
            known = next((each for each in newest_first if each.answered_at is not None), None)
            if known is not None and known.age < max_age():
                Claims.drop(transaction, claim)
                return known
            pending = next((each for each in newest_first if each.answered_at is None), None)
            if pending is not None and pending.id != token:  # it is this one where the transaction runs again
                return ClaimedCreate(claim=claim, create=pending, is_new=False)
            create = Create(id=token, key=key, begun_at=now)
            _put(transaction, create)
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
            was_ours = Claims.drop(transaction, claimed.claim)
            if result_id is not None:
                answered = evolve(claimed.create, answered_at=transaction.now(), result_id=result_id)
                _put(transaction, answered)
            elif withdraw and was_ours:  # whoever has the claim now may have sent the create by this record
                transaction.execute(_WITHDRAW, id=claimed.create.id)

        self._database.write(work)

    def record_again(self, create: Create) -> Create:
        """Record that a create is sent now, some time after `begin` recorded it.

        It is on the disk when this returns.

        Raises:
            StateError: It cannot be recorded; nothing should be sent then.
        """

        def work(transaction: Transaction) -> Create:
            current = evolve(create, begun_at=transaction.now())
            _put(transaction, current)
            return current

        return self._database.write(work, durable=True)

    def forget(self, account: str, result_id: str) -> None:
        """Forget a create whose result was deleted or is not to be used again."""
        self._database.write(lambda transaction: transaction.execute(_FORGET, account=account, result_id=result_id))

    def rename(self, account: str, result_id: str, new_id: str) -> None:
        """What is known by one id is known by another from now on: a task has ended, and names its asset."""
        values = {"account": account, "result_id": result_id, "new_id": new_id}
        self._database.write(lambda transaction: transaction.execute(_RENAME, **values))

    def answered(self, account: str, scope: str) -> list[Create]:
        """All creates there that were answered, the oldest first."""
        creates, _ = self.recent(account, scope, 2 * KEEP)
        return [create for create in creates if create.result_id is not None]

    def age(self, account: str, result_id: str) -> float | None:
        """Seconds since it was created; None if that is not known."""

        def work(transaction: Transaction) -> float | None:
            now, values = transaction.now(), {"account": account, "result_id": result_id}
            create = transaction.first(_RESULT, partial(_create, now=now), **values)
            return None if create is None else create.age

        return self._database.read(work)

    def recent(self, account: str, scope: str, seconds: float) -> tuple[list[Create], float | None]:
        """What is known of the creates of a short time ago, which a list of the service may lack.

        Returns:
            All creates there that were begun or answered within so many seconds, the oldest first; and the seconds
            since this state took the place of one that was lost, None where it did not. What was created before that
            is not in it, and may not be in a list yet either.
        """

        def work(transaction: Transaction) -> tuple[list[Create], float | None]:
            creates = self.of_scope(transaction, account, scope, seconds)
            lost_at = replaced_at(transaction)
            return creates, None if lost_at is None else transaction.now() - lost_at

        return self._database.read(work)

    @staticmethod
    def of_scope(transaction: Transaction, account: str, scope: str, seconds: float) -> list[Create]:
        """As a part of a transaction: all creates there that were begun or answered within so many seconds."""
        now = transaction.now()
        values = {"account": account, "scope": scope, "since": now - seconds}
        return transaction.all(_RECENT, partial(_create, now=now), **values)


def replaced_at(transaction: Transaction) -> float | None:
    """When this state took the place of one that was lost; None where it did not.

    A moment that cannot be read is now: what such a state lacks is not believed.
    """
    found = transaction.all(_REPLACED_AT, lambda row: None if row["replaced_at"] is None else float(row["replaced_at"]))
    return found[0] if found else transaction.now()


def _put(transaction: Transaction, create: Create) -> None:
    transaction.upsert(_RECORD, _row(create))
    if create.answered_at is None:
        transaction.drop_old(_OLD, create.begun_at)


def _row(create: Create) -> dict[str, object]:
    times = {"begun_at": create.begun_at, "answered_at": create.answered_at}
    return {"id": create.id, **create.key._asdict(), **times, "result_id": create.result_id}


def _create(row: Row, now: float) -> Create:
    begun_at = float(row["begun_at"])
    answered = None if row["answered_at"] is None else float(row["answered_at"])
    return Create(
        id=row["id"],
        key=Key(row["account"], row["scope"], row["item"]),
        begun_at=begun_at,
        answered_at=answered,
        result_id=read_id(row["result_id"]),
        age=now - (begun_at if answered is None else answered),
    )
