"""The emulator over HTTP against an aiohttp application that does nothing, and against moto's server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from scripts.benchmarks.load import Generator
from scripts.benchmarks.processes import emulator, helper, moto
from scripts.benchmarks.report import Figure, ratio
from scripts.benchmarks.wire import KEY, Connection, action, parameter, post

_ASSET = {"URL": "https://cdn.example/portrait.jpg", "AssetType": "Image", "Name": "portrait"}


def measure(rounds: int) -> Iterator[Figure]:
    """Figure a."""
    with emulator() as ours, moto() as theirs, Generator() as load:
        requests = _prepared(ours)
        connection = Connection(ours)
        answers = {name: connection.ask(request) for name, request in requests.items()}
        connection.close()
        with helper("baseline_server", json.dumps(answers)) as baseline:
            for name, aim, least in (("GetAsset", 0.70, 0.62), ("ListAssets", None, None), ("CreateAsset", 0.55, None)):
                pairs = _pairs(load, (ours, requests[name]), (baseline, requests[name]), rounds)
                yield Figure("a", f"{name} against a bare aiohttp handler, requests/s", ratio(pairs), aim, least)
        known = parameter("GetParameter", _known(theirs))
        pairs = _pairs(load, (ours, requests["GetAsset"]), (theirs, known), (rounds + 1) // 2)
        yield Figure("a", "GetAsset against moto's GetParameter, requests/s", ratio(pairs), 20)


def _pairs(
    load: Generator, ours: tuple[int, bytes], theirs: tuple[int, bytes], rounds: int, seconds: float = 0.4
) -> list[tuple[float, float]]:
    """Rates in turn, after a first one of each that does not count."""
    found = [(load.rate(*ours, seconds), load.rate(*theirs, seconds)) for _ in range(rounds + 1)]
    return found[1:]


def _prepared(port: int) -> dict[str, bytes]:
    """Room for as many assets as a run creates, and a request for each Action."""
    connection = Connection(port)
    connection.ask(post(f"/_emulator/customers/{KEY}", {"assets": 10_000_000}, {}, "PATCH"))
    group = _id(connection.ask(action("CreateAssetGroup", {"GroupType": "AIGC", "Name": "bench"})))
    create = action("CreateAsset", {"GroupId": group, **_ASSET})
    assets = [_id(connection.ask(create)) for _ in range(10)]
    for asset in assets:
        connection.ask(post(f"/_emulator/assets/{asset}", {"status": "Active"}, {}))
    connection.close()
    filtered = {"Filter": {"GroupType": "AIGC"}, "PageSize": 10, "SortOrder": "Asc"}
    return {
        "GetAsset": action("GetAsset", {"Id": assets[0]}),
        "ListAssets": action("ListAssets", filtered),
        "CreateAsset": create,
    }


def _known(port: int) -> dict[str, Any]:
    """A parameter that moto has been given."""
    connection = Connection(port)
    connection.ask(parameter("PutParameter", {"Name": "/bench", "Value": "value", "Type": "String"}))
    connection.close()
    return {"Name": "/bench"}


def _id(answer: Any) -> str:
    identifier: str = answer["Result"]["Id"]
    return identifier
