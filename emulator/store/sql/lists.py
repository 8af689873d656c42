"""The statements of lists: a page and its total, read from indexes that are in the order that was asked for.

A list is about one project and kind, or about some groups, and about some states. Each of their combinations is a
branch, which an index has in order; a page is what the branches' beginnings give together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from attrs import frozen
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    select,
    true,
    tuple_,
    union_all,
)

from emulator.domain.ports import AssetQuery, ListQuery
from emulator.store.sql.schema import ASSETS, DELETED, GROUPS, SafeText
from emulator.store.sql.session import Session
from portrait.models import AssetStatus, SortBy

_MOST_GROUPS = 16  # that have branches of their own; a list of more is sorted when it is read
_MOST_SHAPES = 500  # whose statements are kept
_ORDERS: Mapping[SortBy, tuple[str, ...]] = {
    SortBy.CREATE_TIME: ("created_second", "number"),
    SortBy.UPDATE_TIME: ("updated_second", "number"),
    SortBy.GROUP_ID: ("group_id", "created_second", "number"),
}
# A part of a name in a name whose letters have one case.
_FIND: Mapping[str, Callable[..., Any]] = {"sqlite": func.instr, "postgresql": func.strpos}


@frozen
class _Shape:
    """The shape of a statement: everything but its values.

    Attributes:
        groups: How many groups it is about; None for a project.
        states: How many states it is about; None for a list of groups.
        narrowed: Which of the query's `name`, `before`, `visible_at` and `after` there are.
        deleted: Whether there are groups whose assets have yet to be freed.
    """

    engine: str
    groups: int | None
    states: int | None
    sort: SortBy
    descending: bool
    narrowed: frozenset[str]
    deleted: bool


def read_page(session: Session, customer: str, query: ListQuery, groups: Sequence[str], *, deleted: bool) -> list[str]:
    """The bodies of one page.

    Args:
        session: In a transaction.
        customer: Whose.
        query: What is asked for.
        groups: Where it names groups: those that are the customer's, and of the project and kind.
        deleted: Whether there are groups whose assets have yet to be freed.
    """
    shape = _shape(session, query, groups, deleted=deleted)
    values = _values(customer, query, groups) | {"limit": query.limit, "offset": query.offset}
    values["reach"] = query.offset + query.limit
    return [body for (body,) in session.rows(_page_statement(shape), values)]


def count(session: Session, customer: str, query: ListQuery, groups: Sequence[str], *, deleted: bool) -> int:
    """How many a query finds in all, read one by one; arguments as above."""
    shape = _shape(session, query, groups, deleted=deleted)
    return int(session.value(_count_statement(shape), _values(customer, query, groups)))


def states_of(query: AssetQuery) -> tuple[AssetStatus, ...]:
    """The states that a query is about."""
    return tuple(dict.fromkeys(query.statuses)) or tuple(AssetStatus)


def _shape(session: Session, query: ListQuery, groups: Sequence[str], *, deleted: bool) -> _Shape:
    present = {
        "name": bool(query.name),
        **{at: getattr(query, at) is not None for at in ("before", "visible_at", "after")},
    }
    return _Shape(
        engine=session.engine,
        groups=len(groups) if query.group_ids else None,
        states=len(states_of(query)) if isinstance(query, AssetQuery) else None,
        sort=query.sort,
        descending=query.descending,
        narrowed=frozenset(name for name, there in present.items() if there),
        deleted=deleted,
    )


def _values(customer: str, query: ListQuery, groups: Sequence[str]) -> dict[str, Any]:
    """The values of a query's parameters."""
    values: dict[str, Any] = {"customer": customer, "project": query.project, "kind": query.kind}
    values |= {f"group_{place}": group for place, group in enumerate(groups)}
    if isinstance(query, AssetQuery):
        values |= {f"state_{place}": state for place, state in enumerate(states_of(query))}
    values |= {"part": query.name.casefold(), "before": query.before, "visible_at": query.visible_at}
    after = query.after
    if after is not None:
        values |= {"after_created_second": int(after.created), "after_updated_second": int(after.updated)}
        values |= {"after_number": after.number, "after_group_id": after.group_id}
    return values


