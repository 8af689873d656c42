"""A video from an asset: both clients and each provider of Actions against the emulator, by the environment alone."""

import asyncio
import inspect

import pytest

from emulator.environment import emulator
from portrait import AsyncPortraitClient, PortraitClient
from portrait.errors import InvalidParameter, NotFound
from portrait.video_models import URL_LIFE
from portrait.videos import Reference, VideoStatus

MODELS = {
    "alltoken": "seedance-2.0",
    "volcengine": "doubao-seedance-2-0-260128",
    "byteplus": "dreamina-seedance-2-0-260128",
}


@pytest.fixture(params=[PortraitClient, AsyncPortraitClient], ids=["sync", "async"])
def run(request):
    """Runs a call of a client of either colour, which is the first argument of what is run."""
    with asyncio.Runner() as runner:

        def wait(value):
            return runner.run(_awaited(value)) if inspect.isawaitable(value) else value

        yield request.param, wait


async def _awaited(value):
    return await value


@pytest.mark.parametrize("provider", MODELS)
def test_a_video_from_an_asset(run, provider, tmp_path):
    """An asset in review is refused; an Active one ends in a file, whose address dies after a day."""
    kind, wait = run
    with emulator(provider=provider) as service:
        client = kind.from_env()
        group = wait(client.create_asset_group(name="brand", group_type="AIGC")).id
        asset = wait(client.create_asset(group_id=group, url="https://magic.test/a.jpg", asset_type="Image")).id
        request = {"model": MODELS[provider], "prompt": "wave", "references": [Reference(asset, "first_frame")]}
        with pytest.raises(InvalidParameter, match="is not found"):
            wait(client.videos.create(**request))
        wait(client.wait_until_active(asset))
        video = wait(client.videos.wait(wait(client.videos.create(**request))))
        assert (video.status, video.tokens > 0) == (VideoStatus.SUCCEEDED, True)
        assert wait(client.videos.save(video, tmp_path / "v.mp4")).read_bytes()[4:8] == b"ftyp"
        assert [each.id for each in wait(client.videos.list()).items] == [video.id]
        queued = wait(client.videos.create(model=MODELS[provider], prompt="wave"))
        assert wait(client.videos.cancel(queued.id)).status is VideoStatus.CANCELLED
        service.clock.advance(URL_LIFE + 1)
        with pytest.raises(NotFound, match="24 hours"):
            wait(client.videos.save(video.id, tmp_path / "late.mp4"))
        wait(client.close())
    assert not (tmp_path / "late.mp4").exists()
