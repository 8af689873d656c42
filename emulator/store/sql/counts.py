"""The sizes of a customer's sets of records, kept up to date: to count the records anew would take long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from attrs import frozen
from sqlalchemy import ClauseElement, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from emulator.domain.records import Asset, Group
from emulator.store.sql.rows import Row
from emulator.store.sql.schema import COUNTS
from emulator.store.sql.session import Session, Values
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
_OF_SCOPE = _OF_ALL.where(COUNTS.c.scope == bindparam("scope"))
_FORGET = delete(COUNTS).where(_MINE, COUNTS.c.what == "members", COUNTS.c.scope == bindparam("scope"))


class Counts:
    """One customer's counts in a transaction.

    Args:
        session: In the transaction.
        customer: Whose.
    """

    __slots__ = ("_changes", "_customer", "_session")

    def __init__(self, session: Session, customer: str) -> None:
        self._session, self._customer = session, customer
        self._changes: Counter[Set] = Counter()

    def add(self, sets: Iterable[Set], count: int = 1) -> None:
        """A record has come into these sets, or has left them with -1."""
        for each in sets:
            self._changes[each] += count

    def flush(self) -> None:
        """Write what has changed."""
        if self._changes:
            self._session.run_many(_ADD[self._session.engine], count_rows(self._customer, self._changes))
            self._changes.clear()

    def by_status(self, what: str, scopes: Iterable[str] | None = None) -> Counter[str]:
        """How many records some sets hold, by their state; all sets of that kind where no scopes are named."""
        self.flush()
        values, found = {"customer": self._customer, "what": what}, Counter[str]()
        if scopes is None:
            found.update(self._sizes(_OF_ALL, values))
        for scope in scopes or ():
            found.update(self._sizes(_OF_SCOPE, {**values, "scope": scope}))
        return found

    def _sizes(self, statement: ClauseElement, values: Values) -> dict[str, int]:
        return {status: int(size) for status, size in self._session.rows(statement, values)}

    def drop_group(self, group: Group) -> None:
        """A group and its members are gone at once, whenever they are freed."""
        members = self.by_status("members", [group.id])
        scope = project_scope(group.project, group.kind)
        for status, count in members.items():
            self._changes[Set("assets", scope, status)] -= count
        self._changes[group_set(group)] -= 1
        self._session.run(_FORGET, {"customer": self._customer, "scope": group.id})
