"""A right that ends by itself, such as a claim or a lease, and is renewed for as long as a flow runs under it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from math import inf

from attrs import define, field

from portrait.clock import Clock, SystemClock


class RightLost(Exception):
    """The right has ended: this process was suspended for too long, and somebody else may have it.

    Attributes:
        right: Which one, where a runner held it.
    """

    def __init__(self, right: Right | None = None) -> None:
        super().__init__()
        self.right = right


@define(eq=False)
class Right:
    """A right that was taken a moment ago, and that a runner renews while it runs a flow.

    Attributes:
        renew: Makes it hold for its whole time again; False where it has ended. It blocks.
        interval: Seconds after which it is renewed.
        release: Gives it up; None leaves that to others. It blocks.
        clock: Of the client.
        due_at: When it is to be renewed before anything else is done, in monotonic seconds.
    """

    renew: Callable[[], bool]
    interval: float
    release: Callable[[], object] | None
    clock: Clock
    due_at: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.due_at = self.clock.monotonic() + self.interval

    def extend(self) -> None:
        """Renew it. It blocks.

        Raises:
            RightLost: It has ended.
        """
        now, self.due_at = self.clock.monotonic(), -inf
        if not self.renew():
            raise RightLost(self)
        self.due_at = now + self.interval

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Renew it from beside the block, in a thread, and release it afterwards."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(self.interval):
                self._beat()

        thread = threading.Thread(target=beat, name="portrait-renewal", daemon=True) if self._can_beat else None
        if thread is not None:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            if thread is not None:
                thread.join()
            if self.release is not None:
                self.release()

    @contextlib.asynccontextmanager
    async def async_held(self) -> AsyncIterator[None]:
        """Renew it from beside the block, in a task, and release it afterwards."""

        async def beat() -> None:
            while True:
                await asyncio.sleep(self.interval)
                await asyncio.to_thread(self._beat)

        beats = asyncio.create_task(beat()) if self._can_beat else None
        can_await = True
        try:
            yield
        except GeneratorExit:  # the right ends by itself
            can_await = False
            raise
        finally:
            if beats is not None:
                beats.cancel()
            if can_await and self.release is not None:
                await asyncio.to_thread(self.release)

    @property
    def _can_beat(self) -> bool:
        """Nothing can wait beside a flow on a clock of a test, which moves by waiting."""
        return isinstance(self.clock, SystemClock)

    def _beat(self) -> None:
        """Renew it; that it was lost, or cannot be renewed, is noticed before the flow's next effect."""
        with contextlib.suppress(Exception):
            self.extend()
