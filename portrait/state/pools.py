"""The leases of a pool's assets, their last uses, and who waits for a slot: for all who share the pool.

Each decision about a pool is one transaction that has locked the pool's row: what it read holds until it ends. Several
holders may lease one item; what one of them does changes nothing for the others.

A decision to delete, a pin and the end of a pool are on the disk before anything follows from them. A lease is not: one
that was granted just before the power failed may be lost, and then its next renewal says so. A reservation is on the
disk with the create that it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache, partial
from itertools import cycle
from math import inf
from typing import Any, TypeVar

from attrs import field, frozen
from sqlalchemy import Delete, Select, Update, and_, case, delete, exists, func, or_, select, update

from portrait.recent_creates import VISIBILITY_LAG
from portrait.state.creates import Creates
from portrait.state.database import Database, Row, Transaction
from portrait.state.records import KnownLease, Lease, PoolChange, PooledAsset, PoolKey, PoolView, Waiting, read_id
from portrait.state.schema import LEASES, POOL_ASSETS, POOLS, WAITERS
from portrait.state.statements import Retention, Upsert, equal, numbered, param, params

T = TypeVar("T")

KEEP = 3600.0
"""Seconds for which a lease that nobody released, and a deletion, are kept. They count for nothing long before."""
KEEP_USES = 90 * 86_400.0
"""Seconds for which is remembered when something was used; then the service's times must do."""
PATIENCE = 15.0
"""Seconds for which somebody waits without a sign of life; after that long, others need not wait for who was killed."""

_OLD = (
    Retention(LEASES.c.expires_at, KEEP),
    Retention(WAITERS.c.expires_at, KEEP),
    Retention(POOL_ASSETS.c.deleted_at, KEEP),
    Retention(POOL_ASSETS.c.used_at, KEEP_USES),
    Retention(POOLS.c.used_at, KEEP_USES),
)

_LOCK = Upsert(POOLS, only=("scope",))
_TOUCH = update(POOLS).where(equal(POOLS, "account", "scope")).values(used_at=param("now"))
# A row that was made for this must not be taken for one that is too old.
_FIRST_USE = case((POOLS.c.used_at > 0.0, POOLS.c.used_at), else_=param("now"))
_CLOSE = update(POOLS).where(equal(POOLS, "account", "scope")).values(closed_until=param("until"), used_at=_FIRST_USE)
_CLOSED = select(POOLS.c.closed_until).where(equal(POOLS, "account", "scope"), POOLS.c.closed_until > param("now"))
_USED = select(POOLS.c.used_at).where(equal(POOLS, "account", "scope"))

_LEASE = Upsert(LEASES)
_OF_HOLDER = equal(LEASES, "account", "scope", "holder")
_ALIVE = and_(equal(LEASES, "account", "scope"), LEASES.c.expires_at > param("now"))
_RENEW = (
    update(LEASES)
    .where(_OF_HOLDER, LEASES.c.expires_at > param("now"), LEASES.c.expires_at < inf)
    .values(expires_at=param("until"))
)
_RELEASE = delete(LEASES).where(_OF_HOLDER)
_LEASES = select(LEASES).where(_ALIVE).order_by(LEASES.c.item, LEASES.c.holder)
_COUNT = select(func.count().label("count")).select_from(LEASES).where(_ALIVE, equal(LEASES, "holder"))

_RECORD = Upsert(POOL_ASSETS)
_OF_ASSET = equal(POOL_ASSETS, "account", "scope", "asset_id")
_OF_POOL = equal(POOL_ASSETS, "account", "scope")
_EVICT = Upsert(POOL_ASSETS, only=("evicted_until",))
_SET_DELETED = update(POOL_ASSETS).where(_OF_ASSET).values(evicted_until=None, deleted_at=param("now"))
_NOT_EVICTED = and_(POOL_ASSETS.c.evicted_until.is_(None), POOL_ASSETS.c.deleted_at.is_(None))
_FORGET = delete(POOL_ASSETS).where(_OF_ASSET, _NOT_EVICTED)
_SPARE = update(POOL_ASSETS).where(_OF_ASSET).values(evicted_until=None)
_USE_OF_HOLDER = (
    update(POOL_ASSETS)
    .where(_OF_POOL, POOL_ASSETS.c.asset_id.in_(select(LEASES.c.asset_id).where(_OF_HOLDER)))
    .values(used_at=param("now"))
)
_ASSETS = select(POOL_ASSETS).where(
    _OF_POOL, or_(POOL_ASSETS.c.deleted_at.is_(None), POOL_ASSETS.c.deleted_at > param("since"))
)
_IS_LEASED = exists().where(_ALIVE, LEASES.c.item == POOL_ASSETS.c.item)
_IS_CLOSED = exists().where(equal(POOLS, "account", "scope"), POOLS.c.closed_until > param("now"))
_WAIT = Upsert(WAITERS)
_STAY = update(WAITERS).where(equal(WAITERS, "account", "scope", "holder")).values(expires_at=param("until"))
_LEAVE = delete(WAITERS).where(equal(WAITERS, "account", "scope", "holder"))
_WAITING = and_(equal(WAITERS, "account", "scope"), WAITERS.c.expires_at > param("now"))
_WAITERS = select(WAITERS).where(_WAITING).order_by(WAITERS.c.ticket, WAITERS.c.holder)
_LAST_TICKET = select(func.max(WAITERS.c.ticket).label("ticket")).where(equal(WAITERS, "account", "scope"))


