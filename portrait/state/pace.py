"""The pace of an account: turns that are taken in order by all who share the state, and kept across restarts.

pyrate-limiter is not used: its buckets admit a call now or refuse it, and reserve no later turn; so waiters race again
for each slot, and its SQL buckets bring tables and clocks of their own.
"""

from __future__ import annotations

from attrs import frozen
from sqlalchemy import select

from portrait.state.database import Database, Transaction
from portrait.state.schema import PACE

KEEP = 86_400.0
"""Seconds for which a turn that has passed is kept: it makes nobody wait."""


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
            transaction.drop_oldest(PACE, PACE.c.next_at, now - KEEP)
            return start - now

        return self._database.write(work)

    def defer(self, account: str, action: str, seconds: float) -> None:
        """Let nobody have a turn for so many seconds from now: the service has throttled a call."""

        def work(transaction: Transaction) -> None:
            start, now = _next(transaction, account, action)
            _move(transaction, account, action, max(start, now + seconds))

        self._database.write(work)


def _next(transaction: Transaction, account: str, action: str) -> tuple[float, float]:
    """When the next turn is, and the present moment. The row is locked until the transaction ends."""
    row = {"account": account, "action": action, "next_at": 0.0}
    transaction.insert_missing(PACE, row)
    locked = select(PACE.c.next_at).where(PACE.c.account == account, PACE.c.action == action).with_for_update()
    found = transaction.first(locked, lambda row: float(row["next_at"]))
    now = transaction.now()
    return max(now, found or now), now


def _move(transaction: Transaction, account: str, action: str, next_at: float) -> None:
    transaction.upsert(PACE, {"account": account, "action": action, "next_at": next_at})
