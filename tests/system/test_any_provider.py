"""What every client promises, whatever its provider: the same tests over all six, in both colours."""

import asyncio
import inspect
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from emulator.environment import emulator
from portrait import AsyncPortraitClient, FileState, GroupType, PortraitClient, UsageError, Verdict, open_client
from portrait.any_provider import open_async_client
from portrait.clock import SystemClock
from portrait.ensure import Origin, identify
from portrait.errors import InvalidRequest, PortraitError, QuotaExceeded, UnknownOutcome
from portrait.media import limits_for
from portrait.providers import PROVIDERS, Capability
from portrait.state.creates import Creates
from portrait.tasks import AsyncTaskClient, TaskClient

BLIND = [name for name, provider in PROVIDERS.items() if not provider.can(Capability.LIBRARY)]
SEEING = [name for name in PROVIDERS if name not in BLIND]
FILE = "fixtures/media/portrait.jpg"
POLL = 30  # seconds between two looks for a person, who comes late or never

pytestmark = pytest.mark.rotate("colour")  # the code above the transports is common to both


class Colour:
    """Opens clients of one colour and runs their calls.

    Attributes:
        is_async: Which colour.
    """

    def __init__(self, runner, *, is_async):
        self.is_async = is_async
        self._runner = runner

    def open(self, **options):
        """The client of the provider that the environment names."""
        return (open_async_client if self.is_async else open_client)(**options)

    def run(self, value):
        """The value of a call; an iterator is listed."""
        if hasattr(value, "__aiter__"):
            return self._runner.run(_listed(value))
        if inspect.isawaitable(value):
            return self._runner.run(_awaited(value))
        return list(value) if hasattr(value, "__next__") else value


async def _awaited(value):
    return await value


async def _listed(values):
    return [value async for value in values]


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def colour(request):
    """Either colour."""
    with asyncio.Runner() as runner:
        yield Colour(runner, is_async=request.param)


def urls(count, **queries):
    """Addresses of so many pictures; `n3="code=FaceMismatch"` is the query of the fourth."""
    return [f"https://magic.test/{n}.png{'?' + queries[f'n{n}'] if f'n{n}' in queries else ''}" for n in range(count)]


def created(service):
    """How many assets the service has."""
    return sum(sum(customer["assets"].values()) for customer in service.service.control.state()["customers"])


def action_of(provider):
    """What creates assets."""
    return "PrivateAvatar" if PROVIDERS[provider].dialect == "tasks" else "CreateAsset"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_client_is_the_providers(colour, provider):
    """By the environment, or by the option that wins over it."""
    kinds = {False: (PortraitClient, TaskClient), True: (AsyncPortraitClient, AsyncTaskClient)}[colour.is_async]
    with emulator(provider=provider) as service:
        client = colour.open()
        assert type(client) is kinds[PROVIDERS[provider].dialect == "tasks"]
        colour.run(client.close())
        other = colour.open(provider="gccai", base_url=service.base_url, api_key="sk-1", access_key=None)
        assert type(other) is kinds[1]
        colour.run(other.close())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_source_has_one_outcome(colour, provider, tmp_path):
    """Those that pass, that fail their review, that are refused at once, and that come twice; then all of it again."""
    sources = [*urls(23, n3="code=FaceMismatch", n8="code=ContentRestricted", n19="reject=FpsTooLow"), *urls(1)]
    sources.append("https://magic.test/clip.mp4")
    with emulator(provider=provider) as service:
        client = colour.open(state=str(tmp_path / "state.db"))
        for origin in (Origin.CREATED, Origin.EXISTING):
            outcomes = {each.source: each for each in colour.run(client.ensure_assets(sources, group="hosts"))}
            bad = {source.partition("?")[0]: outcomes[source.partition("?")[0]] for source in sources if "?" in source}
            assert [type(each.error).__name__ for each in bad.values()] == [
                "AssetFailed",
                "AssetFailed",
                "MediaRejected",
            ]
            good = [each for source, each in outcomes.items() if source not in bad]
            assert {each.state for each in good} == {FileState.ACTIVE}
            assert {each.origin for each in good} == {origin}
            assert len({each.uri for each in good}) == len(good) == 21
            assert all(each.uri == f"asset://{each.asset_id}" for each in good)
            assert created(service) == 23
        colour.run(client.close())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_fault_of_the_service_is_created_again(colour, provider, tmp_path):
    """The file is not to blame; a fault of the file's stays."""
    sources = urls(3, n0="code=InternalError", n1="code=FaceMismatch")
    with emulator(provider=provider) as service:
        client = colour.open(state=str(tmp_path / "state.db"))
        for _ in range(2):
            states = Counter(each.state for each in colour.run(client.ensure_assets(sources, group="hosts")))
            assert states == {FileState.FAILED: 2, FileState.ACTIVE: 1}
        assert service.calls.count(action_of(provider)) == (2 if action_of(provider) == "PrivateAvatar" else 4)
        colour.run(client.close())


