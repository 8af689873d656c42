"""The emulator for an application under test: its environment, its clients' clock, and how both end."""

import asyncio
import os
import subprocess
import sys
import threading
import unittest
import urllib.request

import pytest

from emulator.environment import Environment, emulator, settings_of, variables
from emulator.settings import KeyPair
from emulator.testing import Emulator
from portrait import AsyncPortraitClient, PortraitClient, UsageError
from portrait.clock import ManualClock, SystemClock
from portrait.providers import PROVIDERS
from portrait.tasks import AsyncTaskClient, TaskClient
from portrait.transports.aiohttp_transport import AiohttpTransport
from portrait.transports.urllib3_transport import Urllib3Transport

URL = "https://cdn.example/ann.jpg"


def onboard():
    """An application: a client of its own, a group, an asset that is Active."""
    with PortraitClient.from_env() as client:
        return client.ensure_asset(URL, group_id=client.ensure_group("hosts").id).uri


async def onboard_async():
    """The same for asyncio."""
    async with AsyncPortraitClient.from_env() as client:
        group = await client.ensure_group("hosts")
        return (await client.ensure_asset(URL, group_id=group.id)).uri


def in_thread(work):
    """What work returns in a thread that knows nothing of this one."""
    results = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


@pytest.mark.parametrize(
    "application",
    [onboard, lambda: asyncio.run(onboard_async()), lambda: in_thread(onboard)],
    ids=["sync", "async", "thread"],
)
def test_whatever_client_the_application_makes_uses_the_emulator_and_its_clock(portrait_env, application):
    """A review of four seconds passes on the emulator's clock, in every colour and thread."""
    before = portrait_env.clock.now()
    assert application().startswith("asset://")
    assert portrait_env.clock.now() - before >= 4
    assert portrait_env.calls.count("CreateAsset", customer=portrait_env.api_key) == 1


def test_options_of_the_application_stay(portrait_env):
    """A client that is given a clock keeps it; one that is given an address and a key of its own waits no more."""
    clock = ManualClock()
    with PortraitClient.from_env(clock=clock) as client:
        assert client._endpoint.clock is clock
    with PortraitClient(api_key="another", base_url=portrait_env.base_url) as client:
        assert client._endpoint.clock is portrait_env.clock
        client.ensure_group("hosts")
    assert portrait_env.calls.count("CreateAssetGroup", customer="another") == 1


def test_real_keys_are_out_of_reach_and_come_back(monkeypatch):
    """No key of any provider is left; afterwards everything is as before, the clock of new clients included."""
    keys = {name: "real" for provider in PROVIDERS.values() for name in provider.key_variables}
    keys |= {"PORTRAIT_PROJECT": "prod", "PORTRAIT_STATE": "/prod.db", "PORTRAIT_ACCESS_KEY": "AK"}
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    with Emulator() as service, Environment(service):
        assert not {name for name in keys if os.environ.get(name)}
        assert os.environ["PORTRAIT_API_KEY"] == service.api_key
    assert {name: os.environ[name] for name in keys} == keys
    assert "PORTRAIT_BASE_URL" not in os.environ
    with PortraitClient(api_key="k") as client:
        assert isinstance(client._endpoint.clock, SystemClock)


@pytest.mark.parametrize("provider", ["alltoken", "volcengine", "byteplus", "xcompute", "apimart"])
def test_a_client_that_was_made_before_sends_nothing_to_a_real_service(provider):
    """Such as one of a module's top: in both colours it says what to do, and afterwards it is as it was."""
    keys = {"access_key": "AK", "secret_key": "SK"} if PROVIDERS[provider].dialect == "ark" else {"api_key": "k"}
    tasks = PROVIDERS[provider].dialect == "tasks"
    blocking, asyncio_ = (TaskClient, AsyncTaskClient) if tasks else (PortraitClient, AsyncPortraitClient)

    async def list_with_asyncio():
        async with asyncio_(provider=provider, **keys) as early:
            with emulator():
                await (early.get_task("t") if tasks else early.list_asset_groups())

    refused = pytest.raises(UsageError, match=r"is a real service, .* such as in a function")
    with blocking(provider=provider, **keys) as early, emulator(), refused:
        early.get_task("t") if tasks else early.list_asset_groups()
    with pytest.raises(UsageError, match="is a real service"):
        asyncio.run(list_with_asyncio())
    assert not [each for each in (Urllib3Transport, AiohttpTransport) if hasattr(each.send, "__wrapped__")]