@lru_cache
def _release_items(count: int) -> Delete:
    return _RELEASE.where(LEASES.c.item.in_(params("item", count)))


@lru_cache
def _use(count: int) -> Update:
    items = POOL_ASSETS.c.item.in_(params("item", count))
    return update(POOL_ASSETS).where(_OF_POOL, items, POOL_ASSETS.c.deleted_at.is_(None)).values(used_at=param("now"))


@lru_cache
def _known(count: int) -> Select[Any]:
    items = POOL_ASSETS.c.item.in_(params("item", count))
    columns = (POOL_ASSETS.c.item, POOL_ASSETS.c.asset_id, _IS_LEASED.label("is_leased"))
    return select(*columns).where(_OF_POOL, ~_IS_CLOSED, items, _NOT_EVICTED)


Change = Callable[[PoolView], tuple[PoolChange, T]]
"""Decides by what is known of a pool: what the holder does to it; and a value."""


@frozen
class Pools:
    """The pools of a state."""

    _database: Database
    _old: Iterator[Retention] = field(factory=lambda: cycle(_OLD), init=False)

    def lease_known(self, pool: PoolKey, holder: str, items: Collection[str], ttl: float) -> KnownLease:
        """Lease items whose assets are known, whatever else the pool holds. It costs the same in a large pool.

        Who waits for a slot comes first: what nobody else leases is given only to who is the next.

        Args:
            pool: The pool.
            holder: Who uses them; if it waits, this is a sign of life.
            items: Digests of contents.
            ttl: Seconds for which the leases hold.
        """

        def work(transaction: Transaction) -> KnownLease:
            now = _lock(transaction, pool)
            values = pool._asdict()
            waiters = _waiters(transaction, pool, now)
            is_next = _is_next(waiters, holder)
            ids = _may_lease(transaction, pool, items, now, is_next=is_next)
            if ids is None:
                if waiters:
                    transaction.execute(_STAY, **values, holder=holder, until=now + PATIENCE)
                return KnownLease(None, is_next)
            _put_leases(transaction, pool, holder, ids, now + ttl)
            transaction.execute(_use(len(items)), **values, **numbered("item", items), now=now)
            if waiters:
                transaction.execute(_LEAVE, **values, holder=holder)
            return KnownLease(ids, is_next)

        return self._database.write(work)

    def look(self, pool: PoolKey, holder: str, items: Collection[str]) -> Waiting:
        """Whether `lease_known` would change anything for one who waits; this locks nothing, and writes nothing."""

        def work(transaction: Transaction) -> Waiting:
            now = transaction.now()
            waiters = _waiters(transaction, pool, now)
            is_next = _is_next(waiters, holder)
            is_known = _may_lease(transaction, pool, items, now, is_next=is_next) is not None
            return Waiting(is_next, is_known, waiters.get(holder, now) < now + PATIENCE / 2)

        return self._database.read(work)

    def update(
        self,
        pool: PoolKey,
        holder: str,
        change: Change[T],
        *,
        ttl: float,
        eviction: float,
        age: float = 0.0,
        ticket: int | None = None,
    ) -> tuple[T, int | None]:
        """Decide about a pool, alone among all who share the state.

        Args:
            pool: The pool.
            holder: Who decides.
            change: May be called again, with another view.
            ttl: Seconds for which the holder's leases hold.
            eviction: Seconds for which nobody leases what the holder is going to delete.
            age: As `view`.
            ticket: The holder's place among those who wait, if it had one before.

        Returns:
            The change's other value, and the holder's ticket if it waits.
        """

        def work(transaction: Transaction) -> tuple[T, int | None]:
            now = _lock(transaction, pool)
            applied, value = change(_view(transaction, pool, now, age))
            transaction.execute(_RELEASE, **pool._asdict(), holder=holder)
            _put_leases(transaction, pool, holder, applied.leases, now + ttl)
            _put_assets(transaction, pool, applied.leases, now)
            for asset_id, item in applied.victims.items():
                transaction.upsert(_EVICT, _asset(pool, item, asset_id, now) | {"evicted_until": now + eviction})
            place = ticket
            if applied.waits:
                place = ticket or _new_ticket(transaction, pool)
                row = {"holder": holder, "ticket": place, "expires_at": now + PATIENCE}
                transaction.upsert(_WAIT, pool._asdict() | row)
            else:
                transaction.execute(_LEAVE, **pool._asdict(), holder=holder)
            self._finish(transaction, pool, now)
            return value, place

        # An asset that is deleted after this must not be leased again by what is left after a failure of the power.
        return self._database.write(work, durable=True)

    def settle(self, pool: PoolKey, holder: str, ids: Mapping[str, str], ttl: float) -> bool:
        """Record the assets of a holder's leases; False where some have ended."""

        def work(transaction: Transaction) -> bool:
            now = _lock(transaction, pool)
            if not _holds(transaction, pool, holder, len(ids), now):
                return False
            _put_leases(transaction, pool, holder, ids, now + ttl)
            _put_assets(transaction, pool, ids, now)
            return True

        return self._database.write(work)

    def renew(self, pool: PoolKey, holder: str, ttl: float) -> int:
        """Make all leases of a holder hold for so many seconds from now; returns how many there are.

        A lease that has ended is not renewed: somebody may have deleted the asset since.
        """

        def work(transaction: Transaction) -> int:
            now = _lock(transaction, pool)  # nobody decides meanwhile that it has ended
            return transaction.execute(_RENEW, **pool._asdict(), holder=holder, now=now, until=now + ttl)

        return self._database.write(work)

    def release(self, pool: PoolKey, holder: str, items: Collection[str] | None = None) -> None:
        """End leases of a holder, all or those of some items; it no longer waits, either."""

        def work(transaction: Transaction) -> None:
            now = _lock(transaction, pool)
            transaction.execute(_USE_OF_HOLDER, **pool._asdict(), holder=holder, now=now)
            if items is None:
                transaction.execute(_RELEASE, **pool._asdict(), holder=holder)
            else:
                named = numbered("item", items)
                transaction.execute(_release_items(len(items)), **pool._asdict(), holder=holder, **named)
            transaction.execute(_LEAVE, **pool._asdict(), holder=holder)
            self._finish(transaction, pool, now)

        self._database.write(work)

    def pin(self, pool: PoolKey, holder: str, owner: str, ids: Mapping[str, str]) -> bool:
        """Make a holder's leases those of an owner, which never end by themselves; False where some have ended."""

        def work(transaction: Transaction) -> bool:
            now = _lock(transaction, pool)
            if not _holds(transaction, pool, holder, len(ids), now):
                return False
            _put_leases(transaction, pool, owner, ids, inf)
            transaction.execute(_RELEASE, **pool._asdict(), holder=holder)
            return True

        return self._database.write(work, durable=True)

    def end_eviction(self, pool: PoolKey, asset_id: str, *, is_deleted: bool) -> None:
        """Record that an asset was deleted, or surely was not."""

        def work(transaction: Transaction) -> None:
            now = _lock(transaction, pool)
            if is_deleted:
                transaction.execute(_SET_DELETED, **pool._asdict(), asset_id=asset_id, now=now)
            else:
                transaction.execute(_SPARE, **pool._asdict(), asset_id=asset_id)

        self._database.write(work)

    def forget(self, pool: PoolKey, asset_id: str) -> None:
        """Forget an asset that somebody else has deleted; one that was deleted here stays known as such."""
        self._database.write(lambda transaction: transaction.execute(_FORGET, **pool._asdict(), asset_id=asset_id))

    def view(self, pool: PoolKey, age: float = 0.0) -> PoolView:
        """All that counts of a pool.

        Args:
            pool: The pool.
            age: Seconds since the list was begun that this is compared with: what was created or deleted longer before
                than lists may lag is left out.
        """
        return self._database.read(lambda transaction: _view(transaction, pool, transaction.now(), age))

    def close(self, pool: PoolKey, seconds: float) -> bool:
        """Let nobody lease from a pool for so many seconds, 0 to open it; False where somebody uses it."""

        def work(transaction: Transaction) -> bool:
            now = _lock(transaction, pool)
            view = _view(transaction, pool, now, 0.0)
            if seconds and (view.leases or view.waiters):
                return False
            transaction.execute(_CLOSE, **pool._asdict(), now=now, until=now + seconds)
            return True

        return self._database.write(work, durable=True)

    def idle(self, pool: PoolKey) -> float | None:
        """Seconds since a pool was used; None for one that is not known."""

        def work(transaction: Transaction) -> float | None:
            now = transaction.now()
            return transaction.first(_USED, lambda row: now - float(row["used_at"]), **pool._asdict())

        return self._database.read(work)

    def _finish(self, transaction: Transaction, pool: PoolKey, now: float) -> None:
        """Remember that the pool is used, and drop what is old: from one table at a time, in turn."""
        transaction.execute(_TOUCH, **pool._asdict(), now=now)
        transaction.drop_old(next(self._old), now)


