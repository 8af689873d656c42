"""The clients of the task gateways against the emulator, by the environment alone: all providers, both colours."""

import asyncio
import inspect

import pytest

from emulator.environment import emulator
from portrait.errors import NotFound, Throttled, UnknownOutcome, ValidatePending, ValidationFailed, WaitTimeout
from portrait.events import WaitProgress
from portrait.tasks import AsyncTaskClient, NewAsset, TaskClient, TaskStatus

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
    """404, and apimart's 400, are one error."""
    with emulator(provider=provider):
        client = kind.from_env()
        with pytest.raises(NotFound):
            run(client.get_task("task_nosuch"))
        run(client.close())
