"""Who may create one thing now: one owner, for a bounded time, among all processes that share the state."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from sqlalchemy import and_, delete, or_, select, update

from portrait.state.database import Database, Transaction
from portrait.state.records import Claim, Holder, Key
from portrait.state.schema import CLAIMS
from portrait.state.statements import Retention, Upsert, about_key, equal, param

KEEP = 3600.0
"""Seconds for which a claim that nobody released is kept. It counts for nothing once it has ended."""

FURTHEST = 900.0
"""Seconds ahead that a claim ends at most; it lives for seconds, or for as long as a call. One that ends later is of a
clock that was set back since: its owner would have renewed it, were it alive."""

_OLD = Retention(CLAIMS.c.expires_at, KEEP)
_IS_FREE = or_(CLAIMS.c.expires_at <= param("now"), CLAIMS.c.expires_at > param("furthest"))
_TAKE = Upsert(CLAIMS, where=_IS_FREE)
_OWNER = select(CLAIMS.c.token, CLAIMS.c.expires_at).where(about_key(CLAIMS))
_CLEAR = delete(CLAIMS).where(about_key(CLAIMS))
_MINE = and_(about_key(CLAIMS), equal(CLAIMS, "token"))
_RENEW = update(CLAIMS).where(_MINE).values(expires_at=param("until"))
_RELEASE = delete(CLAIMS).where(_MINE)


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
        token = self._new_id()
        return self._database.write(lambda transaction: self.take(transaction, key, token, ttl))

    @staticmethod
    def take(transaction: Transaction, key: Key, token: str, ttl: float) -> Claim | Holder:
        """As a part of a transaction: take the claim if nobody has it."""
        now = transaction.now()
        row = {**key._asdict(), "token": token, "expires_at": now + ttl}
        moments = {"now": now, "furthest": now + max(FURTHEST, ttl)}
        is_mine = transaction.upsert(_TAKE, row, **moments)
        transaction.drop_old(_OLD, now)
        if is_mine:
            return Claim(key=key, token=token)
        # The upsert has locked the row, whoever has it; it may be this claim, of a first try.
        owner = transaction.first(_OWNER, lambda row: (row["token"], float(row["expires_at"]) - now), **key._asdict())
        if owner is None:  # a row that cannot be understood is no claim
            transaction.execute(_CLEAR, **key._asdict())
            transaction.upsert(_TAKE, row, **moments)
        if owner is None or owner[0] == token:
            return Claim(key=key, token=token)
        return Holder(seconds=owner[1])

    def renew(self, claim: Claim, ttl: float) -> bool:
        """Make it hold for so many seconds from now; False where somebody else has it."""

        def work(transaction: Transaction) -> bool:
            return transaction.execute(_RENEW, **_values(claim), until=transaction.now() + ttl) == 1

        return self._database.write(work)

    def release(self, claim: Claim) -> None:
        """Give it back; what came of it stands in `creates`. Nothing happens where somebody else has it by now."""
        self._database.write(lambda transaction: self.drop(transaction, claim))

    @staticmethod
    def drop(transaction: Transaction, claim: Claim) -> bool:
        """As a part of a transaction: give it back; False where somebody else has it by now."""
        return transaction.execute(_RELEASE, **_values(claim)) == 1


def _values(claim: Claim) -> dict[str, str]:
    return {**claim.key._asdict(), "token": claim.token}
