"""Emulators for tests: `Emulator` in this process, and `SharedServer` on a port. The pytest fixtures return them.

All controls are calls of the control plane: whatever a test does here it could do over HTTP.
"""

from __future__ import annotations

from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

from attrs import evolve

from emulator.auth import PUBLISHED_PAIR, CustomerNames
from emulator.control import Control
from emulator.rules.specs import RuleParts, RuleSpec
from emulator.service import Service
from emulator.settings import KeyPair, Settings
from emulator.snapshots import Snapshot
from emulator.transports import AsyncInProcessTransport, InProcessTransport
from portrait.clock import Clock, ManualClock
from portrait.models import VisualValidateSession
from portrait.providers import PROVIDERS, Credential, Provider

if TYPE_CHECKING:
    from emulator.server import EmulatorServer
    from portrait.client import AsyncPortraitClient, PortraitClient


DEFAULT_KEY = "sk-emulator-0"
"""The key of an emulator's clients where its settings name none."""


class Rules:
    """Faults and verdicts on demand, in the one grammar of rules."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def add(self, rule: RuleSpec | None = None, /, **parts: Unpack[RuleParts]) -> dict[str, Any]:
        """Add a rule, as one mapping or by its parts.

        `add(match={"action": "GetAsset"}, when={"first": 2}, do={"error": "Throttled"})`

        Args:
            rule: The whole rule.
            **parts: `id`; `match`: `action`, `customer`, `name`; `when`: one of `first`, `nth`, `every`, `chance`; and
                `do`: one of `error`, `http`, `close`, `truncate`, `review`, `lag`, `limit`, `page_size_max`, `hide`,
                and `delay`, the seconds that pass before the call is carried out. `emulator.rules.specs` has their
                types.

        Raises:
            emulator.control.ControlError: An unknown key, a wrong value, or a rule that can never fire.
        """
        return self._control.add_rule({**(rule or {}), **parts})

    def all(self) -> dict[str, Any]:
        """Every rule, with how often it was seen and fired."""
        return self._control.rules()

    def clear(self) -> None:
        """Take all rules away."""
        self._control.delete_rules()


class Calls:
    """The last calls."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def all(self, action: str | None = None, **filters: Any) -> list[dict[str, Any]]:
        """The calls that match, oldest first.

        Args:
            action: As on the wire: `CreateAsset`.
            **filters: `customer`; `outcome`, which is `ok` or a code; `since`, seconds since 1970.
        """
        calls: list[dict[str, Any]] = self._control.calls(action=action, **filters)["calls"]
        return calls

    def count(self, action: str | None = None, **filters: Any) -> int:
        """How many calls match; filters as of `all`."""
        return len(self.all(action, **filters))


class Validations:
    """Liveness checks, played without a phone."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def finish(
        self,
        token: str | VisualValidateSession,
        result: str = "pass",
        *,
        subject: str | None = None,
        code: int | None = None,
    ) -> dict[str, Any]:
        """End a scan.

        Args:
            token: The BytedToken, the session that has it, or the handle `val-3`.
            result: `pass`, `fail`, `cancel` or `wrong-person`: somebody passes who is not the person meant, so that
                files fail with `FaceMismatch`.
            subject: Whose face it was.
            code: The page's result code of a scan that does not pass, such as 41002; default: that of the result.

        Raises:
            emulator.control.ControlError: It is unknown, or has ended already.
        """
        token = token if isinstance(token, str) else token.byted_token
        return self._control.finish_validation(token, result=result, subject=subject, code=code)

    def callback_url(self, handle: str) -> str:
        """Where the page sends the browser of the validation `val-3`, whose scan has ended.

        Raises:
            LookupError: There is no such validation, or its scan has not ended.
        """
        return self._control.callback_url(handle)


class Assets:
    """Reviews, ended by hand."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def fail(self, asset_id: str, code: str = "InternalError") -> dict[str, Any]:
        """End a review in Failed, with a code of contract §3 such as `FaceMismatch`."""
        return self._control.set_asset(asset_id, status="Failed", code=code)

    def activate(self, asset_id: str) -> dict[str, Any]:
        """End a review in Active."""
        return self._control.set_asset(asset_id, status="Active")

    def expire(self, asset_id: str) -> dict[str, Any]:
        """Let an asset expire."""
        return self._control.set_asset(asset_id, status="Expired")

    def use(self, asset_id: str) -> dict[str, Any]:
        """Use an Active asset in a generation, which Ark shows as `LastInferenceTime`."""
        return self._control.set_asset(asset_id, used=True)


class TestControls:
    """What a test does to an emulator, by subject: what `Emulator` and `SharedServer` have in common.

    Attributes:
        rules: Faults and verdicts on demand: `rules.add(match=…, when=…, do=…)`, `rules.all()`, `rules.clear()`.
        calls: What was called: `calls.count("CreateAsset", outcome="ok")`, `calls.all("CreateAsset")`.
        validations: Liveness checks: `validations.finish(token, "pass")`; or `fail`, `cancel`, `wrong-person`.
        assets: Reviews: `assets.fail(id, "FaceMismatch")`, `assets.activate(id)`, `assets.expire(id)`; use in a
            generation: `assets.use(id)`.
        service: The emulator without HTTP; `service.control` is all that its control plane can do.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.rules = Rules(service.control)
        self.calls = Calls(service.control)
        self.validations = Validations(service.control)
        self.assets = Assets(service.control)
        self._numbers = count(1)

    def customer(self, **limits: Any) -> str:
        """Make a customer nobody else uses.

        Args:
            **limits: As the control plane's `PATCH customers/{name}` takes them: `groups=2`, `assets=5`, `aigc=False`,
                `subscription=False`, `tier="entry"`, `balance=0`.

        Returns:
            Its API key, by which it may be named too: `calls.count(customer=key)`.

        Raises:
            emulator.control.ControlError: A limit is unknown or makes no sense.
        """
        key = f"sk-emulator-{next(self._numbers)}"
        self.service.control.patch_customer(key, **limits)
        return key


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