def _lock(transaction: Transaction, pool: PoolKey) -> float:
    """Lock the pool's row; returns the moment after it was waited for."""
    transaction.upsert(_LOCK, {**pool._asdict(), "used_at": 0.0, "closed_until": None})
    return transaction.now()


def _holds(transaction: Transaction, pool: PoolKey, holder: str, count: int, now: float) -> bool:
    """Whether so many leases of a holder have not ended: others may have deleted the assets of those that have."""
    (held,) = transaction.all(_COUNT, lambda row: int(row["count"]), **pool._asdict(), holder=holder, now=now)
    return held >= count


def _view(transaction: Transaction, pool: PoolKey, now: float, age: float) -> PoolView:
    values, seconds = pool._asdict(), age + VISIBILITY_LAG
    return PoolView(
        leases=tuple(transaction.all(_LEASES, partial(_lease, now=now), **values, now=now)),
        assets=tuple(transaction.all(_ASSETS, partial(_pooled, now=now), **values, since=now - seconds)),
        waiters=tuple(_waiters(transaction, pool, now)),
        creates=tuple(Creates.of_scope(transaction, *pool, seconds)),
        is_closed=bool(transaction.all(_CLOSED, dict, **values, now=now)),
    )


def _may_lease(
    transaction: Transaction, pool: PoolKey, items: Collection[str], now: float, *, is_next: bool
) -> dict[str, str] | None:
    """The assets of items that are all known, and are leased already where somebody else waits; else None."""
    values = {**pool._asdict(), **numbered("item", items), "now": now}
    known = transaction.all(_known(len(items)), lambda row: {**row, "asset_id": read_id(row["asset_id"])}, **values)
    ids = {row["item"]: row["asset_id"] for row in known}
    may_lease = ids.keys() == set(items) and (is_next or all(row["is_leased"] for row in known))
    return ids if may_lease else None


