"""Taking the state of an emulator, and restoring it here or in another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from attrs import evolve, field, frozen

from emulator.clocks import SettableClock
from emulator.domain.jobs import Generation, Task
from emulator.domain.ports import StoredFile
from emulator.domain.records import Asset, Customer, Group, Validation
from emulator.gc_policy import collector_paused
from emulator.store.base import Contents, Store
from portrait.clock import Clock

R = TypeVar("R")

MOMENTS: Mapping[type, tuple[str, ...]] = MappingProxyType(
    {
        Customer: ("minute", "hidden_until"),
        Group: ("created", "updated", "visible_from"),
        Asset: ("created", "updated", "visible_from", "due", "used"),
        Validation: ("created", "expires"),
        Task: ("created", "expected", "ended"),
        Generation: ("created", "starts", "due", "ended"),
        StoredFile: ("served_until",),
    }
)
"""The fields of each kind of record that are times, in seconds since 1970; 0 and None are none."""


@frozen(kw_only=True)
class Snapshot:
    """The state of an emulator at one moment: all records and the time, without rules and the call log.

    Attributes:
        now: When it was taken, in seconds since 1970.
        contents: The records. They hold tokens; the JSON of `encode` does not.
    """

    now: float
    contents: Contents = field(repr=False)

    def moved_to(self, now: float) -> Snapshot:
        """The same state at another moment: everything is as old, and ends as soon, as it was and did.

        Times move by whole seconds, so that what was created in one second stays together and in its order.
        """
        ahead = float(round(now - self.now))
        if not ahead:
            return self
        contents = self.contents
        return evolve(
            self,
            now=now,
            contents=evolve(
                contents,
                # What was called in the last second or minute is of no account at another time.
                customers=tuple(evolve(_moved(each, ahead), calls={}, listed=(0.0, 0)) for each in contents.customers),
                groups=tuple(_moved(each, ahead) for each in contents.groups),
                assets=tuple(_moved(each, ahead) for each in contents.assets),
                validations=tuple(_moved(each, ahead) for each in contents.validations),
                jobs=tuple(_moved(each, ahead) for each in contents.jobs),
                files={key: _moved(file, ahead) for key, file in contents.files.items()},
            ),
        )


def _moved(record: R, ahead: float) -> R:
    values: Iterator[tuple[str, Any]] = ((name, getattr(record, name)) for name in MOMENTS[type(record)])
    moved: R = evolve(record, **{name: value + ahead for name, value in values if value})  # type: ignore[misc]
    return moved


class Snapshots:
    """Takes and restores the state of one emulator.

    Args:
        store: Its records.
        clock: Its clock.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def take(self) -> Snapshot:
        """The state as it is now."""
        with collector_paused():
            return Snapshot(now=self._clock.now(), contents=self._store.copy())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a state, this emulator's or another's, any number of times.

        The clock is set to the snapshot's time, back too. The machine's clock cannot be set: there the times of the
        records move instead, so that what had 3 seconds left has 3 seconds left.
        """
        clock = self._clock
        with collector_paused():
            if isinstance(clock, SettableClock):
                self._store.restore(snapshot.contents, snapshot.now)
            else:
                self._store.restore(snapshot.moved_to(clock.now()).contents)
