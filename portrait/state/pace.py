"""The paces of accounts: turns that are taken in order by all who share the state, and kept across restarts.

pyrate-limiter is not used: its buckets admit a call now or refuse it, and reserve no later turn; so waiters race again
for each slot, and its SQL buckets bring tables and clocks of their own.
"""

from __future__ import annotations

from typing import TypeVar

from attrs import asdict, fields, frozen
from sqlalchemy import select

from portrait.pace import Change, Pace
from portrait.state.database import Database, Row, Transaction
from portrait.state.schema import PACE
from portrait.state.statements import Retention, Upsert, equal

T = TypeVar("T")

KEEP = 86_400.0
"""Seconds for which a turn that has passed is kept: it makes nobody wait, and what was learnt is too old."""

_OLD = Retention(PACE.c.next_at, KEEP)
_MOVE = Upsert(PACE)
_BEGIN = Upsert(PACE, change=False)
_FIND = select(PACE).where(equal(PACE, "account", "action")).with_for_update()
_NAMES = [field.name for field in fields(Pace)]


@frozen
class Paces:
    """The paces of a state, by account and Action."""

    _database: Database

    def update(self, account: str, action: str, change: Change[T]) -> T:
        """Replace a pace, alone among all who share the state; returns the change's other value.

        Args:
            account: From `account_digest`.
            action: The Action that is called.
            change: May be called again, with another pace.
        """
        key = {"account": account, "action": action}

        def work(transaction: Transaction) -> T:
            pace = transaction.first(_FIND, _build, **key)
            if pace is None:
                transaction.upsert(_BEGIN, {**key, **asdict(Pace())})
                pace = transaction.first(_FIND, _build, **key) or Pace()
            # The row is locked until the transaction ends; the moment is read after it was waited for.
            now = transaction.now()
            pace, value = change(pace, now)
            # A row is as old as its last use, whether turns are apart or not.
            transaction.upsert(_MOVE, {**key, **asdict(pace), "next_at": max(now, pace.next_at)})
            transaction.drop_old(_OLD, now)
            return value

        return self._database.write(work)


def _build(row: Row) -> Pace:
    return Pace(**{name: None if row[name] is None else float(row[name]) for name in _NAMES})  # type: ignore[arg-type]
