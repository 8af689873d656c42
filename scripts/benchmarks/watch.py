"""How many calls it takes to see 50 assets Active: one watch over all against polling each."""

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
    what = f"calls to see {_ASSETS} assets Active: watch_assets ({watched}) against polling each ({polled})"
    yield Figure("f", what, watched / polled, 0.1, higher=False)
    for words, state in (("that ended before", {"age": 60.0}), (f"with {_OTHERS} newer ones", {"others": _OTHERS})):
        yield Figure("f", f"calls of watch_assets for {_ASSETS} assets {words}", _watched(**state), unit="calls")


def _watched(age: float = 0.0, others: int = 0) -> int:
    """The calls of `watch_assets` for assets of that age in seconds, after which others were created."""
    with Emulator(Settings(assets=_ASSETS + others)) as emulator:
        client = emulator.client()
        ids = _created(client, _ASSETS + others)[:_ASSETS]
        emulator.clock.advance(age)
        before = emulator.calls.count()
        outcomes = list(client.watch_assets(ids))
        assert len(outcomes) == _ASSETS
        assert all(outcome.asset is not None and outcome.asset.status is AssetStatus.ACTIVE for outcome in outcomes)
        return emulator.calls.count() - before


def _polled() -> int:
    """Every asset by itself, all at once: a look at each that is not finished, and a pause."""
    with Emulator() as emulator:
        client = emulator.client()
        waiting = _created(client, _ASSETS)
        before = emulator.calls.count()
        while waiting:
            waiting = [one for one in waiting if client.get_asset(id=one).status is not AssetStatus.ACTIVE]
            emulator.clock.advance(POLL)
        return emulator.calls.count() - before


def _created(client: PortraitClient, count: int) -> list[str]:
    group = client.create_asset_group(name="bench").id
    url = "https://cdn.example/portrait.jpg"
    return [client.create_asset(group_id=group, url=url, asset_type="Image").id for _ in range(count)]