@lru_cache(_MOST_SHAPES)
def _page_statement(shape: _Shape) -> Select[Any]:
    table, branches = _branches(shape)
    order = _order(table.c, shape)
    if len(branches) == 1:
        page = select(table.c.body).where(branches[0]).order_by(*order)
        return page.limit(bindparam("limit")).offset(bindparam("offset"))
    columns = [table.c[name] for name in _ORDERS[shape.sort]]
    heads = (select(*columns).where(each).order_by(*order).limit(bindparam("reach")) for each in branches)
    found = union_all(*(select(head.subquery()) for head in heads)).subquery()
    numbers = (
        select(found).order_by(*_order(found.c, shape)).limit(bindparam("limit")).offset(bindparam("offset")).subquery()
    )
    rows = select(table.c.body).join(numbers, numbers.c.number == table.c.number)
    return rows.order_by(*_order(numbers.c, shape))


@lru_cache(_MOST_SHAPES)
def _count_statement(shape: _Shape) -> Select[Any]:
    table, branches = _branches(shape)
    found = union_all(*(select(table.c.number).where(each) for each in branches)).subquery()
    return select(func.count()).select_from(found)


def _branches(shape: _Shape) -> tuple[Table, list[ColumnElement[bool]]]:
    """The table, and the conditions of the branches; no row fulfils two of them."""
    if shape.states is None:
        return GROUPS, [_in_project(GROUPS) & _narrowed(GROUPS, shape) & _named(shape)]
    states = [ASSETS.c.status == bindparam(f"state_{place}") for place in range(shape.states)]
    rest = _narrowed(ASSETS, shape)
    return ASSETS, [scope & state & rest for scope in _scopes(shape) for state in states]


def _scopes(shape: _Shape) -> list[ColumnElement[bool]]:
    """Of a list of assets: its project and kind, or its groups, which are of both."""
    if shape.groups is None:
        return [_in_project(ASSETS)]
    if shape.groups > _MOST_GROUPS:
        return [ASSETS.c.group_id.in_(_group_parameters(shape.groups))]
    return [ASSETS.c.group_id == each for each in _group_parameters(shape.groups)]


def _group_parameters(count: int) -> list[BindParameter[str]]:
    return [bindparam(f"group_{place}") for place in range(count)]


def _in_project(table: Table) -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(name) for name in ("customer", "project", "kind")))


def _narrowed(table: Table, shape: _Shape) -> ColumnElement[bool]:
    """The conditions of records besides their branch."""
    conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
        "name": lambda: _FIND[shape.engine](table.c.folded_name, bindparam("part", type_=SafeText)) > 0,
        "before": lambda: table.c.created <= bindparam("before"),
        "visible_at": lambda: table.c.visible_from <= bindparam("visible_at"),
        "after": lambda: _behind(table, shape),
    }
    found = [condition() for name, condition in conditions.items() if name in shape.narrowed]
    if shape.deleted and table is ASSETS:
        found.append(~exists().where(DELETED.c.id == ASSETS.c.group_id))
    return and_(true(), *found)


def _named(shape: _Shape) -> ColumnElement[bool]:
    return true() if shape.groups is None else GROUPS.c.id.in_(_group_parameters(shape.groups))


def _behind(table: Table, shape: _Shape) -> ColumnElement[bool]:
    """Behind a position in the order; the record there may be gone."""
    names = _ORDERS[shape.sort]
    here = tuple_(*(table.c[name] for name in names))
    there = tuple_(*(bindparam(f"after_{name}", type_=table.c[name].type) for name in names))
    return here < there if shape.descending else here > there


def _order(columns: Any, shape: _Shape) -> list[ColumnElement[Any]]:
    """The columns of that order, each in its direction."""
    names = _ORDERS[shape.sort]
    return [columns[name].desc() if shape.descending else columns[name] for name in names]
