"""Where the emulator answers and how: each mount is a path, a provider, its dialect and its auth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

from emulator.dialects import ALLTOKEN, ServerDialect
from emulator.domain.reasons import Reason, Refusal
from emulator.messages import Call
from emulator.settings import Settings

ACTIONS_PATH = "/v1/portrait/"
UPLOAD_PATH = "/v1/portrait/upload"


class Auth(Protocol):
    """Finds out whose call it is."""

    def authenticate(self, call: Call) -> str:
        """The name of the customer who calls.

        Raises:
            Refusal: There are no credentials, or nobody's.
        """


@frozen
class BearerAuth:
    """A Bearer key, which is its customer's name where no keys are configured.

    Attributes:
        keys: Key → customer; empty means that every key is a customer of its own.
    """

    keys: Mapping[str, str]

    def authenticate(self, call: Call) -> str:
        """The customer that a key belongs to.

        Raises:
            Refusal: There is no key, or nobody's.
        """
        if not call.key:
            raise Refusal(Reason.KEY_MISSING)
        customer = self.keys.get(call.key) if self.keys else call.key
        if customer is None:
            raise Refusal(Reason.KEY_UNKNOWN)
        return customer


@frozen(kw_only=True)
class Mount:
    """One place where Actions are answered.

    Attributes:
        provider: Who answers like that, a name of `portrait.providers`.
        dialect: How answers are worded.
        auth: Whose call it is.
        path: Where Actions are posted.
        upload_path: Where files are posted; None where the provider takes none.
    """

    provider: str
    dialect: ServerDialect
    auth: Auth
    path: str
    upload_path: str | None = None


def default_mounts(settings: Settings) -> tuple[Mount, ...]:
    """The mounts of an emulator with these settings; the first is the one that links and pages speak for."""
    return (
        Mount(
            provider="alltoken",
            dialect=ALLTOKEN,
            auth=BearerAuth(settings.api_keys),
            path=ACTIONS_PATH,
            upload_path=UPLOAD_PATH,
        ),
    )
