"""What both transports share: the largest response, the certificates to trust, addresses, and heads of requests."""

from __future__ import annotations

import ssl as ssl_module
from functools import lru_cache

from portrait.errors import UsageError
from portrait.http import HttpRequest
from portrait.urls import HttpUrl, parse_http_url

MAX_RESPONSE_BYTES = 32 * 1024 * 1024  # a page of 100 items has some 100 KB


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


@lru_cache(maxsize=256)
def parse_request_url(url: str) -> HttpUrl:
    """Where a request goes: the same reading for the choice of a proxy and for the connection.

    Raises:
        UsageError: It cannot be read in one way only.
    """
    try:
        return parse_http_url(url)
    except ValueError as error:
        raise UsageError(f"The address of a request {error}.") from None


def encode_head(request: HttpRequest, target: str, usual: tuple[tuple[str, str], ...]) -> bytes:
    """The request line and the headers.

    Args:
        request: The request.
        target: What the request line says.
        usual: The headers that a request gets if it lacks them: names in lower case, and their lines.

    Raises:
        ValueError: A header holds a line break, which would end it.
    """
    lines = [f"{request.method} {target} HTTP/1.1", *_missing(usual, tuple(request.headers))]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines.append(f"Content-Length: {len(request.body)}")
    head = "\r\n".join([*lines, "\r\n"])
    if head.count("\r") != len(lines) + 1 or head.count("\n") != len(lines) + 1:
        raise ValueError("a header of the request holds a line break")
    return head.encode("latin-1")


@lru_cache(maxsize=64)  # the same for all requests of a client
def _missing(usual: tuple[tuple[str, str], ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of those usual headers that a request lacks."""
    lower = {name.lower() for name in names}
    return tuple(line for name, line in usual if name not in lower)
