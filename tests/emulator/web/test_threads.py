"""Threads for work that blocks: one each, or one for all in turn; idle ones are kept for a while."""

import asyncio
import os
import threading

import pytest

from emulator.messages import Reply, RunInTurn
from emulator.web import runner
from emulator.web.runner import Threads, Workers, run_async
from portrait.flow import RunBlocking


class Work:
    """Work that lasts until it is ended, by number; who did it."""

    def __init__(self, count):
        self.running = [threading.Event() for _ in range(count)]
        self.ends = [threading.Event() for _ in range(count)]
        self.ended = [threading.Event() for _ in range(count)]
        self.threads = [None] * count

    def start(self, threads, number):
        """Has it done."""

        def work():
            self.threads[number] = threading.current_thread()
            self.running[number].set()
            self.ends[number].wait(10)
            self.ended[number].set()

        threads.start(work)

    def finish(self, number):
        """Ends it, and returns once its thread is idle or gone."""
        self.ends[number].set()
        assert self.ended[number].wait(10)


def settle(threads, unfinished):
    """Waits until so much work is left: a thread counts it a moment after it has ended."""
    while True:
        with threads._lock:
            if threads._unfinished == unfinished:
                return
        threading.Event().wait(0.001)


def test_work_at_once_has_a_thread_each_and_idle_ones_are_used_again():
    """A download that takes its time holds up nobody."""
    threads, work = Threads(), Work(4)
    for number in range(2):
        work.start(threads, number)
        assert work.running[number].wait(10)
    work.finish(1)
    settle(threads, 1)
    work.start(threads, 2)
    assert work.running[2].wait(10)
    assert work.threads[2] is work.threads[1] is not work.threads[0]
    assert threads._threads == 2
    for number in (0, 2):
        work.finish(number)


def test_one_thread_does_all_in_turn():
    """What would wait for the same lock needs no more."""
    threads, work = Threads(1), Work(3)
    for number in range(3):
        work.start(threads, number)
    for number in range(3):
        assert work.running[number].wait(10)
        assert not any(event.is_set() for event in work.running[number + 1 :])
        work.finish(number)
    assert len(set(work.threads)) == 1


def test_idle_threads_end(monkeypatch):
    """After many downloads at once all of them do, and the next work has a new one."""
    monkeypatch.setattr(runner, "_IDLE_SECONDS", 0.01)
    threads, work = Threads(), Work(4)
    for number in range(3):
        work.start(threads, number)
    for number in range(3):
        assert work.running[number].wait(10)
        work.finish(number)
    while any(thread.is_alive() for thread in work.threads[:3]):
        threading.Event().wait(0.001)
    assert threads._threads == 0
    work.start(threads, 3)
    work.finish(3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_starts_threads_of_its_own():
    """Those of its parent do not come along, idle or not."""
    threads, work = Threads(1), Work(2)
    work.start(threads, 0)
    work.finish(0)
    child = os.fork()
    if child == 0:
        work.start(threads, 1)
        work.ends[1].set()
        os._exit(0 if work.ended[1].wait(10) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_thread_that_could_not_be_started_is_not_counted(monkeypatch):
    """The work was not done, and the next one is tried again."""

    def start(_):
        raise RuntimeError("no more")

    threads, work = Threads(1), Work(2)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="no more"):
            work.start(threads, 0)
    work.start(threads, 1)
    work.finish(1)
    assert not work.running[0].is_set()


@pytest.mark.parametrize(("effect", "count"), [(RunBlocking, 3), (RunInTurn, 1)])
def test_the_effect_says_which(effect, count):
    """Work in turn meets no other of its kind; other work waits for each other here."""
    workers, barrier, seen = Workers(), threading.Barrier(count), set()

    def work():
        barrier.wait(10)
        seen.add(threading.current_thread())

    def flow():
        yield effect(work)
        return Reply()

    async def main():
        return await asyncio.gather(*(run_async(flow(), asyncio.sleep, workers) for _ in range(3)))

    assert asyncio.run(main()) == [Reply()] * 3
    assert len(seen) == count