@pytest.mark.parametrize("provider", BLIND)
def test_what_was_active_is_known_by_its_asset(colour, provider, tmp_path):
    """Not by its task, which the gateway forgets."""
    with emulator(provider=provider) as service:
        client = colour.open(state=str(tmp_path / "state.db"))
        first = colour.run(client.ensure_assets(urls(3), group="hosts"))
        calls = len(service.calls.all())
        again = colour.run(client.ensure_assets(urls(3), group="hosts"))
        assert len(service.calls.all()) == calls
        assert {each.uri for each in again} == {each.uri for each in first}
        assert {each.group_id for each in (*first, *again)} == {""}  # nobody tells it
        colour.run(client.close())


def test_of_two_assets_of_a_second_the_older_is_used(colour):
    """Apimart lists the newest first, and tells whole seconds: all processes take the same one."""
    content = identify(urls(1)[0], limits_for(), None)
    with emulator(provider="apimart"):
        client = colour.open()
        group = colour.run(client.library.create_group("hosts")).id
        pair = [
            colour.run(client.create_private_avatar(group_id=group, url=content.url, name=content.name)) for _ in "ab"
        ]
        older, younger = (colour.run(client.wait(task)).usable[0].id for task in pair)
        (outcome,) = colour.run(client.ensure_assets(urls(1), group="hosts"))
        assert (outcome.asset_id, outcome.duplicates) == (older, (younger,))
        colour.run(client.close())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_plan_says_what_would_be_done(colour, provider, tmp_path):
    """By reading alone, and it is carried out as it stands."""
    with emulator(provider=provider) as service:
        client = colour.open(state=str(tmp_path / "state.db"))
        colour.run(client.ensure_assets(urls(2), group="hosts"))
        before = service.calls.count(action_of(provider))
        plan = colour.run(client.plan_assets(urls(3), group="hosts"))
        assert plan.counts == {Verdict.EXISTING: 2, Verdict.NEW: 1}
        assert service.calls.count(action_of(provider)) == before
        outcomes = colour.run(client.ensure_assets(plan))
        assert Counter(each.origin for each in outcomes) == {Origin.EXISTING: 2, Origin.CREATED: 1}
        colour.run(client.close())


@pytest.mark.parametrize("provider", SEEING)
def test_a_lost_answer_is_looked_for(colour, provider):
    """Where there is a list: the asset is found, and created once."""
    with emulator(provider=provider) as service:
        client = colour.open()
        rule = {"match": {"action": action_of(provider)}, "when": {"first": 1}, "do": {"close": "after-commit"}}
        service.rules.add(rule)
        outcomes = colour.run(client.ensure_assets(urls(3), group="hosts"))
        assert {each.state for each in outcomes} == {FileState.ACTIVE}
        assert Origin.RECOVERED in {each.origin for each in outcomes}
        assert created(service) == 3
        colour.run(client.close())


