"""A client's options: their types, the checks before anything is sent, and what the environment adds to them.

Every mistake that can be seen here is a `UsageError` that says how to mend it.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, cast

from attrs import Converter, evolve, field, frozen

from portrait import clock
from portrait._version import __version__
from portrait.arguments import CALLABLE, NONE, SPAN, TEXT, TEXTS, Kind, check_keywords, either, having, one_of
from portrait.auth import Auth, BearerAuth
from portrait.clock import Clock
from portrait.dialects import Dialect
from portrait.endpoint import Endpoint
from portrait.errors import UsageError
from portrait.events import CallFinished, kinds_of
from portrait.http import Timeouts, TimeoutTypes
from portrait.pace import MARGIN
from portrait.providers import PROVIDERS, Credential, Provider
from portrait.rate_limiter import PACE, RateLimiter
from portrait.retry import NO_RETRY, RetryPolicy
from portrait.runners import Listener
from portrait.signing import Credentials, SignatureAuth
from portrait.urls import parse_http_url

if TYPE_CHECKING:
    import ssl as ssl_module

    from portrait.state.state import State


_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_PATH = re.compile(rf"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|{_ESCAPE.pattern})*")  # RFC 3986 §3.3


class SharedOptions(TypedDict, total=False):
    """What `with_options` may change: clients that differ in it share their connections."""

    project: str | None
    timeout: TimeoutTypes
    retry: RetryPolicy | None
    pace: float | Mapping[str, float] | str | None
    on_event: Listener | None


class Options(SharedOptions, total=False):
    """The keywords of a client; `ClientOptions` says what they mean."""

    api_key: str | None
    access_key: str | None
    secret_key: str | None
    session_token: str | None
    provider: str | Provider | None
    base_url: str | None
    data_base_url: str | None
    proxy: str | None
    ssl: ssl_module.SSLContext | str | None
    transport: Any
    clock: Clock | None
    user_agent: str | None
    state: str | os.PathLike[str] | State | None
    insecure_hosts: Iterable[str]


_OPTIONAL_TEXT = either(TEXT, NONE)
STATE = either(one_of("a path or a URL", str, os.PathLike), having("an open State", "check", "report"), NONE)
CLOCK = either(having("a Clock", "now", "monotonic"), NONE)
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("api_key", "access_key", "secret_key", "session_token"), _OPTIONAL_TEXT),
    **dict.fromkeys(("base_url", "data_base_url", "project", "proxy", "user_agent"), _OPTIONAL_TEXT),
    "provider": either(one_of("a provider's name", str), one_of("a Provider", Provider), NONE),
    "timeout": either(SPAN, one_of("Timeouts", Timeouts), NONE),
    "retry": either(one_of("a RetryPolicy", RetryPolicy), NONE),
    "pace": either(
        PACE,
        one_of("calls per second by Action", Mapping),
        one_of("a plan's name", str),
        one_of("a RateLimiter", RateLimiter),
        NONE,
    ),
    "ssl": either(having("an SSLContext", "wrap_socket"), one_of("the path of a CA file", str), NONE),
    "transport": either(having("a transport", "send", "close"), NONE),
    "clock": CLOCK,
    "on_event": either(CALLABLE, NONE),
    "state": STATE,
    "insecure_hosts": either(TEXTS, NONE),
}


def check_options(options: Mapping[str, Any]) -> None:
    """See that a client has such keywords, and that they are of their kinds, before anything is made of them.

    Raises:
        UsageError: They are not.
    """
    check_keywords(_KINDS, options)


def _to_retry(value: RetryPolicy | None) -> RetryPolicy:
    return NO_RETRY if value is None else value


def _to_clock(value: Clock | None) -> Clock:
    return clock.default_clock() if value is None else value


def _to_pace(value: float | Mapping[str, float] | str | RateLimiter | None, options: Any) -> RateLimiter | None:
    if value is None or isinstance(value, RateLimiter):
        return value
    return RateLimiter(_tier_rates(value, get_provider(options.provider)) if isinstance(value, str) else value)


def _tier_rates(tier: str, provider: Provider) -> Mapping[str, float]:
    if tier not in provider.tiers:
        known = ", ".join(provider.tiers) or "none"
        raise UsageError(f"{provider.title} has no plan {tier!r}.", advice=f"Its plans for pace=: {known}.")
    return {action: rate / MARGIN for action, rate in provider.rates_of(tier).items()}


def _to_hosts(value: Iterable[str] | None) -> frozenset[str]:
    return frozenset(host.strip().strip("[]").lower() for host in value or ())


@frozen(kw_only=True)
class ClientOptions:
    """The options of a client, with their defaults filled in.

    Attributes:
        api_key: The provider's Bearer key; where requests are signed, the key for generating videos.
        access_key: The id of a key pair, for providers that take signed requests.
        secret_key: Its secret.
        session_token: Of temporary credentials.
        provider: Who answers; a name of `portrait.providers.PROVIDERS`, or a `Provider`. None is `alltoken`.
        base_url: Where; includes `/v1` for AllToken. None takes the provider's own address.
        data_base_url: Where videos are generated, for providers that sign. None takes the provider's own address.
        project: Fills `ProjectName` where a call leaves it out.
        timeout: For one attempt.
        retry: When a call is sent again.
        pace: The client's own rate limit, or the name of a plan of the provider's; None sets none.
        proxy: A proxy's URL; None takes it from the environment, "" takes none.
        ssl: A context, or the path of a CA file.
        transport: An own transport, for example one that wraps an own session or pool.
        clock: Time, for tests.
        on_event: Is called with attempts, retries and waits (`portrait.events`).
        user_agent: The application's name and version, put before the library's own.
        state: What is remembered across runs: a path, a PostgreSQL URL, or an open `State`; None remembers nothing.
        insecure_hosts: Hosts to which a key may go over plain http.
    """

    api_key: str | None = field(default=None, repr=False)
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    provider: str | Provider | None = None
    base_url: str | None = None
    data_base_url: str | None = None
    project: str | None = None
    timeout: Timeouts = field(default=None, converter=Timeouts.of)  # type: ignore[misc]  # mypy does not know such converters
    retry: RetryPolicy = field(default=RetryPolicy(), converter=_to_retry)
    pace: RateLimiter | None = field(default=None, converter=Converter(_to_pace, takes_self=True))  # type: ignore[misc]  # mypy does not know such converters
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    ssl: ssl_module.SSLContext | str | None = None
    transport: Any = None
    clock: Clock = field(default=None, converter=_to_clock)
    on_event: Listener | None = None
    user_agent: str | None = None
    state: str | os.PathLike[str] | State | None = field(default=None, repr=False)  # a URL may hold a password
    insecure_hosts: frozenset[str] = field(default=(), converter=_to_hosts)


def build_endpoint(options: ClientOptions, library: str, dialects: Mapping[str, Dialect]) -> Endpoint:
    """Check the options of a client, and make its `Endpoint`.

    Args:
        options: The options.
        library: The HTTP library's name, for the User-Agent.
        dialects: Those that the client speaks, by name.

    Raises:
        UsageError: Something does not fit; the message says what and how to mend it.
    """
    provider = get_provider(options.provider)
    dialect = dialects.get(provider.dialect)
    if dialect is None:
        supported = ", ".join(p.name for p in PROVIDERS.values() if p.dialect in dialects)
        raise UsageError(
            f"This client cannot call {provider.title}, which speaks the {provider.dialect} dialect.",
            advice=f"provider= is one of {supported} here; portrait.open_client() takes all providers.",
        )
    auth = _AUTHS[provider.credential](options, provider)
    url = validate_url(options.base_url or provider.base_url or "")
    _require_https(url, options.insecure_hosts)
    return Endpoint(
        base_url=url,
        dialect=dialect,
        provider=provider,
        auth=auth,
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": user_agent(options.user_agent, library),
        },
        clock=options.clock,
        **_changeable(options),
    )


def change_endpoint(endpoint: Endpoint, options: ClientOptions) -> Endpoint:
    """An endpoint with what `with_options` may change."""
    return evolve(endpoint, **_changeable(options))


def _changeable(options: ClientOptions) -> dict[str, Any]:
    return {
        "project": options.project,
        "timeouts": options.timeout,
        "policy": options.retry,
        "pace": options.pace,
        "has_listener": issubclass(CallFinished, kinds_of(options.on_event)),
    }


def data_endpoint(options: ClientOptions, endpoint: Endpoint) -> Endpoint:
    """Where videos are generated: a Bearer key's endpoint, for providers that sign at an address of its own.

    Args:
        options: The client's options.
        endpoint: The endpoint of its Actions.

    Raises:
        UsageError: The key or the address for it is missing.
    """
    provider = endpoint.provider
    if provider.credential is Credential.BEARER:
        return endpoint
    if options.base_url is not None and options.data_base_url is None:
        raise UsageError(
            f"base_url= leads away from {provider.title}; videos have an address of their own, data_base_url=.",
            advice="Pass data_base_url=, or set PORTRAIT_DATA_BASE_URL and use from_env().",
        )
    url = validate_url(options.data_base_url or provider.data_url or "")
    return evolve(endpoint, base_url=url, auth=BearerAuth(validate_key(options.api_key, provider)))


def _bearer_auth(options: ClientOptions, provider: Provider) -> Auth:
    """A Bearer key, and nothing of a pair of keys."""
    for name in (*_PAIR_VARIABLES, "data_base_url"):
        if getattr(options, name) is not None:
            raise UsageError(f"{provider.title} takes api_key= and base_url=, not {name}=.")
    return BearerAuth(validate_key(options.api_key, provider))


def _signature_auth(options: ClientOptions, provider: Provider) -> Auth:
    """A pair of keys; a Bearer key beside it is for generating videos, and is only checked here."""
    for name, variable in (("access_key", "PORTRAIT_ACCESS_KEY"), ("secret_key", "PORTRAIT_SECRET_KEY")):
        if not getattr(options, name):
            raise UsageError(
                f"{provider.title} takes signed requests, and {name}= is missing.",
                advice=f"Pass access_key= and secret_key=, or set {variable} and use from_env().",
            )
    for name in ("access_key", "secret_key", "session_token", "api_key"):
        _check_key_text(name, getattr(options, name))
    if options.data_base_url is not None or options.api_key is not None:
        data_url = options.data_base_url or provider.data_url
        if data_url is not None:
            _require_https(validate_url(data_url), options.insecure_hosts)
    credentials = Credentials(
        access_key=options.access_key or "",
        secret_key=options.secret_key or "",
        session_token=options.session_token or None,
    )
    return SignatureAuth(credentials, provider.region, provider.service)


_AUTHS: Mapping[Credential, Callable[[ClientOptions, Provider], Auth]] = {
    Credential.BEARER: _bearer_auth,
    Credential.SIGNED: _signature_auth,
}


def get_provider(name: str | Provider | None) -> Provider:
    """The provider of that name; None is `alltoken`, and a `Provider` is itself.

    Raises:
        UsageError: There is none.
    """
    if isinstance(name, Provider):
        return name
    provider = PROVIDERS.get(name or "alltoken")
    if provider is None:
        raise UsageError(f"There is no provider {name!r}.", advice=f"Known ones: {', '.join(PROVIDERS)}.")
    return provider


def validate_url(url: str) -> str:
    """The base URL without a slash at its end.

    Raises:
        UsageError: It is not an absolute http or https address, or has parts that a base cannot have.
    """
    example = "It looks like https://api.alltoken.ai/v1."
    try:
        parsed = parse_http_url(url, userinfo=True)
    except ValueError as error:
        # It is not repeated, here and below: it may hold a password, or be a key that was put in the wrong place.
        raise UsageError(f"base_url cannot be used: it {error}.", advice=example) from None
    if _PATH.fullmatch(parsed.path) is None:
        raise UsageError(
            "base_url has a path with characters that no address has.",
            advice="Percent-encode them: é is %C3%A9.",
        )
    if (parsed.userinfo, parsed.query, parsed.fragment) != (None, None, None):
        raise UsageError("base_url must not have a user, a query or a fragment.", advice=example)
    if parsed.path.rstrip("/").endswith("/portrait"):
        raise UsageError("base_url ends before /portrait, which the client adds.", advice=example)
    # As every HTTP library sends it (RFC 3986 §6.2.2.1): a signature covers the path as it is sent.
    path = _ESCAPE.sub(lambda escape: escape[0].upper(), parsed.path)
    return f"{parsed.origin}{path}".rstrip("/")


def validate_key(api_key: str | None, provider: Provider) -> str:
    """The key, if it can stand in a header.

    Raises:
        UsageError: It is missing, or has characters that no key has. The key is not repeated.
    """
    if not api_key:
        names = " or ".join(("PORTRAIT_API_KEY", *provider.key_variables))
        raise UsageError(
            f"There is no API key for {provider.title}.", advice=f"Pass api_key=, or set {names} and use from_env()."
        )
    _check_key_text("api_key", api_key)
    return api_key


def _check_key_text(name: str, key: str | None) -> None:
    """A key is printable ASCII without spaces: it stands in a header, or signs one. It is not repeated."""
    title = "The API key" if name == "api_key" else f"{name}="
    if key is None:
        return
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(
            f"{title} has a space, a line break or a character outside of ASCII.",
            advice="Copy it again, without the word Bearer." if name == "api_key" else "Copy it again.",
        )


def _require_https(url: str, insecure_hosts: frozenset[str]) -> None:
    """A key goes over plain http to this machine and to named hosts only. Design decision, not the provider's."""
    parsed = parse_http_url(url)
    if parsed.scheme == "http" and not parsed.is_loopback and parsed.host not in insecure_hosts:
        raise UsageError(
            f"The key would go over plain http to {parsed.host}.",
            advice="Use an https address, or name a host that you trust by insecure_hosts= or PORTRAIT_INSECURE_HOSTS.",
        )


