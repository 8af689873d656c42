"""A `Store` in a database: reads across customers, and copying and replacing all records."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from threading import Lock
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql

from emulator.clocks import SettableClock
from emulator.domain.jobs import Job
from emulator.domain.ports import StoredFile
from emulator.domain.records import Asset, AssetState, Validation
from emulator.store.base import Contents, CustomerFactory, CustomerUsage, Latest
from emulator.store.sql import rows
from emulator.store.sql.counts import Set, asset_sets, count_rows, group_set
from emulator.store.sql.schema import (
    ASSETS,
    COUNTERS,
    COUNTS,
    CUSTOMERS,
    FILES,
    GROUPS,
    JOBS,
    META,
    RECORDS,
    SEQUENCES,
    STEPS,
    VALIDATIONS,
)
from emulator.store.sql.session import Compiler, Session
from emulator.store.sql.shared_clock import SharedClock
from emulator.store.sql.statements import LIVE_ASSETS
from emulator.store.sql.transaction import SqlTransaction, find_validation
from portrait.clock import Clock
from portrait.sql.migration import migrate

_SLICE = 1_000  # rows that are inserted by one statement

_FIND_ASSET = LIVE_ASSETS.where(ASSETS.c.id == bindparam("id"))
_FIND_JOB = select(JOBS.c.kind, JOBS.c.body).where(JOBS.c.id == bindparam("id"))
_FILE = select(FILES).where(FILES.c.key == bindparam("key"))
_USE = update(META).values(processes=META.c.processes + 1).returning(META.c.processes)


class SqlStore:
    """A `Store`.

    Args:
        engine: A SQLite file or a PostgreSQL database, as `portrait.sql` opens them.
        new_customer: Makes a customer's record when it first comes.
    """

    blocks = True

    def __init__(self, engine: Engine, new_customer: CustomerFactory) -> None:
        self._engine = engine.execution_options(durable=False)  # it outlives its process; a power cut it may not
        self._reader = engine.execution_options(reads=True)
        self._compiler = Compiler(engine.dialect)
        self._new_customer = new_customer
        self._on_sqlite = self.in_turn = engine.dialect.name == "sqlite"
        # SQLite has one writer. Threads wait for it in turn, other processes ask again and again.
        self._guard: AbstractContextManager[Any] = Lock() if self._on_sqlite else nullcontext()
        self._clock: SharedClock | None = None
        with self._write() as connection:
            migrate(connection, META, STEPS, "store", {"processes": 0, "clock_set": 0})
            self.process = int(connection.execute(_USE).scalar_one()) - 1
            if self.process == 0 and self._on_sqlite:
                connection.execute(insert(COUNTERS), [{"name": name, "value": 0} for name in SEQUENCES])

    def secret(self, new: bytes) -> bytes:
        """The secret of signed links, which all processes share."""
        with self._write() as connection:
            connection.execute(update(META).where(META.c.secret.is_(None)).values(secret=new))
            return bytes(connection.execute(select(META.c.secret)).scalar_one())

    def share(self, clock: Clock) -> None:
        """Have one time for all processes on this store."""
        if isinstance(clock, SettableClock):
            self._clock = SharedClock(clock)
            with self._guard, self._session() as session:
                session.begin()
                self._clock.open(session)
                session.commit()

    def synchronize(self) -> None:
        """Have the clock agree with those of other processes."""
        if self._clock is not None:
            with self._guard, self._session() as session:
                session.begin()
                self._clock.synchronize(session)
                session.commit()

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def transaction(self, customer: str) -> SqlTransaction:
        """One customer's records."""
        return SqlTransaction(self._open_session, customer, self._new_customer, self._guard, self._clock)

    def customers(self) -> Sequence[str]:
        """All customers in the order of their first call."""
        with self._read() as connection:
            return connection.execute(select(CUSTOMERS.c.name).order_by(CUSTOMERS.c.number)).scalars().all()

    def find_asset(self, asset_id: str) -> Asset | None:
        """An asset of any customer, as it was last stored."""
        with self._read() as connection:
            body = connection.execute(_FIND_ASSET, {"id": asset_id}).scalar()
        return None if body is None else rows.read_asset(body)

    def find_validation(self, token_or_handle: str) -> Validation | None:
        """A validation of whomever."""
        with self._session() as session:
            by_handle = find_validation(session, handle=token_or_handle) if token_or_handle else None
            return by_handle or find_validation(session, token=token_or_handle)

    def find_job(self, job_id: str) -> Job | None:
        """A job of any customer, as it was last stored."""
        with self._read() as connection:
            row = connection.execute(_FIND_JOB, {"id": job_id}).first()
        return None if row is None else rows.read_job(*row)

    def validations(self) -> Sequence[Validation]:
        """All validations in the order of their creation."""
        with self._read() as connection:
            bodies = connection.execute(select(VALIDATIONS.c.body).order_by(VALIDATIONS.c.number)).scalars()
            return tuple(map(rows.read_validation, bodies))

    def file(self, key: str) -> StoredFile | None:
        """An uploaded file."""
        with self._read() as connection:
            row = connection.execute(_FILE, {"key": key}).first()
        return None if row is None else rows.read_file(row)

    def latest(self, limit: int) -> Latest:
        """At most so many records of each kind."""
        with self._read() as connection:
            customers = list(map(rows.read_customer, _newest(connection, CUSTOMERS, limit)))
            groups = list(map(rows.read_group, _newest(connection, GROUPS, limit)))
            assets = LIVE_ASSETS.order_by(ASSETS.c.number.desc()).limit(limit)
            usage = _sizes(connection, ("groups", "assets"), [each.name for each in customers])
            members = _sizes(connection, ("members",), [each.customer for each in groups])
            return Latest(
                customers=[
                    CustomerUsage(customer=each, groups=usage[each.name, "groups"], assets=usage[each.name, "assets"])
                    for each in customers
                ],
                groups=[(group, members[group.customer, group.id]) for group in groups],
                assets=list(map(rows.read_asset, connection.execute(assets).scalars())),
                validations=list(map(rows.read_validation, _newest(connection, VALIDATIONS, limit))),
                totals=_totals(connection),
            )

    def copy(self) -> Contents:
        """All records as they are at its beginning."""
        one_moment = {} if self._on_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._read(**one_moment) as connection:
            groups = [rows.read_group(body) for body in _all(connection, GROUPS)]
            live = {group.id for group in groups}
            assets = [rows.read_asset(body) for body in _all(connection, ASSETS)]
            files = {row.key: rows.read_file(row) for row in connection.execute(select(FILES))}
            for asset in assets:
                if asset.group_id not in live:  # it is freed later
                    files.pop(asset.file, None)
            jobs = connection.execute(select(JOBS.c.kind, JOBS.c.body).order_by(JOBS.c.number))
            return Contents(
                customers=[rows.read_customer(body) for body in _all(connection, CUSTOMERS)],
                groups=groups,
                assets=[asset for asset in assets if asset.group_id in live],
                validations=[rows.read_validation(body) for body in _all(connection, VALIDATIONS)],
                jobs=[rows.read_job(*row) for row in jobs],
                files=files,
                numbers=self._last(connection, "numbers"),
            )

    def restore(self, contents: Contents, now: float | None = None) -> None:
        """Hold these records in place of everything; numbers go on. Other calls wait until it is done."""
        with self._write() as connection:
            if not self._on_sqlite:  # it waits for all transactions of customers, and they for it
                connection.execute(text(f"LOCK TABLE {CUSTOMERS.name} IN EXCLUSIVE MODE"))
            for table in RECORDS:
                connection.execute(delete(table))
            for table, found in _tables(contents):
                while part := list(islice(found, _SLICE)):
                    connection.execute(insert(table), part)
            numbered = (*contents.groups, *contents.assets, *contents.jobs)
            self._raise(connection, "numbers", max([contents.numbers, *(each.number for each in numbered)]))
            self._raise(connection, "validations", max([0, *(each.number for each in contents.validations)]))
            self._raise(connection, "customers", max([0, *(each.number for each in contents.customers)]))
            if now is not None and self._clock is not None:
                self._clock.set(connection, now)

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        self.restore(Contents())

    def _open_session(self) -> Session:
        return Session(self._engine, self._compiler)

    @contextmanager
    def _session(self) -> Iterator[Session]:
        session = self._open_session()
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._guard, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _read(self, **options: Any) -> Iterator[Connection]:
        with self._reader.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def _last(self, connection: Connection, name: str) -> int:
        """The last number of a kind."""
        if self._on_sqlite:
            value = select(COUNTERS.c.value).where(COUNTERS.c.name == name)
        else:
            value = select(func.pg_sequence_last_value(_sequence(name)))
        return int(connection.execute(value).scalar() or 0)

    def _raise(self, connection: Connection, name: str, least: int) -> None:
        """Have a counter go on behind a number, if it is not there already."""
        if least <= self._last(connection, name):
            return
        if self._on_sqlite:
            connection.execute(update(COUNTERS).where(COUNTERS.c.name == name).values(value=least))
        else:
            connection.execute(select(func.setval(_sequence(name), least)))


