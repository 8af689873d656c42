"""The V4 signature of a request, verified over what was received. Pure.

Contract §9. Whether a moment is too old is said by the machine's clock.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple

from portrait.signing import (
    ALGORITHM,
    DATE_FORMAT,
    TERMINATOR,
    CanonicalForm,
    DayKeys,
    Scope,
    SigningKey,
    without_default_port,
)

MAX_SKEW_SECONDS = 15 * 60  # contract §10.3
_UNSIGNED = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<credential>[^,\s]+)\s*,\s*SignedHeaders=(?P<headers>[^,\s]+)\s*,\s*"
)
_HEX = re.compile(r"[0-9A-Fa-f]+")
_DAY = re.compile(r"[0-9]{8}")
_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")


class SignatureFault(StrEnum):
    """Why a signed request is refused, in the order of the checks. Contract §4, front-gateway errors."""

    NO_AUTHORIZATION = "no Authorization header"
    MALFORMED_AUTHORIZATION = "a malformed Authorization header"
    NO_SIGNATURE = "no Signature in the Authorization header"
    MALFORMED_CREDENTIAL = "a malformed credential scope"
    UNKNOWN_REGION = "a region that is not served"
    UNKNOWN_SERVICE = "a service that is not served"
    NO_DATE = "no X-Date header"
    STALE_DATE = "an X-Date outside of the window, or of another day than the scope"
    UNKNOWN_ACCESS_KEY = "an unknown access key"
    UNKNOWN_SESSION_TOKEN = "an unknown session token"  # noqa: S105
    MISMATCH = "a signature that does not match"


class SignatureError(Exception):
    """A signed request is refused.

    Attributes:
        fault: Why.
        value: The access key, region or service that is meant; "" for other faults.
    """

    def __init__(self, fault: SignatureFault, value: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.value = value


class Authorization(NamedTuple):
    """An Authorization header without its signature.

    Attributes:
        access_key: Whose signature it is.
        scope: What it is good for.
        names: Of the headers that are signed, in order.
        is_complete: Whether host and date are among them, and none is twice.
    """

    access_key: str
    scope: Scope
    names: tuple[str, ...]
    is_complete: bool


class Verifier:
    """Verifies signatures of requests that share a target and all of their Authorization header but the signature.

    What such requests share is prepared once: a client sends hundreds of them.

    Args:
        authorization: What they say of their signatures.
        method: As sent.
        path: As sent, percent-encoded.
        query: As sent, without the question mark.
        secret_of: The secret of an access key; None for an unknown one.
        regions: Those that are served.
        service: The one that is served.
        keys: Keeps derived keys.

    Raises:
        SignatureError: Another region or service is meant.
    """

    def __init__(
        self,
        authorization: Authorization,
        *,
        method: str,
        path: str,
        query: str,
        secret_of: Callable[[str], str | None],
        regions: Iterable[str],
        service: str,
        keys: DayKeys | None = None,
    ) -> None:
        scope = authorization.scope
        if scope.region not in regions:
            raise SignatureError(SignatureFault.UNKNOWN_REGION, scope.region)
        if scope.service != service:
            raise SignatureError(SignatureFault.UNKNOWN_SERVICE, scope.service)
        self._authorization = authorization
        self._target = method, path, query
        self._secret_of = secret_of
        self._keys = keys or DayKeys()

    # Prepared once a request has a good date: the key of another day would displace those in use.

    @cached_property
    def _key(self) -> SigningKey:
        access_key, scope, *_ = self._authorization
        secret = self._secret_of(access_key)
        if secret is None:
            raise SignatureError(SignatureFault.UNKNOWN_ACCESS_KEY, access_key)
        return self._keys.key(secret, scope)

    @cached_property
    def _form(self) -> CanonicalForm:
        return CanonicalForm(*self._target, self._authorization.names)

    def verify(self, signature: str, headers: Mapping[str, str], body: bytes | None, now: float) -> str:
        """The access key whose signature it is.

        Args:
            signature: As sent.
            headers: As received, names in lower case.
            body: The exact bytes; None for a body that was not read, of which the request's own hash is believed.
            now: The machine's time, in seconds since 1970.

        Raises:
            SignatureError: The request is refused.
        """
        access_key, scope, names, is_complete = self._authorization
        date = headers.get("x-date", "")
        if not date:
            raise SignatureError(SignatureFault.NO_DATE)
        moment = _parse_date(date)
        if moment is None or date[:8] != scope.date or abs(now - moment) > MAX_SKEW_SECONDS:
            raise SignatureError(SignatureFault.STALE_DATE)
        key = self._key
        stated = headers.get("x-content-sha256")
        body_hash = (stated or "") if body is None else hashlib.sha256(body).hexdigest()
        if stated is not None and stated != body_hash:
            raise SignatureError(SignatureFault.MISMATCH)
        if not is_complete or ("x-security-token" in headers and "x-security-token" not in names):
            raise SignatureError(SignatureFault.MISMATCH)
        try:
            expected = key.sign(date, self._form.fill(headers, body_hash))
            if not hmac.compare_digest(expected, signature):
                port_cut_off = _without_default_port(headers, names)
                expected = key.sign(date, self._form.fill(port_cut_off, body_hash))
            if hmac.compare_digest(expected, signature):
                return access_key
        except KeyError:  # one of the signed headers is not there
            pass
        raise SignatureError(SignatureFault.MISMATCH)


def _without_default_port(headers: Mapping[str, str], names: Iterable[str]) -> Mapping[str, str]:
    """The signed headers without a default port in the host.

    The official SDK signs the host with its port, the rules cut a default port off: either is a signature.
    """
    return {name: headers[name] for name in names} | {"host": without_default_port(headers["host"])}


def split_authorization(text: str) -> tuple[str, str]:
    """An Authorization header without its signature, and that.

    Raises:
        SignatureError: It is absent or malformed.
    """
    if not text:
        raise SignatureError(SignatureFault.NO_AUTHORIZATION)
    unsigned, mark, signature = text.rpartition("Signature=")
    if not mark or not _HEX.fullmatch(signature):
        lacks_signature = not mark and text.startswith(ALGORITHM) and "Credential=" in text
        raise SignatureError(SignatureFault.NO_SIGNATURE if lacks_signature else SignatureFault.MALFORMED_AUTHORIZATION)
    return unsigned, signature


def parse_authorization(unsigned: str) -> Authorization:
    """An Authorization header without its signature.

    Raises:
        SignatureError: It is malformed.
    """
    parts = _UNSIGNED.fullmatch(unsigned)
    if parts is None:
        raise SignatureError(SignatureFault.MALFORMED_AUTHORIZATION)
    access_key, *scope = parts["credential"].rsplit("/", 4)
    if not access_key or len(scope) != 4 or scope[3] != TERMINATOR or not all(scope) or not _DAY.fullmatch(scope[0]):
        raise SignatureError(SignatureFault.MALFORMED_CREDENTIAL)
    names = tuple(parts["headers"].split(";"))
    is_complete = {"host", "x-date"} <= set(names) and len(set(names)) == len(names)
    return Authorization(access_key, Scope(*scope[:3]), names, is_complete)


@lru_cache(maxsize=64)  # a client's calls of one second share it
def _parse_date(date: str) -> float | None:
    """Seconds since 1970; None for what is no date."""
    try:
        return datetime.strptime(date, DATE_FORMAT).replace(tzinfo=UTC).timestamp() if _DATE.fullmatch(date) else None
    except ValueError:
        return None
