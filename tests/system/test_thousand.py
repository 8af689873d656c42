"""The headline: a thousand creates, a third of their answers lost, reads that lag, and still one asset for each."""

import json
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest

from emulator.settings import Settings
from emulator.testing import Emulator
from emulator.transports import AsyncInProcessTransport, InProcessTransport
from portrait.ensure import FileState

COUNT = 1000
LOSSES = 0.3
SOURCES = [f"https://cdn.example/portraits/{number:04}.jpg" for number in range(COUNT)]


class CallCounter:
    """What goes through a transport: the Actions, and how often each Name was looked for."""

    def __init__(self):
        self.actions = Counter()
        self.looked_for = Counter()

    def count(self, request):
        """One request."""
        action = parse_qs(urlsplit(request.url).query)["Action"][0]
        self.actions[action] += 1
        body = json.loads(request.body)
        if action == "ListAssets" and "Name" in body["Filter"]:
            self.looked_for[body["Filter"]["Name"]] += 1


class RecordingTransport(InProcessTransport):
    """A blocking transport that counts the calls."""

    counter: CallCounter

    def send(self, request):
        """Counted, then sent."""
        self.counter.count(request)
        return super().send(request)


class AsyncRecordingTransport(AsyncInProcessTransport):
    """The same for asyncio."""

    counter: CallCounter

    async def send(self, request):
        """Counted, then sent."""
        self.counter.count(request)
        return await super().send(request)


@pytest.mark.slow
def test_a_thousand_creates_survive_lost_answers_and_lagging_reads(colour):
    """30 % of the answers to CreateAsset lost, reads up to 10 s behind: none lost, none twice, 3 looks at most."""
    emulator = Emulator(Settings(seed=1))
    key = emulator.customer(assets=COUNT)
    transport = (RecordingTransport if colour.name == "sync" else AsyncRecordingTransport)(emulator.service)
    transport.counter = counter = CallCounter()
    client = colour.client(emulator, api_key=key, transport=transport)
    group = colour.run(client.create_asset_group, name="crowd").id
    emulator.rules.add(
        id="lost", match={"action": "CreateAsset"}, when={"chance": LOSSES}, do={"close": "after-commit"}
    )
    for action in ("ListAssets", "GetAsset"):
        for seconds in (10, 5):
            emulator.rules.add(match={"action": action}, when={"chance": 0.5}, do={"lag": seconds})

    outcomes = colour.run(client.ensure_assets, SOURCES, group_id=group, quota=None)

    (lost,) = (rule["fired"] for rule in emulator.rules.all()["rules"] if rule["id"] == "lost")
    assert 250 < lost < 350, "the rule did not do its part"
    assert Counter(outcome.state for outcome in outcomes) == {FileState.ACTIVE: COUNT}
    assert sum(outcome.origin == "recovered" for outcome in outcomes) == lost

    emulator.rules.clear()
    existing = list(emulator.client(api_key=key).iter_assets(group_ids=[group]))
    assert len({asset.name for asset in existing}) == len(existing) == COUNT
    assert {asset.id for asset in existing} == {outcome.asset_id for outcome in outcomes}
    assert counter.actions["CreateAsset"] == COUNT, "nothing was sent twice"
    assert len(counter.looked_for) == lost
    assert max(counter.looked_for.values()) <= 3


def test_no_asset_is_created_where_the_thousand_are_there_already(colour):
    """Running again is free of creates: the calls are pages of lists, and the outcomes are the same assets."""
    emulator = Emulator()
    key = emulator.customer(assets=COUNT)
    client = colour.client(emulator, api_key=key)
    group = colour.run(client.create_asset_group, name="crowd").id
    first = colour.run(client.ensure_assets, SOURCES[:200], group_id=group, quota=None)
    before = emulator.calls.count()
    second = colour.run(client.ensure_assets, SOURCES[:200], group_id=group, quota=None)
    assert {outcome.asset_id for outcome in first} == {outcome.asset_id for outcome in second}
    assert {outcome.origin for outcome in second} == {"existing"}
    assert emulator.calls.count() - before <= 10
