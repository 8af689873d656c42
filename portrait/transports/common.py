"""What both transports share: the largest answer, whom to trust, which way leads out, and what went wrong on it."""

from __future__ import annotations

import os
import socket
import ssl as ssl_module
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from portrait.errors import UsageError
from portrait.http import FailureKind

# What OpenSSL says of a peer that speaks something else, and of a handshake that was refused.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"})
_HANDSHAKE = _NO_TLS | {
    "UNSUPPORTED_PROTOCOL",
    "NO_PROTOCOLS_AVAILABLE",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "TLSV1_UNRECOGNIZED_NAME",
}

# What is said already by where the request broke off.
TIMED_OUT = frozenset({FailureKind.CONNECT_TIMEOUT, FailureKind.TIMEOUT})

MAX_RESPONSE_BYTES = 32 * 1024 * 1024  # bytes; a page of 100 items has some 100 KB


def ssl_context(ssl: ssl_module.SSLContext | str | None) -> ssl_module.SSLContext | None:
    """A context as given, or one that trusts the certificates in a file; None for the library's default.

    Raises:
        UsageError: The file cannot be read or holds no certificate.
    """
    if ssl is None or isinstance(ssl, ssl_module.SSLContext):
        return ssl
    try:
        return ssl_module.create_default_context(cafile=ssl)
    except (OSError, ssl_module.SSLError) as error:
        raise UsageError(f"The CA file given by ssl= cannot be used: {error}.") from None


@lru_cache(maxsize=64)
def origin_of(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


class ProxyResolver:
    """Which proxy leads to an address. The environment is read once for each host: it costs more than a call.

    Args:
        given: A proxy's URL, or "" for none at all; None leaves it to `HTTP_PROXY`, `NO_PROXY` and the like.

    Raises:
        UsageError: It is not an http or https address.
    """

    def __init__(self, given: str | None) -> None:
        self._configured = _usable_proxy(given, "proxy=")
        self._found: dict[str, str | None] = {}

    def __call__(self, url: str) -> str | None:
        """The proxy's URL, None to go straight.

        Raises:
            UsageError: The environment names a proxy that cannot be used.
        """
        if self._configured is not None:
            return self._configured or None
        origin = origin_of(url)
        if origin not in self._found:
            self._found[origin] = _usable_proxy(_proxy_of_environment(url), "The environment")
        return self._found[origin]


def _usable_proxy(proxy: str | None, where: str) -> str | None:
    if not proxy:
        return proxy
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:  # it is not repeated: it may hold a password
        raise UsageError(
            f"{where} names a proxy that is not an http or https address.",
            advice='It looks like http://proxy.example:3128; proxy="" goes straight.',
        )
    return proxy


def _proxy_of_environment(url: str) -> str | None:
    parts = urlsplit(url)
    found = getproxies()
    if not found or proxy_bypass(parts.hostname or ""):
        return None
    return found.get(parts.scheme) or found.get("all")


def is_loopback(host: str) -> bool:
    """Does the host name this machine, by what it says and without asking a name server?"""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def describe_failure(error: BaseException) -> str:
    """Why a request failed, in words of the operating system; never the library's own text, which repeats the URL."""
    for cause in _causes(error):
        if isinstance(cause, ssl_module.SSLCertVerificationError):
            why = getattr(cause, "verify_message", "")  # aiohttp has an error of that family without one
            return f"the certificate is not trusted{why and f': {why}'}; name your CA by ssl="
        if isinstance(cause, ssl_module.SSLError):
            said = getattr(cause, "reason", "") in _NO_TLS
            return "it does not speak TLS; is it a plain http address?" if said else "the TLS connection broke"
        if isinstance(cause, socket.gaierror):
            return "there is no such host"
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(abs(cause.errno)).lower()
    return type(error).__name__


def failed_before_send(error: BaseException) -> bool:
    """Did TLS fail before anything could be sent? Where that is not sure, it did not."""
    return any(
        isinstance(cause, ssl_module.SSLCertVerificationError)
        or (isinstance(cause, ssl_module.SSLError) and getattr(cause, "reason", "") in _HANDSHAKE)
        for cause in _causes(error)
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from, also where a library keeps that in an attribute or an argument."""
    seen: list[BaseException] = []
    queue: list[BaseException] = [error]
    while queue and len(seen) < 20:
        current = queue.pop(0)
        if current in seen:
            continue
        seen.append(current)
        yield current
        linked = (current.__cause__, current.__context__, getattr(current, "os_error", None), *current.args)
        queue += [cause for cause in linked if isinstance(cause, BaseException)]
