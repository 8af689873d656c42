"""Emulators for tests: `Emulator` in this process, and `SharedServer` on a port. The pytest fixtures return them."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve

from emulator.auth import PUBLISHED_PAIR, CustomerNames
from emulator.service import Service
from emulator.settings import KeyPair, Settings
from emulator.snapshots import Snapshot
from emulator.test_controls import TestControls
from emulator.transports import AsyncInProcessTransport, InProcessTransport
from portrait.clock import Clock, ManualClock
from portrait.providers import PROVIDERS, Credential, Provider

if TYPE_CHECKING:
    from emulator.server import EmulatorServer
    from portrait.client import AsyncPortraitClient, PortraitClient


DEFAULT_KEY = "sk-emulator-0"
"""The key of an emulator's clients where its settings name none."""


class Emulator(TestControls):
    """An emulator in this process, on a clock of its own that moves only by `advance` and by sleeping on it.

        with Emulator() as emulator:
            client = emulator.client()

    The fixture `portrait_emulator` is a fresh one for each test. In short:

        client(), async_client()   A client on its clock and without a socket; nothing has to be closed.
        api_key                    A key that works.
        access_key, secret_key     A pair that works for Volcengine and BytePlus; the same customer's by default.
        customer(groups=2)         The key of a customer nobody else uses, with limits of its own.
        clock.advance(61)          Let a minute and a second pass at once.
        rules                      Faults and verdicts on demand: .add(match=…, when=…, do=…), .all(), .clear()
        calls                      What was called: .count("CreateAsset"), .all("CreateAsset", outcome="ok")
        validations                Liveness checks: .finish(token, "pass"), or "fail", "cancel", "wrong-person"
                                   .callback_url("val-1"), where the page then sends the browser
        assets                     Reviews: .fail(id, "FaceMismatch"), .activate(id), .expire(id), .use(id)
        snapshot(), load(it)       Remember the state, and go back to it.
        url, base_url              Where it answers over HTTP, for clients that are not ours: base_url ends in /v1.
        signed_options(url)        The options of a client that signs, and makes videos for the same customer.
        service                    The emulator without HTTP; service.control is all that its control plane can do.

    Args:
        settings: Its settings; every Bearer key is a customer of its own unless this names keys.
        clock: The clock; a fresh manual one without.
    """

    def __init__(self, settings: Settings | None = None, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        settings = settings or Settings()
        self.api_key = next(iter(settings.api_keys), DEFAULT_KEY)
        if not settings.access_keys:
            access_key, secret_key = PUBLISHED_PAIR
            pair = KeyPair(secret_key, CustomerNames(settings).find(self.api_key))
            settings = evolve(settings, access_keys={access_key: pair})
        self.access_key, pair = next(iter(settings.access_keys.items()))
        self._data_key = _bearer_key(pair, settings, self.api_key)
        self.secret_key = pair.secret_key
        super().__init__(Service(settings, self.clock))
        self._server: EmulatorServer | None = None

    @property
    def url(self) -> str:
        """Where it answers over HTTP, without a slash at the end; a server starts when this is first read."""
        if self._server is None:
            from emulator.server import EmulatorServer  # noqa: PLC0415 - most tests need no socket

            self._server = EmulatorServer(service=self.service).start()
        return self._server.url

    @property
    def base_url(self) -> str:
        """The base URL for clients: where it answers, and `/v1`."""
        return f"{self.url}/v1"

    def client(self, **options: Any) -> PortraitClient:
        """A client without a socket, on this emulator's clock.

        Args:
            **options: As `PortraitClient` takes them, such as `api_key=emulator.customer()`, `provider="volcengine"` or
                `retry=None`.
        """
        from portrait.client import PortraitClient  # noqa: PLC0415 - tests of other clients need it not

        return PortraitClient(**self._options(InProcessTransport(self.service), options))

    def async_client(self, **options: Any) -> AsyncPortraitClient:
        """The same for asyncio: an `AsyncPortraitClient` that belongs to no loop; there is nothing to close."""
        from portrait.client import AsyncPortraitClient  # noqa: PLC0415 - tests of other clients need it not

        return AsyncPortraitClient(**self._options(AsyncInProcessTransport(self.service), options))

    def snapshot(self) -> Snapshot:
        """The records and the time as they are now; rules and the call log are not part of it."""
        return self.service.snapshots.take()

    def load(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot, any number of times; another emulator's will do as well."""
        self.service.snapshots.restore(snapshot)

    def close(self) -> None:
        """Stop the server, if one was started, and close the store."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        self.service.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def signed_options(self, base: str) -> dict[str, str]:
        """The options of a client that signs its Actions, and makes videos by a Bearer key of the same customer.

        Args:
            base: Where the emulator answers.
        """
        return {
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "base_url": base,
            "api_key": self._data_key,
            "data_base_url": f"{base}/api/v3",
        }

    def _options(
        self, transport: InProcessTransport | AsyncInProcessTransport, overrides: dict[str, Any]
    ) -> dict[str, Any]:
        base = self._server.url if self._server is not None else "http://127.0.0.1"
        provider = overrides.get("provider")
        provider = provider if isinstance(provider, Provider) else PROVIDERS.get(provider or "alltoken")
        credentials = {"api_key": self.api_key, "base_url": f"{base}/v1"}
        if provider is not None and provider.credential is Credential.SIGNED:
            credentials = self.signed_options(base)
        return {**credentials, "transport": transport, "clock": self.clock} | overrides


def _bearer_key(pair: KeyPair, settings: Settings, api_key: str) -> str:
    """A Bearer key of the customer of a pair, for videos; the first key where the customer has none."""
    names = CustomerNames(settings)
    if settings.api_keys:
        return next((key for key, customer in settings.api_keys.items() if customer == pair.customer), api_key)
    return api_key if names.find(api_key) == pair.customer else pair.customer


class SharedServer(TestControls):
    """An emulator on a real socket, for a whole test run: the machine's clock, reviews that end at once.

        with SharedServer() as server:
            client = PortraitClient(api_key=server.customer(), base_url=server.base_url)

    The fixture `portrait_emulator_server` is the one of a whole run. In short:

        url, base_url              Where it answers: base_url ends in /v1, for clients.
        customer(groups=2)         The key of a customer nobody else uses: that keeps tests apart.
        rules                      Faults and verdicts: .add(match={"customer": key}, do=…) spares the other tests;
                                   .all(), .clear()
        calls                      What was called: .count("CreateAsset", customer=key), .all(customer=key)
        validations                Liveness checks: .finish(token, "pass"), or "fail", "cancel", "wrong-person"
                                   .callback_url("val-1"), where the page then sends the browser
        assets                     Reviews: .fail(id, "FaceMismatch"), .activate(id), .expire(id), .use(id)
        service                    The emulator without HTTP; service.control is all that its control plane can do.

    Args:
        clock: A clock, or the name of one: `real`, `manual`, `auto`, `scaled:N`.
    """

    REVIEW_SECONDS = 0.05
    """How long a review and a video take, unless a rule says otherwise."""

    def __init__(self, clock: Clock | str = "real") -> None:
        from emulator.server import EmulatorServer  # noqa: PLC0415 - it brings the HTTP server along

        short = self.REVIEW_SECONDS
        settings = Settings(image_review=short, clip_review=short, generation_seconds=short)
        self._server = EmulatorServer(settings, clock)
        super().__init__(self._server.service)

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end.

        Raises:
            RuntimeError: It is not running: enter it with `with`.
        """
        return self._server.url

    @property
    def base_url(self) -> str:
        """The base URL for clients: where it answers, and `/v1`."""
        return f"{self.url}/v1"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