def _sequence(name: str) -> ColumnElement[Any]:
    return cast(SEQUENCES[name].name, postgresql.REGCLASS)


def _all(connection: Connection, table: Table) -> Iterable[str]:
    """The bodies of a table in the order of creation."""
    return connection.execute(select(table.c.body).order_by(table.c.number)).scalars()


def _newest(connection: Connection, table: Table, limit: int) -> Iterable[str]:
    return connection.execute(select(table.c.body).order_by(table.c.number.desc()).limit(limit)).scalars()


def _tables(contents: Contents) -> Iterator[tuple[Table, Iterator[rows.Row]]]:
    """All rows of a store with these contents."""
    yield CUSTOMERS, map(rows.customer_row, contents.customers)
    yield GROUPS, map(rows.group_row, contents.groups)
    yield ASSETS, map(rows.asset_row, contents.assets)
    yield VALIDATIONS, map(rows.validation_row, contents.validations)
    yield JOBS, map(rows.job_row, contents.jobs)
    yield FILES, (rows.file_row(key, file) for key, file in contents.files.items())
    sizes: defaultdict[str, Counter[Set]] = defaultdict(Counter)
    for group in contents.groups:
        sizes[group.customer][group_set(group)] += 1
    for asset in contents.assets:
        sizes[asset.customer].update(asset_sets(asset))
    yield COUNTS, (row for customer, counter in sizes.items() for row in count_rows(customer, counter))


