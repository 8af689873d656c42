"""The V4 signature of Volcengine and BytePlus, HMAC-SHA256: sign a request, and verify one. Pure.

Contract §9. A signature covers the exact bytes, path, query and host that are sent, and a moment; so each attempt is
signed anew. Whether a moment is too old is for the caller of `verify` to say, by the machine's clock.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, quote

from attrs import define, field, frozen

from portrait.http import HttpRequest
from portrait.urls import parse_http_url

ALGORITHM = "HMAC-SHA256"
TERMINATOR = "request"
MAX_SKEW_SECONDS = 15 * 60  # contract §10.3
_SIGNED = ("content-type", "content-md5", "host")
_DEFAULT_PORT = re.compile(r":(?:80|443)$")
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM}\s+Credential=(?P<credential>[^,\s]+)\s*,\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+)\s*,\s*Signature=(?P<signature>[0-9A-Fa-f]+)"
)
_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"


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


@frozen
class Credentials:
    """A pair of keys, and the session token that belongs to temporary ones.

    Attributes:
        access_key: The AK; it travels in clear.
        secret_key: The SK; it never travels.
        session_token: Of temporary credentials; None for lasting ones.
    """

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


class Scope(NamedTuple):
    """What a signature is good for: one day, region and service."""

    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


@define
class DayKeys:
    """Signing keys by secret and scope: deriving one takes four hashes, and it serves for a day.

    Safe across threads. Keys of other days are dropped.
    """

    _keys: dict[tuple[str, Scope], bytes] = field(factory=dict, repr=False)

    def get(self, secret_key: str, scope: Scope) -> bytes:
        """The key: HMAC chain of date, region, service and `request` over the secret, which has no prefix."""
        key = self._keys.get((secret_key, scope))
        if key is None:
            key = secret_key.encode()
            for part in (scope.date, scope.region, scope.service, TERMINATOR):
                key = _hmac(key, part)
            self._keys = {k: v for k, v in self._keys.copy().items() if k[1].date == scope.date}
            self._keys[secret_key, scope] = key
        return key


@frozen
class SignatureAuth:
    """A V4 signature by a pair of keys. Contract §9.

    Attributes:
        credentials: The pair, and the session token of temporary ones.
        region: Such as `cn-beijing`.
        service: Such as `ark`.
    """

    credentials: Credentials
    region: str
    service: str
    _keys: DayKeys = field(factory=DayKeys, eq=False, repr=False)

    def apply(self, request: HttpRequest, now: float) -> HttpRequest:
        """The request with a signature of this moment."""
        return sign(request, self.credentials, region=self.region, service=self.service, now=now, keys=self._keys)

    def secrets(self) -> tuple[str, ...]:
        """The secret key and the session token; the access key travels in clear."""
        token = self.credentials.session_token
        return (self.credentials.secret_key,) if token is None else (self.credentials.secret_key, token)


def sign(
    request: HttpRequest,
    credentials: Credentials,
    *,
    region: str,
    service: str,
    now: float,
    keys: DayKeys | None = None,
) -> HttpRequest:
    """The request with the headers that carry its signature; headers of an earlier signature are replaced.

    Args:
        request: Method, URL, headers and body exactly as they will be sent.
        credentials: Whose signature it is.
        region: Such as `cn-beijing`.
        service: Such as `ark`.
        now: The moment, in seconds since 1970.
        keys: Keeps derived keys; None derives one for this request.
    """
    date = _format_date(int(now))
    scope = _scope(date[:8], region, service)
    host, path, query = _split_url(request.url)
    body_hash = hashlib.sha256(request.body).hexdigest()
    headers = {**request.headers, "Host": host, "X-Date": date, "X-Content-Sha256": body_hash}
    if credentials.session_token is not None:
        headers["X-Security-Token"] = credentials.session_token
    signed = [(name, headers[spelling]) for name, spelling in _signed(tuple(headers))]
    names, canonical = canonical_request(request.method, path, query, signed, body_hash)
    key = (keys or DayKeys()).get(credentials.secret_key, scope)
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, "
        f"Signature={_signature(key, date, scope, canonical)}"
    )
    return HttpRequest(  # not attrs.evolve, which takes half as long again on every attempt
        method=request.method, url=request.url, headers=headers, body=request.body, timeouts=request.timeouts
    )


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
    access_key, scope, names, signature = parse_authorization(headers.get("authorization", ""))
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
    signed = {name: headers[name] for name in names if name in headers}
    complete = len(signed) == len(names) and "host" in signed and "x-date" in signed
    if not complete or ("x-security-token" in headers and "x-security-token" not in signed):
        raise SignatureError(SignatureFault.MISMATCH)
    key = (keys or DayKeys()).get(secret, scope)
    # The official SDK signs the host with its port, the rules cut a default port off: either is a signature.
    for host in (signed["host"], _without_default_port(signed["host"])):
        signed["host"] = host
        _, canonical = canonical_request(method, path, query, signed.items(), body_hash)
        if hmac.compare_digest(_signature(key, date, scope, canonical), signature):
            return access_key
    raise SignatureError(SignatureFault.MISMATCH)


def canonical_request(
    method: str, path: str, query: str, headers: Iterable[tuple[str, str]], body_hash: str
) -> tuple[str, str]:
    """The names of the signed headers, and the text that is signed: contract §9.4.

    Args:
        method: `POST` and the like.
        path: As sent; an empty one is `/`.
        query: As sent.
        headers: The signed ones, names in lower case, in order.
        body_hash: Hexadecimal SHA-256 of the exact bytes.
    """
    pairs = list(headers)
    lines = "".join([f"{name}:{value.strip()}\n" for name, value in pairs])
    names = ";".join([name for name, _ in pairs])
    return names, f"{method}\n{path or '/'}\n{canonical_query(query)}\n{lines}\n{names}\n{body_hash}"


@lru_cache(maxsize=256)
def canonical_query(query: str) -> str:
    """Percent-encoded but for `A-Za-z0-9-_.~`, sorted by key, then value. Contract §9.3."""
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)


@lru_cache(maxsize=64)
def parse_authorization(text: str) -> tuple[str, Scope, tuple[str, ...], str]:
    """What an Authorization header claims: access key, scope, names of the signed headers, signature.

    Raises:
        SignatureError: It is absent or malformed.
    """
    if not text:
        raise SignatureError(SignatureFault.NO_AUTHORIZATION)
    parts = _AUTHORIZATION.fullmatch(text)
    if parts is None:
        unsigned = text.startswith(ALGORITHM) and "Credential=" in text and "Signature=" not in text
        raise SignatureError(SignatureFault.NO_SIGNATURE if unsigned else SignatureFault.MALFORMED_AUTHORIZATION)
    access_key, *scope = parts["credential"].rsplit("/", 4)
    if not access_key or len(scope) != 4 or scope[3] != TERMINATOR or not all(scope):
        raise SignatureError(SignatureFault.MALFORMED_CREDENTIAL)
    return access_key, Scope(*scope[:3]), tuple(parts["headers"].split(";")), parts["signature"]


def _check_date(date: str, scope: Scope, now: float) -> None:
    if not date:
        raise SignatureError(SignatureFault.NO_DATE)
    moment = _parse_date(date)
    if moment is None or date[:8] != scope.date or abs(now - moment) > MAX_SKEW_SECONDS:
        raise SignatureError(SignatureFault.STALE_DATE)


# Calls of one second share their date, and those of one client their addresses and headers.


@lru_cache(maxsize=64)
def _scope(date: str, region: str, service: str) -> Scope:
    return Scope(date, region, service)


@lru_cache(maxsize=64)
def _signed(spellings: tuple[str, ...]) -> list[tuple[str, str]]:
    """Those of a request's headers that are signed, in their order: names in lower case, and as they are spelled."""
    names = ((spelling.lower(), spelling) for spelling in spellings)
    return sorted(pair for pair in names if pair[0] in _SIGNED or pair[0].startswith("x-"))


@lru_cache(maxsize=64)
def _format_date(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).strftime(_DATE_FORMAT)


@lru_cache(maxsize=64)
def _parse_date(date: str) -> float | None:
    """Seconds since 1970; None for what is no date."""
    try:
        return datetime.strptime(date, _DATE_FORMAT).replace(tzinfo=UTC).timestamp() if _DATE.fullmatch(date) else None
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _split_url(url: str) -> tuple[str, str, str]:
    """Host without a default port, path, and query, as transports send them: beyond ASCII percent-encoded."""
    parsed = parse_http_url(url)
    path, _, query = parsed.target.partition("?")
    return _without_default_port(parsed.netloc), path, query


def _without_default_port(host: str) -> str:
    return _DEFAULT_PORT.sub("", host)


def _signature(key: bytes, date: str, scope: Scope, canonical: str) -> str:
    # Whatever bytes a header has: they are compared, not understood.
    digest = hashlib.sha256(canonical.encode(errors="surrogateescape")).hexdigest()
    return _hmac(key, f"{ALGORITHM}\n{date}\n{scope}\n{digest}").hex()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")  # at once, which takes half as long as an object
