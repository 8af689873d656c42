"""Recorded erasures: a later run resumes one that was killed, and answers again for a group that is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import frozen
from sqlalchemy import delete, select

from portrait.state.database import Database, Transaction
from portrait.state.records import Erasure, Key
from portrait.state.schema import ERASED_OBJECTS, ERASURES
from portrait.state.statements import Retention, Upsert, about_key, equal

KEEP = 90 * 86_400.0
"""Seconds for which a finished erasure is remembered: whoever asks again, or is asked for proof, asks within a quarter
of a year. One that is not finished is kept until it is."""

_OLD = Retention(ERASURES.c.finished_at, KEEP)
_RECORD = Upsert(ERASURES)
_GROUP = select(ERASURES.c.group_id).where(about_key(ERASURES))
_OTHER_NAMES = select(ERASURES.c.item).where(equal(ERASURES, "account", "scope", "group_id"))
_OBJECTS = select(ERASED_OBJECTS.c.address).where(about_key(ERASED_OBJECTS))
_CLEAR_OBJECTS = delete(ERASED_OBJECTS).where(about_key(ERASED_OBJECTS))


@frozen
class Erasures:
    """The erasures of a state."""

    _database: Database

    def find(self, key: Key) -> Erasure | None:
        """The recorded erasure of a group, by its id or name."""

        def work(transaction: Transaction) -> Erasure | None:
            objects = tuple(sorted(transaction.all(_OBJECTS, lambda row: str(row["address"]), **key._asdict())))
            return transaction.first(
                _GROUP, lambda row: Erasure(group_id=str(row["group_id"]), objects=objects), **key._asdict()
            )

        return self._database.read(work)

    def record(self, keys: Sequence[Key], group_id: str, objects: Iterable[str]) -> None:
        """These objects are to be deleted still; with none, the erasure is finished. It is on the disk at the return.

        Args:
            keys: What the group is called now; what is remembered of it by other names changes as well.
            group_id: The group.
            objects: Addresses `s3://bucket/key`.

        Raises:
            StateError: It cannot be recorded; nothing should be deleted then.
        """
        remaining = sorted(set(objects))

        def work(transaction: Transaction) -> None:
            now = transaction.now()
            for key in sorted({*keys, *_known_keys(transaction, keys[0], group_id)}):
                row = {**key._asdict(), "group_id": group_id, "finished_at": None if remaining else now}
                transaction.upsert(_RECORD, row)
                transaction.execute(_CLEAR_OBJECTS, **key._asdict())
                transaction.insert(ERASED_OBJECTS, [{**key._asdict(), "address": one} for one in remaining])
            transaction.drop_old(_OLD, now)

        self._database.write(work, durable=True)


def _known_keys(transaction: Transaction, key: Key, group_id: str) -> list[Key]:
    """The keys of a group of that account and scope, by its id and its name."""
    values = {"account": key.account, "scope": key.scope, "group_id": group_id}
    return transaction.all(_OTHER_NAMES, lambda row: key._replace(item=row["item"]), **values)
