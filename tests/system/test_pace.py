"""Creates that the service throttles are waited out at its pace; full is never waited for (contract §4, §6)."""

import json
from collections import Counter

import pytest

from emulator.testing import Emulator
from emulator.transports import AsyncInProcessTransport, InProcessTransport
from portrait.errors import QuotaExceeded, Throttled
from portrait.events import CreateDelayed
from portrait.http import HttpResponse

SOURCES = [f"https://cdn.example/{number}.jpg" for number in range(10)]


@pytest.fixture
def entry():
    """An emulator, the key of a customer of the entry plan, and a group of its."""
    emulator = Emulator()
    key = emulator.customer(tier="entry")
    return emulator, key, emulator.client(api_key=key).create_asset_group(name="hosts").id


def test_the_entry_plan_takes_ten_pictures_in_three_minutes(colour, entry):
    """pace-entry: 10 Active in about 3 minutes, at most 2 refused creates; events say that it waits, and how long."""
    emulator, key, group = entry
    delays = []
    client = colour.client(emulator, api_key=key, on_event=lambda e: delays.append(e) if is_delay(e) else None)
    started = emulator.clock.monotonic()
    before = emulator.calls.count("CreateAsset")
    outcomes = colour.run(client.ensure_assets, SOURCES, group_id=group)
    assert Counter(outcome.state for outcome in outcomes) == {"Active": 10}
    assert 120 <= emulator.clock.monotonic() - started <= 240
    # Tasks that sleep on a clock of their own may be late for their turns.
    assert emulator.calls.count("CreateAsset") - before <= (12 if colour.name == "sync" else 13)
    assert {event.source for event in delays} <= set(SOURCES)
    assert 7 <= len(delays) <= 10
    assert all(event.delay > 0 for event in delays)


def is_delay(event):
    """Is it the event of a create that waits?"""
    return isinstance(event, CreateDelayed)


def test_what_was_learnt_holds_for_the_next_batch(colour, entry):
    """pace-entry: a client, and those that are derived from it, learns once, not once for each batch."""
    emulator, key, group = entry
    client = colour.client(emulator, api_key=key)
    for half in (SOURCES[:5], SOURCES[5:]):
        before = emulator.calls.count("CreateAsset")
        outcomes = colour.run(client.with_options(project="default").ensure_assets, half, group_id=group)
        assert {outcome.state for outcome in outcomes} == {"Active"}
    # Tasks that sleep on a clock of their own may be late for their turns.
    assert emulator.calls.count("CreateAsset") - before <= (5 if colour.name == "sync" else 6)


def test_what_was_learnt_holds_for_all_who_share_a_state(colour, entry, tmp_path):
    """pace-entry: another process, or the next run, waits for its turn before it is throttled itself."""
    emulator, key, group = entry
    for half in (SOURCES[:5], SOURCES[5:]):
        events = []
        client = colour.client(emulator, api_key=key, state=tmp_path / "state.db", on_event=events.append)
        outcomes = colour.run(client.ensure_assets, half, group_id=group)
        assert {outcome.state for outcome in outcomes} == {"Active"}
    limits = [is_delay(event) for event in events if is_delay(event) or getattr(event, "error", None) == "Throttled"]
    assert limits[0]


def test_a_pace_holds_for_all_who_share_a_state(colour, entry, tmp_path):
    """pace-entry: two clients with three creates a minute each create three a minute together."""
    emulator, key, group = entry
    started = emulator.clock.monotonic()
    for source in SOURCES[:3]:
        client = colour.client(emulator, api_key=key, state=tmp_path / "state.db", pace="entry")
        colour.run(client.create_asset, url=source, asset_type="Image", group_id=group)
    assert emulator.clock.monotonic() - started == pytest.approx(40, abs=1)


def test_a_deadline_ends_the_waiting(colour, entry):
    """pace-entry: what would come after it is not sent, and a later run goes on."""
    emulator, key, group = entry
    client = colour.client(emulator, api_key=key)
    started = emulator.clock.monotonic()
    outcomes = colour.run(client.ensure_assets, SOURCES, group_id=group, deadline=70)
    assert emulator.clock.monotonic() - started <= 80
    assert Counter(outcome.state for outcome in outcomes) == {"Active": 4, "Stopped": 6}
    stopped = [outcome.error for outcome in outcomes if outcome.error]
    assert all("Run again" in error.advice and "deadline" in error.message for error in stopped)
    assert {outcome.state for outcome in colour.run(client.ensure_assets, SOURCES, group_id=group)} == {"Active"}


def throttle(code):
    """A refusal that asks for a pause."""
    body = {"ResponseMetadata": {"RequestId": "r", "Error": {"Code": code, "Message": "Slow down."}}}
    headers = {"content-type": "application/json", "retry-after": "40"}
    return HttpResponse(status=429, headers=headers, body=json.dumps(body).encode())


class Throttling(InProcessTransport):
    """A blocking transport whose service refuses the first creates."""

    refusals: list

    def send(self, request):
        """Refuse, or send."""
        if "Action=CreateAsset&" in request.url and self.refusals:
            return self.refusals.pop()
        return super().send(request)