def _waiters(transaction: Transaction, pool: PoolKey, now: float) -> dict[str, float]:
    """Who waits, in order, and until when without a sign of life."""
    rows = transaction.all(
        _WAITERS, lambda row: (str(row["holder"]), float(row["expires_at"])), **pool._asdict(), now=now
    )
    return dict(rows)


def _is_next(waiters: Mapping[str, float], holder: str) -> bool:
    return next(iter(waiters), holder) == holder


def _new_ticket(transaction: Transaction, pool: PoolKey) -> int:
    (last,) = transaction.all(_LAST_TICKET, lambda row: int(row["ticket"] or 0), **pool._asdict())
    return last + 1


def _put_leases(
    transaction: Transaction, pool: PoolKey, holder: str, ids: Mapping[str, str | None], until: float
) -> None:
    for item, asset_id in sorted(ids.items()):
        row = {"item": item, "holder": holder, "asset_id": asset_id, "expires_at": until}
        transaction.upsert(_LEASE, pool._asdict() | row)


def _put_assets(transaction: Transaction, pool: PoolKey, ids: Mapping[str, str | None], now: float) -> None:
    for item, asset_id in sorted(ids.items()):
        if asset_id is not None:
            transaction.upsert(_RECORD, _asset(pool, item, asset_id, now))


def _asset(pool: PoolKey, item: str, asset_id: str, used_at: float) -> dict[str, object]:
    times = {"used_at": used_at, "evicted_until": None, "deleted_at": None}
    return {**pool._asdict(), "item": item, "asset_id": asset_id, **times}


def _lease(row: Row, now: float) -> Lease:
    seconds = float(row["expires_at"]) - now
    return Lease(item=row["item"], holder=row["holder"], asset_id=read_id(row["asset_id"]), seconds=seconds)


def _pooled(row: Row, now: float) -> PooledAsset:
    return PooledAsset(
        item=row["item"],
        asset_id=read_id(row["asset_id"]) or "",
        used_at=float(row["used_at"]),
        is_evicting=row["evicted_until"] is not None and float(row["evicted_until"]) > now,
        deleted=None if row["deleted_at"] is None else now - float(row["deleted_at"]),
    )
