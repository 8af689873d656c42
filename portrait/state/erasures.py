"""What is to be erased: so that a run that was killed is taken up, and asking again is answered although it is gone."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen
from sqlalchemy import delete, insert, select

from portrait.state.database import Database, Transaction
from portrait.state.records import Erasure, Key
from portrait.state.schema import ERASED_OBJECTS, ERASURES, matches

KEEP = 90 * 86_400.0
"""Seconds for which a finished erasure is remembered: whoever asks again, or is asked for proof, asks within a quarter
of a year. One that is not finished is kept until it is."""


@frozen
class Erasures:
    """The erasures of a state."""

    _database: Database

    def find(self, key: Key) -> Erasure | None:
        """What is remembered of the group that somebody calls so there."""

        def work(transaction: Transaction) -> Erasure | None:
            rows = select(ERASED_OBJECTS.c.address).where(matches(ERASED_OBJECTS, key))
            objects = tuple(sorted(transaction.all(rows, lambda row: str(row["address"]))))
            group = select(ERASURES.c.group_id).where(matches(ERASURES, key))
            return transaction.first(group, lambda row: Erasure(group_id=str(row["group_id"]), objects=objects))

        return self._database.read(work)

    def record(self, key: Key, group_id: str, objects: Iterable[str]) -> None:
        """These objects are to be deleted still; with none, the erasure is finished. It is on the disk at the return.

        Raises:
            StateError: It cannot be recorded; nothing should be deleted then.
        """
        left = sorted(set(objects))

        def work(transaction: Transaction) -> None:
            now = transaction.now()
            finished = None if left else now
            transaction.upsert(ERASURES, {**key._asdict(), "group_id": group_id, "finished_at": finished})
            transaction.execute(delete(ERASED_OBJECTS).where(matches(ERASED_OBJECTS, key)))
            if left:
                transaction.execute(insert(ERASED_OBJECTS), [{**key._asdict(), "address": one} for one in left])
            transaction.drop_oldest(ERASURES, ERASURES.c.finished_at, now - KEEP)

        self._database.write(work, durable=True)
