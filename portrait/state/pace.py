"""The pace of an account: turns that are taken in order by all who share the state, and kept across restarts.

pyrate-limiter is not used: its buckets admit a call now or refuse it, and reserve no later turn; so waiters race again
for each slot, and its SQL buckets bring tables and clocks of their own.
"""

from __future__ import annotations

from attrs import frozen
from sqlalchemy import select

from portrait.state.database import Database, Transaction
from portrait.state.schema import PACE
from portrait.state.statements import Retention, Upsert, equal

KEEP = 86_400.0
"""Seconds for which a turn that has passed is kept: it makes nobody wait."""

_OLD = Retention(PACE.c.next_at, KEEP)
_MOVE = Upsert(PACE)
_BEGIN = Upsert(PACE, change=False)
_NEXT = select(PACE.c.next_at).where(equal(PACE, "account", "action")).with_for_update()


@frozen
class Pace:
    """The turns of a state, by account and Action."""

    _database: Database

    def reserve(self, account: str, action: str, rate: float) -> float:
        """Take the next turn; returns the seconds until it.

        Args:
            account: From `account_digest`.
            action: The Action that is to be called.
            rate: Turns per second.
        """

        def work(transaction: Transaction) -> float:
            start, now = _next(transaction, account, action)
            _move(transaction, account, action, start + 1 / rate)
            transaction.drop_old(_OLD, now)
            return start - now

        return self._database.write(work)

    def defer(self, account: str, action: str, seconds: float) -> None:
        """Allow no turn for so many seconds from now: the service has throttled a call."""

        def work(transaction: Transaction) -> None:
            start, now = _next(transaction, account, action)
            _move(transaction, account, action, max(start, now + seconds))

        self._database.write(work)


def _next(transaction: Transaction, account: str, action: str) -> tuple[float, float]:
    """When the next turn is, and the present moment. The row is locked until the transaction ends."""
    transaction.upsert(_BEGIN, {"account": account, "action": action, "next_at": 0.0})
    next_at = transaction.first(_NEXT, lambda row: float(row["next_at"]), account=account, action=action)
    now = transaction.now()
    return max(now, next_at or now), now


def _move(transaction: Transaction, account: str, action: str, next_at: float) -> None:
    transaction.upsert(_MOVE, {"account": account, "action": action, "next_at": next_at})
