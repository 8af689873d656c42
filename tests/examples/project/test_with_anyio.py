"""anyio, on asyncio: the client does not run on trio."""

import pytest
from hosts import add_host

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    """What this project runs on."""
    return "asyncio"


@pytest.mark.parametrize("number", range(4))
async def test_a_host_becomes_an_asset(portrait_env, async_portrait_client, number):
    """A review takes four seconds, and this takes none."""
    uri = await add_host(f"https://cdn.example.com/{number}.jpg")
    assert [f"asset://{asset.id}" async for asset in async_portrait_client.iter_assets()] == [uri]
    assert portrait_env.calls.count("CreateAsset") == 1
