"""What a failure of a transport means: its kind, by how far the request came, and its cause in words.

"Nothing was sent" must be certain, because such a call is sent again: a wrong answer makes a second asset.
"""

from __future__ import annotations

import os
import re
import socket
import ssl as ssl_module
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from types import MappingProxyType

from portrait.http import FailureKind, TransportFailure
from portrait.urls import parse_http_url


class Phase(Enum):
    """How far a request came."""

    CONNECT = auto()  # name look-up, TCP, the proxy's tunnel, TLS: no byte of the request was sent
    REQUEST = auto()  # from its first byte to the head of the response
    RESPONSE = auto()  # the head arrived, the body did not


class Cause(Enum):
    """What ended it."""

    TIMEOUT = auto()
    MALFORMED = auto()  # something arrived that is not HTTP
    CLOSED = auto()  # everything else: the connection ended or was refused


KINDS: Mapping[tuple[Phase, Cause], FailureKind] = MappingProxyType(
    {
        (Phase.CONNECT, Cause.TIMEOUT): FailureKind.CONNECT_TIMEOUT,
        (Phase.CONNECT, Cause.MALFORMED): FailureKind.CONNECT,
        (Phase.CONNECT, Cause.CLOSED): FailureKind.CONNECT,
        (Phase.REQUEST, Cause.TIMEOUT): FailureKind.TIMEOUT,
        (Phase.REQUEST, Cause.MALFORMED): FailureKind.INCOMPLETE,
        (Phase.REQUEST, Cause.CLOSED): FailureKind.DISCONNECTED,
        (Phase.RESPONSE, Cause.TIMEOUT): FailureKind.TIMEOUT,
        (Phase.RESPONSE, Cause.MALFORMED): FailureKind.INCOMPLETE,
        (Phase.RESPONSE, Cause.CLOSED): FailureKind.INCOMPLETE,
    }
)

# What OpenSSL says of a peer that speaks something else, and of a handshake that was refused.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"})
_HANDSHAKE = _NO_TLS | {
    "UNSUPPORTED_PROTOCOL",
    "NO_PROTOCOLS_AVAILABLE",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "TLSV1_UNRECOGNIZED_NAME",
}
_REFUSED_TUNNEL = re.compile(r"Tunnel connection failed: (?P<status>[0-9]{3})")  # http.client


def transport_failure(
    error: BaseException, phase: Phase, *, malformed: tuple[type[BaseException], ...], proxy: str | None
) -> TransportFailure:
    """The failure for an exception of an HTTP library.

    Args:
        error: The exception.
        phase: How far the request came.
        malformed: The library's exceptions for a response that is not HTTP.
        proxy: The URL of the proxy in between; the failure names its host and port.
    """
    cause = _cause(error, malformed)
    described = "" if cause is Cause.TIMEOUT else describe_failure(error)
    through = f"proxy {parse_http_url(proxy, userinfo=True).netloc}" if proxy else ""
    return TransportFailure(KINDS[phase, cause], ": ".join(filter(None, (through, described))))


def _cause(error: BaseException, malformed: tuple[type[BaseException], ...]) -> Cause:
    causes = list(_causes(error))
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return Cause.TIMEOUT
    # http.client.RemoteDisconnected is both: there nothing arrived.
    if any(isinstance(cause, malformed) and not isinstance(cause, ConnectionError) for cause in causes):
        return Cause.MALFORMED
    return Cause.CLOSED


def describe_failure(error: BaseException) -> str:
    """Why a request failed, in words of the operating system; never the library's own text, which repeats the URL."""
    for cause in _causes(error):
        if isinstance(cause, ssl_module.SSLCertVerificationError):
            # aiohttp's own errors of that family have no reason; those of OpenSSL, from which they came, have one.
            whys = [why for each in _causes(cause) if (why := getattr(each, "verify_message", None))]
            return ": ".join(["the certificate is not trusted", *whys[:1]]) + "; name your CA by ssl="
        if isinstance(cause, ssl_module.SSLError):
            plain = any(getattr(each, "reason", "") in _NO_TLS for each in _causes(cause))
            return "it does not speak TLS; is it a plain http address?" if plain else "the TLS connection broke"
        if isinstance(cause, socket.gaierror):
            return "there is no such host"
        if isinstance(cause, OSError) and (cause.errno or 0) > 0:  # below are those of name look-ups
            return os.strerror(cause.errno or 0).lower()
        if refusal := _REFUSED_TUNNEL.match(str(cause)):
            login = "; it wants a user and a password" if refusal["status"] == "407" else ""
            return f"the tunnel was refused with HTTP status {refusal['status']}{login}"
    return type(error).__name__


def failed_before_send(error: BaseException) -> bool:
    """Did TLS fail before anything could be sent? False where that is not certain."""
    return any(
        isinstance(cause, ssl_module.SSLCertVerificationError)
        or (isinstance(cause, ssl_module.SSLError) and getattr(cause, "reason", "") in _HANDSHAKE)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from, also where a library keeps that in an attribute or an argument."""
    seen: list[BaseException] = []
    queue: list[BaseException] = [error]
    while queue:
        current = queue.pop(0)
        if current in seen:
            continue
        seen.append(current)
        yield current
        linked = (current.__cause__, current.__context__, getattr(current, "os_error", None), *current.args)
        queue += [cause for cause in linked if isinstance(cause, BaseException)]
