"""A call that is given up while under way: the interrupt goes through, and says what it leaves behind."""

import asyncio
import logging

import pytest

from portrait import actions, models
from portrait.events import CallCancelled, CallFinished, CallRetried, Event, listens_to
from portrait.http import FailureKind, TransportFailure
from tests.portrait.helpers import KEY, asset, endpoint, good, play

CALLS = {
    "CreateAsset": (
        actions.CREATE_ASSET,
        models.CreateAssetRequest(group_id="g", url="https://cdn.example/a.jpg", asset_type="Image"),
        True,
    ),
    "CreateVisualValidateSession": (
        actions.CREATE_VISUAL_VALIDATE_SESSION,
        models.CreateVisualValidateSessionRequest(callback_url="https://cdn.example/back"),
        True,
    ),
    "GetVisualValidateResult": (
        actions.GET_VISUAL_VALIDATE_RESULT,
        models.GetVisualValidateResultRequest(byted_token="t"),
        True,
    ),
    "DeleteAsset": (actions.DELETE_ASSET, models.DeleteAssetRequest(id="a"), True),
    "UpdateAssetGroup": (actions.UPDATE_ASSET_GROUP, models.UpdateAssetGroupRequest(id="a", name="n"), True),
    "GetAsset": (actions.GET_ASSET, models.GetAssetRequest(id="a"), False),
    "ListAssets": (actions.LIST_ASSETS, models.ListAssetsRequest(), False),
}
INTERRUPTS = [KeyboardInterrupt, SystemExit, asyncio.CancelledError]


@pytest.mark.parametrize("interrupt", INTERRUPTS)
@pytest.mark.parametrize("name", CALLS)
def test_an_interrupted_call_says_that_it_may_have_executed(name, interrupt, caplog):
    """Note, event and log for what changes something; what only reads leaves nothing behind."""
    action, request, changes = CALLS[name]
    caplog.set_level(logging.DEBUG, "portrait")
    raised = interrupt()
    played = play(endpoint().call(action, request), raised)
    assert played.error is raised
    assert played.events == [CallCancelled(action=name, may_have_executed=changes)]
    notes = getattr(raised, "__notes__", [])
    assert notes == ([f"{name} may have executed: its answer was not awaited."] if changes else [])
    assert bool(caplog.records) is changes
    assert all(record.levelno == logging.WARNING for record in caplog.records)


def test_an_interrupted_pause_sends_nothing_more():
    """Given up between two attempts: the interrupt goes through."""
    flow = endpoint().call(*CALLS["GetAsset"][:2])
    next(flow)
    flow.throw(TransportFailure(FailureKind.DISCONNECTED))
    next(flow)
    next(flow)
    with pytest.raises(KeyboardInterrupt):
        flow.throw(KeyboardInterrupt())
    with pytest.raises(StopIteration):
        next(flow)


def test_a_flow_that_nobody_runs_further_ends_quietly():
    """Dropped by its driver, a flow neither warns nor reports."""
    flow = endpoint().call(*CALLS["CreateAsset"][:2])
    next(flow)
    flow.close()


def test_a_cancelled_task_ends_as_cancelled(caplog):
    """asyncio: the task is cancelled, the note is on its error, the listener hears of it, the log has a line."""
    from portrait import AsyncPortraitClient  # noqa: PLC0415

    events, started = [], asyncio.Event()

    class Hanging:
        async def send(self, request):
            started.set()
            await asyncio.Event().wait()

        async def close(self):
            """Nothing is open."""

    async def main():
        client = AsyncPortraitClient(api_key=KEY, transport=Hanging(), on_event=events.append)
        task = asyncio.create_task(
            client.create_asset(group_id="g", url="https://cdn.example/a.jpg", asset_type="Image")
        )
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as info:
            await task
        assert task.cancelled()
        return info.value

    error = asyncio.run(main())
    assert error.__notes__ == ["CreateAsset may have executed: its answer was not awaited."]
    assert events == [CallCancelled(action="CreateAsset", may_have_executed=True)]
    assert "CreateAsset was cancelled" in caplog.text


def test_a_deadline_of_asyncio_is_a_timeout_error():
    """`asyncio.timeout` around a call works as around anything else."""
    from portrait import AsyncPortraitClient  # noqa: PLC0415

    class Hanging:
        async def send(self, request):
            await asyncio.Event().wait()

        async def close(self):
            """Nothing is open."""

    async def main():
        client = AsyncPortraitClient(api_key=KEY, transport=Hanging())
        async with asyncio.timeout(0.01):
            await client.get_asset(id="a")

    with pytest.raises(TimeoutError):
        asyncio.run(main())


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_transport_goes_through_the_client(colour, interrupt):
    """Ctrl-C while the answer is awaited: the exception itself arrives, with its note, once."""
    events = []
    client, script = colour.scripted(interrupt(), on_event=events.append)
    with pytest.raises(interrupt) as info:
        client.create_asset(group_id="g", url="https://cdn.example/a.jpg", asset_type="Image")
    assert info.value.__notes__ == ["CreateAsset may have executed: its answer was not awaited."]
    assert events == [CallCancelled(action="CreateAsset", may_have_executed=True)]
    assert len(script.requests) == 1


def test_a_listener_that_raises_changes_nothing(colour, caplog):
    """`on_event` may be wrong; the call goes on, and the log has the traceback."""

    def wrong(event):
        raise ZeroDivisionError

    client, _ = colour.scripted(good(asset("a")), on_event=wrong)
    assert client.get_asset(id="a").id == "a"
    assert "on_event raised for CallFinished" in caplog.text


def test_events_come_in_order(colour):
    """A lost answer, its retry, and the end."""
    events = []
    client, _ = colour.scripted(TransportFailure(FailureKind.DISCONNECTED), good(asset("a")), on_event=events.append)
    client.get_asset(id="a")
    assert [type(event).__name__ for event in events] == ["CallFinished", "CallRetried", "CallFinished"]
    assert [event.attempt for event in events if isinstance(event, CallFinished)] == [1, 2]


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        ((CallRetried,), ["CallRetried"]),
        ((CallFinished, CallCancelled), ["CallFinished", "CallFinished"]),
        ((Event,), ["CallFinished", "CallRetried", "CallFinished"]),
        ((), []),
    ],
)
def test_a_callback_may_name_the_events_that_it_is_called_with(colour, kinds, names):
    """Others do not reach it; one that names none of a call's attempts saves the making of their events."""
    events = []

    @listens_to(*kinds)
    def callback(event):
        events.append(type(event).__name__)

    client, _ = colour.scripted(TransportFailure(FailureKind.DISCONNECTED), good(asset("a")), on_event=callback)
    assert client.get_asset(id="a").id == "a"
    assert events == names
    assert client.client._endpoint.has_listener is any(issubclass(CallFinished, kind) for kind in kinds)
