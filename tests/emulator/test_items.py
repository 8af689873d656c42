"""The items of answers: encoded once for each record, with the link of the read."""

import orjson
import pytest
from attrs import evolve

from emulator.dialects import ALLTOKEN, ARK
from emulator.dialects.items import ResultSerializer, asset_model, group_model
from emulator.domain.pages import AssetItem, Page
from emulator.domain.records import Asset, AssetState, Group
from portrait.models import AssetType, GroupType

_GROUP = Group(
    number=1, id="group-1", customer="acme", project="p", kind=GroupType.AIGC, name="hosts", created=10.0, updated=11.0
)
_ASSET = Asset(
    number=2,
    id="asset-2",
    customer="acme",
    project="p",
    group_id="group-1",
    group_kind=GroupType.AIGC,
    name='"URL":"x", \\ \x00 主持人',
    kind=AssetType.VIDEO,
    url="https://cdn.example/a.mp4",
    created=10.0,
    updated=12.0,
    status=AssetState.ACTIVE,
    moderation="Skip",
    used=14.0,
)
_ASSETS = [
    _ASSET,
    evolve(_ASSET, number=3, status=AssetState.PROCESSING),
    evolve(_ASSET, number=4, status=AssetState.FAILED, code="FpsTooLow", moderation="", used=None),
]
dialects = pytest.mark.parametrize("dialect", [ALLTOKEN, ARK], ids=lambda dialect: dialect.name)


def item(asset, link):
    """What a read shows of an asset: no link while it is Processing."""
    return AssetItem(asset, None if asset.status is AssetState.PROCESSING else link)


@dialects
@pytest.mark.parametrize("asset", _ASSETS, ids=lambda asset: asset.status)
def test_an_asset_is_encoded_as_the_dialect_says(dialect, asset):
    """The same bytes as without anything kept, at the first read and at the next ones, each with its own link."""
    serialize = ResultSerializer(dialect)
    for link in ("http://a.test/1?x=1&y=%22", "http://b.test/2", 'http://c.test/"'):
        expected = orjson.dumps(dialect.serialize(asset_model(item(asset, link))))
        assert orjson.dumps(serialize(item(asset, link))) == expected


@dialects
def test_a_changed_record_is_encoded_anew(dialect):
    """What is kept belongs to one record: its successor of the same number is encoded itself, equal or not."""
    serialize = ResultSerializer(dialect)
    serialize(AssetItem(_ASSET, "http://a.test/1"))
    serialize(_GROUP)
    renamed, regrouped = evolve(_ASSET, name="other", updated=99.0), evolve(_GROUP, name="others", description="new")
    found = orjson.loads(orjson.dumps([serialize(AssetItem(renamed, "http://a.test/2")), serialize(regrouped)]))
    assert found == [
        dialect.serialize(asset_model(AssetItem(renamed, "http://a.test/2"))),
        dialect.serialize(group_model(regrouped)),
    ]


@dialects
def test_pages_hold_items(dialect):
    """By number with counts, by cursor with the token of the next page, and empty."""
    serialize = ResultSerializer(dialect)
    pages = [
        Page(items=[item(asset, "http://a.test/1") for asset in _ASSETS], total_count=3, page_number=1, page_size=10),
        Page(items=[_GROUP], next_token="next"),
        Page(items=[]),
    ]
    found = [orjson.loads(orjson.dumps(serialize(page))) for page in pages]
    assets = [dialect.serialize(asset_model(item(asset, "http://a.test/1"))) for asset in _ASSETS]
    assert found == [
        {"TotalCount": 3, "Items": assets, "PageNumber": 1, "PageSize": 10},
        {"Items": [dialect.serialize(group_model(_GROUP))], "NextToken": "next"},
        {"Items": []},
    ]


def test_what_is_kept_is_bounded(monkeypatch):
    """However many records are read, so many are kept at most; all of them are encoded as they are."""
    monkeypatch.setattr("emulator.dialects.items._MOST", 3)
    serialize = ResultSerializer(ARK)
    for number in range(10):
        group = evolve(_GROUP, number=number, id=f"group-{number}")
        assert orjson.loads(orjson.dumps(serialize(group)))["Id"] == group.id
        assert len(serialize._encoded) <= 3
