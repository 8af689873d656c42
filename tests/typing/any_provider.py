"""Checked by mypy, never run: every client is an `AssetClient` of its colour."""

from typing import assert_type

from portrait import AsyncPortraitClient, PortraitClient, open_client
from portrait.any_provider import AssetClient, AsyncAssetClient, open_async_client
from portrait.ensure import AssetPlan, FileOutcome
from portrait.models import VisualValidateResult
from portrait.tasks import AsyncTaskClient, NewAsset, Task, TaskClient


def both_blocking_clients_are_one(actions: PortraitClient, tasks: TaskClient) -> list[AssetClient]:
    """Whoever takes an `AssetClient` takes either."""
    return [actions, tasks]


def both_asyncio_clients_are_one(actions: AsyncPortraitClient, tasks: AsyncTaskClient) -> list[AsyncAssetClient]:
    """Likewise."""
    return [actions, tasks]


def a_client_of_the_configuration() -> None:
    """What an application knows of it."""
    with open_client(provider="xcompute", api_key="sk-1") as client:
        assert_type(client, AssetClient)
        assert_type(list(client.ensure_assets(["a.jpg"], group="hosts")), list[FileOutcome])
        assert_type(client.plan_assets(["a.jpg"], group="hosts"), AssetPlan)
        assert_type(client.validate_person(callback_url="https://a.example", show=print), VisualValidateResult)
        client.ensure_assets(["a.jpg"], grup="hosts")  # type: ignore[call-arg]


async def the_same_for_asyncio() -> None:
    """Likewise."""
    async with open_async_client() as client:
        assert_type([each async for each in client.ensure_assets(["a.jpg"], group="g")], list[FileOutcome])


def what_a_task_takes(client: TaskClient) -> None:
    """A closed set of types, and values of one class."""
    assert_type(client.create_private_avatar([NewAsset("https://a.example/a", "a")], group="g"), Task)
    client.create_private_avatar(["https://a.example/a"], group="g")  # type: ignore[list-item]
    client.create_real_avatar([], group_id="g", asset_type="Text")  # type: ignore[arg-type]
