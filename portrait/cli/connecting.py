"""From the shared options and the environment to a client. Owns the words for a missing key; must not know a
command.
"""

from __future__ import annotations

from collections.abc import Mapping

from portrait.client import PortraitClient
from portrait.clock import Clock
from portrait.errors import UsageError
from portrait.options import Options, from_environment, get_provider
from portrait.providers import Credential


def connect(environ: Mapping[str, str], given: Mapping[str, str | None], clock: Clock | None) -> PortraitClient:
    """The client that the options and the environment describe; options win.

    Raises:
        UsageError: They do not describe one.
    """
    options: Options = {**client_options(environ, given), "clock": clock, "user_agent": "portrait-cli"}
    return PortraitClient(**options)


def client_options(environ: Mapping[str, str], given: Mapping[str, str | None]) -> Options:
    """The options of that client.

    Raises:
        UsageError: There is no key, or it would go to somebody else.
    """
    options = from_environment(environ, given)
    provider = get_provider(options.get("provider"))
    if provider.credential is Credential.BEARER and "api_key" not in options:
        names = " or ".join(("PORTRAIT_API_KEY", *provider.key_variables))
        raise UsageError(f"There is no API key for {provider.title}.", advice=f"Set {names}.")
    return options