class AsyncThrottling(AsyncInProcessTransport):
    """The same for asyncio."""

    refusals: list

    async def send(self, request):
        """Refuse, or send."""
        if "Action=CreateAsset&" in request.url and self.refusals:
            return self.refusals.pop()
        return await super().send(request)


@pytest.mark.parametrize("code", ["RateLimitExceeded", "AccountFlowLimitExceeded", "QuotaWriteQPMExceeded"])
def test_every_code_of_a_throttle_is_waited_out(colour, code):
    """pace-entry: with the pause that the service asks for, and whatever "quota" stands in its code."""
    emulator = Emulator()
    key = emulator.customer()
    group = emulator.client(api_key=key).create_asset_group(name="hosts").id
    transport = (Throttling if colour.name == "sync" else AsyncThrottling)(emulator.service)
    transport.refusals = [throttle(code)] * 3
    client = colour.client(emulator, api_key=key, transport=transport)
    started = emulator.clock.monotonic()
    (outcome,) = colour.run(client.ensure_assets, SOURCES[:1], group_id=group)
    assert outcome.state == "Active"
    assert 120 <= emulator.clock.monotonic() - started <= 140


def test_a_service_that_throttles_for_good_is_given_up(colour):
    """pace-entry: ten minutes without one accepted create; every file says what was in the way."""
    emulator = Emulator()
    key = emulator.customer()
    group = emulator.client(api_key=key).create_asset_group(name="hosts").id
    emulator.rules.add(match={"action": "CreateAsset"}, do={"error": "Throttled"})
    started = emulator.clock.monotonic()
    outcomes = colour.run(colour.client(emulator, api_key=key).ensure_assets, SOURCES[:2], group_id=group)
    assert [outcome.state for outcome in outcomes] == ["Stopped"] * 2
    assert 600 <= emulator.clock.monotonic() - started <= 900


def test_a_pause_longer_than_all_patience_is_not_waited_for(colour):
    """pace-entry: a Retry-After of years is an error at once, and not a sleep of years."""
    emulator = Emulator()
    key = emulator.customer()
    group = emulator.client(api_key=key).create_asset_group(name="hosts").id
    late = {"http": {"status": 429, "body": "empty", "headers": {"Retry-After": "999999999"}}}
    emulator.rules.add(match={"action": "CreateAsset"}, do=late)
    started = emulator.clock.monotonic()
    outcomes = colour.run(colour.client(emulator, api_key=key).ensure_assets, SOURCES[:2], group_id=group)
    assert [outcome.state for outcome in outcomes] == ["Stopped"] * 2
    assert emulator.clock.monotonic() - started <= 900


def test_full_is_not_waited_for(colour):
    """pace-entry: a full group ends at once, without a pause."""
    emulator = Emulator()
    key = emulator.customer(assets=3)
    group = emulator.client(api_key=key).create_asset_group(name="hosts").id
    started = emulator.clock.monotonic()
    outcomes = colour.run(
        colour.client(emulator, api_key=key).ensure_assets, SOURCES[:5], group_id=group, quota=None, wait=False
    )
    assert Counter(outcome.state for outcome in outcomes) == {"Late": 3, "NoRoom": 2}
    assert emulator.clock.monotonic() - started <= 15


@pytest.mark.parametrize("state", [False, True], ids=["alone", "with a state"])
def test_a_throttled_group_is_waited_out(colour, tmp_path, state):
    """pace-entry: as a create of an asset is, past the four attempts of a call; an event says that it waits."""
    emulator = Emulator()
    delays = []
    client = colour.client(
        emulator,
        api_key=emulator.customer(),
        state=tmp_path / "state.db" if state else None,
        on_event=lambda event: delays.append(event) if is_delay(event) else None,
    )
    emulator.rules.add(match={"action": "CreateAssetGroup"}, when={"first": 7}, do={"error": "Throttled"})
    group = colour.run(client.ensure_group, "hosts")
    assert group.name == "hosts"
    assert emulator.calls.count("CreateAssetGroup", outcome="ok") == 1
    assert [event.source for event in delays] == ["hosts"] * 7


def test_a_group_that_is_throttled_for_good_is_given_up(colour):
    """pace-entry: after ten minutes, with the error of the service."""
    emulator = Emulator()
    emulator.rules.add(match={"action": "CreateAssetGroup"}, do={"error": "Throttled"})
    started = emulator.clock.monotonic()
    with pytest.raises(Throttled):
        colour.run(colour.client(emulator).ensure_group, "hosts")
    assert 600 <= emulator.clock.monotonic() - started <= 900


def test_a_full_account_is_not_waited_for(colour):
    """pace-entry: no room for another group is an error at once, after a single create."""
    emulator = Emulator()
    started = emulator.clock.monotonic()
    with pytest.raises(QuotaExceeded):
        colour.run(colour.client(emulator, api_key=emulator.customer(groups=0)).ensure_group, "hosts")
    assert emulator.calls.count("CreateAssetGroup") == 1
    assert emulator.clock.monotonic() == started
