"""The clients of the task gateways against the emulator, by the environment alone: all providers, both colours."""

import asyncio
import inspect

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from emulator.environment import emulator
from portrait.errors import (
    InvalidRequest,
    NotFound,
    Throttled,
    UnknownOutcome,
    UsageError,
    ValidatePending,
    ValidationFailed,
    WaitTimeout,
)
from portrait.events import WaitProgress
from portrait.tasks import AsyncTaskClient, NewAsset, TaskClient, TaskStatus
from portrait.web import CallbackHandler, callback_url

PROVIDERS = ("xcompute", "apimart", "gccai")


@pytest.fixture(params=[TaskClient, AsyncTaskClient], ids=["sync", "async"])
def kind(request):
    """A colour of client."""
    return request.param


@pytest.fixture(params=PROVIDERS)
def provider(request):
    """A provider."""
    return request.param


@pytest.fixture
def run():
    """Gives the value of a call of either colour."""
    with asyncio.Runner() as runner:
        yield lambda value: runner.run(_awaited(value)) if inspect.isawaitable(value) else value


async def _awaited(value):
    return await value


async def _gathered(values):
    return [value async for value in values]


def _listed(values):
    return _gathered(values) if hasattr(values, "__aiter__") else list(values)


def assets(count, codes=None):
    """So many files; those with a code fail their review."""
    query = {number: f"?code={code}" for number, code in (codes or {}).items()}
    return [NewAsset(f"https://magic.test/{n}.png{query.get(n, '')}", f"a{n}") for n in range(count)]


@pytest.mark.parametrize("profile", ["guide", "schema"])
def test_a_batch_of_twenty_with_three_that_fail(kind, provider, run, profile):
    """The task is failed; 17 assets are usable by their addresses, 3 are named with their reason."""
    codes = {3: "FaceMismatch", 8: "InputImageSensitiveContentDetected", 19: "InternalError"}
    with emulator(provider=provider, profile=profile) as service:
        client = kind.from_env()
        task = run(client.wait(run(client.create_private_avatar(assets(20, codes), group="batch"))))
        assert task.status is TaskStatus.FAILED
        assert [asset.name for asset in task.usable] == [f"a{n}" for n in range(20) if n not in codes]
        assert all(asset.uri == f"asset://{asset.id}" for asset in task.usable)
        assert {asset.name: asset.failure.code for asset in task.failed} == {f"a{n}": code for n, code in codes.items()}
        assert service.calls.count("PrivateAvatar") == 1
        run(client.close())


def test_a_task_is_waited_for_with_its_progress(kind, provider, run):
    """On the client's clock; one that is not finished in time says how far it is, and can be waited for again."""
    events = []
    with emulator(provider=provider, review_seconds=30):
        client = kind.from_env(on_event=events.append)
        task = run(client.create_private_avatar(group="g", url="https://magic.test/a.png", name="a"))
        with pytest.raises(WaitTimeout) as caught:
            run(client.wait(task, timeout=15, poll=5))
        assert 10 < caught.value.last.progress < 100
        progress = [event.status for event in events if isinstance(event, WaitProgress)]
        assert progress[0] == "processing 10 %"
        assert len(progress) == 3
        (asset,) = run(client.wait(task.id)).check()
        assert (asset.name, asset.uri) == ("a", f"asset://{asset.id}")
        run(client.close())


def test_a_person_passes_and_is_used(kind, provider, run):
    """Link and token come from the session's task, the group from the result's, and the assets are of that person."""
    with emulator(provider=provider) as service:
        client = kind.from_env()
        session = run(client.create_visual_validate_session(callback_url="https://app.example/back"))
        assert session.h5_link.startswith("http")
        with pytest.raises(ValidatePending):
            run(client.get_visual_validate_result(byted_token=session.byted_token))
        service.validations.finish(session, "pass", subject="ann")
        group = run(client.wait_until_validated(session)).group_id
        subjects = {"a": "ann", "b": "bob"}
        files = [NewAsset(f"https://magic.test/{n}.mp4?subject={who}", n) for n, who in subjects.items()]
        task = run(client.wait(run(client.create_real_avatar(files, group_id=group))))
        assert [asset.name for asset in task.usable] == ["a"]
        assert [(asset.name, asset.failure.code) for asset in task.failed] == [("b", "FaceMismatch")]
        run(client.close())


