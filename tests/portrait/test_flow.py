"""The two runners of a flow, held against each other: what each effect does, and what comes back of it."""

import asyncio
import threading
from concurrent.futures import Future

import pytest
from attrs import define, field

from portrait.clock import ManualClock, SystemClock
from portrait.errors import Interrupted, UsageError
from portrait.events import Event
from portrait.flow import Await, CancelToken, Emit, Gather, Hold, Notify, RunBlocking, Send, Sleep
from portrait.http import HttpRequest
from portrait.rights import RightLost
from portrait.runners import AsyncRunner, Runner, notify
from tests.portrait.helpers import answer

REQUEST = HttpRequest(method="GET", url="http://localhost:1/", headers={}, body=b"")


@define
class Line:
    """A transport of both colours that answers everything alike, or breaks."""

    outcome: object = field(factory=lambda: answer(b"yes"))
    sent: list = field(factory=list)

    def send(self, request):
        """Answers at once."""
        self.sent.append(request)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class AsyncLine(Line):
    """The same for the other runner."""

    async def send(self, request):
        """Answers at once."""
        return Line.send(self, request)


@pytest.fixture(params=["blocking", "asyncio"])
def drive(request):
    """Runs a flow to its end by one of the runners."""

    def drive(flow, outcome=None, clock=None, listener=None, *, cancel=None, line=None):
        kind = Line if request.param == "blocking" else AsyncLine
        line = line or kind(**({} if outcome is None else {"outcome": outcome}))
        clock = clock or ManualClock()
        if request.param == "blocking":
            return Runner(line, clock, listener, cancel).run(flow)
        return asyncio.run(AsyncRunner(line, clock, listener, cancel).run(flow))

    drive.colour = request.param
    return drive


def once(effect):
    """A flow of one effect, which gives what that was answered by."""
    return (yield effect)


def test_a_flow_without_effects_is_its_result(drive):
    """Nothing is yielded, nothing is done."""

    def flow():
        return 7
        yield

    assert drive(flow()) == 7


def test_what_is_sent_is_answered(drive):
    """The transport's answer comes back into the flow."""
    reply = answer(b"no")
    assert drive(once(Send(REQUEST)), outcome=reply) is reply


def test_waiting_takes_the_clocks_time_and_gives_nothing(drive):
    """A wait passes on the clock that the runner was given."""
    clock = ManualClock(100.0)
    assert drive(once(Sleep(2.5)), clock=clock) is None
    assert clock.now() == 102.5


def test_a_report_reaches_the_listener(drive):
    """The event itself is handed over, and the flow hears nothing of it."""
    events, event = [], Event()
    assert drive(once(Notify(event)), listener=events.append) is None
    assert events == [event]
    assert events[0] is event


def test_blocking_work_is_done_where_it_does_no_harm(drive):
    """The blocking runner works in its own thread, the other in one beside the event loop's."""
    thread = drive(once(RunBlocking(threading.current_thread)))
    assert (thread is threading.current_thread()) is (drive.colour == "blocking")


@pytest.mark.parametrize("error", [None, ZeroDivisionError("none left")], ids=["renewed", "not renewed"])
def test_a_right_is_renewed_from_beside_a_call(drive, error):
    """Again and again while a request is under way, and no more once the flow has ended."""
    renewals, sending, third = [], threading.Event(), threading.Event()

    class Slow(Line):
        def send(self, request):
            sending.set()
            third.wait(5)
            return super().send(request)

    class AsyncSlow(Line):
        async def send(self, request):
            sending.set()
            await asyncio.to_thread(third.wait, 5)
            return super().send(request)

    def renew():
        if not sending.is_set():  # the machine was slow
            return True
        renewals.append(None)
        if len(renewals) == 3:
            third.set()
        if error is not None:
            raise error
        return True

    line = (Slow if drive.colour == "blocking" else AsyncSlow)()
    assert drive(once(Hold(once(Send(REQUEST)), renew, 0.001)), line=line, clock=SystemClock()) is line.outcome
    ended = len(renewals)
    threading.Event().wait(0.01)
    assert 3 <= ended <= len(renewals) <= ended + 1  # asyncio does not wait for the last one


def test_a_flow_under_a_right_fails_as_any_other(drive):
    """Its error is thrown in."""
    with pytest.raises(ZeroDivisionError):
        drive(once(Hold(once(Send(REQUEST)), lambda: True, 60)), outcome=ZeroDivisionError(), clock=SystemClock())


def test_a_right_is_renewed_before_an_effect_that_comes_late(drive):
    """A process that was suspended does nothing more before it has asked."""
    clock, renewed_at = ManualClock(), []

    def flow():
        yield RunBlocking(lambda: clock.advance(100))
        yield RunBlocking(lambda: renewed_at.append("work"))
        yield RunBlocking(lambda: renewed_at.append("work"))

    drive(once(Hold(flow(), lambda: renewed_at.append(clock.monotonic()) or True, 60)), clock=clock)
    assert renewed_at == [100, "work", "work"]


