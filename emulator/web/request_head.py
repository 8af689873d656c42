"""The head of a request: method, path, query and headers, and the values derived from them.

The same for requests from a socket and for in-process ones. All text is made valid Unicode here, without lone
surrogates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote

from attrs import field, frozen

from portrait import urls

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


@frozen
class Head:
    """A request without its body.

    Attributes:
        method: As sent: `POST`.
        path: As sent, still percent-encoded, without the query.
        query: As sent, without the question mark.
        headers: A case-insensitive mapping, or one with names in lower case.
        address: Host and port used if the Host header is missing or invalid.
        peer: The IP address that the request came from.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)  # holds the key
    address: str = "127.0.0.1"
    peer: str = "127.0.0.1"

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the query; the first value of each name."""
        return parameters(self.query)

    @property
    def key(self) -> str | None:
        """The Bearer key, None without one."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return text(key.strip()) or None if scheme.lower() == "bearer" else None

    @property
    def host(self) -> str:
        """Host and port as the client addressed them. An invalid Host is never repeated in a link."""
        host = self.headers.get("host", "")
        return host if _HOST.fullmatch(host) else self.address

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def content_length(self) -> int:
        """The Content-Length in bytes; 0 if it is missing or invalid."""
        length = self.headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdigit() else 0

    def header(self, name: str) -> str | None:
        """A header as valid text, None if it is absent."""
        value = self.headers.get(name)
        return None if value is None else text(value)


@lru_cache(maxsize=256)
def parameters(query: str) -> Mapping[str, str]:
    """Parse a query string; the first value of each name."""
    return MappingProxyType(dict(reversed(parse_qsl(text(query), keep_blank_values=True))))


def text(value: str) -> str:
    """Valid Unicode: bytes that are not UTF-8 become replacement characters."""
    return value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def decode_segment(raw: str) -> str:
    """Percent-decode a segment of a path."""
    return text(unquote(raw))


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine: `localhost`, `*.localhost`, `127.0.0.0/8` or `[::1]`, with any port."""
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    name = name.lower().rstrip(".")
    return urls.is_loopback(name.strip("[]"))
