"""The one parser of http and https addresses: what it accepts is connected to as it was read.

Parsers disagree about backslashes, user names, control characters and numbers in hosts, and an address that one judges
and another connects to sends a key to a stranger. Whatever could be read in two ways is refused here. The grammar is
the strict one of RFC 3986 §3, for hosts further narrowed to what urllib3, yarl and the resolver read alike.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from string import punctuation
from urllib.parse import quote

from attrs import field, frozen

_URL = re.compile(
    r"(?P<scheme>[A-Za-z]+)://"
    r"(?:(?P<userinfo>[^/?#@]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:\#(?P<fragment>.*))?"
)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")  # a host that ends so is an IPv4 address (WHATWG URL, §3.5)
_PORTS = {"http": 80, "https": 443}


@frozen(kw_only=True)
class HttpUrl:
    """An address, taken apart.

    Attributes:
        scheme: `http` or `https`.
        host: In lower case; an IPv6 address without brackets.
        port: The one that is connected to.
        path: From its slash on, "" for none.
        query: What follows the question mark, None without one.
        fragment: What follows the hash, None without one.
        userinfo: What stands before an `@`, None without one.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str | None = field(repr=False)
    fragment: str | None = field(repr=False)
    userinfo: str | None = field(repr=False)

    @cached_property
    def netloc(self) -> str:
        """Host and port as they stand in a URL, without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @cached_property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.netloc}"

    @cached_property
    def target(self) -> str:
        """What the request line says: path and query, beyond ASCII as percent-encoded UTF-8 (RFC 3987 §3.1)."""
        target = (self.path or "/") + ("" if self.query is None else f"?{self.query}")
        return target if target.isascii() else quote(target, safe=punctuation)

    @cached_property
    def is_private(self) -> bool:
        """Does the host name a machine that only a private network reaches? No name server is asked."""
        return is_private(self.host)

    @cached_property
    def is_loopback(self) -> bool:
        """Does the host name this machine?"""
        return is_loopback(self.host)


@lru_cache(maxsize=256)
def parse_http_url(url: str, *, userinfo: bool = False) -> HttpUrl:
    """Read an absolute http or https address.

    Args:
        url: The address.
        userinfo: Whether `user:password@` may stand in it, as it does for proxies.

    Raises:
        ValueError: It is none, or could be read in more than one way. The text does not repeat it.
    """
    if _FORBIDDEN.search(url):
        raise ValueError("has a space, a backslash, a control character or half of a surrogate pair")
    match = _URL.fullmatch(url)
    if match is None or match["scheme"].lower() not in _PORTS:
        raise ValueError("is not an absolute http or https address")
    if match["userinfo"] is not None and not userinfo:
        raise ValueError("has a user name before its host")
    scheme = match["scheme"].lower()
    port = _PORTS[scheme] if match["port"] is None else int(match["port"])
    if not 1 <= port <= 65535:
        raise ValueError("has a port that is not between 1 and 65535")
    return HttpUrl(
        scheme=scheme,
        host=_host(match["host"].lower()),
        port=port,
        path=match["path"] or "",
        query=match["query"],
        fragment=match["fragment"],
        userinfo=match["userinfo"],
    )


def redact_url(url: str) -> str:
    """An address, or what claims to be one, as people may see it: user, query and fragment may hold secrets."""
    scheme, mark, rest = re.split("[?#]", url, maxsplit=1)[0].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"


def _host(host: str) -> str:
    labels = host.split(".")
    try:
        if host.startswith("["):
            return str(IPv6Address(host[1:-1]))
        if _NUMBER.fullmatch(labels[-1]):
            return str(IPv4Address(host))  # refuses short, octal and hexadecimal forms
    except ValueError:
        raise ValueError("has a host that is neither a name nor an IP address in its usual form") from None
    if len(host) > 253 or not all(1 <= len(label) <= 63 for label in labels):
        raise ValueError("has a host that is neither a name nor an IP address in its usual form")
    return host


def is_loopback(host: str) -> bool:
    """Does a host, as `parse_http_url` gives it, name this machine? No name server is asked.

    `localhost` and what ends in `.localhost` (RFC 6761 §6.3), 127.0.0.0/8, ::1, and 127.0.0.0/8 mapped to IPv6.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not (":" in host or host[-1:].isdigit()):  # a name; to find that out by an exception takes long
        return False
    try:
        return is_loopback_address(host)
    except ValueError:
        return False


def local_name(host: str) -> str:
    """What to look a host of this machine up by: a name server may know `a.localhost`, and lead elsewhere."""
    return "localhost" if host.endswith(".localhost") else host


# Names that no public name server knows: RFC 6762 §3, RFC 8375, ICANN's reservation of .internal (2024).
_PRIVATE_NAMES = (".local", ".home.arpa", ".internal")


def is_private(host: str) -> bool:
    """Is a host, as `parse_http_url` gives it, outside of the public Internet, and not this machine?

    IP addresses that are not globally reachable (RFC 6890), and names that no public name server knows.
    """
    if is_loopback(host):
        return False
    try:
        ip = ip_address(host)
    except ValueError:
        return host.endswith(_PRIVATE_NAMES)
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return not (mapped or ip).is_global


def is_loopback_address(address: str) -> bool:
    """Is an IP address one of this machine's loopback?

    Raises:
        ValueError: It is no IP address.
    """
    ip = ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_loopback