@pytest.mark.portrait_emulator(review_seconds=30, assets=1, profile="schema")
def test_a_marker_sets_what_a_test_needs(portrait_env):
    """Review times, limits and the reading of the contract."""
    before = portrait_env.clock.now()
    onboard()
    assert portrait_env.clock.now() - before >= 30
    assert portrait_env.service.settings.assets == 1
    assert portrait_env.service.settings.assets_per == "customer"


class TestOverridden:
    """A project's own settings."""

    @pytest.fixture
    def portrait_emulator_settings(self):
        """In the place of the plugin's."""
        return settings_of(review_seconds=7)

    def test_the_fixture_is_overridable(self, portrait_env):
        """For a module or a project."""
        assert portrait_env.service.settings.clip_review == 7


def test_a_wrong_setting_is_named():
    """In the test's own words."""
    with pytest.raises(TypeError, match="assetz"):
        settings_of(assetz=1)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"pending": "empty404"}, "pending must be one of not-found, empty-404, empty-group, empty-result"),
        ({"assets_per": None}, "assets_per must be one of group, customer"),
        ({"groups": -1}, "groups must be a whole number, 0 or more"),
        ({"assets": 1.5}, "assets must be a whole number, 0 or more"),
        ({"review_seconds": "4"}, "image_review must be a number of seconds, 0 or more"),
        ({"token_life": float("nan")}, "token_life must be a number of seconds, 0 or more"),
    ],
)
def test_a_setting_with_a_wrong_value_is_refused(settings, why):
    """No type checker sees the marker of a test."""
    with pytest.raises(ValueError, match=why):
        settings_of(**settings)


def test_a_block_a_function_and_a_coroutine_function():
    """`emulator()` serves scripts and test methods; each run has an emulator of its own."""
    with emulator(review_seconds=1) as service:
        assert onboard().startswith("asset://")
        assert service.calls.count("CreateAssetGroup") == 1
    seen = []

    @emulator()
    def function(text):
        seen.append(os.environ["PORTRAIT_BASE_URL"])
        return text + onboard()

    @emulator()
    async def coroutine():
        return await onboard_async()

    assert function("uri: ").startswith("uri: asset://")
    assert function("uri: ").startswith("uri: asset://")
    assert len(seen) == 2
    assert asyncio.run(coroutine()).startswith("asset://")
    with pytest.raises(UsageError):
        PortraitClient.from_env()


class TestUnittest(unittest.TestCase):
    """The same for unittest."""

    def setUp(self):
        """One emulator for each method."""
        self.emulator = self.enterContext(emulator())

    def test_an_application(self):
        """It is told of nothing."""
        assert onboard().startswith("asset://")
        assert self.emulator.calls.count("CreateAsset") == 1


