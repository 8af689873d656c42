"""One customer's records in a transaction of a database. The customer's row is locked, so that they change in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from math import inf
from types import TracebackType
from typing import Any, Self

from attrs import evolve, frozen
from sqlalchemy import ClauseElement

from emulator.domain.jobs import Job
from emulator.domain.ports import AssetQuery, GroupQuery, StoredFile
from emulator.domain.records import Asset, AssetState, Customer, Group, Validation
from emulator.store.base import CustomerFactory, is_search
from emulator.store.sql import lists, rows
from emulator.store.sql import statements as sql
from emulator.store.sql.counts import Counts, asset_sets, group_set, project_scope
from emulator.store.sql.session import Session
from emulator.store.sql.shared_clock import SharedClock
from portrait.models import AssetStatus


def find_validation(session: Session, *, token: str = "", handle: str = "") -> Validation | None:
    """The validation of that token or handle."""
    number = handle.removeprefix("val-")
    if handle and not (handle.startswith("val-") and number.isascii() and number.isdigit() and len(number) < 16):
        return None
    if handle:
        body = session.value(sql.VALIDATION_BY_NUMBER, {"number": int(number)})
    else:
        body = session.value(sql.VALIDATION, {"token": token})
    return None if body is None else rows.read_validation(body)


@frozen
class _Outlook:
    """The earliest moments of what there is to settle, and whether a deleted group has assets left."""

    deleted: bool
    validation: float
    job_created: float
    job_due: float
    asset_due: float


class SqlTransaction:
    """A `Transaction`, and a context manager, to be entered once.

    Args:
        open_session: Gives a connection of the database.
        customer: Whose records.
        new_customer: Makes a customer's record when it first comes.
        guard: Entered for as long as the transaction lasts.
        clock: The clock that all processes share; None for the machine's.
    """

    def __init__(
        self,
        open_session: Callable[[], Session],
        customer: str,
        new_customer: CustomerFactory,
        guard: AbstractContextManager[Any],
        clock: SharedClock | None,
    ) -> None:
        self._open_session, self._name, self._new_customer = open_session, customer, new_customer
        self._guard, self._clock = guard, clock

    def __enter__(self) -> Self:
        self._guard.__enter__()
        try:
            try:
                self._begin()
            except Exception:
                if not self._session.is_lost:
                    raise
                self._begin()  # a server that was restarted is there already
        except BaseException:
            self._guard.__exit__(None, None, None)
            raise
        return self

    def _begin(self) -> None:
        self._session = self._open_session()
        try:
            self._session.begin()
            self._counts = Counts(self._session, self._name)
            self._lock()
        except BaseException:
            self._session.close()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self._keep()
        finally:
            try:
                self._session.close()
            finally:
                self._guard.__exit__(None, None, None)

    def _lock(self) -> None:
        """Wait for others who change this customer's records, and read the customer as it is then."""
        self._outlook: _Outlook | None = None
        statement, values = sql.LOCK if self._clock is None else sql.LOCK_WITH_MOMENT, {"customer": self._name}
        row = self._session.row(statement, values)
        if row is None:
            self._add_customer()
            row = self._session.row(statement, values)
        body, *moment = row
        self._moment = None if self._clock is None else self._clock.follow(*moment)
        self._customer = rows.read_customer(body)

    def _add_customer(self) -> None:
        """A new customer is there for good, whatever becomes of its call."""
        row = rows.customer_row(self._new_customer(self._name, self._next("customers")))
        self._session.run(sql.ADD_CUSTOMER[self._session.engine], row)
        self._session.commit()
        self._session.begin()

    def commit(self) -> None:
        """Keep what was changed so far."""
        self._keep()
        self._session.begin()
        self._lock()

    def _keep(self) -> None:
        self._counts.flush()
        if self._clock is not None:
            self._clock.lead(self._session, self._moment)
        self._session.commit()

    @property
    def customer(self) -> Customer:
        """The customer as it stands."""
        return self._customer

    def save_customer(self, customer: Customer) -> None:
        """Keep changed limits or counters."""
        self._customer = customer
        self._change(sql.SAVE_CUSTOMER, rows.customer_row(customer))

    def number(self) -> int:
        """The next number."""
        return self._next("numbers")

    # --- groups ------------------------------------------------------------------------------------------------------

    def group(self, group_id: str) -> Group | None:
        """A group of this customer."""
        body = self._one(sql.GROUP, customer=self._name, id=group_id)
        return None if body is None else rows.read_group(body)

    def add_group(self, group: Group) -> None:
        """Keep a new group."""
        self._session.run(sql.ADD_GROUP, rows.group_row(group))
        self._counts.add([group_set(group)])

    def save_group(self, group: Group) -> None:
        """Keep a changed group."""
        self._change(sql.SAVE_GROUP, rows.group_row(group))

    def remove_group(self, group: Group) -> None:
        """Forget a group and every asset in it."""
        self._counts.drop_group(group)
        self._session.run(sql.REMOVE_GROUP, {"key": group.number})
        self._session.run(sql.ADD_DELETED_GROUP, {"id": group.id, "customer": self._name})
        self._outlook = None

    def drop_deleted(self, limit: int) -> int:
        """Free at most that many assets of deleted groups."""
        dropped = 0
        if not self._read_outlook().deleted:
            return dropped
        while dropped < limit:
            group_id = self._one(sql.DELETED_GROUP, customer=self._name)
            if group_id is None:
                break
            assets = self._session.rows(sql.GROUP_ASSETS, {"id": group_id, "limit": limit - dropped})
            self._session.run_many(sql.REMOVE_ASSET, ({"key": number} for number, _ in assets))
            self._session.run_many(sql.FREE_FILE, ({"file": file} for _, file in assets if file))
            if len(assets) < limit - dropped:
                self._session.run(sql.FORGET_GROUP, {"id": group_id})
            dropped += len(assets)
        self._outlook = None
        return dropped

    def groups(self, query: GroupQuery) -> tuple[int, list[Group]]:
        """How many match in all, and one page of them."""
        if query.group_ids or is_search(query):
            total = lists.count(self._session, self._name, query, query.group_ids, deleted=False)
        else:
            total = self._counts.by_status("groups", [project_scope(query.project, query.kind)]).get("", 0)
        bodies = lists.read_page(self._session, self._name, query, query.group_ids, deleted=False) if total else ()
        return total, list(map(rows.read_group, bodies))

    def count_groups(self) -> int:
        """How many groups the customer has."""
        return self._counts.by_status("groups").get("", 0)

    # --- assets ------------------------------------------------------------------------------------------------------

    def asset(self, asset_id: str) -> Asset | None:
        """An asset of this customer."""
        body = self._one(sql.ASSET, customer=self._name, id=asset_id)
        return None if body is None else rows.read_asset(body)

    def add_asset(self, asset: Asset) -> None:
        """Keep a new asset."""
        self._session.run(sql.ADD_ASSET, rows.asset_row(asset))
        self._counts.add(asset_sets(asset))
        self._outlook = None

    def save_asset(self, asset: Asset) -> None:
        """Keep a changed asset."""
        before = self._one(sql.STATUS, key=asset.number)
        self._change(sql.SAVE_ASSET, rows.asset_row(asset))
        if before != asset.status:
            self._counts.add(asset_sets(evolve(asset, status=AssetState(before))), -1)
            self._counts.add(asset_sets(asset))
        self._outlook = None

    def remove_asset(self, asset: Asset) -> None:
        """Forget an asset and its file."""
        self._session.run(sql.REMOVE_ASSET, {"key": asset.number})
        self._counts.add(asset_sets(asset), -1)
        if asset.file:
            self._session.run(sql.FREE_FILE, {"file": asset.file})

    def assets(self, query: AssetQuery) -> tuple[int, list[Asset]]:
        """How many match in all, and one page of them."""
        groups: Sequence[str] = ()
        if query.group_ids:
            groups = self._own_groups(query)
            if not groups:
                return 0, []
        deleted = not groups and self._read_outlook().deleted
        if is_search(query):
            total = lists.count(self._session, self._name, query, groups, deleted=deleted)
        else:
            what, scopes = ("members", groups) if groups else ("assets", [project_scope(query.project, query.kind)])
            sizes = self._counts.by_status(what, scopes)
            total = sum(sizes.get(status, 0) for status in lists.states_of(query))
        bodies = lists.read_page(self._session, self._name, query, groups, deleted=deleted) if total else ()
        return total, list(map(rows.read_asset, bodies))

    def _own_groups(self, query: AssetQuery) -> list[str]:
        """Those of the named groups that a query can mean; a foreign or unknown id gives nothing. Contract §2 (I)."""
        values = {"customer": self._name, "project": query.project, "kind": query.kind}
        ids = dict.fromkeys(query.group_ids)
        return [each for each in ids if self._session.value(sql.OWN_GROUP, {**values, "id": each}) is not None]

    def count_assets(self, group_id: str | None = None) -> int:
        """How many assets a group has, or the customer."""
        sizes = self._counts.by_status("assets") if group_id is None else self._counts.by_status("members", [group_id])
        return sum(size for status, size in sizes.items() if status != AssetState.EXPIRED)

    def due_assets(self, now: float, limit: int) -> Sequence[Asset]:
        """At most that many assets whose review has ended by `now`."""
        if self._read_outlook().asset_due > now:
            return []
        values = {"customer": self._name, "now": now, "limit": limit}
        return [rows.read_asset(body) for (body,) in self._session.rows(sql.DUE_ASSETS, values)]

    def count_by_status(self) -> dict[str, int]:
        """How many assets the customer has in each state."""
        sizes = self._counts.by_status("assets")
        return {str(status): sizes.get(status, 0) for status in AssetStatus}

    # --- validations -------------------------------------------------------------------------------------------------

    def validation(self, token: str) -> Validation | None:
        """The validation with that token, of any customer."""
        return find_validation(self._session, token=token)

    def validation_by_handle(self, handle: str) -> Validation | None:
        """The validation with that handle, of any customer."""
        return find_validation(self._session, handle=handle) if handle else None

    def next_validation_number(self) -> int:
        """The next number for a validation."""
        return self._next("validations")

    def save_validation(self, validation: Validation) -> None:
        """Keep a new or changed validation."""
        self._put(sql.SAVE_VALIDATION, sql.ADD_VALIDATION, rows.validation_row(validation))

    def drop_validations(self, expired_by: float, limit: int) -> int:
        """Delete at most that many validations, of any customer, that had expired by then."""
        if self._read_outlook().validation > expired_by:
            return 0
        return self._drop(sql.DROP_VALIDATIONS, before=expired_by, limit=limit)

    # --- jobs --------------------------------------------------------------------------------------------------------

    def job(self, job_id: str) -> Job | None:
        """A job of this customer."""
        row = self._session.row(sql.JOB, {"customer": self._name, "id": job_id})
        return None if row is None else rows.read_job(*row)

    def jobs(self) -> Sequence[Job]:
        """The customer's jobs, the newest first."""
        return tuple(rows.read_job(*row) for row in self._session.rows(sql.ALL_JOBS, {"customer": self._name}))

    def due_jobs(self, now: float, limit: int) -> Sequence[Job]:
        """At most that many jobs that end by themselves by `now`."""
        if self._read_outlook().job_due > now:
            return ()
        values = {"customer": self._name, "now": now, "limit": limit}
        return [rows.read_job(*row) for row in self._session.rows(sql.DUE_JOBS, values)]

    def remove_job(self, job: Job) -> None:
        """Forget a job."""
        self._session.run(sql.REMOVE_JOB, {"key": job.number})

    def save_job(self, job: Job) -> None:
        """Keep a new or changed job."""
        self._put(sql.SAVE_JOB, sql.ADD_JOB, rows.job_row(job))
        self._outlook = None

    def drop_jobs(self, created_by: float, limit: int) -> int:
        """Delete at most that many of the customer's jobs that were created by then."""
        if self._read_outlook().job_created > created_by:
            return 0
        return self._drop(sql.DROP_JOBS, customer=self._name, before=created_by, limit=limit)

    # --- files -------------------------------------------------------------------------------------------------------

    def add_file(self, key: str, file: StoredFile) -> None:
        """Keep an uploaded file."""
        self._session.run(sql.ADD_FILE, rows.file_row(key, file))

    def drop_files(self, expired_by: float) -> None:
        """Delete the files, of any customer, whose addresses had died by then."""
        self._session.run(sql.DROP_FILES, {"now": expired_by})

    # --- statements --------------------------------------------------------------------------------------------------

    def _one(self, statement: ClauseElement, **values: Any) -> Any:
        return self._session.value(statement, values)

    def _change(self, statement: ClauseElement, row: rows.Row) -> int:
        return self._session.run(statement, {**row, "key": row["number"]})

    def _put(self, save: ClauseElement, add: ClauseElement, row: rows.Row) -> None:
        """Change the row of that number, or insert it."""
        if not self._change(save, row):
            self._session.run(add, row)

    def _drop(self, statement: ClauseElement, **values: Any) -> int:
        self._outlook = None
        return self._session.run(statement, values)

    def _next(self, name: str) -> int:
        on_sqlite = self._session.engine == "sqlite"
        return int(self._one((sql.NEXT if on_sqlite else sql.NEXT_OF_SEQUENCE)[name]))

    def _read_outlook(self) -> _Outlook:
        """The outlook, as of the last change."""
        if self._outlook is None:
            *moments, deleted = self._session.row(sql.OUTLOOK, {"customer": self._name})
            earliest = (inf if moment is None else moment for moment in moments)
            self._outlook = _Outlook(deleted is not None, *earliest)
        return self._outlook
