"""What a client remembers of its creates: within this process, and across processes in a state if it has one."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve, field, frozen

from portrait.clock import Clock
from portrait.errors import PortraitError
from portrait.flow import Flow, RunBlocking
from portrait.pace import Change, MemoryPaces, PaceTable
from portrait.recent_creates import LAG, VISIBILITY_LAG
from portrait.single_flight import SingleFlight

if TYPE_CHECKING:
    from portrait.endpoint import Endpoint
    from portrait.options import ClientOptions
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

    @property
    def is_open(self) -> bool:
        """Whether `open` does not block."""
        return self._state is not None or not isinstance(self._location, (str, os.PathLike))

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

    @classmethod
    def of_client(cls, options: ClientOptions, base_url: str, state: str | os.PathLike[str] | State | None) -> Memory:
        """What a client remembers of its account in a state."""
        return cls(options.clock, state, base_url, options.access_key or options.api_key or "")

    @property
    def is_open(self) -> bool:
        """As `LazyState.is_open`."""
        return self._state.is_open

    @property
    def has_state(self) -> bool:
        """Whether anything is remembered across processes; asking opens nothing."""
        return not self._state.is_none

    def open_state(self) -> State | None:
        """As `LazyState.open`."""
        return self._state.open()

    @cached_property
    def account(self) -> str:
        """The account's digest, under which the state has its creates."""
        from portrait.state.records import account_digest  # noqa: PLC0415  (only where there is a state)

        return account_digest(*self._account)

    def paces(self) -> PaceTable:
        """The paces of this account: in the state if there is one, and of this client else."""
        return _StatePaces(self) if self.has_state else MemoryPaces(self._clock)

    def forget(self, deleted_id: str) -> None:
        """Something was deleted. It blocks."""
        self.single_flight.forget(deleted_id)
        # It is gone, whether that can be written down or not; an id that is not there is noticed when it is used.
        with contextlib.suppress(PortraitError):
            state = self.open_state()
            if state is not None:
                state.creates.forget(self.account, deleted_id)

    def create_age(self, some_id: str) -> float | None:
        """Seconds since something was created, as the state knows; None if it does not. It blocks."""
        with contextlib.suppress(PortraitError):  # then nothing explains that it is not there
            state = self.open_state()
            return None if state is None else state.creates.age(self.account, some_id)
        return None

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


def remembering(endpoint: Endpoint, memory: Memory) -> Endpoint:
    """The endpoint of a client with what it remembers by."""
    if memory.has_state:
        endpoint = evolve(endpoint, forget=memory.forget, create_age=memory.create_age)
    return evolve(endpoint, paces=memory.paces())


def open_state(memory: Memory) -> Flow[State | None]:
    """The client's state; None without one.

    Raises:
        UsageError: As `LazyState.open`.
    """
    if memory.is_open:
        return memory.open_state()
    return (yield RunBlocking(memory.open_state))  # type: ignore[no-any-return]


def settle_delay(created_at: float | None, now: float) -> float:
    """Seconds until lists surely show what was created at that time; both times are in the same clock's seconds."""
    return 0.0 if created_at is None else min(max(0.0, created_at + LAG - now), LAG)


def recall(
    endpoint: Endpoint, memory: Memory, scope: str, missing: Iterable[str], seconds: float = VISIBILITY_LAG
) -> Flow[tuple[dict[str, str], float]]:
    """What is known of things that a list lacks: ids by item, and seconds for which others may be missing from a list.

    Args:
        endpoint: Of the client; the ids count as its own fresh creates from now on.
        memory: Of the client.
        scope: Where.
        missing: The items that a list lacks, or may lack.
        seconds: How far back to look for ids.

    Raises:
        StateError: The state cannot be read.
    """
    items = {item: memory.single_flight.completed_at((scope, item)) for item in missing}
    state = yield from open_state(memory)
    now = endpoint.clock.monotonic()
    lags = {item: settle_delay(completed_at, now) for item, completed_at in items.items()}
    if state is None or not items:
        return {}, max(lags.values(), default=0.0)
    creates, age = yield RunBlocking(partial(state.creates.recent, memory.account, scope, seconds))
    known: dict[str, str] = {}
    for create in creates:
        item = create.key.item
        if item in items and create.result_id is not None:
            known[item] = create.result_id
            endpoint.recent.add(create.result_id, now - create.age)
        elif item in items:
            lags[item] = max(lags[item], settle_delay(-create.age, 0.0))
    # What a state that was lost knew may be hidden as well.
    lost = 0.0 if age is None else settle_delay(-age, 0.0)
    unknown = [max(lag, lost) for item, lag in lags.items() if item not in known]
    return known, max(unknown, default=0.0)
