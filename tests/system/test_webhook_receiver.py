"""What a provider posts to a webhook: parsed without trust, confirmed by a read, reported once for each change."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from emulator import environment
from portrait.errors import ConnectFailed, UsageError
from portrait.tasks import NewAsset, Task
from portrait.videos import Video, VideoStatus
from portrait.webhooks import MAX_REMEMBERED, WebhookEvent, WebhookHandler, parse_webhook, webhook_handler
from tests.system.runners import COLOURS
from tests.system.test_videos import KEY, task_client


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (b'{"id": "cgt-1", "status": "running"}', WebhookEvent(id="cgt-1", status="running")),
        (
            '{"code": 200, "data": {"id": "task_1", "status": "completed"}}',
            WebhookEvent(id="task_1", status="completed"),
        ),
        (b'{"data": {"task_id": "task_1"}}', WebhookEvent(id="task_1")),
        (b'{"id": "a/../b", "status": 7}', WebhookEvent(id="a/../b")),
        (b"", None),
        (b"{", None),
        (b"\xff", None),
        (b"[]", None),
        (b'{"data": []}', None),
        (b'{"id": 7}', None),
        (b'{"id": ""}', None),
        (b'{"id": ".."}', None),
        (b'{"id": "a\\u0000"}', None),
        (b'{"id": "' + b"x" * 201 + b'"}', None),
    ],
)
def test_what_was_posted_is_parsed(body, event):
    """Bare and wrapped; what names nothing is none, and nothing raises."""
    assert parse_webhook(body) == event


def run(scenario, provider="alltoken"):
    """Run a scenario with a fresh emulator."""
    with environment.emulator(provider=provider, key_providers={KEY: "apimart"}) as emulator:
        asyncio.run(scenario(emulator))


class Site:
    """A web application with a webhook; `changes` are those that it was told of."""

    def __init__(self, read):
        self.changes = asyncio.Queue()
        self.handler = WebhookHandler(read, self.changes.put)

    async def __aenter__(self):
        app = web.Application()
        app.add_routes([web.post("/done/callback", self.handler.handle)])
        self.http = await TestClient(TestServer(app)).__aenter__()
        self.url = str(self.http.make_url("/done"))
        return self

    async def __aexit__(self, *error):
        await self.http.__aexit__(*error)

    async def post(self, body):
        """The status of the answer to a post."""
        response = await self.http.post("/done/callback", data=body)
        return response.status

    async def change(self):
        """The next change that is reported."""
        return await asyncio.wait_for(self.changes.get(), 5)


@pytest.mark.parametrize("colour", COLOURS)
def test_every_change_of_arks_is_reported(colour):
    """To `callback_url` itself, as it is read by either client."""

    async def scenario(emulator):
        kind = emulator.client if colour == "sync" else emulator.async_client
        client = kind(provider="volcengine")
        async with Site(client.videos.get) as site:
            create = client.videos.create(
                model="doubao-seedance-2-0-260128", prompt="x", callback_url=f"{site.url}/callback"
            )
            video = create if isinstance(create, Video) else await create
            for seconds, status in ((12, VideoStatus.RUNNING), (49, VideoStatus.SUCCEEDED)):
                emulator.clock.advance(seconds)
                change = await site.change()
                assert (change.id, change.status) == (video.id, status)
            assert change.tokens > 0
        if colour == "async":
            await client.close()

    run(scenario)


@pytest.mark.parametrize("colour", COLOURS)
def test_the_end_of_a_gateways_video_is_reported(colour):
    """Below the base address of `webhook`."""

    async def scenario(emulator):
        client = task_client(colour)
        async with Site(client.videos.get) as site:
            create = client.videos.create(model="seedance-2.0", prompt="x", callback_url=site.url)
            video = create if isinstance(create, Video) else await create
            emulator.clock.advance(61)
            change = await site.change()
            assert (change.id, change.status, change.cost > 0) == (video.id, VideoStatus.SUCCEEDED, True)
        if colour == "async":
            await client.close()

    run(scenario, "apimart")


@pytest.mark.parametrize("colour", COLOURS)
def test_the_end_of_a_task_is_reported(colour):
    """With its assets, by the read of a client of tasks."""

    async def scenario(emulator):
        client = task_client(colour)
        async with Site(client.get_task) as site:
            create = client.create_private_avatar(
                [
                    NewAsset("https://magic.test/a.png", "ann"),
                    NewAsset("https://magic.test/b.png?code=FaceMismatch", "bob"),
                ],
                group="hosts",
                webhook=site.url,
            )
            task = create if isinstance(create, Task) else await create
            emulator.clock.advance(5)
            change = await site.change()
            assert (change.id, change.status) == (task.id, "failed")
            assert [len(change.usable), len(change.failed)] == [1, 1]
        if colour == "async":
            await client.close()

    run(scenario, "apimart")


def test_a_forged_post_changes_nothing():
    """It is read, and the read decides; an id that is not there is 404, which ends the attempts of a provider."""

    async def scenario(emulator):
        with emulator.client() as client:
            video = client.videos.create(model="seedance-2.0", prompt="x")
            async with Site(client.videos.get) as site:
                body = f'{{"id": "{video.id}", "status": "completed"}}'
                assert await site.post(body) == 204
                assert (await site.change()).status is VideoStatus.QUEUED
                assert await site.post('{"id": "vgen_nosuch", "status": "completed"}') == 404
                assert await site.post("nothing") == 400
                assert site.changes.empty()

    run(scenario)


def test_a_post_that_comes_twice_is_reported_once():
    """At once or later; the next status is another change."""

    async def scenario(emulator):
        with emulator.client() as client:
            video = client.videos.create(model="seedance-2.0", prompt="x")
            async with Site(client.videos.get) as site:
                body = f'{{"id": "{video.id}"}}'
                assert await asyncio.gather(*(site.post(body) for _ in range(5))) == [204] * 5
                assert await site.post(body) == 204
                assert site.changes.qsize() == 1
                emulator.clock.advance(61)
                await site.post(body)
                assert [(await site.change()).status for _ in range(2)] == ["queued", "succeeded"]

    run(scenario)


def test_a_read_that_fails_asks_for_another_post(caplog):
    """503, without an id or a key in the log; an application that fails is told again, too."""
    calls = []

    async def read(id):  # noqa: A002
        calls.append(id)
        if len(calls) == 1:
            raise ConnectFailed("No connection.")
        return Video(id=id, status=VideoStatus.SUCCEEDED)

    async def scenario():
        failing = True

        async def on_change(video):
            nonlocal failing
            if failing:
                failing = False
                raise RuntimeError
            changes.append(video.id)

        changes = []
        app = web.Application()
        app.add_routes([web.post("/", webhook_handler(read, on_change=on_change))])
        async with TestClient(TestServer(app)) as http:
            statuses = [(await http.post("/", data='{"id": "v-1"}')).status for _ in range(4)]
        assert (statuses, changes) == ([503, 500, 204, 204], ["v-1"])

    asyncio.run(scenario())
    assert "could not be confirmed: ConnectFailed" in caplog.text
    assert "was not dealt with" in caplog.text


def test_a_read_that_can_never_work_is_logged(caplog):
    """An application that asks in a wrong way is told in its log; the provider is not asked to post for nothing."""

    async def read(id):  # noqa: A002
        raise UsageError(f"No key for {id}.")

    async def scenario():
        handler = WebhookHandler(read, None)
        app = web.Application()
        app.add_routes([web.post("/", handler.handle)])
        async with TestClient(TestServer(app)) as http:
            return (await http.post("/", data='{"id": "v-1"}')).status

    assert asyncio.run(scenario()) == 500
    assert "No key for v-1" in caplog.text


def test_a_provider_that_gives_up_waiting_ends_nothing(caplog):
    """The change is reported all the same, and what the application raises then is logged."""

    async def scenario():
        started, go_on, reported = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def read(id):  # noqa: A002
            started.set()
            await go_on.wait()
            return Video(id=id, status=VideoStatus.SUCCEEDED)

        async def on_change(_):
            reported.set()
            raise RuntimeError("the application's own")

        handler = WebhookHandler(read, on_change)
        app = web.Application()
        app.add_routes([web.post("/", handler.handle)])
        async with TestClient(TestServer(app, handler_cancellation=True)) as http:
            post = asyncio.create_task(http.post("/", data='{"id": "v-1"}'))
            await started.wait()
            post.cancel()
            with pytest.raises(asyncio.CancelledError):
                await post
            go_on.set()
            await asyncio.wait_for(reported.wait(), 5)
            await asyncio.gather(*handler._tasks)

    asyncio.run(scenario())
    assert "the application's own" in caplog.text


def test_what_was_reported_is_remembered_within_bounds(monkeypatch):
    """The oldest is forgotten first."""
    monkeypatch.setattr("portrait.webhooks.MAX_REMEMBERED", 2)
    assert MAX_REMEMBERED == 10_000

    async def read(id):  # noqa: A002
        return Video(id=id, status=VideoStatus.SUCCEEDED)

    async def scenario():
        async with Site(read) as site:
            for name in ("a", "b", "b", "c", "a"):
                assert await site.post(f'{{"id": "{name}"}}') == 204
            found = [(await site.change()).id for _ in range(site.changes.qsize())]
        assert found == ["a", "b", "c", "a"]

    asyncio.run(scenario())
