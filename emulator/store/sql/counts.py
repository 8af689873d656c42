"""How many records each set of a customer holds: counted as they come and go, for to count them anew takes long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from attrs import frozen
from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from emulator.domain.records import Asset, Group
from emulator.store.sql.rows import Row
from emulator.store.sql.schema import COUNTS
from portrait.models import GroupType


@frozen
class Set:
    """A set of one customer's records.

    Attributes:
        what: `groups` and `assets` are of a project and kind, `members` of a group.
        scope: The project and kind, or the group's id.
        status: The state of all of its assets, "" for groups.
    """

    what: str
    scope: str
    status: str = ""


def project_scope(project: str, kind: GroupType) -> str:
    """The scope of a project and kind."""
    return f"{kind} {project}"


def group_set(group: Group) -> Set:
    """The set that a group is in."""
    return Set("groups", project_scope(group.project, group.kind))


def asset_sets(asset: Asset) -> tuple[Set, Set]:
    """The sets that an asset is in."""
    scope = project_scope(asset.project, asset.group_kind)
    return Set("assets", scope, asset.status), Set("members", asset.group_id, asset.status)


def count_rows(customer: str, changes: Counter[Set]) -> Iterator[Row]:
    """The rows of counts, or of changes of them."""
    for each, size in changes.items():
        if size:
            yield {
                "customer": customer,
                "what": each.what,
                "scope": each.scope,
                "status": each.status,
                "size": size,
            }


def _upsert(engine: postgresql.Insert | sqlite.Insert) -> postgresql.Insert | sqlite.Insert:
    added = COUNTS.c.size + engine.excluded.size
    return engine.on_conflict_do_update(index_elements=list(COUNTS.primary_key), set_={"size": added})


_ADD = {"sqlite": _upsert(sqlite.insert(COUNTS)), "postgresql": _upsert(postgresql.insert(COUNTS))}
_MINE = COUNTS.c.customer == bindparam("customer")
_BY_STATUS = select(COUNTS.c.status, func.sum(COUNTS.c.size)).where(_MINE).group_by(COUNTS.c.status)
_OF_ALL = _BY_STATUS.where(COUNTS.c.what == bindparam("what"))
_OF_SCOPES = _OF_ALL.where(COUNTS.c.scope.in_(bindparam("scopes", expanding=True)))
_FORGET = delete(COUNTS).where(_MINE, COUNTS.c.what == "members", COUNTS.c.scope == bindparam("scope"))


class Counts:
    """One customer's counts in a transaction.

    Args:
        connection: In the transaction.
        customer: Whose.
    """

    __slots__ = ("_changes", "_connection", "_customer")

    def __init__(self, connection: Connection, customer: str) -> None:
        self._connection, self._customer = connection, customer
        self._changes: Counter[Set] = Counter()

    def add(self, sets: Iterable[Set], count: int = 1) -> None:
        """A record has come into these sets, or has left them with -1."""
        for each in sets:
            self._changes[each] += count

    def flush(self) -> None:
        """Write what has changed."""
        rows = list(count_rows(self._customer, self._changes))
        if rows:
            self._connection.execute(_ADD[self._connection.dialect.name], rows)
        self._changes.clear()

    def by_status(self, what: str, scopes: Iterable[str] | None = None) -> dict[str, int]:
        """How many records some sets hold, by their state; all sets of that kind where no scopes are named."""
        self.flush()
        values = {"customer": self._customer, "what": what, "scopes": list(scopes or ())}
        return {
            status: int(count)
            for status, count in self._connection.execute(_OF_ALL if scopes is None else _OF_SCOPES, values)
        }

    def drop_group(self, group: Group) -> None:
        """A group and its members are gone at once, whenever they are freed."""
        members = self.by_status("members", [group.id])
        scope = project_scope(group.project, group.kind)
        for status, count in members.items():
            self._changes[Set("assets", scope, status)] -= count
        self._changes[group_set(group)] -= 1
        self._connection.execute(_FORGET, {"customer": self._customer, "scope": group.id})