@pytest.mark.parametrize("before", [None, "intra.example", "*"])
@pytest.mark.parametrize("provider", ["alltoken", "volcengine"])
def test_a_proxy_of_the_environment_is_not_between(monkeypatch, before, provider):
    """An application with an HTTP client of its own, and a program in another process, find the emulator."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False) if before is None else monkeypatch.setenv(name, before)
    outside = dict(os.environ)
    with emulator(provider=provider) as service:
        opener = urllib.request.build_opener()  # urlopen would keep the proxy for all tests
        with opener.open(f"{service.url}/_emulator/health") as answer:
            assert answer.status == 200
        assert os.environ["no_proxy"] == {None: "127.0.0.1", "*": "*"}.get(before, "intra.example,127.0.0.1")
        assert variables(service, provider).items() <= os.environ.items()
    assert dict(os.environ) == outside


def test_what_would_run_without_its_emulator_is_refused():
    """A class and a generator run after the call that makes them; an environment that is entered twice never ends."""

    class Cases(unittest.TestCase): ...

    def fixture():
        yield

    async def async_fixture():
        yield

    for what, advice in ((Cases, "setUp of Cases"), (fixture, "in fixture"), (async_fixture, "in async_fixture")):
        with pytest.raises(TypeError, match=advice):
            emulator()(what)
    before, service = dict(os.environ), emulator()
    with service, pytest.raises(RuntimeError, match="once for each block"), service:
        pass
    assert dict(os.environ) == before
    with service as again:
        assert again.calls.count() == 0


def test_variables_for_another_process(portrait_emulator):
    """What a program in another process, or another language, is given."""
    assert variables(portrait_emulator) == {
        "PORTRAIT_PROVIDER": "alltoken",
        "PORTRAIT_BASE_URL": portrait_emulator.base_url,
        "PORTRAIT_API_KEY": portrait_emulator.api_key,
    }


@pytest.mark.parametrize("application", [onboard, lambda: asyncio.run(onboard_async())], ids=["sync", "async"])
@pytest.mark.parametrize("provider", ["volcengine", "byteplus"])
def test_an_application_that_signs_is_led_to_the_emulator(provider, application):
    """Provider, address and pair stand in the environment; the calls are signed, and waiting takes no time."""
    with emulator(provider=provider) as service:
        assert os.environ["PORTRAIT_PROVIDER"] == provider
        assert os.environ["PORTRAIT_DATA_BASE_URL"].startswith(service.url)  # videos are not made at the vendor's
        before = service.clock.now()
        assert application().startswith("asset://")
        assert service.clock.now() - before >= 4
        assert service.calls.count("CreateAsset", outcome="ok") == 1


@pytest.mark.portrait_emulator(
    provider="volcengine", access_keys={"AKLTMINE": KeyPair("my-secret", "alice")}, review_seconds=10
)
def test_a_marker_names_the_provider(portrait_env, portrait_client):
    """The pair is that of the settings; the other clients of the test are of the same provider and customer."""
    assert os.environ["PORTRAIT_ACCESS_KEY"] == "AKLTMINE"
    assert onboard().startswith("asset://")
    portrait_client.ensure_group("hosts")
    assert portrait_env.calls.count("CreateAssetGroup") == 1
    assert portrait_env.calls.count(customer="alice") == portrait_env.calls.count()


class TestProviderOverridden:
    """A project whose provider is another one."""

    @pytest.fixture
    def portrait_emulator_provider(self):
        """In the place of the plugin's."""
        return "byteplus"

    def test_the_fixture_is_overridable(self, portrait_env, async_portrait_client):
        """For the environment, and for the test's own clients."""
        assert onboard().startswith("asset://")
        asyncio.run(async_portrait_client.ensure_group("hosts"))
        assert portrait_env.calls.count("CreateAssetGroup") == 1


def test_a_wrong_provider_or_clock_is_named():
    """Before anything is started."""
    with pytest.raises(KeyError, match="alibaba"):
        emulator(provider="alibaba")
    with pytest.raises(KeyError, match="sundial"):
        emulator(clock="sundial")


PROGRAM = """
from portrait import PortraitClient
with PortraitClient.from_env() as client:
    group = client.ensure_group("hosts")
    created = client.create_asset(group_id=group.id, url="https://cdn.example/ann.jpg", asset_type="Image")
    while client.get_asset(id=created.id).status == "Processing":
        pass
"""


@pytest.mark.portrait_emulator(clock="auto")
def test_a_program_in_another_process_needs_no_sleep_on_an_automatic_clock(portrait_env):
    """It asks again without a pause, and time passes."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=30)
    assert portrait_env.calls.count("GetAsset") == 3
