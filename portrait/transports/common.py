"""What both transports share: the largest response, the certificates to trust, and the reading of addresses."""

from __future__ import annotations

import ssl as ssl_module
from functools import lru_cache

from portrait.errors import UsageError
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