def user_agent(application: str | None, library: str) -> str:
    """The User-Agent: the application first, then this library, Python and the HTTP library.

    Raises:
        UsageError: The application's name cannot stand in a header.
    """
    own = f"portrait-actions/{__version__} python/{platform.python_version()} {library}"
    if application is None:
        return own
    if not application.isascii() or not application.isprintable():
        raise UsageError("user_agent= takes printable ASCII, such as my-app/1.0.")
    return f"{application} {own}"


# None leaves these to the environment; elsewhere it means something, such as retry=None.
_VARIABLES: Mapping[str, str] = {
    "provider": "PORTRAIT_PROVIDER",
    "base_url": "PORTRAIT_BASE_URL",
    "api_key": "PORTRAIT_API_KEY",
    "project": "PORTRAIT_PROJECT",
    "state": "PORTRAIT_STATE",
}
# For providers that take signed requests.
_PAIR_VARIABLES: Mapping[str, str] = {
    "access_key": "PORTRAIT_ACCESS_KEY",
    "secret_key": "PORTRAIT_SECRET_KEY",
    "session_token": "PORTRAIT_SESSION_TOKEN",
}
_SIGNED_VARIABLES: Mapping[str, str] = {**_PAIR_VARIABLES, "data_base_url": "PORTRAIT_DATA_BASE_URL"}


