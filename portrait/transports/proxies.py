"""Which proxy leads to an address: the client's `proxy=`, or what the environment names."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from portrait.errors import UsageError


class ProxyResolver:
    """Finds the proxy for an address. The environment is read once for each origin: it costs more than a call.

    Args:
        configured: A proxy's URL, or "" for none at all; None leaves it to `HTTP_PROXY`, `NO_PROXY` and the like.

    Raises:
        UsageError: It is not an http or https address.
    """

    def __init__(self, configured: str | None) -> None:
        self._configured = _usable_proxy(configured, "proxy=")
        self._by_origin: dict[str, str | None] = {}

    def __call__(self, url: str) -> str | None:
        """The proxy's URL, None to go straight.

        Raises:
            UsageError: The environment names a proxy that cannot be used.
        """
        if self._configured is not None:
            return self._configured or None
        origin = _origin(url)
        if origin not in self._by_origin:
            self._by_origin[origin] = _usable_proxy(_proxy_of_environment(url), "The environment")
        return self._by_origin[origin]


@lru_cache(maxsize=64)
def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _usable_proxy(proxy: str | None, source: str) -> str | None:
    if not proxy:
        return proxy
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:  # it is not repeated: it may hold a password
        raise UsageError(
            f"{source} names a proxy that is not an http or https address.",
            advice='It looks like http://proxy.example:3128; proxy="" goes straight.',
        )
    return proxy


def _proxy_of_environment(url: str) -> str | None:
    parts = urlsplit(url)
    proxies = getproxies()
    if not proxies or proxy_bypass(parts.hostname or ""):
        return None
    return proxies.get(parts.scheme) or proxies.get("all")
