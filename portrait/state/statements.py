"""Parts of statements, which are built once, at import; a `Transaction` runs them.

To build a statement costs more than to run it on a small file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Table,
    and_,
    bindparam,
    delete,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

from portrait.state.records import Key

PREFIX = "value_"  # a parameter of a column's name would be a value for that column


def param(name: str) -> BindParameter[Any]:
    """A value that is given when the statement runs."""
    return bindparam(f"{PREFIX}{name}")


def params(name: str, count: int) -> list[BindParameter[Any]]:
    """So many values that are given when the statement runs, for `in_`; `**numbered(name, values)` are they."""
    return [param(f"{name}{number}") for number in range(count)]


def numbered(name: str, values: Iterable[object]) -> dict[str, object]:
    """The values of `params`."""
    return {f"{name}{number}": value for number, value in enumerate(values)}


def equal(table: Table, *names: str) -> ColumnElement[bool]:
    """The rows whose columns of these names have the values of the parameters of these names."""
    return and_(*(table.c[name] == param(name) for name in names))


def about_key(table: Table) -> ColumnElement[bool]:
    """The rows of a key; `**key._asdict()` are its parameters."""
    return equal(table, *Key._fields)


class Upsert:
    """Inserts a row, or changes the one of the same primary key.

    Args:
        table: Into which; each row has all of its columns.
        where: Change the one that is there only if it fulfils this.
        change: Whether to change it at all.
        only: The columns to change; None for all but the key. With the key's own, the row is locked and stays as it is.
    """

    def __init__(
        self,
        table: Table,
        *,
        where: ColumnElement[bool] | None = None,
        change: bool = True,
        only: Sequence[str] | None = None,
    ) -> None:
        keys = list(table.primary_key)
        names = only or [column.name for column in table.c if column not in keys]
        self.by_engine = {}
        for engine in (sqlite, postgresql):
            insert = engine.insert(table)
            rest = {name: insert.excluded[name] for name in names}
            self.by_engine[engine.dialect.name] = (
                insert.on_conflict_do_update(index_elements=keys, set_=rest, where=where)
                if change
                else insert.on_conflict_do_nothing(index_elements=keys)
            )


class Retention:
    """Deletes a few rows that are too old. Each write takes some along, so that none has to take many.

    Args:
        age: An indexed column of seconds since 1970.
        keep: Seconds after which a row is too old.
        most: How many rows go at once.
    """

    def __init__(self, age: ColumnElement[float | None], keep: float, most: int = 20) -> None:
        self.keep = keep
        table = age.table
        keys = list(table.primary_key)
        # Rows that another transaction has locked are its business, and not worth a wait or a deadlock.
        oldest = select(*keys).where(age < param("before")).order_by(age).limit(most).with_for_update(skip_locked=True)
        self.statement = delete(table).where(tuple_(*keys).in_(oldest))
