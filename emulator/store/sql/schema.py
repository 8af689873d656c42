"""The tables of the store, the same on both engines.

A row has the columns that statements look for, and the whole record as JSON in `body`. A record that has a field more
needs no new column.
"""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    types,
)
from sqlalchemy.dialects import postgresql

from emulator.messages import utf8_safe

METADATA = MetaData()


V = TypeVar("V")


def safe_text(value: V) -> V:
    """A value as both engines hold it: PostgreSQL has no zero characters, and neither has half of a surrogate pair."""
    if isinstance(value, str) and not (value.isascii() and "\0" not in value):
        return utf8_safe(value).replace("\0", "\N{SYMBOL FOR NULL}")  # type: ignore[return-value]
    return value


class SafeText(types.TypeDecorator[str]):
    """Text of whoever calls: what no database can hold is replaced, and letters sort as in Python."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        """The type of the column."""
        kind: types.TypeEngine[Any] = postgresql.TEXT(collation="C") if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """As `safe_text` has it."""
        return safe_text(value)


# SQLite takes only INTEGER for the table's own order.
_Number = BigInteger().with_variant(Integer, "sqlite")


def _number() -> Column[int]:
    return Column("number", _Number, primary_key=True, autoincrement=False)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, SafeText, nullable=False, **options)


def _body() -> Column[str]:
    return Column("body", Text, nullable=False)


def _times() -> tuple[Column[Any], ...]:
    """The columns that lists sort by, in whole seconds, and those that hide a record for a while."""
    return (
        Column("created_second", BigInteger, nullable=False),
        Column("updated_second", BigInteger, nullable=False),
        Column("created", Double, nullable=False),
        Column("visible_from", Double, nullable=False),
    )


# One row: the version of the tables, and what all processes on the store have in common.
META = Table(
    "emulator_store",
    METADATA,
    Column("version", Integer, nullable=False),
    Column("processes", Integer, nullable=False),  # that have opened it so far
    Column("secret", LargeBinary),  # what links are signed with
    Column("clock", Double),  # the time of a clock that can be set
    Column("clock_set", Integer, nullable=False),  # how often it was set, perhaps back
)

# SQLite's counters, each changed by whoever may write at all. PostgreSQL has sequences, so that nobody waits.
COUNTERS = Table("emulator_counters", METADATA, Column("name", Text, primary_key=True), Column("value", BigInteger))
SEQUENCES = {
    name: Sequence(f"emulator_{name}_sequence", metadata=METADATA) for name in ("numbers", "validations", "customers")
}

CUSTOMERS = Table("emulator_customers", METADATA, _number(), _text("name", unique=True), _body())

GROUPS = Table(
    "emulator_groups",
    METADATA,
    _number(),
    _text("id", unique=True),
    _text("customer"),
    _text("project"),
    _text("kind"),
    _text("folded_name"),
    *_times(),
    _body(),
    Index("emulator_groups_created", "customer", "project", "kind", "created_second", "number"),
    Index("emulator_groups_updated", "customer", "project", "kind", "updated_second", "number"),
)

# Groups that are gone, and whose assets have yet to be freed.
DELETED = Table(
    "emulator_deleted_groups",
    METADATA,
    _text("id", primary_key=True),
    _text("customer"),
    Index("emulator_deleted_groups_customer", "customer"),
)

ASSETS = Table(
    "emulator_assets",
    METADATA,
    _number(),
    _text("id", unique=True),
    _text("customer"),
    _text("project"),
    _text("kind"),  # of its group
    _text("group_id"),
    _text("status"),
    _text("folded_name"),
    _text("file"),
    Column("due", Double),
    *_times(),
    _body(),
    Index("emulator_assets_created", "customer", "project", "kind", "status", "created_second", "number"),
    Index("emulator_assets_updated", "customer", "project", "kind", "status", "updated_second", "number"),
    Index("emulator_assets_group", "customer", "project", "kind", "status", "group_id", "created_second", "number"),
    Index("emulator_assets_group_created", "group_id", "status", "created_second", "number"),
    Index("emulator_assets_group_updated", "group_id", "status", "updated_second", "number"),
)
_due = ASSETS.c.due.is_not(None)
Index("emulator_assets_due", ASSETS.c.customer, ASSETS.c.due, sqlite_where=_due, postgresql_where=_due)

# How many records each set holds: to count them anew takes the longer the more there are.
COUNTS = Table(
    "emulator_counts",
    METADATA,
    _text("customer", primary_key=True),
    _text("what", primary_key=True),  # `groups` and `assets` of a project and kind, `members` of a group
    _text("scope", primary_key=True),
    _text("status", primary_key=True),
    Column("size", BigInteger, nullable=False),
    Index("emulator_counts_what", "what", "customer"),
)

VALIDATIONS = Table(
    "emulator_validations",
    METADATA,
    _number(),
    _text("token", unique=True),
    Column("expires", Double, nullable=False),
    _body(),
    Index("emulator_validations_expires", "expires"),
)

JOBS = Table(
    "emulator_jobs",
    METADATA,
    _number(),
    _text("id", unique=True),
    _text("customer"),
    _text("kind"),
    Column("created", Double, nullable=False),
    Column("due", Double),
    _body(),
    Index("emulator_jobs_customer", "customer", "number"),
    Index("emulator_jobs_created", "customer", "created"),
)
_due = JOBS.c.due.is_not(None)
Index("emulator_jobs_due", JOBS.c.customer, JOBS.c.due, sqlite_where=_due, postgresql_where=_due)

FILES = Table(
    "emulator_files",
    METADATA,
    _text("key", primary_key=True),
    _text("content_type"),
    Column("served_until", Double),
    Column("content", LargeBinary, nullable=False),
    Index("emulator_files_served_until", "served_until"),
)

RECORDS = (CUSTOMERS, GROUPS, DELETED, ASSETS, COUNTS, VALIDATIONS, JOBS, FILES)
"""All that a reset forgets."""

STEPS: tuple[tuple[str, ...], ...] = ()
"""The statements from each version to the next; see `portrait.sql.migration`."""
