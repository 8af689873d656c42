"""How many calls it takes to see 50 assets Active: one watch over all, by their age, against polling each."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.settings import Settings
from emulator.testing import Emulator
from portrait import AssetStatus, PortraitClient
from portrait.wait import POLL
from scripts.benchmarks.report import Figure

_ASSETS = 50
_OTHERS = 500


def measure(_: int) -> Iterator[Figure]:
    """Figure f."""
    watched, polled = _watched(), _polled()
    what = f"calls to see {_ASSETS} fresh assets Active: watch_assets ({watched}) against polling each ({polled})"
    yield Figure("f", what, watched / polled, 0.1, higher=False)
    for words, calls in (
        ("fresh ones", watched),
        ("that ended before", _watched(age=60.0)),
        (f"older than {_OTHERS} others in review", _watched(others=_OTHERS)),
        (f"that ended before {_OTHERS} others were created", _watched(age=60.0, others=_OTHERS)),
    ):
        yield Figure("f", f"calls of watch_assets for {_ASSETS} assets, {words}", calls, unit="calls", higher=False)


def _watched(age: float = 0.0, others: int = 0) -> int:
    """The calls of `watch_assets` for assets of that age in seconds, after which so many others were created."""
    with Emulator(Settings(assets=_ASSETS + others)) as emulator:
        client = emulator.client()
        group = client.create_asset_group(name="bench").id
        ids = _created(client, group, _ASSETS)
        emulator.clock.advance(age)
        _created(client, group, others)
        before = emulator.calls.count()
        outcomes = list(client.watch_assets(ids))
        assert len(outcomes) == _ASSETS
        assert all(outcome.asset is not None and outcome.asset.status is AssetStatus.ACTIVE for outcome in outcomes)
        return emulator.calls.count() - before


def _polled() -> int:
    """Every asset by itself, all at once: a look at each that is not finished, and a pause."""
    with Emulator() as emulator:
        client = emulator.client()
        waiting = _created(client, client.create_asset_group(name="bench").id, _ASSETS)
        before = emulator.calls.count()
        while waiting:
            waiting = [one for one in waiting if client.get_asset(id=one).status is not AssetStatus.ACTIVE]
            emulator.clock.advance(POLL)
        return emulator.calls.count() - before


def _created(client: PortraitClient, group: str, count: int) -> list[str]:
    url = "https://cdn.example/portrait.jpg"
    return [client.create_asset(group_id=group, url=url, asset_type="Image").id for _ in range(count)]