def test_a_pause_under_a_right_is_made_in_pieces(drive):
    """No piece is longer than the right is safe, and the right is renewed before each."""
    clock, renewed_at = ManualClock(), []
    drive(once(Hold(once(Sleep(150)), lambda: renewed_at.append(clock.monotonic()) or True, 60)), clock=clock)
    assert renewed_at == [60, 120]
    assert clock.monotonic() == 150


def test_a_right_that_is_lost_ends_its_flow(drive):
    """The flow is closed before it sends anything more, and whoever held the right is told."""
    clock, closed = ManualClock(), []

    def flow():
        try:
            yield RunBlocking(lambda: clock.advance(100))
            yield Send(REQUEST)
        finally:
            closed.append(True)

    line = Line()
    with pytest.raises(RightLost):
        drive(once(Hold(flow(), lambda: False, 60)), clock=clock, line=line)
    assert closed
    assert not line.sent


@pytest.mark.parametrize("ending", ["a result", "an error", "a loss"])
@pytest.mark.parametrize("clock", [ManualClock, SystemClock])
def test_a_right_is_released_after_its_flow(drive, ending, clock):
    """However the flow has ended, and not before; whoever held the right goes on after that."""
    did = []

    def flow():
        yield RunBlocking(lambda: did.append("work"))
        if ending == "an error":
            raise LookupError("a slip")

    def holder():
        try:
            yield Hold(flow(), lambda: False, 0.0 if ending == "a loss" else 60.0, lambda: did.append("release"))
        except (LookupError, RightLost):
            did.append("failed")
        yield RunBlocking(lambda: did.append("more"))

    drive(holder(), clock=clock())
    assert did == ["work"] * (ending != "a loss") + ["release"] + ["failed"] * (ending != "a result") + ["more"]


@pytest.mark.parametrize("lost", ["inner", "outer"])
def test_of_two_rights_each_ends_what_runs_under_it(drive, lost):
    """A lease of a pool, and a claim in it: the loss of the claim is the business of what runs under the lease."""
    clock, seen = ManualClock(), []

    def inner():
        yield Gather([once(RunBlocking(lambda: clock.advance(100)))])
        yield RunBlocking(lambda: seen.append("inner"))

    def outer():
        try:
            yield Hold(inner(), lambda: lost != "inner", 60)
        except RightLost:
            yield RunBlocking(lambda: seen.append("outer"))

    flow = once(Hold(outer(), lambda: lost != "outer", 60))
    if lost == "inner":
        drive(flow, clock=clock)
        assert seen == ["outer"]
    else:
        with pytest.raises(RightLost):
            drive(flow, clock=clock)
        assert not seen


def test_anothers_result_is_awaited(drive):
    """A future's result comes back, and its error is thrown in."""
    good, bad = Future(), Future()
    good.set_result("theirs")
    bad.set_exception(LookupError("theirs"))
    assert drive(once(Await(good))) == "theirs"
    with pytest.raises(LookupError, match=r"^theirs$"):
        drive(once(Await(bad)))


def test_an_answer_goes_to_its_own_effect_only(drive):
    """After an effect that has an answer, the next one does not get it."""

    def flow():
        done = yield RunBlocking(lambda: "work")
        waited = yield Sleep(0.0)
        reported = yield Notify(Event())
        return done, waited, reported

    assert drive(flow()) == ("work", None, None)


