"""What a client remembers of its creates: within this process, and across processes in a state if it has one."""

from __future__ import annotations

import contextlib
import os
import threading
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from attrs import field, frozen

from portrait.clock import Clock
from portrait.errors import PortraitError
from portrait.pace import Change, MemoryPaces, PaceTable
from portrait.single_flight import SingleFlight

if TYPE_CHECKING:
    from portrait.state.records import Key
    from portrait.state.state import State

T = TypeVar("T")


class LazyState:
    """A state that was passed in, or one that is opened at its first use. Safe across threads.

    Args:
        location: A state, or where one is; None for none.
        clock: Of the client.
    """

    def __init__(self, location: str | os.PathLike[str] | State | None, clock: Clock) -> None:
        self._location = location
        self._clock = clock
        self._lock = threading.Lock()
        self._state: State | None = None

    @property
    def is_none(self) -> bool:
        """Whether there is none; asking opens nothing."""
        return self._location is None

    def open(self) -> State | None:
        """The state; None if there is none. It blocks.

        Raises:
            UsageError: `state=` names none, or a library that it needs is not installed.
        """
        location = self._location
        if location is None:
            return None
        if not isinstance(location, (str, os.PathLike)):
            return location
        from portrait.state import open_state  # noqa: PLC0415  (loads the database library)

        with self._lock:
            if self._state is None:
                self._state = open_state(location, self._clock)
            return self._state

    def close(self) -> None:
        """Close a state that was opened here; one that was passed in stays open."""
        with self._lock:
            if self._state is not None:
                self._state.close()


class Memory:
    """Shared by a client and those derived from it. Safe across threads.

    Args:
        state: A state, or where one is; None remembers nothing across processes.
        clock: Of the client.
        base_url: Of the service.
        credential: The API key, or the access key id; the state holds a digest of both.

    Attributes:
        single_flight: The creates of this process that are running.
    """

    def __init__(
        self,
        clock: Clock,
        state: str | os.PathLike[str] | State | None = None,
        base_url: str = "",
        credential: str = "",
    ) -> None:
        self.single_flight = SingleFlight()
        self._clock = clock
        self._state = LazyState(state, clock)
        self._account = base_url, credential

    def open_state(self) -> State | None:
        """As `LazyState.open`."""
        return self._state.open()

    @cached_property
    def account(self) -> str:
        """The account's digest, under which the state has its creates."""
        from portrait.state.records import account_digest  # noqa: PLC0415  (only where there is a state)

        return account_digest(*self._account)

    def key(self, scope: str, item: str) -> Key:
        """The state's key for something of this account."""
        from portrait.state.records import Key  # noqa: PLC0415  (only where there is a state)

        return Key(self.account, scope, item)

    def paces(self) -> PaceTable:
        """The paces of this account: in the state if there is one, and of this client else."""
        return MemoryPaces(self._clock) if self._state.is_none else _StatePaces(self)

    def forget(self, deleted_id: str) -> None:
        """Something was deleted. It blocks."""
        # It is gone, whether that can be written down or not; an id that is not there is noticed when it is used.
        with contextlib.suppress(PortraitError):
            state = self.open_state()
            if state is not None:
                state.creates.forget(self.account, deleted_id)

    def close(self) -> None:
        """As `LazyState.close`."""
        self._state.close()


@frozen
class _StatePaces:
    """The paces of an account, for all who share the state."""

    memory: Memory
    blocks: bool = field(default=True, init=False)

    def update(self, action: str, change: Change[T]) -> T:
        """As `PaceTable.update`."""
        state = self.memory.open_state()
        assert state is not None  # noqa: S101  (`Memory.paces` has seen that there is one)
        return state.paces.update(self.memory.account, action, change)
