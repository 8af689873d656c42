"""What both transports share: the largest response, the certificates to trust, and the test for this machine."""

from __future__ import annotations

import ssl as ssl_module
from ipaddress import ip_address

from portrait.errors import UsageError

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


def is_loopback(host: str) -> bool:
    """Does the host name this machine, by what it says and without asking a name server?"""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
