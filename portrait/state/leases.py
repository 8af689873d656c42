"""Who uses which item of a pool for now. Several holders may lease one item; what one of them does changes nothing for
the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from attrs import frozen
from sqlalchemy import RowMapping, delete, select, update

from portrait.state.database import Database
from portrait.state.records import Lease
from portrait.state.schema import LEASES
from portrait.state.statements import Retention, Transaction, Upsert, equal, param

KEEP = 3600.0
"""Seconds for which a lease that nobody released is kept. It counts for nothing once it has ended."""

_OLD = Retention(LEASES.c.expires_at, KEEP)
_TAKE = Upsert(LEASES)
_OF_HOLDER = equal(LEASES, "account", "scope", "holder")
_RENEW = update(LEASES).where(_OF_HOLDER, LEASES.c.expires_at > param("now")).values(expires_at=param("until"))
_RELEASE = delete(LEASES).where(_OF_HOLDER)
_OF_POOL = (
    select(LEASES)
    .where(equal(LEASES, "account", "scope"), LEASES.c.expires_at > param("now"))
    .order_by(LEASES.c.item, LEASES.c.holder)
)


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
                transaction.upsert(_TAKE, row | {"expires_at": now + ttl})
            transaction.drop_old(_OLD, now)

        self._database.write(work)

    def renew(self, account: str, scope: str, holder: str, ttl: float) -> int:
        """Make all leases of a holder hold for so many seconds from now; returns how many there are.

        A lease that has ended is not renewed: somebody may have deleted the asset since.
        """

        def work(transaction: Transaction) -> int:
            now = transaction.now()
            return transaction.execute(_RENEW, account=account, scope=scope, holder=holder, now=now, until=now + ttl)

        return self._database.write(work)

    def release(self, account: str, scope: str, holder: str) -> None:
        """End all leases of a holder."""
        self._database.write(
            lambda transaction: transaction.execute(_RELEASE, account=account, scope=scope, holder=holder)
        )

    def of_pool(self, account: str, scope: str) -> list[Lease]:
        """The leases of a pool that have not ended, in the order of their items."""

        def work(transaction: Transaction) -> list[Lease]:
            now = transaction.now()
            return transaction.all(_OF_POOL, partial(_lease, now=now), account=account, scope=scope, now=now)

        return self._database.read(work)


def _lease(row: RowMapping, now: float) -> Lease:
    seconds = float(row["expires_at"]) - now
    return Lease(item=row["item"], holder=row["holder"], asset_id=row["asset_id"], seconds=seconds)
