"""The V4 signature of a request, verified over what was received. Pure.

Contract §9. Whether a moment is too old is said by the machine's clock.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from portrait.signing import (
    ALGORITHM,
    DATE_FORMAT,
    TERMINATOR,
    DayKeys,
    Scope,
    canonical_request,
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


def verify(
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes | None,
    secret_of: Callable[[str], str | None],
    now: float,
    regions: Iterable[str],
    service: str,
    keys: DayKeys | None = None,
) -> str:
    """The access key whose signature a request carries.

    Args:
        method: As sent.
        path: As sent, percent-encoded.
        query: As sent, without the question mark.
        headers: As received, names in lower case.
        body: The exact bytes; None for a body that was not read, of which the request's own hash is believed.
        secret_of: The secret of an access key; None for an unknown one.
        now: The machine's time, in seconds since 1970.
        regions: Those that are served.
        service: The one that is served.
        keys: Keeps derived keys.

    Raises:
        SignatureError: The request is refused.
    """
    (access_key, scope, names, is_complete), signature = parse_authorization(headers.get("authorization", ""))
    if scope.region not in regions:
        raise SignatureError(SignatureFault.UNKNOWN_REGION, scope.region)
    if scope.service != service:
        raise SignatureError(SignatureFault.UNKNOWN_SERVICE, scope.service)
    date = headers.get("x-date", "")
    _check_date(date, scope, now)
    secret = secret_of(access_key)
    if secret is None:
        raise SignatureError(SignatureFault.UNKNOWN_ACCESS_KEY, access_key)
    stated = headers.get("x-content-sha256")
    body_hash = (stated or "") if body is None else hashlib.sha256(body).hexdigest()
    if stated is not None and stated != body_hash:
        raise SignatureError(SignatureFault.MISMATCH)
    if not is_complete or ("x-security-token" in headers and "x-security-token" not in names):
        raise SignatureError(SignatureFault.MISMATCH)
    keys = keys or DayKeys()
    try:
        for signed in _spellings(headers, names):
            canonical = canonical_request(method, path, query, signed, names=names, body_hash=body_hash)
            if hmac.compare_digest(keys.sign(secret, scope, date, canonical), signature):
                return access_key
    except KeyError:  # one of the signed headers is not there
        pass
    raise SignatureError(SignatureFault.MISMATCH)


def _spellings(headers: Mapping[str, str], names: Iterable[str]) -> Iterator[Mapping[str, str]]:
    """The headers as they were received, and without a default port in the host.

    The official SDK signs the host with its port, the rules cut a default port off: either is a signature.
    """
    yield headers
    host = without_default_port(headers["host"])
    if host != headers["host"]:
        yield {name: headers[name] for name in names} | {"host": host}


@lru_cache(maxsize=64)  # who answers a call looks at it more than once
def parse_authorization(text: str) -> tuple[Authorization, str]:
    """An Authorization header, and its signature.

    Raises:
        SignatureError: It is absent or malformed.
    """
    if not text:
        raise SignatureError(SignatureFault.NO_AUTHORIZATION)
    unsigned, mark, signature = text.rpartition("Signature=")
    if not mark or not _HEX.fullmatch(signature):
        lacks_signature = not mark and text.startswith(ALGORITHM) and "Credential=" in text
        raise SignatureError(SignatureFault.NO_SIGNATURE if lacks_signature else SignatureFault.MALFORMED_AUTHORIZATION)
    return _parse_unsigned(unsigned), signature


# Calls of a client and a day share all of the proof but the signature, and those of one second their date.


@lru_cache(maxsize=256)
def _parse_unsigned(text: str) -> Authorization:
    parts = _UNSIGNED.fullmatch(text)
    if parts is None:
        raise SignatureError(SignatureFault.MALFORMED_AUTHORIZATION)
    access_key, *scope = parts["credential"].rsplit("/", 4)
    if not access_key or len(scope) != 4 or scope[3] != TERMINATOR or not all(scope) or not _DAY.fullmatch(scope[0]):
        raise SignatureError(SignatureFault.MALFORMED_CREDENTIAL)
    names = tuple(parts["headers"].split(";"))
    is_complete = {"host", "x-date"} <= set(names) and len(set(names)) == len(names)
    return Authorization(access_key, Scope(*scope[:3]), names, is_complete)


def _check_date(date: str, scope: Scope, now: float) -> None:
    if not date:
        raise SignatureError(SignatureFault.NO_DATE)
    moment = _parse_date(date)
    if moment is None or date[:8] != scope.date or abs(now - moment) > MAX_SKEW_SECONDS:
        raise SignatureError(SignatureFault.STALE_DATE)


@lru_cache(maxsize=64)
def _parse_date(date: str) -> float | None:
    """Seconds since 1970; None for what is no date."""
    try:
        return datetime.strptime(date, DATE_FORMAT).replace(tzinfo=UTC).timestamp() if _DATE.fullmatch(date) else None
    except ValueError:
        return None