def test_a_person_who_takes_time(kind, provider, run):
    """The wait ends at its deadline, and says that nothing was decided."""
    with emulator(provider=provider):
        client = kind.from_env()
        session = run(client.create_visual_validate_session(callback_url="https://app.example/back"))
        with pytest.raises(WaitTimeout) as caught:
            run(client.wait_until_validated(session, timeout=20))
        assert isinstance(caught.value.__cause__, ValidatePending)
        run(client.close())


def test_a_check_whose_task_is_not_visible_yet(kind, provider, run):
    """Its session is read once it is there, and a fault of the moment does not end the wait for the person."""
    with emulator(provider=provider) as service:
        waits = []

        def scan(event):
            waits.append(event)
            if len(waits) == 3:
                service.validations.finish(session, "pass")

        client = kind.from_env(on_event=lambda event: scan(event) if isinstance(event, WaitProgress) else None)
        service.rules.add(match={"action": "GetTask"}, when={"first": 1}, do={"error": "NotFound"})
        session = run(client.create_visual_validate_session(callback_url="https://app.example/back"))
        service.rules.clear()
        service.rules.add(match={"action": "GetTask"}, when={"first": 1}, do={"error": "NotFound"})
        service.rules.add(match={"action": "GetTask"}, when={"first": 8}, do={"error": "ServiceUnavailable"})
        assert run(client.wait_until_validated(session)).group_id
        run(client.close())


def test_a_task_of_ones_own_that_is_not_visible_yet(kind, provider, run):
    """visible-asset: it is there, whatever reads say for a time; what is not ours is waited for a moment only."""
    with emulator(provider=provider) as service:
        client = kind.from_env()
        task = run(client.create_private_avatar(assets(1), group="hosts"))
        service.rules.add(match={"action": "GetTask"}, when={"first": 8}, do={"error": "NotFound"})
        assert [asset.name for asset in run(client.wait(task.id)).usable] == ["a0"]
        service.rules.clear()
        service.rules.add(match={"action": "GetTask"}, do={"error": "NotFound"})
        with pytest.raises(NotFound):
            run(client.wait(task.id))
        run(client.close())


def test_assets_whose_task_is_not_visible_yet_are_not_created_again(kind, provider, run):
    """visible-asset: the next run would make them twice."""
    with emulator(provider=provider) as service:
        client = kind.from_env()
        service.rules.add(match={"action": "GetTask"}, when={"first": 8}, do={"error": "NotFound"})
        outcomes = run(_listed(client.ensure_assets([asset.url for asset in assets(2)], group="hosts")))
        assert [outcome.state for outcome in outcomes] == ["Active"] * 2
        assert service.calls.count("PrivateAvatar") == 1
        run(client.close())


@pytest.mark.parametrize("poll", [0, -1, float("nan")])
def test_a_wait_for_a_person_ends(kind, provider, run, poll):
    """Without pauses it would not: nothing is asked."""
    with emulator(provider=provider) as service:
        client = kind.from_env()
        with pytest.raises(UsageError, match="above zero"):
            run(client.wait_until_validated("token", poll=poll))
        assert service.calls.all() == []
        run(client.close())


@pytest.mark.parametrize("result", ["fail", None])
def test_a_person_who_does_not_pass(kind, provider, run, result):
    """A failed scan, and one that nobody begins, end the wait."""
    with emulator(provider=provider) as service:
        client = kind.from_env()
        session = run(client.create_visual_validate_session(callback_url="https://app.example/back"))
        if result:
            service.validations.finish(session, result)
        with pytest.raises(ValidationFailed):
            run(client.wait_until_validated(session))
        run(client.close())


def test_a_lost_answer_is_an_unknown_outcome(kind, provider, run):
    """A create is not sent twice; a read is."""
    with emulator(provider=provider) as service:
        client = kind.from_env()
        service.rules.add(match={"action": "PrivateAvatar"}, do={"close": "after-commit"})
        with pytest.raises(UnknownOutcome):
            run(client.create_private_avatar(assets(2), group="g"))
        assert service.calls.count("PrivateAvatar") == 1
        service.rules.clear()
        service.rules.add(match={"action": "GetTask"}, when={"first": 2}, do={"error": "ServiceUnavailable"})
        task = run(client.create_private_avatar(assets(1), group="g"))
        assert run(client.wait(task)).status is TaskStatus.COMPLETED
        run(client.close())


def test_a_throttled_create_is_sent_again(kind, provider, run):
    """Nothing was carried out; without a policy it is the caller's."""
    with emulator(provider=provider) as service:
        client = kind.from_env()
        service.rules.add(match={"action": "PrivateAvatar"}, when={"first": 1}, do={"error": "Throttled"})
        assert run(client.create_private_avatar(assets(1), group="g")).id
        service.rules.clear()
        service.rules.add(match={"action": "PrivateAvatar"}, do={"error": "Throttled"})
        with pytest.raises(Throttled):
            run(client.with_options(retry=None).create_private_avatar(assets(1), group="g"))
        run(client.close())


