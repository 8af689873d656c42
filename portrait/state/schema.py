"""The tables of the state, the same on both engines, and the numbered steps from one version to the next.

Not Alembic: its scripts are run by whoever deploys, and a state is brought to its version by the first process that
opens it, inside of one transaction and under a lock. The steps are statements, and so they are kept here.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

from portrait.sql import migration

METADATA = MetaData()


def _key() -> tuple[Column[str], ...]:
    return tuple(Column(name, Text, primary_key=True) for name in ("account", "scope", "item"))


# One row: `version` of the tables, and when they took the place of tables that were lost; NULL where none were.
META = Table("portrait_state", METADATA, Column("version", Integer, nullable=False), Column("replaced_at", Double))

CREATES = Table(
    "portrait_creates",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("begun_at", Double, nullable=False),
    Column("answered_at", Double),
    Column("result_id", Text),
    Index("portrait_creates_item", "account", "scope", "item", "begun_at"),
    Index("portrait_creates_begun", "account", "scope", "begun_at"),
    Index("portrait_creates_answered", "account", "scope", "answered_at"),
    Index("portrait_creates_result", "account", "result_id"),
    Index("portrait_creates_age", "begun_at"),
)

CLAIMS = Table(
    "portrait_claims",
    METADATA,
    *_key(),
    Column("token", Text, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("portrait_claims_age", "expires_at"),
)

UPLOADS = Table(
    "portrait_uploads",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("part_size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("upload_id", Text),
    Column("foreign", Boolean, nullable=False),
    Column("begun_at", Double, nullable=False),
    Index("portrait_uploads_id", "upload_id"),
    Index("portrait_uploads_age", "begun_at"),
)

PARTS = Table(
    "portrait_parts",
    METADATA,
    Column("source", Text, ForeignKey(UPLOADS.c.source, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("etag", Text),
)

ERASURES = Table(
    "portrait_erasures",
    METADATA,
    *_key(),
    Column("group_id", Text, nullable=False),
    Column("finished_at", Double),
    Index("portrait_erasures_age", "finished_at"),
)

ERASED_OBJECTS = Table(
    "portrait_erased_objects",
    METADATA,
    *_key(),
    Column("address", Text, primary_key=True),
)

LEASES = Table(
    "portrait_leases",
    METADATA,
    *_key(),
    Column("holder", Text, primary_key=True),
    Column("asset_id", Text),
    Column("expires_at", Double, nullable=False),
    Index("portrait_leases_holder", "account", "scope", "holder"),
    Index("portrait_leases_age", "expires_at"),
)

# One row for each pool, which whoever decides about the pool has locked. `closed_until`: its group is being removed.
POOLS = Table(
    "portrait_pools",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("used_at", Double, nullable=False),
    Column("closed_until", Double),
    Index("portrait_pools_age", "used_at"),
)

# `evicted_until`: somebody is deleting it; without `deleted_at` it is not known whether it was deleted.
POOL_ASSETS = Table(
    "portrait_pool_assets",
    METADATA,
    *_key(),
    Column("asset_id", Text, primary_key=True),
    Column("used_at", Double, nullable=False),
    Column("evicted_until", Double),
    Column("deleted_at", Double),
    Index("portrait_pool_assets_age", "used_at"),
    Index("portrait_pool_assets_deleted", "deleted_at"),
)

WAITERS = Table(
    "portrait_waiters",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("ticket", Integer, nullable=False),
    Column("expires_at", Double, nullable=False),
    Index("portrait_waiters_age", "expires_at"),
)

PACE = Table(
    "portrait_pace",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("action", Text, primary_key=True),
    Column("next_at", Double, nullable=False),
    Column("rate", Double),
    Column("limit", Double, nullable=False),
    Column("lowered_at", Double, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("window_at", Double, nullable=False),
    Column("count", Integer, nullable=False),
    Column("previous", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Index("portrait_pace_age", "next_at"),
)


# `STEPS[n]` holds the statements from version n + 1 to n + 2. New tables are made by METADATA alone; whoever changes a
# table changes it above and adds the step for those that exist.
STEPS: tuple[tuple[str, ...], ...] = (
    ("DROP TABLE portrait_pace",),  # it held turns alone, and holds what was learnt of a limit now
    (),  # pools, their assets, and who waits for a slot
    ("DROP TABLE portrait_pace",),  # what was learnt was one number, from which a limit cannot be told
)


def migrate(connection: Connection, replaced_at: float | None = None) -> None:
    """Bring the tables to this version, inside of the caller's transaction.

    Args:
        connection: In a transaction that writes.
        replaced_at: For new tables: when they take the place of lost ones, in seconds since 1970; None if they do not.

    Raises:
        UsageError: A newer version of this library made them.
    """
    migration.migrate(connection, META, STEPS, "state", {"replaced_at": replaced_at})
