"""pytest-asyncio."""

import pytest
from hosts import add_host

from portrait import AssetFailed

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("number", range(4))
async def test_a_host_becomes_an_asset(portrait_env, number):
    """Every test has an emulator of its own, in whichever process it runs."""
    assert (await add_host(f"https://cdn.example.com/{number}.jpg")).startswith("asset://")
    assert portrait_env.calls.count("CreateAsset") == 1


async def test_a_refused_host(portrait_env, async_portrait_client):
    """The emulator's own client sees the state of the application's."""
    with pytest.raises(AssetFailed, match="FaceMismatch"):
        await add_host("https://magic.test/ann.jpg?status=Failed&code=FaceMismatch")
    assert [str(asset.status) async for asset in async_portrait_client.iter_assets()] == ["Failed"]
