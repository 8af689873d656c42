"""Authentication: Bearer keys, and V4 signatures by pairs of keys.

A signature is checked over what was received: method, path, query, headers and body, before any of it is decoded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import Protocol

from attrs import Factory, field, frozen

from emulator.domain.reasons import Reason, Refusal
from emulator.messages import Call
from emulator.settings import KeyPair, Settings
from emulator.signatures import (
    Authorization,
    SignatureError,
    SignatureFault,
    Verifier,
    parse_authorization,
    split_authorization,
)
from portrait.clock import Clock, SystemClock
from portrait.providers import PROVIDERS, Provider
from portrait.signing import DayKeys

PUBLISHED_PAIR = ("AKLTEMULATOR", "emulator-secret")
"""The access key and the secret key that work where no pair is configured."""


_HANDLE = re.compile(r"key-[0-9a-f]{12}")


@lru_cache(maxsize=4096)
def key_handle(key: str) -> str:
    """The handle of a key, which stands for it in logs and pages: `key-` and 12 hexadecimal digits of its digest.

    It is the same in every process, so that a snapshot finds its keys again.
    """
    return f"key-{blake2b(key.encode(errors='surrogatepass'), digest_size=6).hexdigest()}"


class CustomerNames:
    """Which customer a Bearer key belongs to. A customer without a name is called by the handle of its key.

    Args:
        settings: Has the keys. Without Bearer keys every one is a customer of its own.
    """

    def __init__(self, settings: Settings) -> None:
        self._keys = settings.api_keys
        self._names = frozenset({PUBLISHED_PAIR[0], *(pair.customer for pair in settings.access_keys.values())})

    def of_key(self, key: str) -> str | None:
        """The customer of a Bearer key, None for a key that is nobody's."""
        return self._keys.get(key) if self._keys else self.find(key)

    def find(self, name_or_key: str) -> str:
        """The customer that a test means: by its name, its handle or its key."""
        if self._keys:
            return self._keys.get(name_or_key, name_or_key)
        is_name = name_or_key in self._names or _HANDLE.fullmatch(name_or_key) is not None
        return name_or_key if is_name else key_handle(name_or_key)


@frozen
class Caller:
    """The customer that a call is made for, and the key it is made with.

    Attributes:
        customer: The customer's name.
        handle: Of the Bearer key or the access key that was used. It owns the tokens that it creates.
        provider: The provider whose rules the call goes by.
        candidates: The names of all providers that the key may stand for, that of `provider` first; default: it alone.
    """

    customer: str
    handle: str
    provider: Provider
    candidates: tuple[str, ...] = Factory(lambda self: (self.provider.name,), takes_self=True)


class Auth(Protocol):
    """Authenticates the calls of a mount."""

    def authenticate(self, call: Call) -> Caller:
        """Authenticate a call.

        Raises:
            Refusal: There are no credentials, or nobody's.
        """

    def provider_of(self, call: Call) -> Provider:
        """The provider that the call is meant for, also where it is refused."""


@frozen
class BearerAuth:
    """A Bearer key.

    Attributes:
        names: The customers by their keys.
        providers: Those that are served; the first one is the default.
        by_key: Key → name of the provider that it stands for.
    """

    names: CustomerNames = field(repr=False)
    providers: tuple[Provider, ...] = (PROVIDERS["alltoken"],)
    by_key: Mapping[str, str] = field(factory=dict, repr=False)
    _by_name: Mapping[str, tuple[Provider, tuple[str, ...]]] = field(init=False, repr=False, eq=False)
    _any: tuple[Provider, tuple[str, ...]] = field(init=False, repr=False, eq=False)

    @_by_name.default
    def _each(self) -> Mapping[str, tuple[Provider, tuple[str, ...]]]:
        return {provider.name: (provider, (provider.name,)) for provider in self.providers}

    @_any.default
    def _all(self) -> tuple[Provider, tuple[str, ...]]:
        return self.providers[0], tuple(self._by_name)

    def authenticate(self, call: Call) -> Caller:
        """The customer that a key belongs to.

        Raises:
            Refusal: There is no key, or nobody's.
        """
        if not call.key:
            raise Refusal(Reason.KEY_MISSING)
        customer = self.names.of_key(call.key)
        if customer is None:
            raise Refusal(Reason.KEY_UNKNOWN)
        provider, candidates = self._served(call.key)
        return Caller(customer, key_handle(call.key), provider, candidates)

    def provider_of(self, call: Call) -> Provider:
        """The one that the key stands for, where it is served here."""
        return self._served(call.key)[0]

    def _served(self, key: str | None) -> tuple[Provider, tuple[str, ...]]:
        """The provider that a key stands for; the first one, and the names of all, for a key that does not say."""
        return self._by_name.get(self.by_key.get(key or "", ""), self._any)


