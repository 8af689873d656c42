"""From the shared options and the environment to a client. Owns the words for a missing key; must not know a
command.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portrait.client import PortraitClient
from portrait.clock import Clock
from portrait.errors import UsageError
from portrait.options import from_environment, provider_named
from portrait.providers import Credential


def connect(environ: Mapping[str, str], given: Mapping[str, str | None], clock: Clock | None) -> PortraitClient:
    """The client that the options and the environment describe; options win.

    Raises:
        UsageError: They do not describe one.
    """
    return PortraitClient(**client_options(environ, given), clock=clock, user_agent="portrait-cli")


def client_options(environ: Mapping[str, str], given: Mapping[str, str | None]) -> dict[str, Any]:
    """The options of that client.

    Raises:
        UsageError: There is no key, or it would go to somebody else.
    """
    options = from_environment(environ, given)
    provider = provider_named(options.get("provider", "alltoken"))
    if provider.credential is Credential.BEARER and "api_key" not in options:
        names = " or ".join(("PORTRAIT_API_KEY", *provider.key_variables))
        raise UsageError(f"There is no API key for {provider.title}.", advice=f"Set {names}.")
    return options