def test_a_lost_answer_of_which_some_have_failed_is_looked_for(colour):
    """A create is carried out for all that is in it: what has failed by then is not created again, either."""
    with emulator(provider="apimart", review_seconds=1) as service:
        client = colour.open()
        service.rules.add(match={"action": "PrivateAvatar"}, when={"first": 1}, do={"close": "after-commit"})
        outcomes = colour.run(client.ensure_assets(urls(3, n1="code=FaceMismatch"), group="hosts"))
        assert sorted(each.state for each in outcomes) == ["Active", "Active", "Failed"]
        assert service.calls.count("PrivateAvatar") == 1
        assert created(service) == 3
        colour.run(client.close())


@pytest.mark.parametrize("provider", BLIND)
def test_a_lost_answer_that_nobody_can_look_for(colour, provider, tmp_path):
    """It is unknown, now and in later runs, until the caller says that it is to be sent again."""
    with emulator(provider=provider) as service:
        client = colour.open(state=str(tmp_path / "state.db"))
        service.rules.add(match={"action": "PrivateAvatar"}, when={"first": 1}, do={"close": "after-commit"})
        for _ in range(2):
            outcomes = colour.run(client.ensure_assets(urls(3), group="hosts"))
            assert {each.state for each in outcomes} == {FileState.UNKNOWN}
            assert {type(each.error) for each in outcomes} == {UnknownOutcome}
            assert "resend_lost" in outcomes[0].error.advice
            assert service.calls.count("PrivateAvatar") == 1
        outcomes = colour.run(client.ensure_assets(urls(3), group="hosts", resend_lost=True))
        assert {each.origin for each in outcomes} == {Origin.CREATED}
        outcomes = colour.run(client.ensure_assets(urls(3), group="hosts"))
        assert {each.origin for each in outcomes} == {Origin.EXISTING}
        colour.run(client.close())


@pytest.mark.rotate("count")
@pytest.mark.parametrize("count", [20, 45])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_two_clients_of_one_state_create_once(provider, count, tmp_path, monkeypatch):
    """Batches that overlap wait for each other: none is created twice, and nobody waits for ever."""
    monkeypatch.setattr("portrait.ensure.once.POLL", 0.01)
    # On a clock that waiting moves, a claim would end while its owner is at work; and then a list is looked in.
    clock = SystemClock() if provider in BLIND else None
    with emulator(provider=provider, clock="auto") as service:
        clients = [open_client(state=str(tmp_path / "state.db"), clock=clock) for _ in range(2)]
        orders = [urls(min(count, 30)), urls(count)[::-1]]

        def ensure(client, sources):
            return list(client.ensure_assets(sources, group="hosts", poll=0.01))

        with ThreadPoolExecutor() as pool:
            runs = [pool.submit(ensure, *each) for each in zip(clients, orders, strict=True)]
            outcomes = [each for run in runs for each in run.result(timeout=60)]
        assert {each.state for each in outcomes} == {FileState.ACTIVE}
        assert len({each.asset_id for each in outcomes}) == created(service) == count
        for client in clients:
            client.close()


