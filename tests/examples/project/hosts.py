"""An asyncio application that onboards portraits; it knows nothing of an emulator."""

from portrait import AsyncPortraitClient


async def add_host(url):
    """The asset:// address of a picture, once it is Active."""
    async with AsyncPortraitClient.from_env() as client:
        group = await client.ensure_group("hosts")
        return (await client.ensure_asset(url, group_id=group.id)).uri