# Contract §4, the front gateway's list (M); `InvalidAuthorization` and `InvalidCredential` are known from the SDK.
_REASONS: Mapping[SignatureFault, Reason] = MappingProxyType(
    {
        SignatureFault.NO_AUTHORIZATION: Reason.KEY_MISSING,
        SignatureFault.MALFORMED_AUTHORIZATION: Reason.MALFORMED_AUTHORIZATION,
        SignatureFault.NO_SIGNATURE: Reason.SIGNATURE_MISSING,
        SignatureFault.MALFORMED_CREDENTIAL: Reason.MALFORMED_CREDENTIAL,
        SignatureFault.UNKNOWN_REGION: Reason.MALFORMED_CREDENTIAL,
        SignatureFault.UNKNOWN_SERVICE: Reason.UNKNOWN_SERVICE,
        SignatureFault.NO_DATE: Reason.DATE_MISSING,
        SignatureFault.STALE_DATE: Reason.DATE_STALE,
        SignatureFault.UNKNOWN_ACCESS_KEY: Reason.KEY_UNKNOWN,
        SignatureFault.UNKNOWN_SESSION_TOKEN: Reason.SESSION_TOKEN_UNKNOWN,
        SignatureFault.MISMATCH: Reason.SIGNATURE_WRONG,
    }
)


@frozen
class SignatureAuth:
    """A V4 signature. Contract §9.

    Attributes:
        pairs: Access key → its secret and customer.
        providers: Those that are served, told apart by the region of the signature; the first one is the default.
        by_key: Access key → name of the provider that it stands for, whose region alone it may sign for.
        clock: The machine's: the age of a signature is never measured by an emulated one (contract §10.3).
    """

    pairs: Mapping[str, KeyPair] = field(repr=False)
    providers: tuple[Provider, ...]
    by_key: Mapping[str, str] = field(factory=dict, repr=False)
    clock: Clock = field(factory=SystemClock)
    _day_keys: DayKeys = field(factory=DayKeys, eq=False, repr=False)
    _callers: dict[tuple[str, str], Caller] = field(factory=dict, init=False, eq=False, repr=False)
    _prepared: Callable[[str, str, str, str], tuple[Verifier, Provider]] = field(init=False, eq=False, repr=False)

    @_prepared.default
    def _remember_verifiers(self) -> Callable[[str, str, str, str], tuple[Verifier, Provider]]:
        return lru_cache(maxsize=256)(self._prepare)

    def authenticate(self, call: Call) -> Caller:
        """The customer whose pair has signed.

        Raises:
            Refusal: There is no signature, or a wrong one.
        """
        headers = call.headers
        body = call.body if call.body is None or isinstance(call.body, bytes) else b""
        try:
            unsigned, signature = split_authorization(headers.get("authorization", ""))
            verifier, provider = self._prepared(unsigned, call.method, call.path, call.query)
            access_key = verifier.verify(signature, headers, body, self.clock.now())
        except SignatureError as error:
            raise Refusal(_REASONS[error.fault], id=error.value) from None
        pair = self.pairs[access_key]
        # The emulator gives out no temporary credentials: a pair without a token of its own takes any that is signed.
        if pair.session_token is not None and headers.get("x-security-token") != pair.session_token:
            raise Refusal(_REASONS[SignatureFault.UNKNOWN_SESSION_TOKEN])
        caller = self._callers.get((access_key, provider.name))
        if caller is None:
            caller = self._callers[access_key, provider.name] = Caller(pair.customer, key_handle(access_key), provider)
        return caller

    def provider_of(self, call: Call) -> Provider:
        """By the access key where it stands for one, else by the region that is signed for."""
        try:
            unsigned, _ = split_authorization(call.headers.get("authorization", ""))
            return self._provider_of(parse_authorization(unsigned))
        except SignatureError:
            return self.providers[0]

    def _prepare(self, unsigned: str, method: str, path: str, query: str) -> tuple[Verifier, Provider]:
        """What verifies the signatures of calls, and the provider that they are meant for.

        Args:
            unsigned: Their Authorization header without its signature.
            method: As sent.
            path: As sent.
            query: As sent.

        Raises:
            SignatureError: The header is malformed, or means a region or service that is not the provider's.
        """
        authorization = parse_authorization(unsigned)
        provider = self._provider_of(authorization)
        verifier = Verifier(
            authorization,
            method=method,
            path=path,
            query=query,
            secret_of=self._secret_of,
            regions=(provider.region,),
            service=provider.service,
            keys=self._day_keys,
        )
        return verifier, provider

    def _provider_of(self, authorization: Authorization) -> Provider:
        named = self.by_key.get(authorization.access_key)
        for provider in self.providers:
            if provider.name == named or (named is None and provider.region == authorization.scope.region):
                return provider
        return self.providers[0]

    def _secret_of(self, access_key: str) -> str | None:
        pair = self.pairs.get(access_key)
        return None if pair is None else pair.secret_key
