"""The two drivers of a flow, held against each other: what each effect does, and what comes back of it."""

import asyncio
import threading
from concurrent.futures import Future

import pytest
from attrs import define, field

from portrait import ManualClock
from portrait.events import Event
from portrait.flow import Await, Notify, RunBlocking, Send, Sleep, run, run_async, tell
from portrait.http import HttpRequest
from tests.portrait.support import answer

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
    """The same for the other driver."""

    async def send(self, request):
        """Answers at once."""
        return Line.send(self, request)


@pytest.fixture(params=["blocking", "asyncio"])
def drive(request):
    """Runs a flow to its end by one of the drivers."""

    def drive(flow, outcome=None, clock=None, listener=None):
        line = (Line if request.param == "blocking" else AsyncLine)(**({} if outcome is None else {"outcome": outcome}))
        clock = clock or ManualClock()
        if request.param == "blocking":
            return run(flow, line, clock, listener)
        return asyncio.run(run_async(flow, line, clock, listener))

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
    """A wait passes on the clock that the driver was given."""
    clock = ManualClock(100.0)
    assert drive(once(Sleep(2.5)), clock=clock) is None
    assert clock.now() == 102.5


def test_a_report_reaches_the_listener(drive):
    """The event itself is handed over, and the flow hears nothing of it."""
    heard, event = [], Event()
    assert drive(once(Notify(event)), listener=heard.append) is None
    assert heard == [event]
    assert heard[0] is event


def test_blocking_work_is_done_where_it_does_no_harm(drive):
    """The blocking driver works in its own thread, the other in one beside the event loop's."""
    thread = drive(once(RunBlocking(threading.current_thread)))
    assert (thread is threading.current_thread()) is (drive.colour == "blocking")


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
        waiting = asyncio.ensure_future(run_async(once(Await(theirs)), AsyncLine(), ManualClock(), None))
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

    tell(listener, Event())
    tell(None, Event())
    assert [record.getMessage() for record in caplog.records] == ["on_event raised for Event; the call goes on"]
    assert caplog.records[0].exc_info[0] is LookupError
