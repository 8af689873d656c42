"""The statements of transactions, which are built once: to build one costs more than to run it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from emulator.store.sql.schema import (
    ASSETS,
    COUNTERS,
    CUSTOMERS,
    DELETED,
    FILES,
    GROUPS,
    JOBS,
    SEQUENCES,
    VALIDATIONS,
)
from emulator.store.sql.shared_clock import with_moment


def _of_customer(table: Any) -> Any:
    return table.c.customer == bindparam("customer")


def _save(table: Any) -> Any:
    """Replaces a row by its number."""
    names = [column.name for column in table.c if column.name != "number"]
    return update(table).where(table.c.number == bindparam("key")).values({name: bindparam(name) for name in names})


_CUSTOMER = select(CUSTOMERS.c.body).where(CUSTOMERS.c.name == bindparam("customer"))
LOCK = _CUSTOMER.with_for_update()
LOCK_WITH_MOMENT = with_moment(_CUSTOMER)
ADD_CUSTOMER = {
    engine.dialect.name: engine.insert(CUSTOMERS).on_conflict_do_nothing(index_elements=["name"])
    for engine in (sqlite, postgresql)
}
SAVE_CUSTOMER = _save(CUSTOMERS)

NEXT = {
    name: update(COUNTERS).where(COUNTERS.c.name == name).values(value=COUNTERS.c.value + 1).returning(COUNTERS.c.value)
    for name in SEQUENCES
}
NEXT_OF_SEQUENCE = {name: select(sequence.next_value()) for name, sequence in SEQUENCES.items()}

# What there may be to settle, in one statement: each part is the first entry of an index.
OUTLOOK = select(
    select(func.min(VALIDATIONS.c.expires)).scalar_subquery(),
    select(func.min(JOBS.c.created)).where(_of_customer(JOBS)).scalar_subquery(),
    select(func.min(JOBS.c.due)).where(_of_customer(JOBS), JOBS.c.due.is_not(None)).scalar_subquery(),
    select(func.min(ASSETS.c.due)).where(_of_customer(ASSETS), ASSETS.c.due.is_not(None)).scalar_subquery(),
    select(DELETED.c.id).where(_of_customer(DELETED)).limit(1).scalar_subquery(),
)

GROUP = select(GROUPS.c.body).where(GROUPS.c.id == bindparam("id"), _of_customer(GROUPS))
OWN_GROUP = select(GROUPS.c.id).where(
    _of_customer(GROUPS),
    GROUPS.c.project == bindparam("project"),
    GROUPS.c.kind == bindparam("kind"),
    GROUPS.c.id == bindparam("id"),
)
ADD_GROUP = insert(GROUPS)
SAVE_GROUP = _save(GROUPS)
REMOVE_GROUP = delete(GROUPS).where(GROUPS.c.number == bindparam("key"))

LIVE_ASSETS = select(ASSETS.c.body).join(GROUPS, GROUPS.c.id == ASSETS.c.group_id)
"""Assets whose group has not been deleted."""

ASSET = LIVE_ASSETS.where(ASSETS.c.id == bindparam("id"), _of_customer(ASSETS))
STATUS = select(ASSETS.c.status).where(ASSETS.c.number == bindparam("key"))
ADD_ASSET = insert(ASSETS)
SAVE_ASSET = _save(ASSETS)
REMOVE_ASSET = delete(ASSETS).where(ASSETS.c.number == bindparam("key"))
DUE_ASSETS = (
    select(ASSETS.c.body)
    .where(_of_customer(ASSETS), ASSETS.c.due <= bindparam("now"))
    .order_by(ASSETS.c.due, ASSETS.c.number)
    .limit(bindparam("limit"))
)
GROUP_ASSETS = (
    select(ASSETS.c.number, ASSETS.c.file).where(ASSETS.c.group_id == bindparam("id")).limit(bindparam("limit"))
)
DELETED_GROUP = select(DELETED.c.id).where(_of_customer(DELETED)).limit(1)
ADD_DELETED_GROUP = insert(DELETED)
FORGET_GROUP = delete(DELETED).where(DELETED.c.id == bindparam("id"))
FREE_FILE = delete(FILES).where(FILES.c.key == bindparam("file"))
ADD_FILE = insert(FILES)
# Another process may be at the same ones: they are its business.
_DEAD = select(FILES.c.key).where(FILES.c.served_until <= bindparam("now")).with_for_update(skip_locked=True)
DROP_FILES = delete(FILES).where(FILES.c.key.in_(_DEAD))

VALIDATION = select(VALIDATIONS.c.body).where(VALIDATIONS.c.token == bindparam("token"))
VALIDATION_BY_NUMBER = select(VALIDATIONS.c.body).where(VALIDATIONS.c.number == bindparam("number"))
ADD_VALIDATION = insert(VALIDATIONS)
SAVE_VALIDATION = _save(VALIDATIONS)
# Another process may be at the same ones: they are its business.
_OLD = VALIDATIONS.c.number.in_(
    select(VALIDATIONS.c.number)
    .where(VALIDATIONS.c.expires <= bindparam("before"))
    .order_by(VALIDATIONS.c.expires)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True)
)
DROP_VALIDATIONS = delete(VALIDATIONS).where(_OLD)

_JOBS = select(JOBS.c.kind, JOBS.c.body).where(_of_customer(JOBS))
ALL_JOBS = _JOBS.order_by(JOBS.c.number.desc())
JOB = _JOBS.where(JOBS.c.id == bindparam("id"))
DUE_JOBS = _JOBS.where(JOBS.c.due <= bindparam("now")).order_by(JOBS.c.due, JOBS.c.number).limit(bindparam("limit"))
ADD_JOB = insert(JOBS)
SAVE_JOB = _save(JOBS)
REMOVE_JOB = delete(JOBS).where(JOBS.c.number == bindparam("key"))
DROP_JOBS = delete(JOBS).where(
    JOBS.c.number.in_(
        select(JOBS.c.number)
        .where(_of_customer(JOBS), JOBS.c.created <= bindparam("before"))
        .order_by(JOBS.c.created, JOBS.c.number)
        .limit(bindparam("limit"))
    )
)
