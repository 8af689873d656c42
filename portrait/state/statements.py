"""Statements, which are built once, at import, and their texts; a `Transaction` runs them.

To build a statement costs more than to run it on a small file, and so does what SQLAlchemy does each time to run one
that was built: the text of each is made once, and the driver gets it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from attrs import frozen
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
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
_DIALECTS: Mapping[str, Any] = {
    "sqlite": sqlite.dialect(),
    "postgresql": postgresql.psycopg.dialect(),  # type: ignore[no-untyped-call]
}


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


@frozen
class Text:
    """A statement as the driver takes it.

    Attributes:
        sql: The text.
        constants: The values of those parameters that are always the same.
        order: The names of its parameters, in order; None where the driver takes them by their names.
    """

    sql: str
    constants: Mapping[str, object]
    order: Sequence[str] | None

    def arguments(self, values: Mapping[str, object]) -> Any:
        """The values of the parameters, as the driver takes them."""
        named = {**self.constants, **values} if self.constants else values
        return named if self.order is None else tuple([named[name] for name in self.order])


@lru_cache(maxsize=512)
def render(statement: Executable, engine: str) -> Text:
    """The text of a statement for the engine of that name."""
    compiled: Any = statement.compile(dialect=_DIALECTS[engine])  # type: ignore[attr-defined]
    constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
    return Text(str(compiled), constants, compiled.positiontup if compiled.positional else None)
