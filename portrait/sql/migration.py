"""The numbered versions of a set of tables, and the steps from each to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, insert, inspect, select, update

from portrait.errors import UsageError

# Any number that is ours alone: two processes that open an empty PostgreSQL database take turns by it. It is a lock of
# the transaction, so that it works through a pooler as well.
_LOCK = 0x706F7274


def migrate(
    connection: Connection, versions: Table, steps: Sequence[Sequence[str]], what: str, first: dict[str, Any]
) -> None:
    """Bring tables to their newest version, inside of the caller's transaction.

    Args:
        connection: In a transaction that writes.
        versions: The table whose one row has the `version`; its metadata holds the other tables as they are now.
        steps: The statements from version n + 1 to n + 2, by n. New tables are made by the metadata alone.
        what: What the tables keep, for messages.
        first: The other values of the row, for new tables.

    Raises:
        UsageError: A newer version of this library made them.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    wanted, version = len(steps) + 1, read_version(connection, versions)
    if version > wanted:
        raise UsageError(
            f"The {what} was made by a newer portrait: its version is {version}, this one knows {wanted}.",
            advice=f"Upgrade portrait-actions, or name another {what}.",
        )
    if version == wanted:
        return
    for step in steps[version - 1 :] if version else ():
        for statement in step:
            connection.exec_driver_sql(statement)
    versions.metadata.create_all(connection)
    if version:
        connection.execute(update(versions).values(version=wanted))
    else:
        connection.execute(insert(versions).values(version=wanted, **first))


def read_version(connection: Connection, versions: Table) -> int:
    """The version of the tables; 0 where there are none yet."""
    if not inspect(connection).has_table(versions.name):
        return 0
    return int(connection.execute(select(func.max(versions.c.version))).scalar() or 0)