def _sizes(connection: Connection, what: Sequence[str], customers: Sequence[str]) -> Counter[tuple[str, str]]:
    """The sizes of sets, without what has expired, by customer and group, or by customer and kind of set."""
    by = COUNTS.c.scope if what == ("members",) else COUNTS.c.what
    sizes = (
        select(COUNTS.c.customer, by, func.sum(COUNTS.c.size))
        .where(COUNTS.c.what.in_(what), COUNTS.c.customer.in_(customers), COUNTS.c.status != AssetState.EXPIRED)
        .group_by(COUNTS.c.customer, by)
    )
    return Counter({(customer, name): int(size) for customer, name, size in connection.execute(sizes)})


def _totals(connection: Connection) -> dict[str, int]:
    """How many records there are of each kind."""
    totals = {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (CUSTOMERS, VALIDATIONS)
    }
    sizes = select(COUNTS.c.what, func.sum(COUNTS.c.size)).where(COUNTS.c.what.in_(("groups", "assets")))
    found = {what: int(size) for what, size in connection.execute(sizes.group_by(COUNTS.c.what))}
    return {
        "customers": totals[CUSTOMERS.name],
        "groups": found.get("groups", 0),
        "assets": found.get("assets", 0),
        "validations": totals[VALIDATIONS.name],
    }
