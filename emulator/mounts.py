"""Where the emulator answers and how: each mount is a path, its dialect and its auth."""

from __future__ import annotations

from attrs import frozen

from emulator.auth import PUBLISHED_PAIR, Auth, BearerAuth, CustomerNames, SignatureAuth
from emulator.dialects import ALLTOKEN, ARK, ServerDialect
from emulator.format import Format
from emulator.request_decoder import RequestDecoder
from emulator.response_encoder import ResponseEncoder
from emulator.settings import KeyPair, Settings
from portrait.providers import PROVIDERS

ACTIONS_PATH = "/v1/portrait/"
UPLOAD_PATH = "/v1/portrait/upload"
ARK_PATH = "/"


@frozen(kw_only=True)
class Mount:
    """One place where Actions are answered.

    Attributes:
        dialect: How answers are worded.
        auth: Whose call it is, and which provider's rules it goes by.
        path: Where Actions are posted.
        upload_path: Where files are posted; None where the provider takes none.
    """

    dialect: ServerDialect
    auth: Auth
    path: str
    upload_path: str | None = None

    def format(self, settings: Settings) -> Format:
        """The form of its calls and replies."""
        dialect = self.dialect
        return Format(
            decoder=RequestDecoder(dialect, name_required=settings.name_required),
            encoder=ResponseEncoder(
                dialect, key_in_envelope=settings.auth_error == "envelope", pending=settings.pending
            ),
            name_limit=dialect.name_limit,
            description_limit=dialect.description_limit,
            cursors=dialect.client.cursor_paging,
        )


def default_mounts(settings: Settings) -> tuple[Mount, ...]:
    """The mounts of an emulator with these settings; the first is the one that links and pages speak for."""
    access_key, secret_key = PUBLISHED_PAIR
    pairs = settings.access_keys or {access_key: KeyPair(secret_key, access_key)}
    ark = tuple(provider for provider in PROVIDERS.values() if provider.dialect == ARK.name)
    bearer = BearerAuth(CustomerNames(settings))
    return (
        Mount(dialect=ALLTOKEN, auth=bearer, path=ACTIONS_PATH, upload_path=UPLOAD_PATH),
        Mount(dialect=ARK, auth=SignatureAuth(pairs, ark, settings.key_providers), path=ARK_PATH),
    )