@pytest.mark.parametrize(
    "effect",
    [Send(REQUEST), RunBlocking(lambda: 1 // 0)],
    ids=["send", "do"],
)
def test_a_failure_is_the_flows_to_handle(drive, effect):
    """What an effect raises is thrown into the flow, which may go on or let it out."""
    failure = ZeroDivisionError("none left")

    def stubborn():
        try:
            yield effect
        except ZeroDivisionError:
            return (yield RunBlocking(lambda: "went on"))

    assert drive(stubborn(), outcome=failure) == "went on"
    with pytest.raises(ZeroDivisionError):
        drive(once(effect), outcome=failure)


def test_a_cancelled_wait_leaves_the_work_to_others():
    """Who gives up waiting for another's work does not cancel it."""
    theirs = Future()

    async def give_up():
        waiting = asyncio.ensure_future(AsyncRunner(AsyncLine(), ManualClock()).run(once(Await(theirs))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(give_up())
    assert not theirs.cancelled()
    theirs.set_result("done after all")


def test_a_listener_that_raises_is_logged(caplog):
    """The application's callback cannot stop a call; the log names the event."""

    def listener(event):
        raise LookupError("a slip of the application")

    notify(listener, Event())
    notify(None, Event())
    assert [record.getMessage() for record in caplog.records] == ["on_event raised for Event; the call goes on"]
    assert caplog.records[0].exc_info[0] is LookupError


def failing(error):
    """A flow that fails."""
    yield Notify(Event())
    raise error


def collected(drive, flow, clock=None):
    """What a flow emits, by the runner of that colour."""
    if drive.colour == "blocking":
        return list(Runner(Line(), clock or ManualClock()).iterate(flow))

    async def collect():
        return [value async for value in AsyncRunner(AsyncLine(), clock or ManualClock()).iterate(flow)]

    return asyncio.run(collect())


def test_gathered_flows_give_results_and_errors_in_order(drive):
    """A library error is the result of its flow; the others go on."""
    error = UsageError("no")
    flows = [once(RunBlocking(lambda: 1)), failing(error), once(RunBlocking(lambda: 3))]
    assert drive(once(Gather(flows))) == [1, error, 3]
    assert drive(once(Gather([]))) == []


def test_gathered_flows_run_beside_each_other(drive):
    """Each waits until all have begun."""
    barrier = threading.Barrier(3, timeout=5)
    flows = [once(RunBlocking(lambda: barrier.wait() < 3)) for _ in range(3)]
    assert drive(once(Gather(flows))) == [True] * 3


def test_a_limit_bounds_what_runs_at_once(drive):
    """Never more than two of six, in either colour."""
    running, most, lock = 0, 0, threading.Lock()
    pause = threading.Event()

    def work():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        pause.wait(0.005)
        with lock:
            running -= 1

    drive(once(Gather([once(RunBlocking(work)) for _ in range(6)], 2)))
    assert most == 2


@pytest.mark.parametrize("count", [1, 3])
def test_another_error_of_a_gathered_flow_goes_through_and_ends_the_group(drive, count):
    """The token is set before the error arrives at the flow that gathers."""
    cancel = CancelToken()
    with pytest.raises(LookupError, match=r"^a slip$"):
        drive(once(Gather([failing(LookupError("a slip")) for _ in range(count)], None, cancel)))
    assert cancel.is_set


def test_a_set_token_begins_nothing_and_ends_pauses(drive):
    """Flows that have not begun end as interrupted; one that sleeps does after its pause."""
    cancel, worked = CancelToken(), []
    cancel.set()
    (result,) = drive(once(Gather([once(RunBlocking(lambda: worked.append(1)))], None, cancel)))
    assert isinstance(result, Interrupted)
    assert worked == []
    with pytest.raises(Interrupted, match="goes on where it stopped"):
        drive(once(Sleep(1.0)), cancel=cancel)


def test_a_pause_in_real_time_ends_when_the_token_is_set():
    """An interrupt does not wait for a pause of a minute in another thread."""
    cancel, asleep = CancelToken(), threading.Event()

    def sleeper():
        asleep.set()
        yield Sleep(60.0)

    def interrupter():
        yield RunBlocking(asleep.wait)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Runner(Line(), SystemClock()).run(once(Gather([sleeper(), interrupter()], None, cancel)))
    assert cancel.is_set


def test_a_cancellation_ends_the_group():
    """Cancelling the task that gathers cancels the flows, and sets the token for work that nothing interrupts."""
    cancel, ended = CancelToken(), []

    def sleeper():
        try:
            yield Await(Future())
        except asyncio.CancelledError:
            ended.append(True)
            raise

    async def give_up():
        runner = AsyncRunner(AsyncLine(), ManualClock())
        task = asyncio.ensure_future(runner.run(once(Gather([sleeper(), sleeper()], None, cancel))))
        for _ in range(4):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    assert cancel.is_set
    assert ended == [True, True]


def test_a_token_calls_back_once():
    """What is registered before it is set is called then, what comes later at once."""
    cancel, called = CancelToken(), []
    cancel.on_set(lambda: called.append("before"))
    assert called == []
    cancel.check()
    cancel.set()
    cancel.set()
    cancel.on_set(lambda: called.append("after"))
    assert called == ["before", "after"]


def test_what_a_flow_emits_is_iterated_over(drive):
    """Values come as they are emitted, effects between them are carried out; `run` drops them."""

    def flow():
        yield Emit(1)
        yield Sleep(2.0)
        yield Emit((yield RunBlocking(lambda: "two")))
        return 3

    clock = ManualClock()
    assert collected(drive, flow(), clock) == [1, "two"]
    assert clock.monotonic() == 2.0
    assert drive(flow()) == 3


def test_an_iteration_that_is_given_up_closes_the_flow():
    """The flow's own clean-up runs at once."""
    closed = []

    def flow():
        try:
            yield Emit(1)
            yield Emit(2)
        finally:
            closed.append(True)

    values = Runner(Line(), ManualClock()).iterate(flow())
    assert next(values) == 1
    values.close()
    assert closed == [True]

    async def first():
        values = AsyncRunner(AsyncLine(), ManualClock()).iterate(flow())
        async for value in values:
            assert value == 1
            break
        await values.aclose()

    asyncio.run(first())
    assert closed == [True, True]