def test_a_task_that_is_unknown(kind, provider, run):
    """404, and apimart's 400, are one error, which names the call and says what to do once."""
    with emulator(provider=provider):
        client = kind.from_env()
        for unknown in ("task_nosuch", "a/b", "a b?c#d", "\u00fc"):
            with pytest.raises(NotFound) as caught:
                run(client.get_task(unknown))
            assert str(caught.value).count("GetTask") == 1
            assert "Fix the request" not in str(caught.value)
        with pytest.raises(UsageError, match="not the id of a task"):
            run(client.get_task(".."))
        run(client.close())


def test_the_library_of_apimart(kind, run):
    """Assets and groups are listed, read, renamed and deleted; a group that has assets is not deleted."""
    with emulator(provider="apimart"):
        client = kind.from_env()
        library = client.library
        group = run(library.create_group("hosts", description="d")).id
        run(client.wait(run(client.create_private_avatar(assets(2), group_id=group))))
        page = run(library.list_assets(group_id=group, status="Active", name="A0"))
        assert ([asset.name for asset in page.items], page.total_count) == (["a0"], 1)
        page = run(library.list_assets(page=2, page_size=1))
        assert ([asset.name for asset in page.items], page.total_count, page.page_number) == (["a0"], 2, 2)
        asset = page.items[0]
        assert run(library.rename_asset(asset.uri, "other")).id in {None, asset.id}
        assert run(library.get_asset(asset.id)).name == "other"
        run(library.rename_group(group, name="people"))
        found = run(library.get_group(group))
        assert (found.name, found.description) == ("people", "d")
        assert [each.id for each in run(library.list_groups(name="peop")).items] == [group]
        with pytest.raises(InvalidRequest):
            run(library.delete_group(group))
        for each in run(library.list_assets(group_id=group)).items:
            run(library.delete_asset(each.id))
        run(library.delete_group(group))
        for read, some_id in ((library.get_asset, asset.id), (library.get_group, group)):
            with pytest.raises(NotFound):
                run(read(some_id))
        run(client.close())


@pytest.mark.parametrize("name", ["xcompute", "gccai"])
def test_a_gateway_without_a_library(kind, run, name):
    """Says so before anything is sent."""
    with emulator(provider=name) as service:
        client = kind.from_env()
        with pytest.raises(UsageError, match=f"{name} cannot list, read, rename and delete"):
            client.library  # noqa: B018
        assert service.calls.all() == []
        run(client.close())


def test_a_picture_of_ones_own(kind, run):
    """Apimart keeps it, and creates an asset from its address; a file that does not fit is not sent."""
    with emulator(provider="apimart") as service:
        client = kind.from_env()
        with pytest.raises(UsageError, match="the upload takes JPEG, PNG, WebP and GIF"):
            run(client.upload_image(b"no picture"))
        assert service.calls.all() == []
        image = run(client.upload_image("fixtures/media/portrait.jpg"))
        assert (image.content_type, image.filename) == ("image/jpeg", "portrait.jpg")
        task = run(client.create_private_avatar(group="g", url=image.url, name="a"))
        assert len(run(client.wait(task)).check()) == 1
        run(client.close())


@pytest.mark.parametrize("result", ["pass", "fail"])
def test_a_browser_comes_back(kind, provider, run, result):
    """`portrait.web` confirms what it brought by the gateway, with either colour of client."""
    outcomes = []

    async def on_result(outcome):
        outcomes.append(outcome)

    async def visit(handler, query):
        app = web.Application()
        app.router.add_get("/done", handler.handle)
        async with TestClient(TestServer(app)) as browser:
            return (await browser.get(f"/done?{query}")).status

    with emulator(provider=provider) as service:
        client = kind.from_env()
        address = callback_url("https://app.example/done", "n1")
        session = run(client.create_visual_validate_session(callback_url=address))
        handler = CallbackHandler(client, on_result)
        handler.expect(session)
        service.validations.finish(session, result)
        code = 10000 if result == "pass" else 41007
        assert run(visit(handler, f"portrait_nonce=n1&resultCode={code}&algorithmBaseRespCode=0")) == 200
        (outcome,) = outcomes
        assert bool(outcome.group_id) == (result == "pass")
        assert isinstance(outcome.error, ValidationFailed) == (result == "fail")
        run(client.close())
