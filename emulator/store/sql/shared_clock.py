"""Keeps the settable clocks of all processes on a store at one time, which a restart continues.

The store holds the time: a process whose clock is behind follows it, one whose clock is ahead moves it on. The
machine's clock needs none of this.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, bindparam, or_, select, update

from emulator.clocks import ScaledClock, SettableClock
from emulator.store.sql.schema import CUSTOMERS, META
from emulator.store.sql.session import Session

# Seconds by which a clock that runs may be ahead of the store's: nobody has seen a difference that is smaller.
_TOLERANCE = 1.0

_READ = select(META.c.clock, META.c.clock_set)
_ADVANCE = (
    update(META)
    .where(or_(META.c.clock.is_(None), META.c.clock < bindparam("moment")), META.c.clock_set == bindparam("known"))
    .values(clock=bindparam("moment"))
)
_SET = update(META).values(clock=bindparam("moment"), clock_set=META.c.clock_set + 1).returning(META.c.clock_set)

_MOMENT = (select(META.c.clock).scalar_subquery(), select(META.c.clock_set).scalar_subquery())
"""The arguments of `follow`, as columns of another statement."""


def with_moment(statement: Select[Any]) -> Select[Any]:
    """The statement that locks a customer, with what `follow` takes."""
    return statement.add_columns(*_MOMENT).with_for_update(of=CUSTOMERS)


class SharedClock:
    """A process's clock, which moves forwards with those of the others and is set back with them.

    Args:
        clock: The process's.
    """

    def __init__(self, clock: SettableClock) -> None:
        self._clock = clock
        self._tolerance = _TOLERANCE if isinstance(clock, ScaledClock) else 0.0
        self._known = 0  # how often the store's clock had been set, as far as this process knows

    def open(self, session: Session) -> None:
        """Go on at the time of the store; one without a time takes the clock's."""
        moment, times_set = session.row(_READ, {})
        self._known = times_set
        if moment is not None:
            self._clock.set(moment)
        self.lead(session, moment)

    def synchronize(self, session: Session) -> None:
        """Have both agree."""
        self.lead(session, self.follow(*session.row(_READ, {})))

    def follow(self, moment: float, times_set: int) -> float:
        """Set the clock to the store's time if that is later, or was set since; returns the store's time."""
        if times_set > self._known or (times_set == self._known and moment > self._clock.now()):
            self._known = times_set
            self._clock.set(moment)
        return moment

    def lead(self, session: Session, moment: float | None) -> None:
        """Move the store's time on to the clock's, where `moment` is what the store's was."""
        now = self._clock.now()
        if moment is None or now > moment + self._tolerance:
            session.run(_ADVANCE, {"moment": now, "known": self._known})

    def set(self, connection: Connection, moment: float) -> None:
        """Set the store's time and the clock, back too."""
        self._known = int(connection.execute(_SET, {"moment": moment}).scalar_one())
        self._clock.set(moment)