@pytest.mark.parametrize("provider", BLIND)
def test_two_batches_do_not_wait_in_a_circle(provider, tmp_path, monkeypatch):
    """Both begin to claim in the same moment, one from either end: whoever comes second waits, and both end."""
    monkeypatch.setattr("portrait.ensure.once.POLL", 0.01)
    both, local = threading.Barrier(2), threading.local()
    begin = Creates.begin

    def begin_together(*args):
        answer = begin(*args)
        if not hasattr(local, "first"):
            local.first = both.wait(timeout=10)
        return answer

    monkeypatch.setattr(Creates, "begin", begin_together)
    with emulator(provider=provider, clock="auto") as service:
        clients = [open_client(state=str(tmp_path / "state.db"), clock=SystemClock()) for _ in range(2)]
        states = []

        def ensure(client, sources):
            states.extend(each.state for each in client.ensure_assets(sources, group="hosts", poll=0.01))

        orders = zip(clients, (urls(20), urls(20)[::-1]), strict=True)
        threads = [threading.Thread(target=ensure, args=order, daemon=True) for order in orders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
        assert states == [FileState.ACTIVE] * 40
        assert created(service) == 20


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_person_passes(colour, provider):
    """Whoever passed has a group, whose files are compared with the face."""
    with emulator(provider=provider) as service:
        client = colour.open()

        def show(session):
            service.validations.finish(session, "pass", subject="ann")

        person = colour.run(client.validate_person(callback_url="https://app.example/back", show=show))
        sources = ["https://magic.test/a.png?subject=ann", "https://magic.test/b.png?subject=bob"]
        options = {"group_id": person.group_id, "group_type": GroupType.LIVENESS_FACE}
        outcomes = colour.run(client.ensure_assets(sources, **options))
        assert sorted(str(each.state) for each in outcomes) == ["Active", "Failed"]
        assert service.calls.count("RealAvatar") == (3 if action_of(provider) == "PrivateAvatar" else 0)
        colour.run(client.close())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_person_who_fails_is_tried_again(colour, provider):
    """As often as is allowed, each time with a new session."""
    sessions = []
    with emulator(provider=provider) as service:
        client = colour.open()

        def show(session):
            sessions.append(session.byted_token)
            if len(sessions) == 3:
                service.validations.finish(session, "pass")

        options = {"callback_url": "https://app.example/back", "poll": POLL}
        assert colour.run(client.validate_person(show=show, **options)).group_id
        assert len(set(sessions)) == 3
        with pytest.raises(PortraitError):
            colour.run(client.validate_person(show=sessions.append, attempts=1, **options))
        colour.run(client.close())


@pytest.mark.parametrize("provider", BLIND)
def test_what_a_provider_cannot_do_is_refused_by_its_name(colour, provider, tmp_path):
    """Before anything is sent."""
    with emulator(provider=provider) as service:
        client = colour.open()
        title = PROVIDERS[provider].title
        with pytest.raises(UsageError, match=f"{title} cannot list, read, rename and delete"):
            colour.run(client.ensure_group("hosts"))
        with pytest.raises(UsageError, match=f"{title} cannot list"):
            colour.run(client.validate_person(callback_url="https://app.example", show=print, quota=50))
        with pytest.raises(UsageError, match=f"{title} cannot list videos"):
            colour.run(client.videos.list())
        (outcome,) = colour.run(client.ensure_assets(FILE, group="hosts"))
        assert outcome.state is FileState.REJECTED
        assert str(outcome.error).startswith(f"{title} cannot take files that have no public address.")
        assert service.calls.all() == []
        colour.run(client.close())


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if PROVIDERS[name].can(Capability.FILES)])
def test_a_file_without_an_address(colour, provider):
    """By the provider's own upload."""
    with emulator(provider=provider):
        client = colour.open()
        (outcome,) = colour.run(client.ensure_assets(FILE, group="hosts"))
        assert (outcome.state, outcome.origin) == (FileState.ACTIVE, Origin.CREATED)
        colour.run(client.close())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_full_account_stops_the_batch(colour, provider):
    """Everything that is not created is said to have no room, and nothing is deleted."""
    with emulator(provider=provider, assets=2) as service:
        client = colour.open()
        outcomes = colour.run(client.ensure_assets(urls(23), group="hosts", quota=None))
        states = Counter(each.state for each in outcomes)
        assert states[FileState.ACTIVE] == created(service) <= 2
        # A gateway says it in a sentence, out of which "full" is never read: it would be a reason to delete.
        assert {type(each.error) for each in outcomes if each.error} <= {QuotaExceeded, InvalidRequest}
        colour.run(client.close())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_two_groups_at_once_are_refused(colour, provider):
    """And none."""
    with emulator(provider=provider) as service:
        client = colour.open()
        with pytest.raises(UsageError, match="one of them"):
            colour.run(client.ensure_assets(urls(1), group="a", group_id="b"))
        with pytest.raises(UsageError, match="group_id= is missing"):
            colour.run(client.ensure_assets(urls(1)))
        assert service.calls.all() == []
        colour.run(client.close())
