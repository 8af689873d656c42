"""What the tests of the handlers share: values, new records, and what a refusal says."""

import pytest

from emulator.domain import assets, groups, validations
from emulator.domain.ports import StoredFile
from emulator.domain.reasons import Refusal
from portrait import models

BASE, NOW, URL = "http://emulator.test", 1000.0, "https://cdn.example/a.jpg"
FILE = StoredFile(content=b"abc", content_type="image/png")


def group(ctx, name="a group", **fields):
    """A new AIGC group's id."""
    return groups.create(ctx, models.CreateAssetGroupRequest(name=name, **fields)).id


def asset(ctx, group_id=None, url=URL, kind="Image", **fields):
    """A new asset's id."""
    request = models.CreateAssetRequest(group_id=group_id or group(ctx), url=url, asset_type=kind, **fields)
    return assets.create(ctx, request).id


def session(ctx, **fields):
    """A new validation's token."""
    request = models.CreateVisualValidateSessionRequest(callback_url="https://app.example/back", **fields)
    return validations.create(ctx, request).byted_token


def fields_of(refusal):
    """All that a refusal says."""
    return refusal.reason, refusal.field, refusal.id, refusal.detail, refusal.message


def refused(handler, ctx, request):
    """What a handler says when it refuses."""
    with pytest.raises(Refusal) as caught:
        handler(ctx, request)
    return fields_of(caught.value)
