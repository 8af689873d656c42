"""From what a user says to what a call needs: checks a client's options before anything is sent.

Every mistake that can be seen here is a `UsageError` that names its mending. The environment is read in one place,
`from_environment`, and nowhere else.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from portrait._version import __version__
from portrait.auth import BearerAuth
from portrait.clock import Clock, SystemClock
from portrait.dialects import DIALECTS
from portrait.endpoint import Endpoint
from portrait.errors import UsageError
from portrait.http import Timeouts
from portrait.providers import PROVIDERS, Credential, Provider
from portrait.rate_limiter import RateLimiter
from portrait.retry import NO_RETRY, RetryPolicy
from portrait.transports.common import is_loopback


def build_endpoint(
    *,
    api_key: str | None,
    access_key: tuple[str, str] | None,
    provider: str,
    base_url: str | None,
    project: str | None,
    timeout: float | Timeouts | None,
    retry: RetryPolicy | None,
    pace: float | Mapping[str, float] | None,
    clock: Clock | None,
    user_agent: str | None,
    library: str,
    has_listener: bool,
) -> Endpoint:
    """Check the options of a client and put them into a `Endpoint`.

    Raises:
        UsageError: Something does not fit; the message says what and how to mend it.
    """
    known = provider_named(provider)
    dialect = DIALECTS.get(known.dialect)
    if dialect is None or known.credential is not Credential.BEARER:
        able = ", ".join(p.name for p in PROVIDERS.values() if _speakable(p))
        raise UsageError(
            f"PortraitClient cannot call {known.title} yet: it speaks the {known.dialect} dialect.",
            advice=f"Providers that can be called: {able}.",
        )
    if access_key is not None:
        raise UsageError(f"{known.title} takes api_key=, not access_key=.")
    url = checked_url(base_url or known.base_url or "")
    key = checked_key(api_key, known)
    _keep_secret(url)
    return Endpoint(
        base_url=url,
        dialect=dialect,
        provider=known,
        auth=BearerAuth(key),
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": agent(user_agent, library),
        },
        project=project,
        timeouts=Timeouts.of(timeout),
        policy=retry if retry is not None else NO_RETRY,
        clock=clock or SystemClock(),
        pace=None if pace is None else RateLimiter(pace),
        has_listener=has_listener,
    )


def provider_named(name: str) -> Provider:
    """The provider of that name.

    Raises:
        UsageError: There is none.
    """
    if name not in PROVIDERS:
        raise UsageError(f"There is no provider {name!r}.", advice=f"Known ones: {', '.join(PROVIDERS)}.")
    return PROVIDERS[name]


def _speakable(provider: Provider) -> bool:
    return provider.dialect in DIALECTS and provider.credential is Credential.BEARER


def checked_url(url: str) -> str:
    """The base URL without a slash at its end.

    Raises:
        UsageError: It is not an absolute http or https address, or has parts that a base cannot have.
    """
    example = "It looks like https://api.alltoken.ai/v1."
    parts = _parts(url)
    if parts is None:
        # It is not repeated, here and below: it may hold a password, or be a key that was put in the wrong place.
        raise UsageError("base_url is not an absolute http or https address.", advice=example)
    if parts.query or parts.fragment or parts.username is not None:
        raise UsageError("base_url must not have a user, a query or a fragment.", advice=example)
    if parts.path.rstrip("/").endswith("/portrait"):
        raise UsageError("base_url ends before /portrait, which the client adds.", advice=example)
    return url.rstrip("/")


def _parts(url: str) -> SplitResult | None:
    """The parts of an absolute http or https address, None for anything else."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable and url.isascii() and not any(c.isspace() for c in url) else None


def checked_key(api_key: str | None, provider: Provider) -> str:
    """The key, if it can stand in a header.

    Raises:
        UsageError: It is missing, or has characters that no key has. The key is not repeated.
    """
    if not api_key:
        names = " or ".join(("PORTRAIT_API_KEY", *provider.key_variables))
        raise UsageError(
            f"There is no API key for {provider.title}.", advice=f"Pass api_key=, or set {names} and use from_env()."
        )
    if not isinstance(api_key, str):
        raise UsageError("The API key must be a string.")
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise UsageError(
            "The API key has a space, a line break or a character outside of ASCII.",
            advice="Copy it again, without the word Bearer.",
        )
    return api_key


def _keep_secret(url: str) -> None:
    """A key goes over plain http to this machine only. Design decision, not the provider's."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise UsageError(f"The API key would go over plain http to {parts.hostname}.", advice="Use an https address.")


def agent(application: str | None, library: str) -> str:
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


def from_environment(environment: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    """A client's options from `PORTRAIT_*` variables; what is given explicitly wins.

    `ALLTOKEN_API_KEY` is AllToken's: it is used for the provider `alltoken` only, and only towards AllToken's own
    address or this machine. `PORTRAIT_API_KEY` goes wherever the user points it.

    Raises:
        UsageError: A provider's own key would go to somebody else.
    """
    options: dict[str, Any] = {
        name: environment[variable]
        for name, variable in (
            ("provider", "PORTRAIT_PROVIDER"),
            ("base_url", "PORTRAIT_BASE_URL"),
            ("api_key", "PORTRAIT_API_KEY"),
            ("project", "PORTRAIT_PROJECT"),
        )
        if environment.get(variable)
    }
    # None leaves to the environment what can stand there; elsewhere it may mean something, such as retry=None.
    named = {"provider", "base_url", "api_key", "access_key", "project"}
    options.update({name: value for name, value in given.items() if value is not None or name not in named})
    provider = provider_named(options.get("provider", "alltoken"))
    if provider.credential is Credential.SIGNED and environment.get("PORTRAIT_ACCESS_KEY"):
        pair = (environment["PORTRAIT_ACCESS_KEY"], environment.get("PORTRAIT_SECRET_KEY", ""))
        options.setdefault("access_key", pair)
    if "api_key" not in options:
        variable = next((name for name in provider.key_variables if environment.get(name)), None)
        if variable is not None:
            _keep_home(variable, provider, options.get("base_url"))
            options["api_key"] = environment[variable]
    return options


def _keep_home(variable: str, provider: Provider, base_url: str | None) -> None:
    if base_url is None or provider.base_url is None:
        return
    host = urlsplit(checked_url(base_url)).hostname or ""
    if host != urlsplit(provider.base_url).hostname and not is_loopback(host):
        raise UsageError(
            f"{variable} is {provider.title}'s key and is not sent to {host}.",
            advice="If that is what you want, set PORTRAIT_API_KEY.",
        )
