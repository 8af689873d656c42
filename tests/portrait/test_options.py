"""A client's options: each mistake has its own sentence and no secret in it, and the environment is read with care."""

import os
import pickle
import ssl

import attrs
import pytest

from portrait import AsyncPortraitClient, PortraitClient, RetryPolicy, Timeouts, UsageError
from portrait.auth import BearerAuth
from portrait.clock import ManualClock
from portrait.options import ClientOptions, Options, from_environment
from portrait.pace import MARGIN
from portrait.providers import PROVIDERS
from tests.portrait.helpers import KEY

SECRET = "planted-secret-word"

# Options, and what the message says.
MISTAKES = {
    "no key": ({"api_key": None}, "There is no API key for AllToken"),
    "an empty key": ({"api_key": ""}, "There is no API key for AllToken"),
    "a key with a line break": ({"api_key": f"{SECRET}\n"}, "line break"),
    "a key with a space": ({"api_key": f"Bearer {SECRET}"}, "a space"),
    "a key outside of ASCII": ({"api_key": f"{SECRET}é"}, "ASCII"),
    "a key that is bytes": ({"api_key": SECRET.encode()}, "api_key= takes a string or None, not bytes"),
    "an unknown provider": ({"provider": "openai"}, "There is no provider 'openai'"),
    "a signed provider without a pair": ({"provider": "volcengine"}, "PORTRAIT_ACCESS_KEY"),
    "half of a pair": ({"provider": "byteplus", "access_key": "AK"}, "PORTRAIT_SECRET_KEY"),
    "a secret key with a line break": (
        {"provider": "volcengine", "access_key": "AK", "secret_key": f"{SECRET}\n"},
        "secret_key= has a space",
    ),
    "a pair over plain http": (
        {"provider": "volcengine", "access_key": "AK", "secret_key": SECRET, "base_url": "http://ark.example"},
        "plain http to ark.example",
    ),
    "a key for videos over plain http": (
        {
            "provider": "volcengine",
            "access_key": "AK",
            "secret_key": "SK",
            "api_key": SECRET,
            "data_base_url": "http://ark.example/api/v3",
        },
        "plain http to ark.example",
    ),
    "an address for videos at alltoken": ({"data_base_url": "https://a.example"}, "not data_base_url="),
    "a plan that the provider has not": ({"pace": "gold"}, "has no plan 'gold'"),
    "a task gateway": ({"provider": "xcompute"}, "is one of alltoken, volcengine, byteplus here"),
    "an access key for alltoken": ({"access_key": "AK", "secret_key": SECRET}, "takes api_key="),
    "a secret key alone": ({"secret_key": SECRET}, "not secret_key="),
    "a session token for alltoken": ({"session_token": SECRET}, "not session_token="),
    "one host in the place of several": ({"insecure_hosts": "portrait.lan"}, "takes several strings"),
    "plain http to a host that is not named": (
        {"base_url": "http://portrait.example/v1", "insecure_hosts": ["portrait.lan"], "api_key": SECRET},
        "PORTRAIT_INSECURE_HOSTS",
    ),
    "no scheme": ({"base_url": "api.alltoken.ai/v1"}, "cannot be used: it is not an absolute"),
    "another scheme": ({"base_url": "ftp://api.alltoken.ai"}, "cannot be used: it is not an absolute"),
    "no host": ({"base_url": "https:///v1"}, "cannot be used: it is not an absolute"),
    "a bad port": ({"base_url": f"https://u:{SECRET}@h:99999/v1"}, "base_url cannot be used: it has a"),
    "a space in the address": ({"base_url": f"https://h/v1 {SECRET}"}, "base_url cannot be used: it has a"),
    "a key in the place of the address": ({"base_url": SECRET}, "cannot be used: it is not an absolute"),
    "a user in the address": ({"base_url": f"https://u:{SECRET}@h/v1"}, "user, a query or a fragment"),
    "a query in the address": ({"base_url": f"https://h/v1?key={SECRET}"}, "user, a query or a fragment"),
    "a fragment in the address": ({"base_url": f"https://h/v1#{SECRET}"}, "user, a query or a fragment"),
    "a path of another alphabet": ({"base_url": "https://h/\u5f20"}, "Percent-encode"),
    "a path with a bar": ({"base_url": "https://h/a|b"}, "Percent-encode"),
    "a path with a stray percent": ({"base_url": "https://h/50%off"}, "Percent-encode"),
    "an address that is too long": ({"base_url": "https://api.alltoken.ai/v1/portrait/"}, "ends before /portrait"),
    "plain http": ({"base_url": "http://api.alltoken.ai/v1", "api_key": SECRET}, "plain http to api.alltoken.ai"),
    "plain http to a neighbour": ({"base_url": "http://192.168.1.5:8787/v1", "api_key": SECRET}, "plain http"),
    "a name that only looks local": ({"base_url": "http://localhost.example/v1", "api_key": SECRET}, "plain http"),
    "a line break in the user agent": ({"user_agent": "a\r\nX: 1"}, "user_agent="),
    "a user agent outside of ASCII": ({"user_agent": "größe/1"}, "user_agent="),
    "no time": ({"timeout": 0}, "timeout="),
    "negative time": ({"timeout": -1}, "timeout="),
    "no number of seconds": ({"timeout": float("nan")}, "timeout="),
    "no pace": ({"pace": 0}, "pace="),
    "a proxy that is none": ({"proxy": f"socks5://u:{SECRET}@h"}, "proxy="),
    "a CA file that is not there": ({"ssl": "/nowhere/ca.pem"}, "ssl="),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_a_usage_error_of_its_own(colour, name):
    """Before anything is sent; the message names the mending, and repeats no secret."""
    options, text = MISTAKES[name]
    with pytest.raises(UsageError) as info:
        colour.client(**options)
    assert text in str(info.value)
    assert SECRET not in str(info.value) + repr(info.value) + repr(pickle.dumps(info.value))
    assert info.value.may_have_executed is False


@pytest.mark.parametrize("field", ["connect", "read", "total"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_timeouts_are_above_zero(field, value):
    """Each part; None means no limit."""
    with pytest.raises(UsageError, match="above zero"):
        Timeouts(**{field: value})
    assert getattr(Timeouts(**{field: None}), field) is None


def test_a_number_bounds_the_whole_attempt():
    """`timeout=5` is 5 seconds in all; a long one leaves the connection its ten."""
    assert Timeouts.of(5) == Timeouts(connect=5, read=5, total=5)
    assert Timeouts.of(90) == Timeouts(connect=10, read=90, total=90)
    assert Timeouts.of(None) == Timeouts()
    assert Timeouts.of(Timeouts(read=1)) == Timeouts(read=1)


def test_a_bad_timeout_of_one_call_is_a_usage_error(colour):
    """Nothing is sent for it."""
    client, script = colour.scripted(b"")
    with pytest.raises(UsageError, match="timeout="):
        client.get_asset(id="a", timeout=-1)
    assert script.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "https://api.alltoken.ai/v1",
        "https://api.alltoken.ai/v1/",
        "http://127.0.0.1:8787/v1",
        "http://localhost:8787/v1",
        "http://[::1]:8787/v1",
        "http://portrait.localhost/v1",
    ],
)
def test_a_good_address_is_taken(colour, url):
    """Https anywhere, http to this machine; a slash at the end does not matter."""
    client = colour.client(base_url=url)
    assert client.client._endpoint.base_url == url.rstrip("/")


def test_a_named_host_is_reached_by_plain_http(colour):
    """The user has said that the network between is trusted; letters' case does not matter."""
    client = colour.client(base_url="http://portrait.lan:8787/v1", insecure_hosts=["Portrait.LAN", "other.lan"])
    assert client.client._endpoint.base_url == "http://portrait.lan:8787/v1"


def test_the_keywords_and_the_options_agree():
    """What a type checker allows is what there is."""
    assert set(Options.__annotations__) == {attribute.name for attribute in attrs.fields(ClientOptions)}


def test_options_show_no_secret():
    """Neither keys nor what an address may hold."""
    names = ["api_key", "access_key", "secret_key", "session_token", "proxy", "state"]
    assert SECRET not in repr(ClientOptions(**dict.fromkeys(names, SECRET)))


def test_the_defaults_are_the_providers(colour):
    """AllToken's address, four attempts, the machine's clock, a context or None for TLS."""
    endpoint = colour.client(ssl=ssl.create_default_context()).client._endpoint
    assert endpoint.base_url == PROVIDERS["alltoken"].base_url
    assert (endpoint.policy, endpoint.pace, endpoint.project) == (RetryPolicy(), None, None)


PAIR = {"access_key": "AKTEST", "secret_key": SECRET, "session_token": f"{SECRET}-T"}


@pytest.mark.parametrize("name", ["volcengine", "byteplus"])
def test_a_signed_provider(colour, name):
    """Its address, region and service; temporary credentials; and nothing secret in a repr."""
    endpoint = colour.client(provider=name, api_key=None, **PAIR).client._endpoint
    assert (endpoint.base_url, endpoint.auth.region) == (PROVIDERS[name].base_url, PROVIDERS[name].region)
    assert endpoint.auth.secrets() == (SECRET, f"{SECRET}-T")
    assert SECRET not in repr(endpoint) + repr(endpoint.auth)


def test_a_providers_data_can_be_overridden(colour):
    """A `Provider` stands in for a name: another region, another service."""
    own = attrs.evolve(PROVIDERS["volcengine"], region="cn-shanghai", service="ark2")
    auth = colour.client(provider=own, api_key=None, **PAIR).client._endpoint.auth
    assert (auth.region, auth.service) == ("cn-shanghai", "ark2")


@pytest.mark.parametrize(("tier", "per_minute"), [("entry", 3), ("advanced", 120), ("premium", 300)])
def test_a_plan_is_a_pace(colour, tier, per_minute):
    """Creates are spread evenly over the minute, other Actions keep to the documented rates, both with a margin."""
    pace = colour.client(provider="volcengine", api_key=None, pace=tier, **PAIR).client._endpoint.pace
    assert pace.limit("CreateAsset").interval == pytest.approx(MARGIN * 60 / per_minute)
    assert pace.limit("DeleteAssetGroup").interval == pytest.approx(MARGIN / 5)


# --- the environment ------------------------------------------------------------------------------------------------

HOME = "https://api.alltoken.ai/v1"
AWAY = "https://portrait.example/v1"
LOCAL = "http://127.0.0.1:8787/v1"
OWN, ANY = {"ALLTOKEN_API_KEY": "k-own"}, {"PORTRAIT_API_KEY": "k-any"}

# Variables, given options, what comes out: options, or a part of the error's text.
ENVIRONMENTS = {
    "the own key": (OWN, {}, {"api_key": "k-own"}),
    "any key": (ANY, {}, {"api_key": "k-any"}),
    "any key wins over the own": (OWN | ANY, {}, {"api_key": "k-any"}),
    "a given key wins": (OWN | ANY, {"api_key": "k-given"}, {"api_key": "k-given"}),
    "an empty variable is none": ({**OWN, "PORTRAIT_API_KEY": ""}, {}, {"api_key": "k-own"}),
    "everything": (
        {**ANY, "PORTRAIT_PROVIDER": "alltoken", "PORTRAIT_BASE_URL": AWAY, "PORTRAIT_PROJECT": "shop"},
        {},
        {"api_key": "k-any", "provider": "alltoken", "base_url": AWAY, "project": "shop"},
    ),
    "given options win": (
        {**ANY, "PORTRAIT_BASE_URL": AWAY, "PORTRAIT_PROJECT": "shop"},
        {"base_url": HOME, "project": "mine"},
        {"api_key": "k-any", "base_url": HOME, "project": "mine"},
    ),
    "given None leaves it to the environment": (
        {**ANY, "PORTRAIT_PROJECT": "shop"},
        {"project": None},
        {"api_key": "k-any", "project": "shop"},
    ),
    "None that means something stays": (
        ANY,
        {"retry": None, "pace": None},
        {"api_key": "k-any", "retry": None, "pace": None},
    ),
    "the own key goes home": ({**OWN, "PORTRAIT_BASE_URL": HOME}, {}, {"api_key": "k-own", "base_url": HOME}),
    "the own key stays on this machine": (
        {**OWN, "PORTRAIT_BASE_URL": LOCAL},
        {},
        {"api_key": "k-own", "base_url": LOCAL},
    ),
    "the own key does not go away": ({**OWN, "PORTRAIT_BASE_URL": AWAY}, {}, "not sent to portrait.example"),
    "nor by an option": (OWN, {"base_url": AWAY}, "not sent to portrait.example"),
    "nor to a host that ends alike": (OWN, {"base_url": "https://evil-api.alltoken.ai/v1"}, "not sent to"),
    "any key goes where it is pointed": (
        {**OWN, **ANY, "PORTRAIT_BASE_URL": AWAY},
        {},
        {"api_key": "k-any", "base_url": AWAY},
    ),
    "another provider does not get it": ({**OWN, "PORTRAIT_PROVIDER": "xcompute"}, {}, {"provider": "xcompute"}),
    "nor by an option, either": (OWN, {"provider": "apimart"}, {"provider": "apimart"}),
    "a signed provider's pair": (
        {**OWN, "PORTRAIT_PROVIDER": "volcengine", "PORTRAIT_ACCESS_KEY": "AK", "PORTRAIT_SECRET_KEY": "SK"},
        {},
        {"provider": "volcengine", "access_key": "AK", "secret_key": "SK"},
    ),
    "a pair is not for alltoken": (
        {**OWN, "PORTRAIT_ACCESS_KEY": "AK", "PORTRAIT_SECRET_KEY": "SK"},
        {},
        {"api_key": "k-own"},
    ),
    "temporary credentials": (
        {"PORTRAIT_PROVIDER": "byteplus", "PORTRAIT_ACCESS_KEY": "AK", "PORTRAIT_SESSION_TOKEN": "T"},
        {"secret_key": "given"},
        {"provider": "byteplus", "access_key": "AK", "secret_key": "given", "session_token": "T"},
    ),
    "where state is kept": ({**ANY, "PORTRAIT_STATE": "/s.db"}, {}, {"api_key": "k-any", "state": "/s.db"}),
    "hosts that may be reached by plain http": (
        {**ANY, "PORTRAIT_INSECURE_HOSTS": "a.lan,b.lan"},
        {},
        {"api_key": "k-any", "insecure_hosts": ("a.lan", "b.lan")},
    ),
    "the own key goes by plain http to nobody": (
        {**OWN, "PORTRAIT_INSECURE_HOSTS": "api.alltoken.ai"},
        {"insecure_hosts": ["api.alltoken.ai"], "base_url": "http://api.alltoken.ai/v1"},
        "not sent to api.alltoken.ai over plain http",
    ),
    "the key for videos": (
        {"ARK_API_KEY": "k-own", "PORTRAIT_PROVIDER": "volcengine", "PORTRAIT_DATA_BASE_URL": LOCAL},
        {"access_key": "AK", "secret_key": "SK"},
        {"provider": "volcengine", "access_key": "AK", "secret_key": "SK", "api_key": "k-own", "data_base_url": LOCAL},
    ),
    "the key for videos goes to its vendor only": (
        {"ARK_API_KEY": "k-own", "PORTRAIT_PROVIDER": "byteplus", "PORTRAIT_DATA_BASE_URL": AWAY},
        {},
        "not sent to portrait.example",
    ),
    "the key for videos is not alltoken's": ({"ARK_API_KEY": "k-own"}, {}, {}),
    "an unknown provider": ({**OWN, "PORTRAIT_PROVIDER": "nobody"}, {}, "no provider 'nobody'"),
    "nothing": ({}, {}, {}),
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_the_environment_gives(name):
    """Explicit wins over PORTRAIT_*, that over a provider's own variable, which goes to that provider only."""
    variables, overrides, wanted = ENVIRONMENTS[name]
    if isinstance(wanted, str):
        with pytest.raises(UsageError, match=wanted) as info:
            from_environment(variables, overrides)
        assert "k-own" not in str(info.value)
    else:
        assert from_environment(variables, overrides) == wanted


@pytest.fixture
def clean(monkeypatch):
    """An environment without any of our variables."""
    for name in list(os.environ):
        if name.startswith(("PORTRAIT_", "ALLTOKEN_")):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize("kind", [PortraitClient, AsyncPortraitClient])
def test_a_client_from_the_environment(kind, clean):
    """`from_env()` reads the process's environment; without a key the message says which variables it looked for."""
    with pytest.raises(UsageError, match="PORTRAIT_API_KEY or ALLTOKEN_API_KEY"):
        kind.from_env()
    clean.setenv("ALLTOKEN_API_KEY", KEY)
    clean.setenv("PORTRAIT_PROJECT", "shop")
    client = kind.from_env(retry=None, clock=ManualClock())
    assert client._endpoint.auth == BearerAuth(KEY)
    assert (client._endpoint.project, client._endpoint.policy.attempts) == ("shop", 1)
    assert KEY not in repr(client)
