"""Who uses which item of a pool for now. Several holders may lease one item; what one of them does changes nothing for
the others.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen
from sqlalchemy import ColumnElement, and_, delete, select, update

from portrait.state.database import Database, Transaction
from portrait.state.records import Lease
from portrait.state.schema import LEASES

KEEP = 86_400.0
"""Seconds for which a lease that nobody released is kept: it counts for nothing once it has ended."""


@frozen
class Leases:
    """The leases of a state. A pool is an account and a scope, such as a group's id."""

    _database: Database

    def take(self, account: str, scope: str, holder: str, items: Mapping[str, str | None], ttl: float) -> None:
        """Lease items, or lease them for longer.

        Args:
            account: From `account_digest`.
            scope: The pool.
            holder: Who uses them.
            items: Digest of the content → asset id, None while its create is under way.
            ttl: Seconds for which the leases hold.
        """

        def work(transaction: Transaction) -> None:
            now = transaction.now()
            for item, asset_id in sorted(items.items()):  # in one order, so that nobody waits in a circle
                row = {"account": account, "scope": scope, "item": item, "holder": holder, "asset_id": asset_id}
                transaction.upsert(LEASES, row | {"expires_at": now + ttl})
            transaction.drop_oldest(LEASES, LEASES.c.expires_at, now - KEEP)

        self._database.write(work)

    def renew(self, account: str, scope: str, holder: str, ttl: float) -> int:
        """Make all leases of a holder hold for so many seconds from now; returns how many there are.

        A lease that has ended is not renewed: somebody may have deleted the asset since.
        """

        def work(transaction: Transaction) -> int:
            now = transaction.now()
            mine = and_(_held(account, scope, holder), LEASES.c.expires_at > now)
            return transaction.execute(update(LEASES).where(mine).values(expires_at=now + ttl))

        return self._database.write(work)

    def release(self, account: str, scope: str, holder: str) -> None:
        """End all leases of a holder."""
        mine = delete(LEASES).where(_held(account, scope, holder))
        self._database.write(lambda transaction: transaction.execute(mine))

    def of_pool(self, account: str, scope: str) -> list[Lease]:
        """The leases of a pool that have not ended, in the order of their items."""

        def work(transaction: Transaction) -> list[Lease]:
            now = transaction.now()
            rows = select(LEASES).where(LEASES.c.account == account, LEASES.c.scope == scope)
            rows = rows.where(LEASES.c.expires_at > now).order_by(LEASES.c.item, LEASES.c.holder)
            return transaction.all(
                rows,
                lambda row: Lease(
                    item=row["item"],
                    holder=row["holder"],
                    asset_id=row["asset_id"],
                    seconds=float(row["expires_at"]) - now,
                ),
            )

        return self._database.read(work)


def _held(account: str, scope: str, holder: str) -> ColumnElement[bool]:
    return and_(LEASES.c.account == account, LEASES.c.scope == scope, LEASES.c.holder == holder)