def from_environment(environment: Mapping[str, str], overrides: Mapping[str, Any]) -> Options:
    """A client's options from `PORTRAIT_*` variables; explicit arguments win.

    `ALLTOKEN_API_KEY` is AllToken's: it is used for the provider `alltoken` only, and only towards AllToken's own
    address by https, or this machine. `ARK_API_KEY` is that of Volcengine or BytePlus in the same way.
    `PORTRAIT_API_KEY` and a pair of keys go wherever the user points them.

    Raises:
        UsageError: A provider's own key would go to somebody else.
    """
    named = {**_VARIABLES, **_SIGNED_VARIABLES}
    options = {name: value for name, value in overrides.items() if value is not None or name not in named}
    _fill(options, environment, _VARIABLES)
    provider = get_provider(options.get("provider"))
    if provider.credential is Credential.SIGNED:
        _fill(options, environment, _SIGNED_VARIABLES)
    if hosts := environment.get("PORTRAIT_INSECURE_HOSTS"):
        options.setdefault("insecure_hosts", tuple(hosts.split(",")))
    if "api_key" not in options:
        variable = next(iter(key_variables(environment, provider)), None)
        if variable is not None:
            _check_key_destination(variable, provider, options)
            options["api_key"] = environment[variable]
    return cast("Options", options)


def key_variables(environment: Mapping[str, str], provider: Provider) -> list[str]:
    """The variables that hold a Bearer key; the first one is used."""
    return [name for name in (_VARIABLES["api_key"], *provider.key_variables) if environment.get(name)]


def _fill(options: dict[str, Any], environment: Mapping[str, str], variables: Mapping[str, str]) -> None:
    for name, variable in variables.items():
        if environment.get(variable):
            options.setdefault(name, environment[variable])


def _check_key_destination(variable: str, provider: Provider, options: dict[str, Any]) -> None:
    """A vendor's own Bearer key goes to that vendor by https, or to this machine."""
    signed = provider.credential is Credential.SIGNED
    option, own = ("data_base_url", provider.data_url) if signed else ("base_url", provider.base_url)
    if options.get(option) is None or own is None:
        return
    url = parse_http_url(validate_url(options[option]))
    if url.is_loopback:
        return
    if url.host != parse_http_url(own).host:
        raise UsageError(
            f"{variable} is {provider.title}'s key and is not sent to {url.host}.",
            advice="If that is what you want, set PORTRAIT_API_KEY.",
        )
    if url.scheme != "https":
        raise UsageError(f"{variable} is not sent to {url.host} over plain http.", advice="Use its https address.")
