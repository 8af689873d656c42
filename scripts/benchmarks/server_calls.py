"""The emulator over HTTP against an aiohttp application that does nothing, and against moto's server.

CPU is the server's time for a request; the machine's other work changes it less than rates.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from scripts.benchmarks.load import Generator, Load
from scripts.benchmarks.processes import Process, emulator, helper, moto
from scripts.benchmarks.report import Figure, ratio
from scripts.benchmarks.wire import KEY, Connection, action, parameter, post

_ASSET = {"URL": "https://cdn.example/portrait.jpg", "AssetType": "Image", "Name": "portrait"}
_LONGEST = 100
# What is asked for → the CPU that a bare handler takes for it, in ours: aim and least.
_AIMS = {"GetAsset": (1.2, 1.0), "List(10)": (0.95, 0.8), "List(100)": (1.2, 1.0), "CreateAsset": (0.75, 0.6)}


def measure(rounds: int) -> Iterator[Figure]:
    """Figure a."""
    with emulator() as ours, moto() as theirs, Generator() as load:
        requests = prepared(ours.port)
        connection = Connection(ours.port)
        answers = {name: connection.ask(request) for name, request in requests.items()}
        connection.close()
        for name, (aim, least) in _AIMS.items():
            with helper("baseline_server", json.dumps(answers[name])) as bare:
                pairs = _pairs(load, (ours, requests[name]), (bare, requests[name]), rounds)
            yield Figure("a", f"{name}: CPU of a bare aiohttp handler / ours", 1 / _cpu(pairs), aim, least)
            yield Figure("a", f"{name} against a bare aiohttp handler, requests/s", _rate(pairs))
        known = parameter("GetParameter", _known(theirs.port))
        pairs = _pairs(load, (ours, requests["GetAsset"]), (theirs, known), (rounds + 1) // 2)
        yield Figure("a", "GetAsset against moto's GetParameter, requests/s", _rate(pairs), 20)


def _pairs(
    load: Generator, ours: tuple[Process, bytes], theirs: tuple[Process, bytes], rounds: int, seconds: float = 0.4
) -> list[tuple[Load, Load]]:
    """Loads in turn, after a first one of each that does not count."""
    found = [(load.load(*ours, seconds), load.load(*theirs, seconds)) for _ in range(rounds + 1)]
    return found[1:]


def _rate(pairs: list[tuple[Load, Load]]) -> float:
    return ratio([(ours.rate, theirs.rate) for ours, theirs in pairs])


def _cpu(pairs: list[tuple[Load, Load]]) -> float:
    return ratio([(ours.cpu, theirs.cpu) for ours, theirs in pairs])


def prepared(port: int) -> dict[str, bytes]:
    """Room for as many assets as a run creates, and a request for each Action."""
    connection = Connection(port)
    connection.ask(post(f"/_emulator/customers/{KEY}", {"assets": 10_000_000}, {}, "PATCH"))
    group = _id(connection.ask(action("CreateAssetGroup", {"GroupType": "AIGC", "Name": "bench"})))
    create = action("CreateAsset", {"GroupId": group, **_ASSET})
    assets = [_id(connection.ask(create)) for _ in range(_LONGEST)]
    for asset in assets:
        connection.ask(post(f"/_emulator/assets/{asset}", {"status": "Active"}, {}))
    connection.close()
    listed = {"Filter": {"GroupType": "AIGC"}, "SortOrder": "Asc"}
    return {
        "GetAsset": action("GetAsset", {"Id": assets[0]}),
        "List(10)": action("ListAssets", {**listed, "PageSize": 10}),
        "List(100)": action("ListAssets", {**listed, "PageSize": _LONGEST}),
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
