"""Who may create one thing now: one owner, for a bounded time, among all processes that share the state."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from portrait.state.database import Database, Transaction
from portrait.state.records import Claim, Holder, Key
from portrait.state.schema import CLAIMS, matches

KEEP = 86_400.0
"""Seconds for which a claim that nobody released is kept: it counts for nothing once it has ended."""


@frozen
class Claims:
    """The claims of a state.

    Whoever has a claim looks whether the thing is there, creates it, records its id, and releases the claim. Others ask
    again from time to time, and find the id. A claim that ends while its owner still works protects nothing: `renew`
    says whether it is still there.
    """

    _database: Database
    _new_id: Callable[[], str]

    def acquire(self, key: Key, ttl: float) -> Claim | Holder:
        """Take the claim if nobody has it.

        Args:
            key: What is to be created, and where.
            ttl: Seconds for which it holds.
        """
        claim = Claim(key=key, token=self._new_id())

        def work(transaction: Transaction) -> Claim | Holder:
            now = transaction.now()
            transaction.upsert(
                CLAIMS,
                {**key._asdict(), "token": claim.token, "expires_at": now + ttl},
                # Its own claim is one of a first try of this very transaction.
                where=or_(CLAIMS.c.expires_at <= now, CLAIMS.c.token == claim.token),
            )
            transaction.drop_oldest(CLAIMS, CLAIMS.c.expires_at, now - KEEP)
            owner = select(CLAIMS.c.token, CLAIMS.c.expires_at).where(matches(CLAIMS, key))
            # The upsert has locked the row, whoever has it.
            token, left = transaction.all(owner, lambda row: (row["token"], float(row["expires_at"]) - now))[0]
            return claim if token == claim.token else Holder(seconds=left)

        return self._database.write(work)

    def renew(self, claim: Claim, ttl: float) -> bool:
        """Make it hold for so many seconds from now; False where somebody else has it."""

        def work(transaction: Transaction) -> bool:
            changed = update(CLAIMS).where(_mine(claim)).values(expires_at=transaction.now() + ttl)
            return transaction.execute(changed) == 1

        return self._database.write(work)

    def release(self, claim: Claim) -> None:
        """Give it back; what came of it stands in `creates`. Nothing happens where somebody else has it by now."""
        self._database.write(lambda transaction: transaction.execute(delete(CLAIMS).where(_mine(claim))))


def _mine(claim: Claim) -> ColumnElement[bool]:
    return and_(matches(CLAIMS, claim.key), CLAIMS.c.token == claim.token)
