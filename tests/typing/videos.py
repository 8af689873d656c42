"""Checked by mypy, never run: what the types of videos and webhooks promise; an error that does not come is one."""

from pathlib import Path
from typing import assert_type

from portrait import AsyncPortraitClient, PortraitClient
from portrait.tasks import AsyncTaskClient, Task, TaskClient
from portrait.videos import Reference, Video, VideoPage
from portrait.webhooks import webhook_handler


def videos_of_a_client_that_blocks(client: PortraitClient | TaskClient) -> None:
    """Each operation has its own class."""
    assert_type(client.videos.create(model="m", prompt="p", references=["asset://a", Reference("a")]), Video)
    assert_type(client.videos.wait("v"), Video)
    assert_type(client.videos.list(status="queued"), VideoPage)
    assert_type(client.videos.save("v", "v.mp4"), Path)
    Reference("a", "hero")  # type: ignore[arg-type]


async def videos_for_asyncio(client: AsyncPortraitClient | AsyncTaskClient) -> None:
    """The same, awaited."""
    assert_type(await client.videos.create(model="m", prompt="p"), Video)
    assert_type(await client.videos.cancel("v"), Video)


async def on_video(video: Video) -> None:
    """Takes a video."""
    del video


async def on_task(task: Task) -> None:
    """Takes a task."""
    del task


def a_webhook_reports_what_its_read_gives(
    client: PortraitClient, tasks: TaskClient, aio: AsyncPortraitClient, aio_tasks: AsyncTaskClient
) -> None:
    """Of either colour."""
    webhook_handler(client.videos.get, on_change=on_video)
    webhook_handler(aio.videos.get, on_change=on_video)
    webhook_handler(tasks.get_task, on_change=on_task)
    webhook_handler(aio_tasks.get_task, on_change=on_task)
    webhook_handler(client.videos.get, on_change=on_task)  # type: ignore[misc]
    webhook_handler(aio_tasks.get_task, on_change=on_video)  # type: ignore[misc]
