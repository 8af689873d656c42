"""Stored assets and groups as a dialect's items, each encoded once: a record is replaced when it changes."""

from __future__ import annotations

from typing import Any

import orjson

from emulator.clocks import TimestampFormatter
from emulator.dialects.dialect import ServerDialect, page_object
from emulator.domain.pages import AssetItem, Page
from emulator.domain.records import Asset, Group
from emulator.domain.verdicts import message_for
from portrait import models

_MOST = 20_000  # encoded items that are kept: about 10 MB

_format_time = TimestampFormatter()


class ResultSerializer:
    """Makes JSON values of the domain's results, in which items are JSON already.

    What each read changes, the signed link, is put in between; the rest is kept for as long as the record is the same.

    Args:
        dialect: Names the fields.
    """

    def __init__(self, dialect: ServerDialect) -> None:
        self._dialect = dialect
        self._encoded: dict[int, tuple[Asset | Group, bytes, bytes]] = {}  # what stands before and after the link

    def __call__(self, result: Any) -> Any:
        """The value, for orjson."""
        kind = type(result)
        if kind is AssetItem:
            return self._asset(result)
        if kind is Group:
            return self._group(result)
        if kind is Page:
            write = self._asset if result.items and type(result.items[0]) is AssetItem else self._group
            return page_object(result, [write(item) for item in result.items])
        return self._dialect.serialize(result)

    def _asset(self, item: AssetItem) -> orjson.Fragment:
        asset, url = item.asset, item.url
        encoded = self._encoded.get(asset.number)
        if encoded is None or encoded[0] is not asset:
            encoded = self._keep(asset, *_split(self._dialect.serialize(asset_model(item)), url))
        _, before, after = encoded
        return orjson.Fragment(before if url is None else before + orjson.dumps(url) + after)

    def _group(self, group: Group) -> orjson.Fragment:
        encoded = self._encoded.get(group.number)
        if encoded is None or encoded[0] is not group:
            encoded = self._keep(group, orjson.dumps(self._dialect.serialize(group_model(group))))
        return orjson.Fragment(encoded[1])

    def _keep(self, record: Asset | Group, before: bytes, after: bytes = b"") -> tuple[Asset | Group, bytes, bytes]:
        if len(self._encoded) >= _MOST:
            self._encoded.clear()
        encoded = self._encoded[record.number] = record, before, after
        return encoded


def _split(members: dict[str, Any], url: str | None) -> tuple[bytes, bytes]:
    """The JSON of an item before and after its link; all of it if it has none."""
    if url is None:
        return orjson.dumps(members), b""
    names = tuple(members)
    place = names.index("URL")
    before = orjson.dumps({name: members[name] for name in names[:place]})
    after = orjson.dumps({name: members[name] for name in names[place + 1 :]})
    return before[:-1] + b',"URL":', b"," * (len(after) > 2) + after[1:]


def asset_model(item: AssetItem) -> models.Asset:
    """An asset as the Actions show it."""
    asset = item.asset
    return models.Asset(
        id=asset.id,
        group_id=asset.group_id,
        name=asset.name,
        asset_type=asset.kind,
        status=asset.status,
        url=item.url,
        failure=models.Failure(code=asset.code, message=message_for(asset.code)) if asset.code else None,
        moderation=models.Moderation(strategy=asset.moderation) if asset.moderation else None,
        project_name=asset.project,
        create_time=_format_time(asset.created),
        update_time=_format_time(asset.updated),
        last_inference_time=None if asset.used is None else _format_time(asset.used),
    )


def group_model(group: Group) -> models.AssetGroup:
    """A group as the Actions show it. Contract §2, *Group item*: `Title` is the Name."""
    return models.AssetGroup(
        id=group.id,
        name=group.name,
        title=group.name,
        description=group.description,
        group_type=group.kind,
        project_name=group.project,
        create_time=_format_time(group.created),
        update_time=_format_time(group.updated),
    )
