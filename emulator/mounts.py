"""The mounts of the emulator: paths, with the format of their calls and replies and their auth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import field, frozen

from emulator.auth import PUBLISHED_PAIR, Auth, BearerAuth, CustomerNames, SignatureAuth
from emulator.dialects import ALLTOKEN, ARK, ServerDialect
from emulator.domain.context import Handler, Measured
from emulator.domain.reasons import Refusal
from emulator.messages import Call, Reply
from emulator.request_decoder import RequestDecoder
from emulator.response_encoder import ResponseEncoder
from emulator.rest import alltoken_videos, ark_videos, gateway, library
from emulator.rest.operations import Operation, RestDecoder, RestEncoder, Route, Wording
from emulator.settings import KeyPair, Settings
from emulator.webhooks import Hook
from portrait.providers import PROVIDERS, Provider

ACTIONS_PATH = "/v1/portrait/"
UPLOAD_PATH = "/v1/portrait/upload"
ARK_PATH = "/"


class Decoder(Protocol):
    """Decodes calls to requests of the domain."""

    def handler(self, call: Call) -> Handler:
        """The handler of a call.

        Raises:
            Refusal: There is no such action.
        """

    def request(self, call: Call, body: Mapping[str, Any]) -> tuple[Any, Mapping[str, Measured]]:
        """The request for the handler, and the measurements of files that came along.

        Raises:
            Refusal: A required field is missing, or a value has the wrong form.
        """


class Encoder(Protocol):
    """Encodes the outcomes of calls as replies."""

    def result(self, result: Any, call: Call, request_id: str, provider: Provider) -> Reply:
        """A success."""

    def refusal(self, refusal: Refusal, call: Call, request_id: str, provider: Provider) -> tuple[Reply, str]:
        """A refusal, and its outcome in one word for logs."""


@frozen(kw_only=True)
class Format:
    """The form of a mount's calls and replies.

    Attributes:
        decoder: Reads calls.
        encoder: Writes replies.
        name_limit: Characters in a Name.
        description_limit: Characters in a Description; None means no limit.
        cursors: Whether lists can be read by cursor.
        job_form: The form of the ids of jobs.
        videos: Whether videos are generated.
        hooks: How changes of what an action creates are posted.
    """

    decoder: Decoder
    encoder: Encoder
    name_limit: int
    description_limit: int | None = None
    cursors: bool = False
    job_form: str = "task"
    videos: bool = False
    hooks: Mapping[str, Hook] = field(factory=dict)


@frozen(kw_only=True)
class Mount:
    """A mount of the 12 Actions, which the query names.

    Attributes:
        dialect: Its tables of errors, required fields and items.
        auth: Authenticates its calls.
        path: Where Actions are posted.
        upload_path: Where files are posted; None where the provider takes none.
    """

    dialect: ServerDialect
    auth: Auth
    path: str
    upload_path: str | None = None

    @property
    def dialect_name(self) -> str:
        """The name of the dialect."""
        return self.dialect.name

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


@frozen(kw_only=True)
class RestMount:
    """A mount whose calls are named by method and path.

    Attributes:
        auth: Authenticates its calls.
        routes: Its routes.
        operations: Its operations, by the action of a route.
        wording: How refusals are worded.
        dialect_name: The dialect of the providers that are served.
        job_form: The form of the ids of jobs.
    """

    auth: Auth
    routes: tuple[Route, ...]
    operations: Mapping[str, Operation]
    wording: Wording
    dialect_name: str
    job_form: str = "task"

    def format(self, _: Settings) -> Format:
        """The form of its calls and replies; names and descriptions are limited by the service behind (I)."""
        return Format(
            decoder=RestDecoder(self.operations),
            encoder=RestEncoder(self.operations, self.wording),
            name_limit=ARK.name_limit,
            description_limit=ARK.description_limit,
            job_form=self.job_form,
            videos=True,
            hooks={name: each.hook for name, each in self.operations.items() if each.hook is not None},
        )


AnyMount = Mount | RestMount


def default_mounts(settings: Settings) -> tuple[AnyMount, ...]:
    """The mounts of an emulator with these settings; the first is the one that links and pages speak for."""
    access_key, secret_key = PUBLISHED_PAIR
    pairs = settings.access_keys or {access_key: KeyPair(secret_key, access_key)}
    names, key_providers = CustomerNames(settings), settings.key_providers
    ark, tasks = (_providers_of(dialect) for dialect in (ARK.name, "tasks"))
    bearer = BearerAuth(names)
    return (
        Mount(dialect=ALLTOKEN, auth=bearer, path=ACTIONS_PATH, upload_path=UPLOAD_PATH),
        Mount(dialect=ARK, auth=SignatureAuth(pairs, ark, key_providers), path=ARK_PATH),
        RestMount(
            auth=BearerAuth(names, tasks, key_providers),
            routes=gateway.ROUTES,
            operations=gateway.operations(settings),
            wording=gateway.WORDING,
            dialect_name="tasks",
        ),
        RestMount(
            auth=BearerAuth(names, (PROVIDERS["apimart"],), key_providers),
            routes=library.ROUTES,
            operations=library.OPERATIONS,
            wording=gateway.WORDING,
            dialect_name="tasks",
        ),
        RestMount(
            auth=bearer,
            routes=alltoken_videos.ROUTES,
            operations=alltoken_videos.OPERATIONS,
            wording=alltoken_videos.WORDING,
            dialect_name=ALLTOKEN.name,
            job_form="vgen",
        ),
        RestMount(
            auth=BearerAuth(names, ark, key_providers),
            routes=ark_videos.ROUTES,
            operations=ark_videos.OPERATIONS,
            wording=ark_videos.WORDING,
            dialect_name=ARK.name,
            job_form="cgt",
        ),
    )


def _providers_of(dialect: str) -> tuple[Provider, ...]:
    return tuple(provider for provider in PROVIDERS.values() if provider.dialect == dialect)
