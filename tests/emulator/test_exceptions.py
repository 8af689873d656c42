"""Exceptions of the emulator's own parts: each is answered in the contract's form and logged, as a call and in full."""

import asyncio
import http.client
import sys
import threading
from urllib.parse import urlsplit

import orjson
import pytest

from emulator.auth import key_handle
from emulator.messages import Call
from emulator.server import EmulatorServer
from emulator.service import Service
from emulator.store.memory.store import MemoryStore
from emulator.web.runner import Workers, run, run_async
from portrait.clock import ManualClock
from tests.wire.media import png

SECRET = "the password is swordfish"


class Broken(MemoryStore):
    """A store whose disk fails."""

    def transaction(self, customer):
        """Fail."""
        raise OSError(SECRET)

    find_validation = find_asset = file = transaction

    def customers(self):
        """Fail."""
        raise OSError(SECRET)


class BrokenInAThread(Broken):
    """The same, of a store that may wait."""

    blocks = True


class BrokenAtItsEnd(MemoryStore):
    """A store that fails when it has to keep what was changed."""

    def transaction(self, customer):
        """Begin, and fail at the end."""
        return Transaction(super().transaction(customer))


class Transaction:
    """Fails when it ends."""

    def __init__(self, inner):
        self.inner = inner

    def __enter__(self):
        return self.inner.__enter__()

    def __exit__(self, *_):
        self.inner.__exit__(OSError, None, None)
        raise OSError(SECRET)


def blocking(call):
    """The reply by the runner that blocks, whose pauses fail."""

    def sleep(_):
        raise OSError(SECRET)

    return lambda service: run(service.pipelines[0].answer(call), sleep)


def concurrent(call):
    """The reply by the runner of the event loop, whose pauses fail."""

    async def sleep(_):
        raise OSError(SECRET)

    return lambda service: asyncio.run(run_async(service.pipelines[0].answer(call), sleep, Workers()))


def create(**fields):
    """A call that creates a group."""
    body = orjson.dumps({"GroupType": "AIGC", "Name": "brand"})
    return Call(action="CreateAssetGroup", version="2024-01-01", key="sk-alice", body=body, **fields)


@pytest.fixture(params=[blocking, concurrent], ids=["blocking", "asyncio"])
def runner(request):
    """How a call is carried out."""
    return request.param


def check(service, reply, caplog):
    """The reply says nothing of the exception; the call log has the call, the log the traceback."""
    assert reply.status == 500
    assert orjson.loads(reply.body)["error"]["code"] == "internal_error"
    assert SECRET.encode() not in reply.body
    (logged,) = service.control.calls()["calls"]
    assert (logged["action"], logged["customer"], logged["status"]) == ("CreateAssetGroup", key_handle("sk-alice"), 500)
    assert logged["request_id"] in caplog.text
    assert SECRET in caplog.text


@pytest.mark.parametrize("store", [Broken, BrokenInAThread, BrokenAtItsEnd])
def test_a_store_that_fails(store, runner, caplog):
    """Whether the transaction cannot begin or cannot end."""
    service = Service(clock=ManualClock(), store=store)
    check(service, runner(create())(service), caplog)


def test_a_runner_that_fails(runner, caplog):
    """Its exception is one of the call, here in a pause."""
    service = Service(clock=ManualClock())
    check(service, runner(create(rule='{"do": {"delay": 1}}'))(service), caplog)


def test_a_thread_that_does_not_start(monkeypatch, caplog):
    """What blocks needs one, and there may be too many."""

    def start(_):
        raise RuntimeError(SECRET)

    class Blocking(MemoryStore):
        blocks = True

    service = Service(clock=ManualClock(), store=Blocking)
    monkeypatch.setattr(threading.Thread, "start", start)
    check(service, concurrent(create())(service), caplog)


def test_an_exception_in_measuring_is_no_fault_of_the_file(start, monkeypatch, caplog):
    """Case matrix-new: an upload that cannot be measured for a mistake of ours is an internal error, no refusal."""

    def broken(*_):
        raise IndexError(SECRET)

    monkeypatch.setattr(sys.modules["portrait.media.measure"], "PARSERS", {"png": broken})
    alice = start()
    reply = alice.upload(png(), GroupId=alice.group())
    assert (reply.status, orjson.loads(reply.body)["error"]["code"]) == (500, "internal_error")
    assert SECRET in caplog.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/h5/?bytedToken=x"),
        ("POST", "/h5/?bytedToken=x"),
        ("GET", "/r2/portrait-uploads/x.png"),
        ("GET", "/_emulator/health"),
        ("GET", "/_emulator/state"),
        ("POST", "/v1/portrait/?Action=CreateAssetGroup&Version=2024-01-01"),
    ],
)
def test_every_address_answers(method, path, caplog):
    """500 in the form of HTTP's own errors, and the next request on the connection is answered."""
    with EmulatorServer(service=Service(store=Broken)) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
        headers = {"Authorization": "Bearer sk-alice", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, create().body if "Action" in path else None, headers)
        response = connection.getresponse()
        error = orjson.loads(response.read())["error"]
        assert (response.status, error["code"]) == (500, "internal_error")
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
        calls = server.service.control.calls()["calls"]
        assert [each["request_id"] for each in calls] == [error["request_id"]]
    assert SECRET in caplog.text
