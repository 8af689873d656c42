"""Which proxy leads to an address: the client's `proxy=`, or what the environment names."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from urllib.request import getproxies, proxy_bypass

from portrait.errors import UsageError
from portrait.urls import HttpUrl, parse_http_url


class ProxyResolver:
    """Finds the proxy for an address. The environment is read once for each origin: it costs more than a call.

    This machine is never reached by a proxy of the environment, which would see the key.

    Args:
        configured: A proxy's URL, or "" for none at all; None leaves it to `HTTP_PROXY`, `NO_PROXY` and the like.

    Raises:
        UsageError: It is not an http or https address.
    """

    def __init__(self, configured: str | None) -> None:
        self._configured = _usable_proxy(configured, "proxy=")
        self._by_origin: dict[str, str | None] = {}

    def __call__(self, url: HttpUrl) -> str | None:
        """The proxy's URL, None to go straight.

        Raises:
            UsageError: The environment names a proxy that cannot be used.
        """
        if self._configured is not None:
            return self._configured or None
        origin = url.origin
        if origin not in self._by_origin:
            self._by_origin[origin] = _usable_proxy(_proxy_of_environment(url), "The environment")
        return self._by_origin[origin]


def _usable_proxy(proxy: str | None, source: str) -> str | None:
    if not proxy:
        return proxy
    try:
        parse_http_url(proxy, userinfo=True)
    except ValueError:  # it is not repeated: it may hold a password
        raise UsageError(
            f"{source} names a proxy that is not an http or https address.",
            advice='It looks like http://proxy.example:3128; proxy="" goes straight.',
        ) from None
    return proxy


def _proxy_of_environment(url: HttpUrl) -> str | None:
    if url.is_loopback:
        return None
    proxies = getproxies()
    # With the port, since NO_PROXY may name one.
    if not proxies or proxy_bypass(f"{url.host}:{url.port}") or _is_excluded(url.host, proxies.get("no", "")):
        return None
    return proxies.get(url.scheme) or proxies.get("all")


def _is_excluded(host: str, no_proxy: str) -> bool:
    """What Python's own reading of `NO_PROXY` lacks: networks, addresses in brackets, `*.name`, spaces for commas.

    curl and the HTTP libraries of other languages read these.
    """
    return any(_covers(entry.lower(), host) for entry in no_proxy.replace(",", " ").split())


def _covers(entry: str, host: str) -> bool:
    name = entry.removeprefix("*").removeprefix(".")
    if host == name or host.endswith(f".{name}"):
        return True
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
