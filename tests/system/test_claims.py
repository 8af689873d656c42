"""Claims of a shared state: that of a killed owner is free within seconds, and nobody robs a slow owner that lives."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from attrs import frozen

from emulator.transports import AsyncInProcessTransport, InProcessTransport
from portrait.actions import CREATE_ASSET_GROUP
from portrait.clock import ManualClock, SystemClock
from portrait.ensure import once
from portrait.errors import NotFound, StateError
from portrait.flow import Send, Sleep
from portrait.http import HttpRequest
from portrait.memory import Memory
from portrait.pace import CreatePacer
from portrait.runners import Runner
from portrait.state import ClaimedCreate, Holder, Key, open_state
from tests.media_samples import image
from tests.portrait.helpers import answer, endpoint

WHERE = ("group-1", "digest")
REQUEST = HttpRequest(method="POST", url="http://localhost:1/", headers={}, body=b"")


def find():
    """Finds nothing."""
    return None
    yield


def create(creation):
    """Claim one thing, and send one request for it; returns its id."""
    scope, item = WHERE
    assert creation.scope == scope

    def send():
        yield Send(REQUEST)
        return "asset-1"

    existing = yield from creation.claim(item, 0.0, find)
    if existing is not None:
        return existing
    pace = CreatePacer.start(creation.endpoint, CREATE_ASSET_GROUP)
    created_id, _ = yield from creation.create(send, find, pace=pace, source="a.jpg", what="CreateAsset")
    creation.set_id(item, created_id)
    return created_id


def start(clock, place, create=create):
    """The flow of a create under a claim, and a state as another process has it."""
    memory = Memory(clock, place, "http://localhost:1", "key")
    creation = once.Creation(endpoint(clock=clock), memory, WHERE[0])
    return creation.run(lambda: create(creation)), memory


@frozen
class Watched:
    """A transport that calls a function before it answers."""

    look: Callable

    def send(self, request):
        """Looks, and answers."""
        self.look()
        return answer(b"yes")


def test_a_claim_of_a_killed_owner_is_free_within_fifteen_seconds(tmp_path):
    """once-kill: whatever `timeout=` allows for the call that it was killed in."""
    clock, seen = SystemClock(), []
    flow, memory = start(clock, tmp_path / "state.db")

    def look():
        seen.append(memory.open_state().claims.acquire(Key(memory.account, *WHERE), 1))

    Runner(Watched(look), clock).run(flow)
    assert isinstance(seen[0], Holder)
    assert seen[0].seconds <= 15
    memory.close()


def test_a_long_pause_does_not_lose_the_claim(tmp_path):
    """once-race-asset: a pause is made in pieces, and the claim renewed before each."""
    seen = []

    class Shared(ManualClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            seen.append(memory.open_state().claims.acquire(Key(memory.account, *WHERE), 1))

    def patient(creation):
        assert (yield from creation.claim(WHERE[1], 0.0, find)) is None
        yield Sleep(100)

    clock = Shared()
    flow, memory = start(clock, tmp_path / "state.db", patient)
    Runner(None, clock).run(flow)
    assert clock.monotonic() == 100
    assert len(seen) == 100 / once.RENEWAL
    assert all(isinstance(one, Holder) for one in seen)
    memory.close()


def test_an_owner_that_was_suspended_sends_nothing_more(tmp_path, monkeypatch):
    """once-race-asset: somebody else has the claim, and creates; what that was is taken."""
    clock, sent = ManualClock(), []
    flow, memory = start(clock, tmp_path / "state.db")
    state, key = memory.open_state(), Key(memory.account, *WHERE)
    begin = type(state.creates).begin

    def begin_and_stop(self, *args):
        claimed = begin(self, *args)
        if isinstance(claimed, ClaimedCreate):
            clock.advance(300)
            state.creates.finish(begin(self, key, 60, lambda: 1.0), "asset-2")
        return claimed

    monkeypatch.setattr(type(state.creates), "begin", begin_and_stop)
    assert Runner(Watched(lambda: sent.append(True)), clock).run(flow) == "asset-2"
    assert not sent
    memory.close()


def test_a_create_that_waits_for_its_group_is_recorded_each_time(portrait_emulator, tmp_path):
    """visible-create: whoever finds the record waits for as long as a read may lag behind the last try."""
    clock, (scope, item), sent = portrait_emulator.clock, WHERE, []
    memory = Memory(clock, tmp_path / "state.db", "http://localhost:1", "key")
    creation = once.Creation(endpoint(clock=clock), memory, scope)
    creation.endpoint.recent.add(scope, clock.monotonic())

    def send():
        creates, _ = memory.open_state().creates.recent(memory.account, scope, 60)
        sent.append(creates[0].age)
        if len(sent) == 1:
            raise NotFound("the group is not visible yet")
        return "asset-1"
        yield

    def create():
        yield from creation.claim(item, 0.0, find)
        pace = CreatePacer.start(creation.endpoint, CREATE_ASSET_GROUP)
        settings = {"pace": pace, "source": "a.jpg", "what": "CreateAsset", "group_id": scope}
        created_id, _ = yield from creation.create(send, find, **settings)
        creation.set_id(item, created_id)

    Runner(None, clock).run(creation.run(create))
    assert sent == [0, 0]
    memory.close()


def test_what_cannot_be_recorded_leaves_nothing_to_look_for(portrait_emulator, tmp_path, monkeypatch):
    """Of two contents of one create the second cannot be recorded: nothing was sent, and the first is free at once."""
    clock, (scope, item) = portrait_emulator.clock, WHERE
    memory = Memory(clock, tmp_path / "state.db", "http://localhost:1", "key")
    creation, state = once.Creation(endpoint(clock=clock), memory, scope), memory.open_state()
    record_again = type(state.creates).record_again

    def record_first(self, create):
        if create.key.item != item:
            raise StateError("the disk is full")
        return record_again(self, create)

    def create():
        for each in (item, "other"):
            yield from creation.claim(each, 0.0, find)
        yield Sleep(2)
        pace = CreatePacer.start(creation.endpoint, CREATE_ASSET_GROUP)
        yield from creation.create(find, find, pace=pace, source="a.jpg", what="CreateAsset")

    monkeypatch.setattr(type(state.creates), "record_again", record_first)
    with pytest.raises(StateError):
        Runner(None, clock).run(creation.run(create))
    assert state.creates.begin(Key(memory.account, scope, item), 60, lambda: 0).is_new
    memory.close()


class Patient(InProcessTransport):
    """A transport whose creates take until the claim was renewed for longer than it held at first."""

    renewed: threading.Event

    def send(self, request):
        """Wait, then send."""
        if "/upload" in request.url:
            assert self.renewed.wait(10)
        return super().send(request)


class AsyncPatient(AsyncInProcessTransport):
    """The same for asyncio."""

    renewed: threading.Event

    async def send(self, request):
        """Wait, then send."""
        if "/upload" in request.url:
            assert await asyncio.to_thread(self.renewed.wait, 10)
        return await super().send(request)


def test_a_slow_owner_that_lives_is_not_robbed(colour, portrait_emulator, tmp_path, monkeypatch):
    """once-race-asset: a call takes longer than a claim holds, and the claim is renewed from beside it."""
    monkeypatch.setattr(once, "LEASE", 0.2)
    monkeypatch.setattr(once, "RENEWAL", 0.01)
    group = portrait_emulator.client().create_asset_group(name="hosts").id
    clock = SystemClock()
    other = open_state(tmp_path / "state.db", clock)
    transport = (Patient if colour.name == "sync" else AsyncPatient)(portrait_emulator.service)
    transport.renewed = threading.Event()
    began, seen = clock.monotonic(), []
    renew = type(other.claims).renew

    def renew_and_look(self, claim, ttl):
        assert renew(self, claim, ttl)
        seen.append(other.claims.acquire(claim.key, 1))
        if clock.monotonic() - began > 2 * once.LEASE:
            transport.renewed.set()
        return True

    monkeypatch.setattr(type(other.claims), "renew", renew_and_look)
    client = colour.client(portrait_emulator, state=tmp_path / "state.db", transport=transport, clock=clock)
    outcome = colour.run(client.ensure_asset, image(), group_id=group, wait=False)
    assert outcome.origin == "created"
    assert seen  # the last of them after twice the lease
    assert all(isinstance(one, Holder) for one in seen)
    other.close()
