"""Runs the flows of many processes on one manual clock, one effect at a time; what happens next is the seed's choice.

A runner beside `portrait.runners`, for tests: no thread, no task, no real time. A request takes time to reach
the service and its answer takes time to come back, so flows interleave at every effect. A process that is killed stops
where it is: nothing of it runs again, not even its clean-up.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from itertools import count
from math import inf
from random import Random
from typing import Any

from attrs import define, field

from portrait.clock import ManualClock
from portrait.errors import PortraitError
from portrait.flow import Await, Emit, Flow, Gather, Hold, Notify, RunBlocking, Send, Sleep
from portrait.rights import Right, RightLost

MAX_DELAY = 1.5  # seconds, each way between a client and the service


class Endless(AssertionError):
    """A flow has asked for more effects than it may."""


@define(eq=False)
class Task:
    """A flow under way.

    Attributes:
        flow: What is run.
        process: Whose it is.
        rights: Under which it runs.
        emitted: What it has emitted so far.
        effects: How many effects it has asked for, those of its children included.
        result: What it returned.
        error: What it raised; None while it runs, and if it returned.
    """

    flow: Flow[Any] = field(repr=False)
    process: Any
    on_end: Callable[[Task], None] = field(repr=False)
    parent: Task | None = field(default=None, repr=False)
    rights: tuple[Right, ...] = ()
    emitted: list[Any] = field(factory=list)
    effects: int = 0
    ended: bool = False
    result: Any = None
    error: BaseException | None = None


class Scheduler:
    """Runs flows until nothing is left to do.

    Args:
        clock: Moves to whatever is due next.
        rng: Chooses delays, and what is next among what is due.
        send: Carries a request out: called when it reaches the service; returns what to resume the flow with.
        max_effects: How many effects a task may ask for.
        max_delay: Seconds that a request and a response take at most, each.
    """

    def __init__(
        self,
        clock: ManualClock,
        rng: Random,
        send: Callable[[Any], Any],
        max_effects: int,
        max_delay: float = MAX_DELAY,
    ) -> None:
        self._clock, self._rng, self._send, self._max = clock, rng, send, max_effects
        self._max_delay = max_delay
        self._queue: list[tuple[float, float, int, Callable[[], None]]] = []
        self._order = count()
        self._killed: list[Task] = []
        self._alive: dict[Task, None] = {}
        self.effects = 0

    def start(self, flow: Flow[Any], process: Any, on_end: Callable[[Task], None] = lambda _: None) -> Task:
        """Begin a flow soon."""
        return self._begin(Task(flow, process, on_end))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do that in so many seconds; what is due in the same moment is done in random order."""
        due = self._clock.monotonic() + seconds
        heapq.heappush(self._queue, (due, self._rng.random(), next(self._order), action))

    def kill(self, process: Any) -> None:
        """Stop every task of a process where it is. The generators stay referenced, so that none of them cleans up."""
        for task in [task for task in self._alive if task.process is process]:
            del self._alive[task]
            self._killed.append(task)

    def run(self) -> None:
        """Until nothing is due.

        Raises:
            Endless: A task asks for ever more effects.
        """
        while self._queue:
            due, _, _, action = heapq.heappop(self._queue)
            self._clock.advance(max(0.0, due - self._clock.monotonic()))
            action()
        assert not self._alive, f"these wait for what never comes: {list(self._alive)}"

    def _begin(self, task: Task) -> Task:
        self._alive[task] = None
        self.after(0.0, lambda: self._resume(task, task.flow.send, None))
        return task

    def _later(self, seconds: float, task: Task, resume: Callable[[Any], Any], value: Any) -> None:
        self.after(seconds, lambda: self._resume(task, resume, value))

    def _resume(self, task: Task, resume: Callable[[Any], Any], value: Any) -> None:
        if task not in self._alive:
            return
        try:
            effect = resume(value)
        except StopIteration as stop:
            self._end(task, result=stop.value)
        except (PortraitError, RightLost) as error:
            self._end(task, error=error)
        else:
            self._count(task)
            self._carry_out_under_rights(task, effect)

    def _count(self, task: Task | None) -> None:
        self.effects += 1
        while task is not None:
            task.effects += 1
            if task.effects > self._max:
                raise Endless(f"{task} asked for more than {self._max} effects")
            task = task.parent

    def _end(self, task: Task, *, result: Any = None, error: BaseException | None = None) -> None:
        del self._alive[task]
        task.ended, task.result, task.error = True, result, error
        task.on_end(task)

    def _carry_out_under_rights(self, task: Task, effect: Any) -> None:
        try:
            for right in task.rights:
                if self._clock.monotonic() >= right.due_at:
                    right.extend()
        except RightLost as error:
            task.flow.close()
            self._end(task, error=error)
        else:
            self._carry_out(task, effect)

    def _carry_out(self, task: Task, effect: Any) -> None:
        longest = min((right.interval for right in task.rights), default=inf)
        match effect:
            case Send(request):
                self.after(self._delay(), lambda: self._arrive(task, request))
            case Sleep(seconds) if seconds > longest:
                self._later(longest, task, Sleep, seconds - longest)  # the rest is an effect of its own
            case Sleep(seconds):
                self._later(seconds, task, task.flow.send, None)
            case Notify():
                self._later(0.0, task, task.flow.send, None)
            case Emit(value):
                task.emitted.append(value)
                self._later(0.0, task, task.flow.send, None)
            case RunBlocking(work):
                self._later(0.0, task, *_outcome(task, work))
            case Await(future):
                future.add_done_callback(lambda done: self._later(0.0, task, *_outcome(task, done.result)))
            case Gather(flows, limit):
                self._gather(task, list(flows), limit or len(flows))
            case Hold():
                self._hold(task, effect)
            case _:
                raise AssertionError(f"{effect!r} is no effect")

    def _arrive(self, task: Task, request: Any) -> None:
        """A request reaches the service, whatever became of who sent it."""
        self._later(self._delay(), task, *_outcome(task, lambda: self._send(request)))

    def _gather(self, parent: Task, flows: list[Flow[Any]], limit: int) -> None:
        results: list[Any] = [None] * len(flows)
        waiting = list(enumerate(flows))[::-1]
        open_ = len(flows)

        def end(index: int, task: Task) -> None:
            nonlocal open_
            results[index] = task.error if task.error is not None else task.result
            open_ -= 1
            if waiting:
                begin()
            elif not open_:
                self._later(0.0, parent, parent.flow.send, results)

        def begin() -> None:
            index, flow = waiting.pop()
            self._begin(Task(flow, parent.process, lambda task: end(index, task), parent, parent.rights))

        if not flows:
            self._later(0.0, parent, parent.flow.send, [])
        for _ in range(min(limit, len(flows))):
            begin()

    def _hold(self, parent: Task, effect: Hold) -> None:
        right = Right(effect.renew, effect.interval, effect.release, self._clock)

        def end(task: Task) -> None:
            self._resume(parent, *_outcome(parent, lambda: _released(right, task)))

        task = Task(effect.flow, parent.process, end, parent, (*parent.rights, right))
        self._alive[task] = None
        self._resume(task, task.flow.send, None)

    def _delay(self) -> float:
        return self._rng.uniform(0.0, self._max_delay)


def _outcome(task: Task, work: Callable[[], Any]) -> tuple[Callable[[Any], Any], Any]:
    """How to resume a flow after a piece of work: with its value, or with its error thrown in."""
    try:
        return task.flow.send, work()
    except Exception as error:  # noqa: BLE001  (the flow decides)
        return task.flow.throw, error


def _released(right: Right, task: Task) -> Any:
    """The result of a flow that has ended, or its error, once the right is given up."""
    if right.release is not None:
        right.release()
    if task.error is not None:
        raise task.error
    return task.result


def drain(scheduler: Scheduler, flows: Iterable[tuple[Flow[Any], Any]]) -> list[Task]:
    """Start flows together and run until all have ended."""
    tasks = [scheduler.start(flow, process) for flow, process in flows]
    scheduler.run()
    return tasks
